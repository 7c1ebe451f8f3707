"""Looking closer at a part of a photo, and the way back: wherever the part lies, what was found lies where it is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sightline.agent.thin import CROPS, ask_for, closer_looks, standing
from sightline.tools.crops import back, crop, whole
from sightline.tools.photos import load, pixels
from sightline.tools.types import (
    Box,
    Difference,
    Direction,
    Fact,
    Finding,
    Match,
    Outcome,
    Photo,
    Point,
    Quality,
    Region,
    Size,
)

SIZE = Size(400, 300)
PHOTO = Photo("sha256:" + "ab" * 32, b"", SIZE, "PNG")
CUT = "sha256:" + "cd" * 32


@st.composite
def parts(draw: st.DrawFn) -> Box:
    x0, y0 = draw(st.integers(0, 380)), draw(st.integers(0, 280))
    return Box(x0, y0, draw(st.integers(x0 + 8, 400)), draw(st.integers(y0 + 8, 300)))


@st.composite
def looked(draw: st.DrawFn, part: Box, zoom: int) -> tuple[Finding, Box]:
    """Something at a place of the photo inside a part, as it was found in the part; and the place."""
    xs = sorted(draw(st.floats(part.x0, part.x1)) for _ in range(2))
    ys = sorted(draw(st.floats(part.y0, part.y1)) for _ in range(2))
    place = Box(xs[0], ys[0], xs[1], ys[1])
    seen = Box(*((side - begins) * zoom for side, begins in zip(place, (part.x0, part.y0) * 2, strict=True)))
    region = Region(seen, "EXP", "text", 0.9, seen.corners)
    # A picture of 10 x 10 pixels that lies where the region does.
    laid = (seen.width / 10, 0.0, seen.x0), (0.0, seen.height / 10, seen.y0), (0.0, 0.0, 1.0)
    finding = Finding(
        id=f"ocr:{CUT[7:15]}:expiry",
        tool="ocr",
        outcome="found",
        photos=(CUT,),
        source="somebody",
        ms=1.0,
        regions=(region,),
        facts=(Fact("expiry", "2027-03-14", "EXP", region), Fact("weight", "1 g")),
        matches=(Match("A", "A", "sha256:r", ("features",), homography=laid, quad=seen.corners),),
        differences=(Difference("colour", region, "sha256:r", Box(1, 2, 3, 4)),),
        directions=(Direction(Point(*seen[:2]), 45.0, "arrow"),),
    )
    return finding, place


def near(a: Box, b: Box) -> bool:
    return bool(np.allclose(a, b, atol=1e-6))


@given(st.data(), parts(), st.integers(1, 3))
def test_what_was_found_in_a_part_comes_back_inside_the_photo_and_where_it_is(
    data: st.DataObject, part: Box, zoom: int
) -> None:
    finding, place = data.draw(looked(part, zoom))
    found = back(finding, PHOTO, part, zoom)
    assert (found.photos, found.part) == ((PHOTO.id,), part)
    assert found.id.startswith(f"ocr:{PHOTO.id[7:15]}:expiry")
    (region,), (match,), (difference,), (direction,) = found.regions, found.matches, found.differences, found.directions
    for one in (region, found.facts[0].region, difference.region):
        assert one is not None
        assert one.quad is not None
        assert one.box == one.box.inside(SIZE)
        assert near(one.box, place)
        assert near(Box.around(one.quad), place)
    assert found.facts[1].region is None
    assert difference.there == Box(1, 2, 3, 4), "what lies in the official picture stays"
    assert match.quad is not None
    assert near(Box.around(match.quad), place)
    assert match.homography is not None
    there = [np.array(match.homography) @ (x, y, 1) for x, y in Box(0, 0, 10, 10).corners]
    assert near(Box.around((x / w, y / w) for x, y, w in there), place)
    assert np.allclose(direction.origin, place[:2], atol=1e-6)
    assert direction.heading == 45.0


@given(st.data(), parts(), st.integers(1, 3))
def test_a_mirrored_part_comes_back_mirrored(data: st.DataObject, part: Box, zoom: int) -> None:
    finding, _ = data.draw(looked(part, zoom))
    wide = part.width * zoom

    def flipped(box: Box, width: float) -> Box:
        return Box(width - box.x1, box.y0, width - box.x0, box.y1)

    def only(box: Box) -> Finding:
        return Finding(finding.id, "ocr", "found", (CUT,), "s", 1.0, regions=(Region(box, "EXP", "text"),))

    seen = finding.regions[0].box
    plain = back(only(seen), PHOTO, part, zoom).regions[0].box
    mirrored = back(only(flipped(seen, wide)), PHOTO, flipped(part, SIZE.width), zoom).regions[0].box
    assert np.allclose(mirrored, flipped(plain, SIZE.width), atol=1e-6)


@given(parts())
@settings(deadline=None, max_examples=10)
def test_a_part_is_those_pixels_a_whole_number_of_times(part: Box) -> None:
    rng = np.random.default_rng(5)
    photo = load(Image.fromarray(rng.integers(0, 255, (300, 400, 3), np.uint8)))
    cut, zoom = crop(photo, part)
    assert cut.size == (part.width * zoom, part.height * zoom)
    if zoom == 1:
        x0, y0, x1, y1 = map(int, part)
        assert (pixels(cut) == pixels(photo)[y0:y1, x0:x1]).all()


def test_a_part_reaches_whole_pixels_and_stays_in_the_photo() -> None:
    assert whole(Box(-3.2, 10.5, 20.1, 999), SIZE) == Box(0, 10, 21, 300)


LINES = tuple(Region(Box(100, 100 + 20 * n, 200, 112 + 20 * n), word, "text") for n, word in enumerate(("A", "B", "")))


def read(outcome: Outcome = "unreadable", reason: str | None = "partly_unreadable", **more: object) -> Finding:
    given: dict[str, object] = {"asked": "expiry", "regions": LINES, "reason": reason, **more}
    return Finding(f"ocr:{PHOTO.id[7:15]}:expiry", "ocr", outcome, (PHOTO.id,), "s", 1.0, **given)  # type: ignore[arg-type]


SIZES = {PHOTO.id: SIZE}


def test_small_print_that_could_not_be_read_is_looked_at_from_close_by() -> None:
    (one,) = closer_looks([read()], SIZES, {}, ())
    assert (one.step.tool, one.step.args, one.photo) == ("ocr", {"field": "expiry"}, PHOTO.id)
    assert all(one.part.shared(line.box) == line.box.area for line in LINES)


def test_nothing_is_looked_at_closer_where_it_was_found_or_large_or_has_to_be_taken_again() -> None:
    large = tuple(Region(Box(10, 10, 300, 110), word, "text") for word in "AB")
    assert closer_looks([read("found")], SIZES, {}, ()) == [], "the field was found, whatever else is lost"
    assert closer_looks([read(regions=large)], SIZES, {}, ()) == []
    assert closer_looks([read()], SIZES, {}, (PHOTO.id,)) == []
    assert closer_looks([read(regions=())], SIZES, {}, ()) == []


def test_a_closer_look_is_taken_once_and_there_is_an_end_to_them() -> None:
    first = read()
    (one,) = closer_looks([first], SIZES, {}, ())
    again = back(Finding(f"ocr:{CUT[7:15]}:expiry", "ocr", "found", (CUT,), "s", 1.0), PHOTO, one.part, 1)
    assert closer_looks([first, again], SIZES, {}, ()) == []
    many = [
        Finding(f"ocr:{PHOTO.id[7:15]}:{n}", "ocr", "absent", (PHOTO.id,), "s", 1.0, asked=str(n), regions=LINES)
        for n in range(9)
    ]
    assert len(closer_looks(many, SIZES, {}, ())) == CROPS


def test_the_look_that_says_more_stands() -> None:
    first = read()
    found = back(Finding(f"ocr:{CUT[7:15]}:expiry", "ocr", "found", (CUT,), "s", 1.0), PHOTO, Box(1, 1, 99, 99), 2)
    nothing = back(Finding(f"ocr:{CUT[7:15]}:expiry", "ocr", "absent", (CUT,), "s", 1.0), PHOTO, Box(1, 1, 99, 99), 2)
    assert standing([first, found]) == [found]
    assert standing([first, nothing]) == [first]


def quality(photo: str, level: str = "good") -> dict[str, Quality]:
    advice = "closer" if level == "retake" else None
    return {photo: Quality(SIZE, 99.0, 0.5, 0.0, 0.0, 0.0, (), level, advice)}  # type: ignore[arg-type]


def test_a_field_on_another_side_is_asked_for_and_one_that_is_there_is_not() -> None:
    asked = ask_for("en", [read("absent", None)], quality(PHOTO.id), ())
    assert asked is not None
    assert (asked.kind, asked.view) == ("photo", "other_side")
    assert "the expiry date" in asked.text
    assert ask_for("en", [read("found", None)], quality(PHOTO.id), ()) is None
    other = Finding(f"ocr:{CUT[7:15]}:expiry", "ocr", "found", (CUT,), "s", 1.0, asked="expiry")
    assert ask_for("en", [read("absent", None), other], quality(PHOTO.id) | quality(CUT), ()) is None


def test_a_photo_to_take_again_is_asked_for_first() -> None:
    asked = ask_for("zh", [read("absent", None)], quality(PHOTO.id, "retake"), [PHOTO.id])
    assert asked is not None
    assert (asked.kind, asked.view) == ("photo", "closer")


def undecided(n: int) -> Finding:
    matches = tuple(Match(f"SKU-{k}", f"Tea {k}", "sha256:r", ("features",)) for k in range(n))
    return Finding(
        f"identify:{PHOTO.id[7:15]}", "identify", "unreadable", (PHOTO.id,), "s", 1.0, matches=matches,
        reason="variant_undetermined",
    )  # fmt: skip


def test_a_choice_is_between_a_few_and_otherwise_a_photo_is_asked_for() -> None:
    asked = ask_for("en", [undecided(3)], quality(PHOTO.id), ())
    assert asked is not None
    assert asked.kind == "choice"
    assert [option.sku for option in asked.options] == ["SKU-0", "SKU-1", "SKU-2"]
    assert "2. Tea 1" in asked.text
    many = ask_for("en", [undecided(9)], quality(PHOTO.id), ())
    assert many is not None
    assert (many.kind, many.view) == ("photo", "closer_label")
