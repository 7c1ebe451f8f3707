"""What is shown of a photo, and the way back: boxes and points come home wherever they were seen."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from sightline.tools.closer import SMALLEST, closer, margin, parts
from sightline.tools.models.families import FAMILIES, OTHER, Family, family_of
from sightline.tools.models.view import BUDGET, View, encode, seen_scale, unalike, view
from sightline.tools.photos import load
from sightline.tools.types import Box, Direction, Photo, Point, Region, Size

sides = st.integers(1, 6000)
families = st.sampled_from((*FAMILIES, OTHER))


def photo(width: int, height: int) -> Photo:
    return Photo("sha256:" + "0" * 64, b"", Size(width, height), "JPEG")


@given(sides, sides, families)
@example(6000, 5, family_of("qwen2.5vl"))
@example(33, 83, family_of("qwen2.5vl"))
def test_a_view_is_as_large_as_the_budget_allows_and_of_a_size_the_family_leaves_alone(
    width: int, height: int, family: Family
) -> None:
    seen = view(photo(width, height), family)
    step = family.patch
    assert all(side > 0 and side % step == 0 for side in seen.size)
    assert (family.min_pixels or 0) <= seen.size.width * seen.size.height <= BUDGET
    assert max(seen.size) <= 200 * min(seen.size), "what is longer, some refuse"
    strip = max(width, height) > 150 * max(min(width, height), step)
    if not (family.min_pixels or family.square or strip) and step <= min(width, height) and width * height <= BUDGET:
        assert all(abs(now - before) <= step / 2 for now, before in zip(seen.size, (width, height), strict=True))


@given(st.lists(st.tuples(sides, sides), min_size=2, max_size=6), families)
@example([(1000, 800), (1001, 800)], OTHER)
def test_no_two_images_of_a_request_are_of_one_size_or_nearly(sizes: list[tuple[int, int]], family: Family) -> None:
    shown = unalike([view(photo(*size), family) for size in sizes], family)
    assert [each.box for each in shown] == [view(photo(*size), family).box for size in sizes]
    for n, one in enumerate(shown):
        assert all(side % family.patch == 0 for side in one.size)
        assert one.size.width * one.size.height >= (family.min_pixels or 1)
        for other in shown[:n]:
            assert max(abs(a - b) for a, b in zip(one.size, other.size, strict=True)) >= 56


@given(
    st.tuples(sides, sides),
    st.tuples(sides, sides),
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
)
def test_a_box_seen_in_a_part_comes_back_to_where_it_is(
    size: tuple[int, int], sent: tuple[int, int], part: list[float], box: list[float]
) -> None:
    whole = Size(*size)
    at = Box.around([(part[0] * whole[0], part[1] * whole[1]), (part[2] * whole[0], part[3] * whole[1])])
    seen = View("sha256:1", at, Size(*sent))
    there = Box.around([(at.x0 + x * at.width, at.y0 + y * at.height) for x, y in (box[:2], box[2:])])
    here = Box.around([(x * sent[0], y * sent[1]) for x, y in (box[:2], box[2:])])
    back = seen.region(Region(here, "it", "thing"), whole).box
    assert back == pytest.approx(there, abs=1e-6 * max(whole))
    if min(at.width, at.height) >= 1:
        assert seen.seen(there) == pytest.approx(here, abs=1e-6 * max(sent))


def test_boxes_overlap_by_what_both_cover_of_what_either_covers() -> None:
    box, none = Box(0, 0, 10, 10), Box(5, 5, 5, 5)
    assert [box.overlap(other) for other in (box, Box(5, 0, 15, 10), Box(10, 0, 20, 10), none)] == [1, 1 / 3, 0, 0]
    assert none.overlap(none) == 0


@given(st.floats(0, 359.9), st.integers(50, 500))
def test_a_direction_comes_back_as_it_was_seen_where_nothing_is_stretched(heading: float, side: int) -> None:
    seen = View("sha256:1", Box(100, 40, 100 + 2 * side, 40 + 2 * side), Size(side, side))
    back = seen.direction(Direction(Point(10, 20), heading, "hand"), Size(5000, 5000))
    assert back.heading == pytest.approx(heading, abs=1e-6) or abs(back.heading - heading) > 359.9
    assert back.origin == pytest.approx((120, 80))


def test_what_lies_beyond_the_photo_is_sent_grey_and_comes_back_as_nothing() -> None:
    pixels = np.full((100, 400, 3), (255, 0, 0), np.uint8)
    sent = load(Image.fromarray(pixels))
    seen = view(sent, family_of("llava-1.5"))
    assert (seen.box.width, seen.box.height) == (400, 400)
    import io

    image = np.asarray(Image.open(io.BytesIO(encode(seen, sent))).convert("RGB")).astype(int)
    assert image.shape == (400, 400, 3)
    assert abs(image[20, 200] - 127).max() < 12, "above the photo"
    assert image[200, 200, 0] > 230
    assert image[200, 200, 1] < 20
    assert seen.region(Region(Box(0, 0, 400, 100), "sky", "thing"), sent.size).box.area == 0


def test_a_panorama_is_padded_at_the_size_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    new = Image.new

    def noted(mode: str, size: tuple[int, int], *colour: Any) -> Image.Image:
        made.append(size[0] * size[1])
        return new(mode, size, *colour)

    sent = load(Image.fromarray(np.full((60, 6000, 3), 200, np.uint8)))
    monkeypatch.setattr("PIL.Image.new", noted)
    encode(view(sent, family_of("llava-1.5")), sent)
    assert max(made) <= BUDGET


@pytest.mark.parametrize("name", ["llava-1.5", "paligemma", "Qwen3-VL"])
def test_what_is_seen_is_what_is_sent_or_what_the_family_shrinks_it_to(name: str) -> None:
    family = family_of(name)
    seen = view(photo(1000, 800), family)
    most = {"llava": 336 / 1000, "paligemma": 448 / (1000 * 800) ** 0.5}.get(family.name, 1.0)
    assert seen_scale(seen, family) == pytest.approx(most, rel=0.02)


def test_the_same_view_is_the_same_bytes() -> None:
    sent = load(Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)))
    assert encode(view(sent, OTHER), sent) is encode(view(sent, OTHER), sent)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Qwen/Qwen-VL-Chat", "qwen_vl"),
        ("qwen-vl-max", "other"),
        ("qwen-vl-plus-latest", "other"),
        ("qwen-vl-ocr", "other"),
        ("qwen3-vl-plus", "qwen3_vl"),
        ("Qwen/Qwen2-VL-7B-Instruct-AWQ", "qwen2_vl"),
        ("qwen2.5vl:7b", "qwen2_5_vl"),
        ("qwen2_5_vl", "qwen2_5_vl"),
        ("Qwen/Qwen3-VL-30B-A3B-Instruct", "qwen3_vl"),
        ("qwen3-vl:4b", "qwen3_vl"),
        ("llava-hf/llava-v1.6-mistral-7b-hf", "llava"),
        ("HuggingFaceTB/SmolVLM-500M-Instruct", "smolvlm"),
        ("OpenGVLab/InternVL3-8B-hf", "internvl"),
        ("google/paligemma2-3b-mix-448", "paligemma"),
        ("Salesforce/blip2-flan-t5-xl", "blip2"),
        ("blip-2", "blip2"),
        ("microsoft/Florence-2-base", "florence2"),
        ("microsoft/kosmos-2-patch14-224", "kosmos2"),
        ("microsoft/kosmos-2.5", "other"),
        ("kosmos-2_5", "other"),
        ("gemini-2.5-flash", "gemini"),
        ("zai-org/GLM-4.5V", "glm_v"),
        ("gpt-5", "other"),
        ("", "other"),
    ],
)
def test_a_family_is_known_by_the_names_it_goes_by(name: str, family: str) -> None:
    assert family_of(name).name == family


def test_every_family_speaks_a_dialect_there_is_and_names_its_source() -> None:
    from sightline.tools.dialects import DIALECTS

    for family in (*FAMILIES, OTHER):
        assert family.dialect in DIALECTS
        assert family.source
        assert family_of(family.example) == family or not family.example
        assert (family.gigabytes is None) == (not family.example)


boxes = st.lists(st.floats(0, 1), min_size=4, max_size=4)


@given(st.tuples(sides, sides), boxes)
def test_looking_closer_ends_and_keeps_the_thing_in_sight(size: tuple[int, int], box: list[float]) -> None:
    whole = Size(*size)
    thing = Box.around([(box[0] * whole[0], box[1] * whole[1]), (box[2] * whole[0], box[3] * whole[1])])
    shown, rungs = Box(0, 0, *whole), 0
    while part := closer(whole, shown, thing):
        rungs += 1
        assert part.inside(whole) == part
        assert max(part.width, part.height) < max(shown.width, shown.height)
        assert max(part.width, part.height) >= min(SMALLEST, max(whole)) - 1 or min(whole) < SMALLEST
        assert part.x0 <= thing.centre.x <= part.x1
        assert part.y0 <= thing.centre.y <= part.y1
        shown = part
    assert rungs <= 4


@given(st.tuples(sides, sides), st.floats(0.01, 2))
def test_the_parts_of_a_photo_cover_it_and_share_their_seams(size: tuple[int, int], scale: float) -> None:
    whole = Size(*size)
    found = parts(whole, scale)
    assert bool(found) == (scale < 0.7)
    for part in found:
        assert part.inside(whole) == part
    if found:
        for x in np.linspace(0, whole.width, 23):
            for y in np.linspace(0, whole.height, 23):
                assert any(p.x0 <= x <= p.x1 and p.y0 <= y <= p.y1 for p in found)


@given(st.tuples(sides, sides), boxes)
@settings(max_examples=50)
def test_a_margin_holds_its_thing(size: tuple[int, int], box: list[float]) -> None:
    whole = Size(*size)
    thing = Box.around([(box[0] * whole[0], box[1] * whole[1]), (box[2] * whole[0], box[3] * whole[1])])
    around: Any = margin(whole, thing)
    assert around.inside(whole) == around
    assert around.x0 <= thing.x0 + 1
    assert around.x1 >= thing.x1 - 1
    assert around.y0 <= thing.y0 + 1
    assert around.y1 >= thing.y1 - 1
