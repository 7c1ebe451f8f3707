"""Colours: the eleven names, the same in brighter and darker light; areas with their boxes."""

import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from sightline.tools.colour import NAMES, areas, by_part, name

# sRGB of the CSS colour keywords that carry the names, and of some that people name no other way.
SWATCHES = {
    "black": [(0, 0, 0), (20, 20, 22), (15, 10, 12)],
    "white": [(255, 255, 255), (245, 245, 240), (230, 232, 235)],
    "grey": [(128, 128, 128), (100, 102, 105), (169, 169, 169)],
    "red": [(255, 0, 0), (200, 20, 30), (178, 34, 34), (220, 20, 60)],
    "orange": [(255, 165, 0), (255, 140, 0), (240, 120, 20)],
    "yellow": [(255, 255, 0), (255, 215, 0), (250, 220, 60)],
    "green": [
        (0, 128, 0),
        (34, 139, 34),
        (60, 179, 113),
        (0, 255, 0),
        (20, 70, 50),
        (107, 142, 35),
        (128, 128, 0),
        (16, 66, 64),
    ],
    "blue": [(0, 0, 255), (30, 144, 255), (0, 0, 139), (70, 130, 180), (135, 206, 235)],
    "purple": [(128, 0, 128), (148, 0, 211), (75, 0, 130), (138, 43, 226)],
    "pink": [(255, 192, 203), (255, 105, 180), (255, 20, 147), (255, 182, 193)],
    "brown": [(139, 69, 19), (101, 67, 33), (120, 80, 50), (210, 180, 140), (205, 133, 63), (181, 144, 101)],
}
CASES = [(rgb, colour) for colour, swatches in SWATCHES.items() for rgb in swatches]


@pytest.mark.parametrize(("rgb", "colour"), CASES)
def test_a_swatch_is_named_as_people_name_it(rgb: tuple[int, int, int], colour: str) -> None:
    assert name(rgb) == colour


@given(st.sampled_from([("red", 0.0), ("green", 1 / 3), ("blue", 0.62)]), st.floats(0.55, 1.0))
def test_a_strong_colour_keeps_its_name_in_dimmer_light(case: tuple[str, float], light: float) -> None:
    colour, hue = case
    r, g, b = colorsys.hsv_to_rgb(hue, 0.9, light)
    assert name((round(255 * r), round(255 * g), round(255 * b))) == colour


@pytest.mark.parametrize("lamp", [(1, 1, 1), (1, 0.95, 0.85), (1, 0.93, 0.8), (0.85, 0.95, 1), (0.8, 0.9, 1)])
def test_a_lamps_tint_is_not_taken_for_colour(lamp: tuple[float, float, float]) -> None:
    image = Image.new("RGB", (600, 450), (240, 240, 238))
    ImageDraw.Draw(image).rectangle((0, 150, 600, 299), (190, 190, 190))
    ImageDraw.Draw(image).rectangle((0, 300, 600, 450), (200, 30, 30))
    lit = np.clip(np.asarray(image) * np.array(lamp), 0, 255).astype(np.uint8)
    assert [colour for colour, _ in by_part(lit)] == ["white", "grey", "red"]


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_every_colour_has_one_of_the_eleven_names(rgb: tuple[int, int, int]) -> None:
    assert name(rgb) in NAMES


@given(st.integers(10, 300), st.integers(10, 200), st.integers(60, 250), st.integers(60, 180), st.integers(400, 1600))
@settings(max_examples=30, deadline=None)
def test_an_area_is_boxed_where_it_is(x: int, y: int, w: int, h: int, width: int) -> None:
    scale = width / 640
    image = Image.new("RGB", (width, round(480 * scale)), (232, 230, 225))
    box = tuple(round(v * scale) for v in (x, y, min(x + w, 630), min(y + h, 470)))
    ImageDraw.Draw(image).rectangle(box, (20, 60, 190))
    ((found, share),) = areas(np.asarray(image), "blue")
    np.testing.assert_allclose(found, box, atol=0.015 * width)
    assert share == pytest.approx((box[2] - box[0]) * (box[3] - box[1]) / (image.width * image.height), rel=0.15)


def test_two_areas_are_two() -> None:
    image = Image.new("RGB", (600, 400), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((40, 50, 200, 350), "red")
    draw.rectangle((350, 100, 420, 180), "red")
    large, small = areas(np.asarray(image), "red")
    assert large[1] > small[1]
    assert areas(np.asarray(image), "green") == []


def test_the_colours_of_the_parts_are_said_as_simply_as_they_are() -> None:
    image = Image.new("RGB", (600, 450), "white")
    assert [c for c, _ in by_part(np.asarray(image))] == ["white"]
    ImageDraw.Draw(image).rectangle((0, 0, 199, 450), "red")
    assert [(c, box.x0) for c, box in by_part(np.asarray(image))] == [("red", 0), ("white", 200), ("white", 400)]
    ImageDraw.Draw(image).rectangle((0, 0, 600, 149), "blue")
    assert len(by_part(np.asarray(image))) == 9
