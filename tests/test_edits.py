"""Law: the photos that figures are measured on are the same each time, show their edit, and it is found."""

import io
import json
from pathlib import Path

import pytest
from fakes import CountingReader, shop
from PIL import Image

from sightline.benchmarks import differences, edits, photographs
from sightline.examples.render.fonts import FACES
from sightline.memory.photos import PhotoStore
from sightline.memory.readings import Readings
from sightline.tools.compare import compare
from sightline.tools.kit import Kit
from sightline.tools.photos import load

pytestmark = pytest.mark.skipif(
    not all(Path(face.path).is_file() for face in FACES.values()), reason="the typefaces of the samples are not here"
)


def test_kinds_and_scripts_are_spread_evenly_over_the_seeds() -> None:
    drawn = [(edits.kind_of(seed), edits.subject(seed).script, edits.subject(seed).made_up) for seed in range(36)]
    assert len(set(drawn)) == 36 == len(edits.KINDS) * 4


BY_COLOUR = {"logo recoloured": {"colour"}, "panel colour": {"colour"}, "missing seal": {"missing"}}


@pytest.mark.parametrize("seed", [9, 10, 2, 3, 13, 14, 6, 16, 17], ids=edits.kind_of)
def test_an_edit_of_each_kind_is_boxed(seed: int) -> None:
    kind = edits.kind_of(seed)
    boxed = {
        mark for mark, overlap, _, _ in differences.measure((seed, kind), None).marks if overlap > differences.BOXED
    }
    assert boxed
    assert boxed <= BY_COLOUR.get(kind, boxed)


def test_a_genuine_photo_with_a_thumb_and_a_price_tag_has_no_mark() -> None:
    result = differences.measure((1, None), None)
    assert result.shot.over == ("thumb", "tag")
    assert result.marks == ()


def test_words_are_read_where_a_place_nearly_differs(tmp_path: Path) -> None:
    shot, picture = photographs.shoot(153, "word")
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    official = load(file.getvalue())
    photos = PhotoStore(tmp_path / "photos")
    photos.add(official)
    kit = Kit(CountingReader(), Readings(Path(":memory:"), "1"), photos, shop())
    found = compare(load(shot.jpeg), kit, against=official.id)
    (difference,) = found.differences
    assert (difference.kind, difference.strength) == ("text", 1.0)
    assert (difference.before, difference.now) == ("oats, and little else", "oats, and little lemon")
    assert found.verdict is not None
    assert found.verdict.answer == "differs"


def test_a_set_is_written_with_the_place_of_each_edit_and_the_same_each_time(tmp_path: Path) -> None:
    once, again = tmp_path / "once", tmp_path / "again"
    assert (
        photographs.write(once, photographs.seeds("2"), None)
        == photographs.write(again, photographs.seeds("2"), None)
        == 2
    )
    files = [file.relative_to(once) for file in once.rglob("*") if file.is_file()]
    assert len(files) == 5
    assert all((once / file).read_bytes() == (again / file).read_bytes() for file in files)
    genuine, moved = (json.loads(line) for line in (once / "photos.jsonl").read_text("utf-8").splitlines())
    assert genuine["edit"] is None
    assert moved["edit"]["kind"] == "logo moved"
    x0, y0, x1, y1 = moved["edit"]["box"]
    with Image.open(once / moved["image"]) as photo:
        assert 0 <= x0 < x1 <= photo.width
        assert 0 <= y0 < y1 <= photo.height
