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
from sightline.tools.quality import measure
from sightline.tools.types import Quality

LABEL = label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g", "Store in a cool dry place", size=(900, 700))
TRUTH = json.loads((SAMPLES / "truth.json").read_text("utf-8"))


def of(image: Image.Image) -> Quality:
    return measure(np.asarray(image.convert("RGB")))


def noise(width: int = 400, height: int = 300) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_a_clean_label_is_good() -> None:
    assert (of(LABEL).level, of(LABEL).advice) == ("good", None)


@pytest.mark.parametrize("name", [n for n in TRUTH if TRUTH[n]["quality"] in ("good", "retake")])
def test_the_samples_are_judged_as_a_person_would(name: str) -> None:
    level = measure(pixels(load(SAMPLES / name))).level
    assert (level == "retake") == (TRUTH[name]["quality"] == "retake")


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


def test_glare_is_a_highlight_that_fades_and_not_white_print() -> None:
    dark = Image.new("RGB", (640, 480), (60, 90, 70))
    printed, glaring = dark.copy(), dark.copy()
    ImageDraw.Draw(printed).ellipse((250, 180, 390, 300), "white")
    ImageDraw.Draw(glaring).ellipse((220, 150, 420, 330), "white")
    glaring = glaring.filter(ImageFilter.GaussianBlur(14))
    assert of(printed).glare == 0
    assert of(glaring).glare > 0.01
    assert of(glaring).advice in ("avoid_glare", "hold_still_closer")


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
