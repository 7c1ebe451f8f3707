"""The script of a text and of a picture of it, and what that says about believing the engine."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from sightline.tools.scripts import LOOKS, judge, look, script_of

FIXTURES = Path(__file__).parent / "fixtures" / "scripts"
FOREIGN = ("cyrillic", "greek", "arabic", "hebrew", "devanagari", "thai", "hangul")
READABLE = ("latin", "han", "kana")


def crops(name: str) -> list[NDArray[np.uint8]]:
    """Each line of a fixture, cut as loosely as a detector does."""
    page = np.asarray(Image.open(FIXTURES / f"{name}.png").convert("RGB"))
    lines = []
    for top in range(15, page.shape[0] - 40, 70):
        ink = np.argwhere(page[top : top + 70, :, 0] < 128)
        (y0, x0), (y1, x1) = ink.min(axis=0), ink.max(axis=0)
        lines.append(page[top + max(0, y0 - 6) : top + y1 + 7, max(0, x0 - 6) : x1 + 7])
    return lines


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Best before", "latin"),
        ("Größe Å ñ", "latin"),
        ("2025-04-03", "digits"),
        ("生产日期", "han"),
        ("繁體中文", "han"),
        ("賞味期限はこちら", "kana"),
        ("チョコ", "kana"),
        ("Годен", "cyrillic"),
        ("Ελλάδα", "greek"),
        ("حليب", "arabic"),
        ("חלב", "hebrew"),
        ("दूध", "devanagari"),
        ("นม", "thai"),
        ("우유", "hangul"),
        ("***", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_script_of_a_text_is_that_of_its_letters(text: str, script: str) -> None:
    assert script_of(text) == script


@pytest.mark.parametrize("name", FOREIGN)
def test_a_line_in_a_script_the_engine_was_not_made_for_is_seen_from_its_pixels(name: str) -> None:
    for crop in crops(name):
        seen = look(crop)
        assert seen.foreign > 0.6 * (1 - seen.shares["digits"])
        assert seen.script == name


@pytest.mark.parametrize("name", READABLE)
def test_a_line_the_engine_was_made_for_is_not_taken_for_another(name: str) -> None:
    for crop in crops(name):
        assert look(crop).foreign < 0.33


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize(("said", "score"), [("iiiiiii", 0.91), ("Ucel no 2025", 0.97), ("b| HN", 0.8), ("", 0.0)])
def test_nonsense_is_not_believed_however_sure_the_engine_is(name: str, said: str, score: float) -> None:
    for crop in crops(name):
        judged = judge(said, score, crop)
        assert judged is not None
        assert judged[0] == "unreadable"


@pytest.mark.parametrize("dark", [False, True])
def test_light_letters_on_dark_are_judged_like_dark_ones_on_light(dark: bool) -> None:
    (crop, *_) = crops("latin")
    assert judge("Crème fraîche légère", 0.99, np.asarray(255 - crop if dark else crop, np.uint8)) == ("read", "latin")


def test_a_line_the_engine_is_unsure_of_is_doubtful_and_then_unreadable() -> None:
    (crop, *_) = crops("han")
    assert judge("生产日期：2025年4月3日", 0.75, crop) == ("doubtful", "han")
    assert judge("生产日期：2025年4月3日", 0.4, crop) == ("unreadable", "unknown")


def test_greek_letters_are_never_believed() -> None:
    """The engine knows them for formulas, without accents: a Greek word comes out with letters missing."""
    (crop, *_) = crops("latin")
    assert judge("Aνλωση κατ προτμηση", 0.99, crop) == ("unreadable", "greek")


def test_a_box_in_which_nothing_is_written_is_no_line() -> None:
    assert judge("", 0.0, np.full((40, 200, 3), 128, np.uint8)) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 90), st.integers(2, 2500), st.integers(0, 2**32 - 1))
def test_whatever_the_crop_the_shares_add_up(height: int, width: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    seen = look(noise)
    assert set(seen.shares) == set(LOOKS) - {"nothing"}
    assert 0 <= seen.written <= 1
    assert sum(seen.shares.values()) == pytest.approx(1, abs=1e-3)
