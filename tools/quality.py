"""Measure how well a photo can be looked at: sharpness, light, glare, size, framing, and what to do about it.

Numbers first; then one level and one physical action. It does not know what the photo is of.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from . import photos
from .surface import brightest, darkest
from .types import Advice, Photo, Quality, Side, Size

Pixels = NDArray[np.uint8]
Grey = NDArray[np.float32]

SCALE = 640
"""Photos are measured at this long side, in pixels, so that numbers compare; smaller ones as they are."""

BLURRED, SOFT = 20.0, 80.0
"""Variance of the Laplacian under which nothing can be read, and under which fine print suffers.

Measured on 150 shop photos of groceries (1st percentile 98) and on a defocused rendered pack (14).
"""

_FLAT = 24.0
"""A span of grey levels (1st to 99th percentile, of 255) that carries no detail worth an answer."""

_SMALL = 64
"""A photo with a shorter side than this many pixels shows no line of text."""

_FINE = 400
"""A photo with a shorter side than this many pixels may not show fine print.

Measured on the samples that are good, made smaller: of 35 facts printed on them 33 or more are read at 400
pixels and above, 28 at 348, 27 at 300.
"""

_GLARE = 0.01
"""Share of the photo under blown-out patches from which on something is likely to be hidden."""

_BLOWN = 240
"""Grey level from which on a patch is blown out: in the corners of a photo lenses darken even that."""

_FADE = 14
"""Pixels within which a highlight has to have faded. With the levels used there, and `_GLARE`: of 500 shop
photos 4 are flagged, rendered highlights over print are found, white signs, jars and receipts are not."""

_NOISE = 0.25
"""Correlation of neighbouring pixels under which a photo is noise; the lowest of 150 shop photos has 0.8."""


_DESTROYED = 40.0
"""Variance of the Laplacian, in the sharpest ninth of a photo, under which blur has left nothing of it.

Measured: 80 and above on 300 shop photos and 1200 on the samples that are good; at most 35 on samples, shop photos and
a label after a Gaussian blur of 8 pixels and more, and 21 on two rendered packs out of focus."""

_PIXELS = 32
"""A photo with a shorter side than this many pixels shows no thing that could be named."""


def measure(pixels: Pixels) -> Quality:
    """The quality of an upright RGB photo, shape `(height, width, 3)`."""
    import cv2

    height, width = pixels.shape[:2]
    scale = SCALE / max(height, width)
    small = pixels
    if scale < 1:
        # A ribbon of a photo keeps at least one row and one column.
        reduced = (max(round(width * scale), 1), max(round(height * scale), 1))
        small = np.asarray(cv2.resize(pixels, reduced, interpolation=cv2.INTER_AREA), np.uint8)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    low, high = np.percentile(grey, [1, 99])
    sharpness = _sharpness(grey.astype(np.float32), float(low), float(high))
    facts = Quality(
        size=Size(width, height),
        sharpness=round(sharpness, 1),
        brightness=round(float(grey.mean()) / 255, 3),
        dark=round(float((brightest(small) <= 5).mean()), 3),
        bright=round(float((darkest(small) >= 250).mean()), 3),
        glare=round(_glare(small), 4),
        cut_off=_cut_off(small),
        level="good",
        advice=None,
    )
    span, likeness = float(high - low), _likeness(grey)
    level, advice = _judge(facts, span, likeness)
    blurred = _sharpest(grey.astype(np.float32), float(low), float(high)) < _DESTROYED
    nothing = min(facts.size) < _PIXELS or span < _FLAT or likeness < _NOISE or blurred
    return Quality(**{**vars(facts), "level": "retake" if nothing else level, "advice": advice, "shows": not nothing})


@lru_cache(maxsize=8)
def quality_of(photo: Photo) -> Quality:
    """The quality of a photo, measured once, whichever tools ask in a turn."""
    return measure(photos.pixels(photo))


def hides(quality: Quality) -> bool:
    """Whether print in the photo may be there and not be seen; what lies outside the frame is elsewhere, not hidden."""
    return quality.level == "retake" or quality.advice not in (None, "step_back", "move_to_show")


def _judge(q: Quality, span: float, likeness: float) -> tuple[str, Advice | None]:
    """The level, and the first thing to do: what stops every answer comes before what would improve one."""
    if min(q.size) < _SMALL:
        return "retake", "closer"
    if span < _FLAT:
        return "retake", "less_light" if q.brightness > 0.8 else "more_light" if q.brightness < 0.25 else "step_back"
    if likeness < _NOISE:
        return "retake", "more_light"
    if q.sharpness < BLURRED:
        return "retake", "hold_still_closer"
    if q.brightness < 0.1:
        return "poor", "more_light"
    if q.glare > _GLARE:
        return "poor", "avoid_glare"
    if q.sharpness < SOFT:
        return "poor", "hold_still"
    if min(q.size) < _FINE:
        return "poor", "closer"
    if q.cut_off:
        return "poor", "step_back" if len(q.cut_off) > 1 else "move_to_show"
    return "good", None


def _sharpness(grey: Grey, low: float, high: float) -> float:
    """Variance of the Laplacian of the middle, after the grey levels are stretched to a span of 200.

    Stretching undoes exposure: a photo two stops darker has the same detail in a quarter of the levels.
    """
    height, width = grey.shape
    middle = grey[height // 5 : height - height // 5, width // 5 : width - width // 5]
    return float(_edges(middle, low, high).var()) if middle.size else 0.0


def _sharpest(grey: Grey, low: float, high: float) -> float:
    """The same of the sharpest of nine parts: print in a corner is enough to see by."""
    edges = _edges(grey, low, high)
    parts = (part for rows in np.array_split(edges, 3) for part in np.array_split(rows, 3, axis=1))
    return max(float(part.var()) for part in parts if part.size)


def _edges(grey: Grey, low: float, high: float) -> Grey:
    import cv2

    stretched = (grey - low) * (200 / max(high - low, 4.0))
    return np.asarray(cv2.Laplacian(stretched.astype(np.float32), cv2.CV_32F), np.float32)


def _likeness(grey: Pixels) -> float:
    """Correlation of each pixel with its right neighbour: near 1 in photos, near 0 in noise."""
    left, right = grey[:, :-1].astype(np.float64).ravel(), grey[:, 1:].astype(np.float64).ravel()
    if left.size < 2 or left.std() == 0 or right.std() == 0:
        return 1.0
    return float(np.corrcoef(left, right)[0, 1])


def _glare(small: Pixels) -> float:
    """Share of the photo under blown-out patches.

    White print ends sharply and white paper does not end in dark; a highlight fades into what it lies on,
    step by step. Patches at the rim are lamps and windows behind the thing.
    """
    import cv2

    lowest = darkest(small)
    blown = cv2.morphologyEx((lowest >= _BLOWN).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(blown, connectivity=4)
    height, width = blown.shape
    rim = 0.05 * min(height, width)
    total = 0
    for n in range(1, count):
        x, y, w, h, area = (int(v) for v in stats[n])
        inside = x > rim and y > rim and x + w < width - rim and y + h < height - rim
        if not inside or not 0.002 * blown.size < area < 0.2 * blown.size or area < 0.3 * w * h:
            continue
        around = np.s_[max(y - _FADE, 0) : y + h + _FADE, max(x - _FADE, 0) : x + w + _FADE]
        away = cv2.distanceTransform((labels[around] != n).astype(np.uint8), cv2.DIST_L2, 3)
        rings = (lowest[around][(away > r) & (away <= r + 1)] for r in range(1, _FADE))
        if _fades([float(np.median(ring)) for ring in rings if ring.size]):
            total += area
    return float(total / blown.size)


def _fades(levels: Sequence[float]) -> bool:
    """Whether grey levels, outward from a patch, go down step by step from nearly white to those of a surface."""
    dim = next((i for i, level in enumerate(levels) if level < 206), 0)
    return dim > 1 and levels[0] > 210 and all(b <= a + 2 for a, b in pairwise(levels[: dim + 1]))


def _cut_off(small: Pixels) -> tuple[Side, ...]:
    """The sides at which the main object leaves the photo; none where the background does not tell.

    Only a background of one colour along most of the rim says what is object and what is not, and
    the main object reaches into the middle of the photo.
    """
    import cv2

    lab = cv2.cvtColor(cv2.GaussianBlur(small, (5, 5), 0), cv2.COLOR_RGB2LAB).astype(np.float32)
    rim = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    background = np.median(rim, axis=0)
    if (np.linalg.norm(rim - background, axis=1) < 16).mean() < 0.6:
        return ()
    object_ = (np.linalg.norm(lab - background, axis=2) > 30).astype(np.uint8)
    # A shadow, or a rim of the same tone, does not make one object of two.
    link = max(min(object_.shape) // 16, 1)
    object_ = np.asarray(cv2.morphologyEx(object_, cv2.MORPH_OPEN, np.ones((link, link), np.uint8)), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(object_, connectivity=8)
    if count < 2:
        return ()
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    if stats[largest, cv2.CC_STAT_AREA] < 0.08 * object_.size:
        return ()
    mask = labels == largest
    top, left = mask.shape[0] // 3, mask.shape[1] // 3
    if not mask[top : mask.shape[0] - top, left : mask.shape[1] - left].any():
        return ()
    edges: dict[Side, NDArray[np.bool_]] = {
        "left": mask[:, 0], "top": mask[0], "right": mask[:, -1], "bottom": mask[-1],
    }  # fmt: skip
    return tuple(side for side, edge in edges.items() if edge.mean() > 0.15)
