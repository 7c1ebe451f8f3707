"""The shipped sample photos and their truth agree, and the set keeps its promises."""

import io
import json
import unicodedata
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from fakes import CountingReader
from PIL import Image, ImageOps

from sightline.tools.fields import find_fields
from sightline.tools.photos import load, pixels
from sightline.tools.reading import read_pixels
from sightline.tools.types import FieldName, Reading, Script

SAMPLES = Path(__file__).parent.parent / "examples" / "samples"
TRUTH: dict[str, dict[str, Any]] = json.loads((SAMPLES / "truth.json").read_text("utf-8"))
PHOTOS = sorted(TRUTH)


def marks(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [*entry["lines"], *entry["codes"], *entry["hidden"]]


def turning(quad: list[list[float]]) -> float:
    """Twice the signed area: positive where the corners run clockwise on a screen."""
    return sum((x0 * y1 - x1 * y0) for (x0, y0), (x1, y1) in zip(quad, quad[1:] + quad[:1], strict=True))


def dates(entry: dict[str, Any]) -> list[str]:
    found = [entry["fields"].get(name) for name in ("expiry", "production", "date")]
    values: list[str] = []
    for value in found:
        values += [value["value"], *value["alternatives"]] if isinstance(value, dict) else [value] if value else []
    return values


def test_every_photo_has_its_truth_and_every_truth_its_photo() -> None:
    on_disk = {path.name for path in SAMPLES.iterdir() if path.suffix in {".jpg", ".png"}}
    assert on_disk == set(TRUTH)


def test_the_set_stays_under_four_megabytes() -> None:
    assert sum((SAMPLES / name).stat().st_size for name in TRUTH) < 4_000_000


def test_at_least_half_of_the_photos_carry_chinese() -> None:
    chinese = [name for name in PHOTOS if TRUTH[name]["language"] == "zh"]
    assert len(chinese) * 2 >= len(PHOTOS)
    for name in chinese:
        assert any(line["script"] == "han" for line in [*TRUTH[name]["lines"], *TRUTH[name]["hidden"]]), name


def test_the_set_holds_the_hard_cases() -> None:
    entries = TRUTH.values()
    assert sum(entry["quality"] == "retake" for entry in entries) >= 2
    assert any(entry["quality"] == "poor" for entry in entries)
    assert any(entry.get("orientation") == 6 for entry in entries)
    assert any(entry.get("mirrored") for entry in entries)
    assert any(line.get("vertical") for entry in entries for line in entry["lines"])
    assert any(mark.get("why") == "covered" for entry in entries for mark in entry["hidden"])
    assert any(isinstance(entry["fields"].get("expiry"), dict) for entry in entries)
    assert {code["symbology"] for entry in entries for code in entry["codes"]} == {"EAN-13", "QR Code"}


@pytest.mark.parametrize("name", PHOTOS)
def test_the_upright_size_is_the_one_in_the_truth(name: str) -> None:
    entry = TRUTH[name]
    with Image.open(io.BytesIO((SAMPLES / name).read_bytes())) as stored:
        assert stored.getexif().get(0x0112, 1) == entry.get("orientation", 1)
        upright = ImageOps.exif_transpose(stored)
        assert list(upright.size) == entry["size"]
    assert 900 <= max(entry["size"]) <= 1600


@pytest.mark.parametrize("name", PHOTOS)
def test_every_readable_quad_lies_inside_its_photo_and_turns_the_right_way(name: str) -> None:
    entry = TRUTH[name]
    wide, high = entry["size"]
    for mark in [*entry["lines"], *entry["codes"]]:
        assert all(0 <= x <= wide and 0 <= y <= high for x, y in mark["quad"]), mark["text"]
    for mark in marks(entry):
        assert (turning(mark["quad"]) > 0) is not entry.get("mirrored", False), mark["text"]
    for area in entry["colours"]:
        x0, y0, x1, y1 = area["box"]
        assert 0 <= x0 < x1 <= wide, area
        assert 0 <= y0 < y1 <= high, area


@pytest.mark.parametrize("name", PHOTOS)
def test_the_truth_uses_the_words_of_the_types(name: str) -> None:
    entry = TRUTH[name]
    assert set(entry["fields"]) <= set(get_args(FieldName))
    assert entry["quality"] in {"good", "poor", "retake"}
    assert entry["description"].endswith(".")
    for line in entry["lines"]:
        assert line["script"] in get_args(Script)
        assert line["text"] == line["text"].strip() != ""
    for value in dates(entry):
        assert [len(part) for part in value.split("-")] in ([4, 2, 2], [4, 2]), value


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_to_retake_asks_for_nothing(name: str) -> None:
    entry = TRUTH[name]
    if entry["quality"] == "retake":
        assert not entry["lines"]
        assert not entry["codes"]
        assert not entry["fields"]
        assert entry["hidden"]
    else:
        assert entry["lines"]


@pytest.mark.parametrize("name", PHOTOS)
def test_what_a_field_says_can_be_read_in_the_photo(name: str) -> None:
    """Every number of a field is printed on a line that a person can read."""
    entry = TRUTH[name]
    printed = "".join(line["text"] for line in entry["lines"])
    digits = "".join(letter for letter in printed if letter.isdigit())
    for field in ("lot", "phone", "volume", "weight"):
        value = entry["fields"].get(field, "")
        assert "".join(letter for letter in value if letter.isdigit()) in digits, (field, value)
    for part in entry["fields"].get("ingredients", "").replace("、", ",").split(","):
        assert part.strip() in printed


def test_every_ean_has_its_check_digit() -> None:
    codes = [code["text"] for entry in TRUTH.values() for code in entry["codes"] if code["symbology"] == "EAN-13"]
    assert codes
    for code in codes:
        numbers = [int(digit) for digit in code]
        assert len(numbers) == 13
        assert sum(numbers[0::2] + [3 * number for number in numbers[1::2]]) % 10 == 0, code


@pytest.mark.parametrize("name", [name for name in PHOTOS if TRUTH[name]["codes"]])
def test_a_code_can_be_read_back_where_the_truth_says_it_is(name: str) -> None:
    import zxingcpp

    read = {code.text: code.position for code in zxingcpp.read_barcodes(pixels(load(SAMPLES / name)))}
    for code in TRUTH[name]["codes"]:
        xs, ys = zip(*code["quad"], strict=True)
        place = read[code["text"]]
        corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
        middle = (sum(corner.x for corner in corners) / 4, sum(corner.y for corner in corners) / 4)
        assert min(xs) < middle[0] < max(xs)
        assert min(ys) < middle[1] < max(ys)


# What was read of a sample, the photo as sent.
READABLE = [name for name in PHOTOS if TRUTH[name]["quality"] != "retake"]


@cache
def reading(name: str) -> Reading:
    photo = load(SAMPLES / name)
    return read_pixels(pixels(photo), photo.id, CountingReader())


def plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


@pytest.mark.parametrize("name", READABLE)
def test_every_line_is_read_where_the_truth_says_it_is(name: str) -> None:
    read = [line for line in reading(name).lines if line.status == "read"]
    for line in TRUTH[name]["lines"]:
        alike = [r for r in read if SequenceMatcher(None, plain(line["text"]), plain(r.text)).ratio() > 0.85]
        assert alike, line["text"]
        quad = np.array(line["quad"], np.float32)
        assert any(cv2.pointPolygonTest(quad, tuple(r.box.centre), False) >= 0 for r in alike), line["text"]


@pytest.mark.parametrize("name", READABLE)
def test_every_field_of_the_truth_is_found_and_no_other(name: str) -> None:
    wanted = {
        (field, (value["value"], *value["alternatives"]) if isinstance(value, dict) else (value,))
        for field, value in TRUTH[name]["fields"].items()
        if not (isinstance(value, dict) and value.get("derived"))
    }
    found = {(fact.name, (fact.value, *fact.alternatives)) for fact in find_fields(reading(name))}
    assert wanted <= found
    # What a receipt lists by weight is no field of the receipt, and a shelf life is counted in the truth.
    extra = {"shelf_life"} | ({"weight", "volume"} if name.startswith("receipt") else set())
    assert {field for field, _ in found - wanted} <= extra, found - wanted


@pytest.mark.parametrize("name", ["oolong-tea-tin.jpg", "wet-floor-sign.jpg"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_photo_laid_on_its_side_or_seen_in_a_mirror_says_the_same(name: str, mirrored: bool) -> None:
    sent = pixels(load(SAMPLES / name))
    sent = sent[:, ::-1] if mirrored else np.rot90(sent)
    again = read_pixels(np.ascontiguousarray(sent), "sha256:" + "0" * 64, CountingReader())
    assert (again.mirrored, again.turned) == (mirrored, 0 if mirrored else 90)
    assert [plain(line.text) for line in again.lines] == [plain(line.text) for line in reading(name).lines]
