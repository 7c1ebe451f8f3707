"""How a thing is looked for: in the whole photo, in its parts, from close by; and when it is said to be absent."""

import re
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw
from scripted import dotted, looking, near, scripted, steps

from sightline.tools.dialects import Kind
from sightline.tools.errors import ModelFailed
from sightline.tools.models.contract import Contract, Scale
from sightline.tools.photos import load
from sightline.tools.seeing import find
from sightline.tools.types import Box, Size


def test_what_is_too_small_in_the_whole_photo_is_found_in_a_part_of_it() -> None:
    model, chat = scripted(looking("qwen3_vl", smallest=0.0008))
    photo = load(dotted((2000, 1500), (1500, 1000, 1540, 1040)))
    found = find(model, photo, "red block", "en")
    assert found.outcome == "found"
    assert near(found.regions[0].box, Box(1500, 1000, 1541, 1041), 5)
    assert len(chat.asked) == 5
    assert all(image.width * image.height <= 1_300_000 for _, images in chat.asked for image in images)


# What is asked for points, or which way something points, sees no more at a glance than what is asked for boxes.
NO_BOXES = pytest.mark.parametrize(
    ("family", "dialect", "kind"),
    [("molmo", "molmo", "boxes"), ("other", "points", "boxes"), ("qwen3_vl", "qwen3_vl", "direction")],
)


@NO_BOXES
def test_what_comes_as_a_point_or_a_direction_is_looked_for_in_the_parts_too(
    family: str, dialect: str, kind: Kind
) -> None:
    model, chat = scripted(looking(dialect, smallest=0.0008), family)
    model = replace(model, contract=Contract("scripted", "", "", dialect, boxes=True))
    found = find(model, load(dotted((2000, 1500), (1500, 1000, 1540, 1040))), "red block", "en", kind)
    assert len(chat.asked) == 5
    (region,) = found.regions
    assert near(region.box, Box(1520, 1020, 1520, 1020), 25), region
    assert region.label == "red block"
    assert [way.origin for way in found.directions] == ([region.point] if kind == "direction" else [])


@NO_BOXES
@pytest.mark.parametrize(("at", "count"), [((1180, 150, 1220, 190), 1), (None, 0)])
def test_what_two_parts_point_at_is_one_and_absent_is_said_after_all_of_them(
    family: str, dialect: str, kind: Kind, at: tuple[int, int, int, int] | None, count: int
) -> None:
    look = looking(dialect)
    photo = load(dotted((2400, 1600), at))
    model, chat = scripted(
        lambda words, images: "There are none." if len(chat.asked) == 1 else look(words, images), family
    )
    model = replace(model, contract=Contract("scripted", "", "", dialect, boxes=True))
    found = find(model, photo, "red block", "en", kind)
    assert len(chat.asked) == 5
    assert (found.outcome, len(found.regions)) == ("found" if count else "absent", count)
    assert len(found.directions) == (count if kind == "direction" else 0)


def test_two_points_beside_one_another_that_two_parts_show_are_two() -> None:
    at = '[{{"point_2d": [{}, 208]}}, {{"point_2d": [{}, 208]}}]'
    replies = ("[]", at.format(799, 833), at.format(132, 167), "[]")
    model, _ = scripted(steps(*replies), "other")
    model = replace(model, contract=Contract("scripted", "", "", "points", boxes=True))
    found = find(model, load(dotted((2400, 1600), None)), "button", "en")
    assert [round(region.box.x0, -1) for region in found.regions] == [1150, 1200]


@pytest.mark.parametrize(
    ("family", "boxes", "fit"),
    [("blip2", None, False), ("blip2", True, True), ("qwen3_vl", None, True), ("qwen3_vl", False, False)],
)
def test_whether_it_says_where_things_are_its_family_tells_where_calibration_did_not(
    family: str, boxes: bool | None, fit: bool
) -> None:
    model, chat = scripted("[]", family)
    model = replace(model, contract=Contract("scripted", "", "", model.family.dialect, boxes=boxes))
    if fit:
        assert find(model, load(dotted((300, 200), None)), "mug", "en").outcome == "absent"
        return
    with pytest.raises(ModelFailed) as raised:
        find(model, load(dotted((300, 200), None)), "mug", "en")
    assert raised.value.reason == "unfit"
    assert not chat.asked


def test_a_small_thing_is_looked_at_again_from_close_by() -> None:
    asked: list[Size] = []

    def coarse(words: str, images: list[Image.Image]) -> str:
        asked.append(Size(*images[0].size))
        said: str = looking("qwen3_vl")(words, images)  # type: ignore[assignment]
        if len(asked) > 1:
            return said
        # From far away it is off by twenty thousandths.
        return re.sub(r"\d+(?=,|\])", lambda n: str(int(n[0]) + 20), said, count=4)

    photo = load(dotted((1500, 1000), (1000, 450, 1060, 540)))
    found = find(scripted(coarse)[0], photo, "red block", "en")
    assert len(asked) >= 2
    assert near(found.regions[0].box, Box(1000, 450, 1061, 541), 4), found


def test_a_closer_look_that_fails_takes_nothing_back() -> None:
    image = dotted((1500, 1000), (1000, 450, 1060, 540))
    first = looking("qwen3_vl")("", [image])
    found = find(scripted(steps(first, ValueError("500")))[0], load(image), "red block", "en")
    assert found.outcome == "found"
    assert near(found.regions[0].box, Box(1000, 450, 1061, 541), 4)


def test_absent_is_said_after_all_of_the_photo_was_seen_and_at_once_where_it_was_shown_in_full() -> None:
    for size, requests in (((1200, 900), 1), ((2000, 1500), 5)):
        model, chat = scripted(looking("qwen3_vl"))
        assert find(model, load(dotted(size, None)), "red block", "en").outcome == "absent"
        assert len(chat.asked) == requests


@pytest.mark.parametrize(
    ("family", "requests"),
    [("llava", 5), ("paligemma", 5), ("kosmos2", 5), ("qwen_vl", 5), ("florence2", 1), ("smolvlm", 1), ("internvl", 1)],
)
def test_absent_is_said_after_the_parts_where_a_family_sees_less_than_it_is_sent(family: str, requests: int) -> None:
    model, chat = scripted("None", family)
    assert find(model, load(dotted((900, 700), None)), "red block", "en").outcome == "absent"
    assert len(chat.asked) == requests


@pytest.mark.parametrize(
    ("scale", "side", "requests"),
    [("longest", 560, 5), ("square", 500, 5), ("area", 500, 5), ("longest", 900, 1), ("sent", None, 1)],
)
def test_absent_is_said_after_the_parts_where_a_server_shrinks_what_it_is_sent(
    scale: Scale, side: int | None, requests: int
) -> None:
    model, chat = scripted("[]")
    model = replace(model, contract=Contract("scripted", "", "", "qwen3_vl", scale, side=side))
    assert find(model, load(dotted((900, 700), None)), "red block", "en").outcome == "absent"
    assert len(chat.asked) == requests


@pytest.mark.parametrize(("left", "right"), [(1300, 1700), (400, 2000), (800, 1600)])
def test_a_thing_on_the_seam_of_two_parts_is_one(left: int, right: int) -> None:
    look = looking("qwen3_vl")
    photo = load(dotted((2400, 1600), (left, 150, right - 1, 250)))
    model, chat = scripted(lambda words, images: "[]" if len(chat.asked) == 1 else look(words, images))
    found = find(model, photo, "red block", "en")
    assert len(chat.asked) == 5
    (region,) = found.regions
    assert near(region.box, Box(left, 150, right, 251), 5), region


def test_two_things_of_which_each_part_shows_one_are_two() -> None:
    image = dotted((2400, 1600), (300, 150, 500, 250))
    ImageDraw.Draw(image).rectangle((1900, 150, 2100, 250), fill=(230, 20, 20))
    look = looking("qwen3_vl")
    model, chat = scripted(lambda words, images: "[]" if len(chat.asked) == 1 else look(words, images))
    assert len(find(model, load(image), "red block", "en").regions) == 2


def test_a_reply_that_cannot_be_read_is_not_absent() -> None:
    for reply in ("I am not able to help with that.", "[{", "It is on the left, I think."):
        found = find(scripted(reply)[0], load(dotted()), "mug", "en")
        assert (found.outcome, found.reason, found.regions) == ("unreadable", "reply_unreadable", ())


def test_a_direction_comes_back_with_where_it_starts() -> None:
    found = find(scripted(looking("qwen3_vl"))[0], load(dotted()), "the arrow", "en", "direction")
    (direction,) = found.directions
    assert direction.label == "the arrow"
    assert near(Box(*direction.origin, *direction.origin), Box(700, 401, 700, 401), 4)
    assert direction.heading == pytest.approx(33.7, abs=2)


def test_of_a_search_that_failed_half_way_no_count_is_claimed() -> None:
    first = '[{"bbox_2d": [100, 100, 200, 200], "label": "mug"}]'
    found = find(scripted(steps("[]", first, ValueError("500")))[0], load(dotted((2000, 1500), None)), "mug", "en")
    assert (found.outcome, len(found.regions), found.cut) == ("found", 1, True)
