"""A photo is read once, the right way round, inside its own frame, and what cannot be read is said."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes import CountingReader, no_catalogue
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sightline.tools import reader as reader_module
from sightline.tools.errors import Unavailable
from sightline.tools.kit import Kit
from sightline.tools.photos import load
from sightline.tools.reader import RapidReader
from sightline.tools.reading import read, read_pixels
from sightline.tools.types import Line, Photo, PhotoId, Point, Quad, Reading

FIXTURES = Path(__file__).parent / "fixtures" / "scripts"
NAME = "sha256:" + "0" * 64
Raw = tuple[str, float, Quad]


class Scripted:
    """An engine that says what it is told to, and can be held up."""

    name = "scripted"

    def __init__(self, *lines: Raw) -> None:
        self.lines = lines
        self.asked = 0
        self.free = threading.Event()
        self.free.set()

    def read(self, pixels: NDArray[np.uint8]) -> Sequence[Raw]:
        del pixels
        self.asked += 1
        assert self.free.wait(30)
        return self.lines


class Kept:
    """Readings in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[tuple[PhotoId, str], Reading] = {}

    def get(self, photo: PhotoId, engine: str) -> Reading | None:
        return self.kept.get((photo, engine))

    def put(self, reading: Reading) -> None:
        self.kept[reading.photo, reading.engine] = reading


class NoPhotos:
    """Nobody asks for photos by id here."""

    def get(self, photo: PhotoId) -> Photo:
        raise AssertionError(photo)


def page(*lines: str, size: int = 34) -> NDArray[np.uint8]:
    picture = Image.new("RGB", (520, 70 * len(lines) + 60), (250, 248, 240))
    for i, line in enumerate(lines):
        ImageDraw.Draw(picture).text((40, 30 + 70 * i), line, font=ImageFont.load_default(size=size), fill=(20, 20, 20))
    return np.asarray(picture)


def fixture(name: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(FIXTURES / f"{name}.png").convert("RGB"))


def squeezed(reading: Reading) -> list[str]:
    return [line.text.replace(" ", "") for line in reading.lines]


@pytest.fixture(scope="module")
def engine() -> CountingReader:
    return CountingReader()


LABEL = ("BEST BEFORE 14 MAR 2027", "Net weight 250 g", "Keep in a cool place")


@pytest.fixture(scope="module")
def upright(engine: CountingReader) -> Reading:
    return read_pixels(page(*LABEL), NAME, engine)


def test_an_upright_photo_is_read_with_exactly_one_pass(engine: CountingReader) -> None:
    before = engine.calls
    reading = read_pixels(page(*LABEL), NAME, engine)
    assert engine.calls == before + 1
    assert squeezed(reading) == [text.replace(" ", "") for text in LABEL]
    assert (reading.turned, reading.mirrored) == (0, False)
    assert {line.status for line in reading.lines} == {"read"}


def around(line: Line) -> np.ndarray:
    return np.array(line.box)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_photo_reads_the_same_with_boxes_turned_along(
    engine: CountingReader, upright: Reading, quarters: int
) -> None:
    sent = np.ascontiguousarray(np.rot90(page(*LABEL), -quarters))
    reading = read_pixels(sent, NAME, engine)
    assert reading.text == upright.text
    assert reading.turned == (360 - 90 * quarters) % 360
    height, width = page(*LABEL).shape[:2]
    for there, here in zip(reading.lines, upright.lines, strict=True):
        expected = []
        for x, y in here.quad:
            expected.append([(height - y, x), (width - x, height - y), (y, width - x)][quarters - 1])
        assert np.allclose(there.quad, expected, atol=1e-3)


def test_a_mirrored_photo_is_noticed_and_its_boxes_swap_sides(engine: CountingReader, upright: Reading) -> None:
    reading = read_pixels(np.ascontiguousarray(page(*LABEL)[:, ::-1]), NAME, engine)
    assert reading.mirrored
    assert reading.text == upright.text
    for there, here in zip(reading.lines, upright.lines, strict=True):
        x0, y0, x1, y1 = around(here)
        assert np.allclose(around(there), (520 - x1, y0, 520 - x0, y1), atol=1e-3)


@pytest.mark.parametrize("name", ["cyrillic", "greek", "arabic", "hebrew", "devanagari", "thai", "hangul"])
def test_a_script_the_engine_was_not_made_for_is_unreadable_never_nonsense(engine: CountingReader, name: str) -> None:
    reading = read_pixels(fixture(name), NAME, engine)
    assert reading.lines
    assert reading.text == ""
    assert {line.status for line in reading.lines} == {"unreadable"}
    assert all(line.text == "" for line in reading.lines)
    assert name in {line.script for line in reading.lines}


def test_one_word_that_looks_latin_in_a_mirror_is_not_taken_for_mirrored(engine: CountingReader) -> None:
    reading = read_pixels(fixture("greek-word"), NAME, engine)
    assert (reading.mirrored, reading.text) == (False, "")
    assert reading.lines


def test_letters_of_both_scripts_are_doubted_in_the_company_of_the_other(engine: CountingReader) -> None:
    russian, alone = fixture("cyrillic"), page("CMETAHA 20%")
    wide = max(russian.shape[1], alone.shape[1])
    both = np.full((russian.shape[0] + alone.shape[0], wide, 3), 250, np.uint8)
    both[: russian.shape[0], : russian.shape[1]] = russian
    both[russian.shape[0] :, : alone.shape[1]] = alone
    assert read_pixels(alone, NAME, engine).text == "CMETAHA 20%", "alone it is as good Latin"
    assert read_pixels(both, NAME, engine).text == ""
    last = read_pixels(both, NAME, engine).lines[-1]
    assert (last.status, last.text) == ("doubtful", "CMETAHA 20%")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("latin", ["Crème fraîche légère", "Größe 42, Füllmenge 500 g", "Señor Muñoz, El Niño"]),
        ("han", ["生产日期：2025年4月3日", "繁體中文標籤 不含防腐劑", "配料：水、白砂糖"]),
        ("kana", ["賞味期限 2025.04.03", "おいしい牛乳 チョコレート"]),
    ],
)
def test_chinese_japanese_and_accented_latin_are_read(engine: CountingReader, name: str, lines: list[str]) -> None:
    reading = read_pixels(fixture(name), NAME, engine)
    assert squeezed(reading) == [line.replace(" ", "") for line in lines]
    assert {line.status for line in reading.lines} == {"read"}
    assert {line.script for line in reading.lines} <= {name, "han"}


def test_upright_columns_are_read_from_right_to_left_and_said_to_be_vertical(engine: CountingReader) -> None:
    reading = read_pixels(fixture("vertical"), NAME, engine)
    assert "".join(squeezed(reading)) == "古法手工酱油山泉水三百毫升"
    columns = [line for line in reading.lines if len(line.text) > 1]
    assert columns
    assert all(line.vertical and line.box.height > 2 * line.box.width for line in columns)
    assert reading.turned == 0


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_photo_without_text_has_no_lines(engine: CountingReader, shade: int) -> None:
    assert read_pixels(np.full((300, 400, 3), shade, np.uint8), NAME, engine).lines == ()


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 900, 3), (900, 9, 3), (40, 2400, 3)])
def test_photos_of_any_shape_are_read_without_complaint(engine: CountingReader, shape: tuple[int, int, int]) -> None:
    assert read_pixels(np.full(shape, 200, np.uint8), NAME, engine).lines == ()


def test_small_text_in_a_large_photo_is_read_from_the_photos_own_pixels(engine: CountingReader) -> None:
    large = np.full((2400, 3600, 3), 245, np.uint8)
    text = page("EXP 2027-08", "LOT K7M204", size=60)
    large[1200 : 1200 + text.shape[0], 2000 : 2000 + text.shape[1]] = text
    reading = read_pixels(large, NAME, engine)
    assert squeezed(reading) == ["EXP2027-08", "LOTK7M204"]
    assert all(line.box.x0 >= 2000 and line.box.x1 <= 2520 and line.box.y0 >= 1200 for line in reading.lines)


corners = st.tuples(*[st.builds(Point, st.floats(-50, 700), st.floats(-50, 500))] * 4)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=12), st.floats(0, 1), corners), max_size=5))
def test_whatever_the_engine_says_boxes_stay_inside_the_photo(lines: list[Raw]) -> None:
    reading = read_pixels(np.full((400, 600, 3), 200, np.uint8), NAME, Scripted(*lines))
    for line in reading.lines:
        x0, y0, x1, y1 = line.box
        assert 0 <= x0 <= x1 <= 600
        assert 0 <= y0 <= y1 <= 400
        assert line.text == "" or line.status != "unreadable"


def kit(engine: Scripted) -> Kit:
    return Kit(reader=engine, readings=Kept(), photos=NoPhotos(), catalogue=no_catalogue())


def box(x0: float, y0: float, x1: float, y1: float) -> Quad:
    return Point(x0, y0), Point(x1, y0), Point(x1, y1), Point(x0, y1)


def test_a_photo_is_read_once_and_remembered() -> None:
    engine = Scripted(("EXP 2027-08", 0.99, box(40, 30, 300, 70)))
    shared, photo = kit(engine), load(Image.fromarray(page("EXP 2027-08")))
    first = read(photo, shared)
    assert read(photo, shared) is first
    assert (engine.asked, first.photo, first.engine) == (1, photo.id, "scripted")


def test_tools_that_ask_at_the_same_time_share_one_pass() -> None:
    engine = Scripted(("EXP 2027-08", 0.99, box(40, 30, 300, 70)))
    engine.free.clear()
    shared, photo = kit(engine), load(Image.fromarray(page("EXP 2027-08")))
    found: list[Reading] = []
    threads = [threading.Thread(target=lambda: found.append(read(photo, shared))) for _ in range(6)]
    for thread in threads:
        thread.start()
    engine.free.set()
    for thread in threads:
        thread.join(30)
    assert engine.asked == 1
    assert len(found) == 6
    assert all(reading == found[0] for reading in found)


def test_a_missing_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "find_spec", lambda _: None)
    with pytest.raises(Unavailable, match="pip install"):
        RapidReader().read(page("x"))


def test_missing_models_are_named_and_not_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Spec:
        origin = str(tmp_path / "__init__.py")

    monkeypatch.setattr(reader_module, "find_spec", lambda _: Spec)
    with pytest.raises(Unavailable, match=r"PP-OCRv6_det_small\.onnx"):
        RapidReader().read(page("x"))


def test_the_engine_keeps_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    engine = RapidReader()
    engine.read(page("EXP 2027-08"))
    engine.read(np.full((100, 100, 3), 255, np.uint8))
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("RapidOCR").level >= logging.ERROR
