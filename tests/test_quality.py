"""Photo quality: numbers that mean the same in any light, and one thing to do."""

import json

import numpy as np
import pytest
from fakes import SAMPLES, label
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sightline.tools.photos import load, pixels
from sightline.tools.quality import hides, measure
from sightline.tools.types import Quality

LABEL = label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g", "Store in a cool dry place", size=(900, 700))
TRUTH = json.loads((SAMPLES / "truth.json").read_text("utf-8"))


def of(image: Image.Image) -> Quality:
    return measure(np.asarray(image.convert("RGB")))


def noise(width: int = 400, height: int = 300) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_a_clean_label_is_good() -> None:
    assert (of(LABEL).level, of(LABEL).advice) == ("good", None)


@pytest.mark.parametrize("name", TRUTH)
def test_the_samples_are_judged_as_a_person_would(name: str) -> None:
    assert measure(pixels(load(SAMPLES / name))).level == TRUTH[name]["quality"]


@pytest.mark.parametrize(
    ("image", "advice"),
    [
        (Image.new("RGB", (400, 300), "black"), "more_light"),
        (Image.new("RGB", (400, 300), "white"), "less_light"),
        (Image.fromarray(noise()), "more_light"),
        (LABEL.filter(ImageFilter.GaussianBlur(12)), "hold_still_closer"),
        (LABEL.resize((8, 8)), "closer"),
        (Image.new("RGB", (1, 1)), "closer"),
        (Image.new("RGB", (3000, 20), "red"), "closer"),
    ],
    ids=["black", "white", "noise", "blur", "tiny", "pixel", "strip"],
)
def test_what_cannot_be_seen_is_to_be_taken_again(image: Image.Image, advice: str) -> None:
    assert (of(image).level, of(image).advice) == ("retake", advice)


@pytest.mark.parametrize(("side", "level"), [(400, "good"), (399, "poor"), (348, "poor")])
def test_a_small_photo_may_hide_fine_print_however_sharp_it_is(side: int, level: str) -> None:
    quality = of(LABEL.resize((side + 100, side), Image.Resampling.LANCZOS))
    assert (quality.level, quality.advice) == (level, None if level == "good" else "closer")
    assert hides(quality) == (level == "poor")


@given(st.floats(0.25, 1.0))
@settings(max_examples=15, deadline=None)
def test_darkening_by_two_stops_does_not_make_a_photo_less_sharp(factor: float) -> None:
    darker = LABEL.point(lambda v: round(v * factor))
    assert of(darker).sharpness == pytest.approx(of(LABEL).sharpness, rel=0.1)


def test_blur_lowers_sharpness_step_by_step() -> None:
    values = [of(LABEL.filter(ImageFilter.GaussianBlur(radius))).sharpness for radius in (0, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert all(of(LABEL.filter(ImageFilter.GaussianBlur(radius))).level == "retake" for radius in (4, 8, 12))


def test_sharpness_compares_between_sizes() -> None:
    half, double = of(LABEL), of(LABEL.resize((1800, 1400), Image.Resampling.LANCZOS))
    assert double.sharpness == pytest.approx(half.sharpness, rel=0.35)


def highlight(radius: float, print_under: bool) -> Image.Image:
    """A dark pack with a white ellipse whose edge fades over `radius` pixels, over print or over nothing."""
    mask = Image.new("L", (640, 480))
    ImageDraw.Draw(mask).ellipse((220, 150, 420, 330), 255)
    pack = Image.new("RGB", (640, 480), (60, 90, 70))
    if print_under:
        for x in range(20, 620, 40):
            ImageDraw.Draw(pack).line((x, 20, x, 460), (150, 160, 140), 3)
    return Image.composite(Image.new("RGB", pack.size, "white"), pack, mask.filter(ImageFilter.GaussianBlur(radius)))


@pytest.mark.parametrize("radius", [4, 8, 12])
@pytest.mark.parametrize("print_under", [True, False])
def test_a_highlight_that_fades_is_glare(radius: int, print_under: bool) -> None:
    assert of(highlight(radius, print_under)).glare > 0.01
    assert of(highlight(radius, True)).advice == "avoid_glare"


def test_white_print_and_white_paper_are_not_glare() -> None:
    assert all(of(highlight(radius, True)).glare == 0 for radius in (0, 1, 2.5)), "sharp, and a little soft"
    paper = np.full((480, 640), 250.0) - np.hypot(*np.mgrid[-240:240, -320:320]) / 10
    assert of(Image.fromarray(paper.astype(np.uint8))).glare == 0, "a lamp over a white table"


@pytest.mark.parametrize(
    ("quality", "hidden"),
    [
        (of(LABEL), False),
        (of(LABEL.filter(ImageFilter.GaussianBlur(12))), True),
        (of(LABEL.filter(ImageFilter.GaussianBlur(1.8))), True),
        (of(highlight(8, True)), True),
        (of(Image.new("RGB", (400, 300), "black")), True),
    ],
    ids=["clean", "blurred", "soft", "glaring", "black"],
)
def test_what_is_not_seen_may_be_hidden_by_a_poor_photo(quality: Quality, hidden: bool) -> None:
    assert hides(quality) == hidden


def test_what_leaves_the_frame_is_not_hidden_but_elsewhere() -> None:
    framed = Image.new("RGB", (900, 700), (90, 60, 50))
    framed.paste(LABEL, (150, 200))
    framed = framed.crop((0, 0, 900, 680))
    framed.paste((90, 60, 50), (700, 0, 900, 680))
    quality = of(framed)
    assert quality.advice in ("step_back", "move_to_show")
    assert not hides(quality)


@pytest.mark.parametrize(
    ("box", "sides"),
    [
        ((200, 150, 440, 330), ()),
        ((-10, 100, 300, 380), ("left",)),
        ((350, 100, 700, 380), ("right",)),
        ((200, 200, 500, 600), ("bottom",)),
    ],
)
def test_an_object_that_leaves_the_photo_is_cut_off(box: tuple[int, ...], sides: tuple[str, ...]) -> None:
    image = Image.new("RGB", (640, 480), (230, 228, 222))
    ImageDraw.Draw(image).rectangle(box, (30, 90, 160))
    assert of(image).cut_off == sides


def test_a_thing_behind_that_leaves_the_photo_is_not_the_object() -> None:
    image = Image.new("RGB", (640, 480), (230, 228, 222))
    ImageDraw.Draw(image).rectangle((460, 40, 640, 300), (120, 150, 110))
    assert of(image).cut_off == ()


def test_mirroring_swaps_the_sides_at_which_it_is_cut_off() -> None:
    image = Image.new("RGB", (640, 480), (230, 228, 222))
    ImageDraw.Draw(image).rectangle((-10, 100, 300, 380), (30, 90, 160))
    assert of(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)).cut_off == ("right",)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_every_array_has_a_quality_within_its_ranges(width: int, height: int, seed: int) -> None:
    quality = measure(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))
    assert quality.size == (width, height)
    assert all(0 <= v <= 1 for v in (quality.brightness, quality.dark, quality.bright, quality.glare))
    assert (quality.advice is None) == (quality.level == "good")
