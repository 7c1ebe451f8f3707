"""What is marked between a face and its reference, and what light and hands account for."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from packs import pack

from sightline.tools.compare import _judge
from sightline.tools.differences import Seen, differences
from sightline.tools.flat import lay
from sightline.tools.quality import measure

Pixels = NDArray[np.uint8]
WIDE, HIGH = 450, 600
SKIN = (205, 160, 130)


def official(seed: int) -> Pixels:
    return np.array(pack(seed, (WIDE, HIGH)))


def marks(photo: Pixels, reference: Pixels) -> tuple[Seen, ...]:
    return differences(lay(photo, reference, np.eye(3))).marks


def holds(mark: Seen, x: float, y: float) -> bool:
    return mark.box.x0 <= x <= mark.box.x1 and mark.box.y0 <= y <= mark.box.y1


def lamp(picture: Pixels, strength: float) -> Pixels:
    """Light that falls off from the top to the bottom, `strength` at the top; what is too bright is cut off."""
    fall = np.linspace(strength, 0.9, len(picture))[:, None, None]
    return (picture * fall).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_overexposed_in_a_channel_is_no_difference(seed: int) -> None:
    reference = official(seed)
    bright = lamp(reference, 1.5)
    assert (bright.max(axis=2) == 255).mean() > 0.25, "much of it is cut off"
    assert marks(bright, reference) == ()


@pytest.mark.parametrize("seed", range(4))
def test_a_patch_is_marked_under_strong_light_too(seed: int) -> None:
    changed = official(seed)
    changed[380:470, 180:270] = (20, 20, 20)
    found = marks(lamp(changed, 1.5), official(seed))
    assert any(holds(mark, 225, 425) for mark in found)


def held(picture: Pixels, x: int, y: int) -> Pixels:
    """A thumb over the rim at the left."""
    mask = np.zeros(picture.shape[:2], np.float32)
    cv2.ellipse(mask, (x, y), (110, 42), 0, 0, 360, 1, -1)
    share = np.asarray(cv2.GaussianBlur(mask, (0, 0), 2))[..., None]
    return np.asarray(picture * (1 - share) + np.array(SKIN) * share, np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_a_thumb_over_the_rim_is_no_difference_and_hides_what_is_under_it(seed: int) -> None:
    reference = official(seed)
    found = differences(lay(held(reference, 20, 300), reference, np.eye(3)))
    assert found.marks == ()
    assert found.visible < 0.98


@pytest.mark.parametrize("seed", range(4))
def test_a_patch_that_a_thumb_touches_is_still_marked(seed: int) -> None:
    changed = official(seed)
    changed[255:345, 125:235] = (10, 60, 200)
    found = marks(held(changed, 20, 300), official(seed))
    assert any(holds(mark, 190, 300) for mark in found)
    assert not any(holds(mark, 60, 300) for mark in found)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_gone_at_the_rim_is_marked_though_the_ground_has_the_colour_of_the_pack(seed: int) -> None:
    plain = official(seed)
    paper = plain[560, 410]
    reference = plain.copy()
    seal = (200, 30, 30) if paper[0] < 128 else (20, 20, 120)
    cv2.ellipse(reference, (60, 420), (60, 40), 0, 0, 360, seal, -1)
    reference[:, :37] = 255
    plain[(plain == 255).all(axis=2)] = paper
    found = marks(plain, reference)
    assert any(holds(mark, 80, 420) for mark in found)


def reflection(picture: Pixels, x: int, y: int, warm: float = 1.0) -> Pixels:
    """A lamp that shines on it, its light of this warmth."""
    down, across = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]]
    share = (1.1 * np.exp(-(((across - x) / 60) ** 2) - ((down - y) / 40) ** 2)).clip(0, 1)[..., None]
    white = np.array([255, 255 * warm, 255 * warm**2])
    return np.asarray(picture * (1 - share) + white * share, np.uint8)


@pytest.mark.parametrize("warm", [1.0, 0.93])
@pytest.mark.parametrize("seed", range(3))
def test_a_lamps_reflection_is_no_difference_and_hides_none_beside_it(seed: int, warm: float) -> None:
    plain = official(seed)
    assert marks(reflection(plain, 225, 300, warm), plain) == ()
    changed = plain.copy()
    changed[430:500, 200:270] = 255 - changed[430:500, 200:270]
    found = marks(reflection(changed, 225, 300, warm), plain)
    assert any(holds(mark, 235, 465) for mark in found)


@pytest.mark.parametrize("seed", range(3))
def test_a_bar_in_front_of_it_is_no_difference(seed: int) -> None:
    photo = official(seed)
    cv2.line(photo, (0, 380), (449, 200), (20, 60, 220), 14)
    assert marks(photo, official(seed)) == ()


def on_white(seed: int) -> Pixels:
    """A pack on a white ground: bright paper, a block of print."""
    page = np.full((HIGH + 80, WIDE + 80, 3), 250, np.uint8)
    page[40:-40, 40:-40] = (226, 226, 244)
    page[250:430, 90:440] = cv2.resize(official(seed), (350, 180), interpolation=cv2.INTER_AREA)
    return page


@pytest.mark.parametrize("seed", range(3))
def test_a_strap_hardly_darker_than_the_paper_is_no_difference_and_print_that_is_gone_is(seed: int) -> None:
    reference = on_white(seed)
    strapped, gone = reference.copy(), reference.copy()
    cv2.line(strapped, (300, 0), (270, HIGH + 79), (192, 192, 208), 16)
    assert marks(strapped, reference) == ()
    gone[300:380, 250:330] = (226, 226, 244)
    assert any(holds(mark, 290, 340) for mark in marks(gone, reference))


@pytest.mark.parametrize("seed", range(3))
def test_print_that_is_gone_from_overexposed_paper_is_marked(seed: int) -> None:
    reference = official(seed)
    reference[60:200, 60:390] = 245
    photo = reference.copy()
    cv2.circle(reference, (220, 130), 48, (200, 150, 60), -1)
    found = marks((photo.astype(float) * 1.1).clip(0, 255).astype(np.uint8), reference)
    assert any(holds(mark, 220, 130) for mark in found)


@pytest.mark.parametrize(("photo", "official", "reason"), [(130, 600, "too_small"), (600, 130, "official_too_small")])
def test_print_is_not_judged_from_fewer_pixels_than_it_takes(photo: int, official: int, reason: str) -> None:
    image = pack(1, (WIDE, HIGH))
    sent, held = (np.array(image.resize((3 * side // 4, side))) for side in (photo, official))
    scale = photo / official
    flat = lay(sent, held, np.diag([scale, scale, 1.0]))
    verdict = _judge(differences(flat), (), (), measure(sent), flat)
    assert (verdict.answer, verdict.reasons) == ("cannot_tell", (reason,))
    assert (verdict.view is None) == (reason == "official_too_small"), "another photo does not help"
