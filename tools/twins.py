"""Twins: official pictures alike but for a few places, and which of two a photo resembles just there.

That two are twins, and the way from one to the other, is found once, when they are indexed. A photo is then held
against both of them only where they differ: what they share says nothing, whatever the light or a thumb does to it.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import registration
from .features import Features
from .registration import Matrix, centred
from .surface import FULL, SIDE, Map, brightest, darkest, even, lab, shifted
from .types import Box

Pixels = NDArray[np.uint8]

SHARED = 80
"""Inliers between two official pictures from which on they are twins: on the grocery set variants of one pack share 80
to 490, packs that have no more than a logo in common up to 90."""

FINEST = 700
"""Long side of the frame, pixels, at most: it is as large as the photo and both pictures show the face, and as
`surface.SIDE` at least."""

_SHIFT, _STEP = 130, 2
"""A place may be off by this share of the frame's long side, 1 in 130, as card bends, and is tried at these pixels."""

_NOISE, _MOST = 4.0, 30.0
"""Lab difference under which two pictures are alike, and the most that a place counts for differing."""

_FIELD = 10.0
"""Lab difference from which on a place is of a field that tells two products apart."""

_LEAST = 1e-4
"""Share of the frame that has to differ, and to be in view, for a photo to lean to either."""

_LARGE = 0.005
"""Share of the frame from which on a field is a band or a panel, and not print."""

_SOFT = 1.5


@dataclass(frozen=True)
class Told:
    """Which of two a photo resembles where they differ.

    `lean`: 1 the first, -1 the second, 0 neither more than the other; `None` where nothing that differs is in view.
    `field`: the place, in pixels of the one it leans to, that says so the most, `None` without one; `hue`: whether the
    two differ there in colour more than in lightness.
    """

    lean: float | None
    field: Box | None
    hue: bool


@dataclass(frozen=True)
class _Apart:
    """Two pictures in the frame of the first, lit alike: where and how much they differ (Lab)."""

    first: Map
    second: Map
    shared: Map
    differ: Map
    hue: Map
    scale: float


def way(first: Features, second: Features) -> Matrix | None:
    """From pixels of one official picture to those of its twin; `None` where they are no twins."""
    laid = registration.register(second, first)
    return laid.homography if laid is not None and len(laid) >= SHARED else None


def tell(photo: Pixels, laid: Matrix, first: Pixels, second: Pixels, between: Matrix) -> Told:
    """Hold a photo against two twins where they differ, all upright RGB `(h, w, 3)`.

    `laid` takes pixels of `first` to the photo's, `between` to those of `second`.
    """
    import cv2

    high, wide = first.shape[:2]
    shown = max(high, wide) * _scale(laid, (wide / 2, high / 2))
    theirs = max(high, wide) * _scale(between, (wide / 2, high / 2))
    side = round(float(np.clip(min(shown, theirs, max(high, wide)), SIDE, FINEST)) / 20) * 20
    apart = _apart(_Key(first), _Key(second), between.tobytes(), side)
    high, wide = apart.first.shape[:2]
    shrink = np.diag([1 / apart.scale, 1 / apart.scale, 1.0])
    flat, inside = _warped(photo, laid @ shrink, (wide, high))
    seen = (inside & (apart.shared > 0) & (darkest(flat) < FULL) & (brightest(flat) > 12)).astype(np.float32)
    plain = (darkest(apart.first) > 235) & (darkest(apart.second) > 235)
    seen[plain & inside & (apart.shared > 0)] = 1
    alike = seen * (apart.differ < 2 * _NOISE)
    middle = (apart.first + apart.second) / 2
    lit = even(flat.astype(np.float32), middle, alike if alike.mean() > 0.1 else seen)
    here = _smooth(lit)
    off_first, off_second = (_least(here, _smooth(side)) for side in (apart.first, apart.second))
    weight = np.clip(apart.differ - _NOISE, 0, _MOST) * seen
    if (seen[apart.differ > _FIELD] > 0).sum() < _LEAST * apart.differ.size:
        return Told(None, None, hue=False)
    towards = np.clip((off_second - off_first) / np.maximum(apart.differ, _NOISE), -1, 1)
    lean = float((weight * towards).sum() / weight.sum())
    mask = ((apart.differ > _FIELD) & (seen > 0)).astype(np.uint8)
    count, labels = cv2.connectedComponents(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)))
    if count < 2:
        return Told(lean, None, hue=False)
    says = np.bincount(labels.ravel(), (weight * towards * np.sign(lean)).ravel(), count)
    field = labels == 1 + int(says[1:].argmax())
    rows, columns = np.flatnonzero(field.any(axis=1)), np.flatnonzero(field.any(axis=0))
    box = Box(*(float(edge / apart.scale) for edge in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)))
    if lean < 0:
        corners = registration.project(between, np.array(box.corners))
        box = Box(*(float(edge) for edge in (*corners.min(axis=0), *corners.max(axis=0))))
    hue = apart.hue[field].mean() > 0.5 * apart.differ[field].mean() and field.mean() > _LARGE
    return Told(lean, box, hue=bool(hue))


class _Key:
    """A picture by what it shows, so that a pair is prepared once."""

    def __init__(self, image: Pixels) -> None:
        self.image = image
        self._bytes = image.tobytes()

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.image.shape == other.image.shape and self._bytes == other._bytes


@lru_cache(maxsize=16)
def _apart(first: _Key, second: _Key, between: bytes, side: int) -> _Apart:
    image = first.image
    scale = side / max(image.shape[:2])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    shrink = np.diag([1 / scale, 1 / scale, 1.0])
    # All three are brought into the frame in one way, or a picture would be like the one that was made so.
    there = _warped(image, shrink, size)[0].astype(np.float32)
    other, shared = _warped(second.image, np.frombuffer(between).reshape(3, 3) @ shrink, size)
    lit = even(other.astype(np.float32), there, shared.astype(np.float32))
    smooth = _smooth(lit), _smooth(there)
    differ = _least(*smooth)
    hue = np.linalg.norm((smooth[0] - smooth[1])[..., 1:], axis=2)
    return _Apart(there, lit, shared.astype(np.float32), differ, hue, scale)


def _scale(matrix: Matrix, at: tuple[float, float]) -> float:
    """Pixels that one pixel becomes there, along a side."""
    return float(np.sqrt(abs(np.linalg.det(registration.slope(matrix, *at)))))


def _warped(image: Pixels, to_image: Matrix, size: tuple[int, int]) -> tuple[Pixels, NDArray[np.bool_]]:
    """What an image shows in a frame of this size, and where it shows anything."""
    import cv2

    matrix, shrunk = centred(to_image), _scale(to_image, (size[0] / 2, size[1] / 2))
    # Shrunk, it is softened first: the warp looks at four pixels only.
    source = cv2.GaussianBlur(image, (0, 0), 0.4 * shrunk) if shrunk > 1.3 else image
    taking = cv2.WARP_INVERSE_MAP | (cv2.INTER_CUBIC if shrunk < 1 else cv2.INTER_LINEAR)
    flat = np.asarray(cv2.warpPerspective(source, matrix, size, flags=taking), np.uint8)
    full = np.full(image.shape[:2], 255, np.uint8)
    inside = cv2.warpPerspective(full, matrix, size, flags=cv2.WARP_INVERSE_MAP | cv2.INTER_NEAREST)
    return flat, np.asarray(inside > 0)


def _smooth(rgb: Map) -> Map:
    """Lab, softened, lightness counting less: light falls unevenly, ink does not change its hue."""
    import cv2

    soft = np.asarray(cv2.GaussianBlur(lab(rgb), (0, 0), _SOFT), np.float32)
    soft[..., 0] *= 0.7
    return soft


def _least(here: Map, there: Map) -> Map:
    """How much each place of either differs from what the other shows there, or a few pixels off."""
    import cv2

    reach = max(round(max(there.shape[:2]) / _SHIFT / _STEP), 1) * _STEP
    at = shifted(here, reach)
    best = np.full((2, *there.shape[:2]), 1e9, np.float32)
    for dy in range(-reach, reach + 1, _STEP):
        for dx in range(-reach, reach + 1, _STEP):
            off = cv2.subtract(at(dx, dy), there)
            apart = np.asarray(cv2.transform(cv2.multiply(off, off), np.ones((1, 3))), np.float32)
            np.minimum(best[0], apart, out=best[0])
            # The same difference, from where the other side shows it.
            np.minimum(best[1], shifted(apart, reach)(-dx, -dy), out=best[1])
    # A stroke that only one has is unlike all around it in the other; the paper around it is not.
    return np.asarray(np.sqrt(best.max(axis=0)), np.float32)
