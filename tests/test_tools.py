"""The tools without a model: ocr, ground, describe. Four outcomes, sources for everything, boxes inside the photo."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import SAMPLES, CountingReader, label, no_catalogue
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from packs import pack
from PIL import Image, ImageDraw
from scripted import scripted

from sightline.memory.readings import Readings
from sightline.tools.compare import compare
from sightline.tools.describe import describe
from sightline.tools.errors import BadInput
from sightline.tools.ground import ground
from sightline.tools.kit import Kit, Reader
from sightline.tools.ocr import ocr
from sightline.tools.photos import load
from sightline.tools.targets import Target, parse_target
from sightline.tools.types import FieldName, Finding, Photo, PhotoId, Point, Quad

TRUTH: dict[str, Any] = json.loads((SAMPLES / "truth.json").read_text("utf-8"))


class NoPhotos:
    """A tool is handed its photo; it has no business in the store."""

    def get(self, photo: PhotoId) -> Photo:
        raise AssertionError(photo)


class Loaded:
    """These photos."""

    def __init__(self, *photos: Photo) -> None:
        self.all = photos

    def get(self, photo: PhotoId) -> Photo:
        return next(each for each in self.all if each.id == photo)


class Saying:
    """An engine that says what it is told to, where it is told to."""

    name = "saying"

    def __init__(self, *lines: tuple[str, float, Quad]) -> None:
        self.lines = lines

    def read(self, pixels: NDArray[np.uint8]) -> Sequence[tuple[str, float, Quad]]:
        del pixels
        return self.lines


def kit(reader: Reader) -> Kit:
    return Kit(reader=reader, readings=Readings(Path(":memory:"), "1"), photos=NoPhotos(), catalogue=no_catalogue())


KIT = kit(CountingReader())
LABEL = load(label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g", "Keep cool, keep dry"))
BLANK = load(Image.new("RGB", (640, 480), (90, 120, 160)))
BLACK = load(Image.new("RGB", (640, 480)))


def sample(name: str) -> Photo:
    return load(SAMPLES / name)


@pytest.mark.parametrize(
    ("finding", "outcome", "reason"),
    [
        (lambda: ocr(LABEL, KIT), "found", None),
        (lambda: ocr(LABEL, KIT, field="expiry"), "found", None),
        (lambda: ocr(LABEL, KIT, field="lot"), "absent", None),
        (lambda: ocr(BLACK, KIT), "unreadable", "photo_too_poor"),
        (lambda: ground(LABEL, KIT, target="BEST BEFORE"), "found", None),
        (lambda: ground(LABEL, KIT, target="the word honey"), "absent", None),
        (lambda: ground(LABEL, KIT, target="barcode"), "absent", None),
        (lambda: ground(LABEL, KIT, target="the dog"), "not_looked", "needs_model"),
        (lambda: ground(BLACK, KIT, target="barcode"), "unreadable", "photo_too_poor"),
        (lambda: ground(BLANK, KIT, target="anything red"), "unreadable", "photo_too_poor"),
        (lambda: ocr(sample("biscuits-glare.jpg"), KIT, field="lot"), "unreadable", "photo_too_poor"),
        (lambda: ground(sample("biscuits-glare.jpg"), KIT, target="a QR code"), "unreadable", "photo_too_poor"),
        (lambda: ground(sample("biscuits-glare.jpg"), KIT, target="anything red"), "absent", None),
        (lambda: describe(LABEL, KIT), "found", None),
        (lambda: describe(LABEL, KIT, question="Who made it?"), "not_looked", "needs_model"),
        (lambda: describe(BLACK, KIT, question="Who made it?"), "unreadable", "photo_too_poor"),
        (lambda: describe(BLACK, KIT), "unreadable", "photo_too_poor"),
    ],
)
def test_outcomes_are_told_apart(finding: Any, outcome: str, reason: str | None) -> None:
    result = finding()
    assert (result.outcome, result.reason) == (outcome, reason)


def test_a_field_that_may_stand_in_what_could_not_be_read_is_not_absent() -> None:
    corners = (Point(50, 60), Point(420, 60), Point(420, 100), Point(50, 100))
    mumbling = kit(Saying(("BEST BEF0RE", 0.6, corners)))
    finding = ocr(LABEL, mumbling, field="expiry")
    assert (finding.outcome, finding.reason) == ("unreadable", "partly_unreadable")
    assert ground(LABEL, mumbling, target="the word honey").outcome == "unreadable"
    assert finding.text is None
    assert all(r.label == "" and r.score is None for r in finding.regions)


def test_a_sign_that_is_no_writing_hides_no_field() -> None:
    square = (Point(500, 300), Point(560, 300), Point(560, 350), Point(500, 350))
    row = (Point(50, 60), Point(420, 60), Point(420, 100), Point(50, 100))
    marked = kit(Saying(("NET WEIGHT 250 g", 0.99, row), ("W", 0.4, square)))
    finding = ocr(LABEL, marked, field="expiry")
    assert (finding.outcome, finding.reason) == ("absent", None)
    assert ocr(LABEL, marked).reason is not None, "all of the text is another question"


def test_an_expiry_that_is_not_printed_is_counted_and_its_parts_stand_beside_it() -> None:
    finding = ocr(sample("soy-sauce.jpg"), KIT, field="expiry")
    assert finding.outcome == "found"
    made, life, counted = finding.facts
    assert [(f.name, f.value) for f in (made, life)] == [("production", "2026-02-18"), ("shelf_life", "P18M")]
    assert {counted.value, *counted.alternatives} == {"2027-08-17", "2027-08-18"}
    assert (counted.quote, counted.region) == (None, None)
    assert None not in (made.region, life.region)
    assert all(f.name != "expiry" for f in ocr(sample("soy-sauce.jpg"), KIT).facts), "reading adds nothing"


@pytest.mark.parametrize("field", ["expiry", "production"])
def test_a_date_that_says_not_what_it_is_for_is_given_and_not_believed(field: FieldName) -> None:
    row = (Point(10, 10), Point(300, 10), Point(300, 40), Point(10, 40))
    finding = ocr(LABEL, kit(Saying(("2027.03.14", 0.99, row))), field=field)
    assert (finding.outcome, finding.reason) == ("unreadable", "role_not_printed")
    assert [(f.name, f.value) for f in finding.facts] == [("date", "2027-03-14")]


def test_a_shelf_life_alone_is_no_expiry_date() -> None:
    row = (Point(50, 60), Point(420, 60), Point(420, 100), Point(50, 100))
    finding = ocr(LABEL, kit(Saying(("保质期：12个月", 0.99, row))), field="expiry")
    assert finding.outcome == "absent"
    assert [f.name for f in finding.facts] == ["shelf_life"]


def test_every_line_says_its_script() -> None:
    finding = ocr(sample("oolong-tea-tin.jpg"), KIT)
    assert {r.script for r in finding.regions} >= {"han"}
    (word,) = ground(LABEL, KIT, target="BEST BEFORE").regions
    assert word.script == "latin"


@pytest.mark.parametrize("name", [n for n in TRUTH if TRUTH[n]["fields"]])
def test_every_field_of_the_samples_is_read_right(name: str) -> None:
    for field, truth in TRUTH[name]["fields"].items():
        values = truth if isinstance(truth, list) else [truth]
        wanted = {
            frozenset((v["value"], *v["alternatives"])) if isinstance(v, dict) else frozenset((v,)) for v in values
        }
        facts = [f for f in ocr(sample(name), KIT, field=field).facts if f.name == field]
        assert {frozenset((f.value, *f.alternatives)) for f in facts} == wanted, field


def test_ground_finds_words_within_a_line_and_boxes_only_those() -> None:
    whole = next(r for r in ocr(LABEL, KIT).regions if "BEST" in r.label)
    (date,) = ground(LABEL, KIT, target="“14 MAR”").regions
    assert whole.box.x0 + 0.4 * whole.box.width < date.box.x0
    assert date.box.x1 < whole.box.x1
    assert date.label.replace(" ", "") == "14MAR"


def test_every_place_is_counted() -> None:
    keep = ground(LABEL, KIT, target="keep")
    assert keep.count >= 1
    assert {r.label.casefold() for r in keep.regions} == {"keep"}
    assert keep.count == 2, "one line may hold the word twice"


@pytest.mark.parametrize(("asked", "found"), [("NET WEIGT 250", True), ("NOT HEIGHT 520", False), ("dyr", False)])
def test_a_misread_letter_is_forgiven_and_another_word_is_not(asked: str, found: bool) -> None:
    assert (ground(LABEL, KIT, target=f"the words {asked}").outcome == "found") == found


@pytest.mark.parametrize("name", [n for n in TRUTH if TRUTH[n]["codes"]])
def test_codes_are_found_where_they_are(name: str) -> None:
    truth = TRUTH[name]["codes"]
    finding = ground(sample(name), KIT, target="code")
    assert finding.count == len(truth)
    for code, region in zip(truth, finding.regions, strict=True):
        xs, ys = zip(*code["quad"], strict=True)
        assert min(xs) <= region.point.x <= max(xs)
        assert min(ys) <= region.point.y <= max(ys)
        assert region.score is None, "nobody measured one"


@pytest.mark.parametrize(
    ("name", "colour", "box"),
    [(n, c["colour"], c["box"]) for n in TRUTH for c in TRUTH[n].get("colours", [])],
)
def test_coloured_areas_of_the_samples_are_found(name: str, colour: str, box: list[float]) -> None:
    finding = ground(sample(name), KIT, target=f"the {colour} one")
    x0, y0, x1, y1 = box
    assert any(x0 <= r.point.x <= x1 and y0 <= r.point.y <= y1 for r in finding.regions), finding.regions


def test_describe_names_text_codes_colours_and_light() -> None:
    finding = describe(sample("oat-carton.jpg"), KIT)
    assert "Oat Drink" in (finding.text or "")
    assert [(f.name, f.value) for f in finding.facts if f.name.startswith("code")] == [("code", "2014103270015")]
    assert {f.value for f in finding.facts if f.name == "colour"}
    assert finding.quality is not None
    assert finding.quality.level == "good"


def test_a_question_that_only_a_model_could_answer_leaves_what_the_instruments_have() -> None:
    asked, plain = describe(LABEL, KIT, question="Who made it?"), describe(LABEL, KIT)
    assert (asked.text, asked.regions, asked.facts) == (plain.text, plain.regions, plain.facts)


def test_a_field_that_was_found_is_read_no_second_time() -> None:
    row = (Point(50, 60), Point(420, 60), Point(420, 100), Point(50, 100))
    below = (Point(50, 160), Point(420, 160), Point(420, 200), Point(50, 200))
    model, chat = scripted("LOT 9")
    mumbling = replace(kit(Saying(("NET WEIGHT 250 g", 0.99, row), ("BEST BEF0RE", 0.6, below))), model=model)
    assert ocr(LABEL, mumbling, field="weight").said is None
    assert not chat.asked
    assert ocr(LABEL, mumbling, field="lot").said == "LOT 9"
    assert ocr(LABEL, mumbling).said == "LOT 9"


@pytest.mark.parametrize(("scale", "outcome", "asked"), [(1.0, "found", 1), (0.28, "unreadable", 0)])
def test_differences_that_are_not_spoken_of_are_not_worded(scale: float, outcome: str, asked: int) -> None:
    official = pack(3, (450, 600))
    sent = official.copy()
    ImageDraw.Draw(sent).ellipse((150, 350, 280, 480), fill=(20, 20, 20))
    photos = Loaded(load(sent.resize((round(450 * scale), round(600 * scale)))), load(official))
    model, chat = scripted("A black disc.")
    seeing = replace(kit(Saying()), model=model, photos=photos)
    found = compare(photos.all[0], seeing, against=photos.all[1].id)
    assert (found.outcome, len(found.differences), len(chat.asked)) == (outcome, 1, asked)


def test_a_code_whose_check_digit_is_wrong_is_not_called_good() -> None:
    assert {f.name for f in describe(sample("oat-carton.jpg"), KIT).facts if "code" in f.name} == {"code"}


def test_a_mirrored_photo_is_read_and_said_to_be_mirrored() -> None:
    finding = ocr(sample("medicine-mirrored.jpg"), KIT)
    assert finding.mirrored
    assert "Sorevane" in (finding.text or "")
    straight = ocr(sample("medicine-box.jpg"), KIT)
    assert not straight.mirrored
    width = sample("medicine-box.jpg").size.width
    (here,) = [r.box for r in straight.regions if r.label == "Sorevane"]
    (there,) = [r.box for r in finding.regions if r.label == "Sorevane"]
    assert here.centre.x == pytest.approx(width - there.centre.x, abs=0.02 * width)


def test_mirroring_swaps_left_and_right_of_coloured_areas() -> None:
    image = Image.new("RGB", (600, 400), (235, 235, 230))
    ImageDraw.Draw(image).rectangle((40, 100, 200, 300), (200, 20, 20))
    (left,) = ground(load(image), KIT, target="red").regions
    (right,) = ground(load(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)), KIT, target="red").regions
    assert left.point.x == pytest.approx(600 - right.point.x, abs=4)
    assert left.point.y == pytest.approx(right.point.y, abs=4)


coordinates = st.floats(-300, 1000, allow_nan=False)
quads = st.tuples(*[st.builds(Point, coordinates, coordinates)] * 4)


@given(
    st.lists(st.tuples(st.sampled_from(["BEST BEFORE 14 MAR 2027", "保质期", "x"]), st.floats(0, 1), quads), max_size=4)
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_law_2_every_coordinate_that_leaves_a_tool_is_inside_the_photo(lines: list[tuple[str, float, Quad]]) -> None:
    reading = kit(Saying(*lines))
    findings = [ocr(LABEL, reading), ground(LABEL, reading, target="BEST"), describe(LABEL, reading)]
    for region in every_region(findings):
        assert 0 <= region.box.x0 <= region.box.x1 <= LABEL.size.width
        assert 0 <= region.box.y0 <= region.box.y1 <= LABEL.size.height
        for x, y in region.quad or ():
            assert 0 <= x <= LABEL.size.width
            assert 0 <= y <= LABEL.size.height


def test_law_5_no_text_box_or_score_without_the_engine() -> None:
    silent = kit(Saying())
    findings = [ocr(LABEL, silent), ground(LABEL, silent, target="BEST"), describe(LABEL, silent)]
    assert all(f.text is None for f in findings)
    assert all(r.kind == "colour" and r.score is None for r in every_region(findings))


def every_region(findings: Sequence[Finding]) -> list[Any]:
    return [r for f in findings for r in (*f.regions, *(fact.region for fact in f.facts if fact.region))]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("the barcode", "code", "linear"),
        ("barcodes", "code", "linear"),
        ("QR codes", "code", "QR"),
        ("二维码", "code", "QR"),
        ("条形码", "code", "linear"),
        ("the text", "text", ""),
        ("文字", "text", ""),
        ("the red area", "colour", "red"),
        ("anything blue", "colour", "blue"),
        ("green packs", "colour", "green"),
        ("gray", "colour", "grey"),
        ("红色的部分", "colour", "red"),
        ("绿色的盒子", "colour", "green"),
        ("蓝色的", "colour", "blue"),
        ("the expiry date", "field", "expiry"),
        ("批号", "field", "lot"),
        ("the person in blue", "thing", ""),
        ("the red dog", "thing", ""),
        ("穿红衣服的人", "thing", ""),
        ("the cap", "thing", ""),
    ],
)
def test_what_is_asked_for_is_understood(text: str, kind: str, value: str) -> None:
    target = parse_target(text)
    assert (target.kind, target.value) == (kind, value)


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("the word milk", "milk"),
        ("“Oat Drink”", "Oat Drink"),
        ("糖这个字", "糖"),
        ("the number 250", "250"),
        ("EXP", "EXP"),
        ("the words direction of opening", "direction of opening"),
        ("开启方向这几个字", "开启方向"),
        ("DIRECTION OF OPENING", "DIRECTION OF OPENING"),
    ],
)
def test_words_named_as_words_are_looked_for_as_print(text: str, literal: str) -> None:
    assert parse_target(text) == Target("thing", "", literal, quoted=True)


@given(st.text(max_size=60))
def test_every_text_is_some_target(text: str) -> None:
    try:
        assert parse_target(text).kind in ("code", "text", "colour", "field", "thing")
    except BadInput:
        assert not any(c.isalnum() for c in text), "only what names nothing is refused"


DIRECTIONS = ("DIRECTION OF OPENING", "direction of travel", "the words direction of opening", "开启方向", "撕开方向")


@pytest.mark.parametrize("printed", [*DIRECTIONS, "the heading of the leaflet"])
def test_a_direction_that_is_printed_is_found_as_print(printed: str) -> None:
    row = (Point(50, 60), Point(420, 60), Point(420, 100), Point(50, 100))
    words = printed.removeprefix("the words ")
    found = ground(LABEL, kit(Saying((f"{words} →", 0.99, row))), target=printed)
    assert (found.outcome, found.asked, found.reason) == ("found", words, None)
    assert [(r.kind, r.label) for r in found.regions] == [("text", words)]


@pytest.mark.parametrize("target", ["Which way does the arrow point?", "direction of travel", "箭头指向哪里"])
def test_a_direction_that_is_not_printed_takes_a_model(target: str) -> None:
    finding = ground(LABEL, KIT, target=target)
    assert (finding.outcome, finding.reason) == ("not_looked", "needs_model")


@pytest.mark.parametrize("nothing", ["", " ", "“”", "\u3000"])
def test_nothing_to_find_is_bad_input(nothing: str) -> None:
    with pytest.raises(BadInput, match="what to find"):
        ground(LABEL, KIT, target=nothing)


@pytest.mark.parametrize("sign", ["🐶", "!!!"])
def test_signs_that_are_no_words_are_not_found_on_every_line(sign: str) -> None:
    assert ground(LABEL, KIT, target=sign).outcome == "not_looked"


def test_a_field_is_found_wherever_it_is_printed() -> None:
    found = ground(load(SAMPLES / "shelf-three-teas.jpg"), KIT, target="净含量")
    assert [r.label.replace(" ", "") for r in found.regions] == ["净含量100克"] * 3


def test_a_code_that_is_found_is_read() -> None:
    found = ground(load(SAMPLES / "leaflet-two-columns.jpg"), KIT, target="the QR code")
    assert [(f.name, f.value) for f in found.facts] == [("code", "Harbour Hill Walk: 4.2 km, yellow posts")]
    assert [f.region for f in found.facts] == list(found.regions)
