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
from .registration import Matrix, centred, inverse
from .surface import FULL, SIDE, Map, even, lab, moved
from .types import Box

Pixels = NDArray[np.uint8]

SHARED = 80
"""Inliers between two official pictures from which on they are twins: on the grocery set variants of one pack share 80
to 490, packs that have no more than a logo in common up to 90."""

_SHIFT = 2
"""Pixels of the frame by which a place may be off: card bends."""

_NOISE, _MOST = 4.0, 30.0
"""Lab difference under which two pictures are alike, and the most that a place counts for differing."""

_FIELD = 10.0
"""Lab difference from which on a place is of a field that tells two products apart."""

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

    apart = _apart(_Key(first), _Key(second), between.tobytes())
    high, wide = apart.first.shape[:2]
    shrink = np.diag([1 / apart.scale, 1 / apart.scale, 1.0])
    flat, inside = _warped(photo, laid @ shrink, (wide, high))
    seen = (inside & (apart.shared > 0) & (flat.min(axis=2) < FULL) & (flat.max(axis=2) > 12)).astype(np.float32)
    plain = (apart.first.min(axis=2) > 235) & (apart.second.min(axis=2) > 235)
    seen[plain & inside & (apart.shared > 0)] = 1
    alike = seen * (apart.differ < 2 * _NOISE)
    middle = (apart.first + apart.second) / 2
    lit = even(flat.astype(np.float32), middle, alike if alike.mean() > 0.1 else seen)
    here = _smooth(lit)
    off_first, off_second = (_least(here, _smooth(side)) for side in (apart.first, apart.second))
    weight = np.clip(apart.differ - _NOISE, 0, _MOST) * seen
    if weight.sum() <= 0:
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
    return Told(lean, box, hue=bool(apart.hue[field].mean() > 0.5 * apart.differ[field].mean()))


class _Key:
    """A picture by what it shows, so that a pair is prepared once."""

    def __init__(self, image: Pixels) -> None:
        self.image = image
        self._bytes = image.tobytes()

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.image.shape == other.image.shape and self._bytes == other._bytes


@lru_cache(maxsize=256)
def _apart(first: _Key, second: _Key, between: bytes) -> _Apart:
    import cv2

    image = first.image
    scale = SIDE / max(image.shape[:2])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    there = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA).astype(np.float32)
    matrix = np.frombuffer(between).reshape(3, 3) @ np.diag([1 / scale, 1 / scale, 1.0])
    other, shared = _warped(second.image, matrix, size)
    lit = even(other.astype(np.float32), there, shared.astype(np.float32))
    smooth = _smooth(lit), _smooth(there)
    differ = _least(*smooth)
    hue = np.linalg.norm((smooth[0] - smooth[1])[..., 1:], axis=2)
    return _Apart(there, lit, shared.astype(np.float32), differ, hue, scale)


def _warped(image: Pixels, to_image: Matrix, size: tuple[int, int]) -> tuple[Pixels, NDArray[np.bool_]]:
    """What an image shows in a frame of this size, and where it shows anything."""
    import cv2

    flags, matrix = cv2.WARP_INVERSE_MAP, centred(to_image)
    flat = np.asarray(cv2.warpPerspective(image, matrix, size, flags=flags | cv2.INTER_LINEAR), np.uint8)
    full = np.full(image.shape[:2], 255, np.uint8)
    return flat, np.asarray(cv2.warpPerspective(full, matrix, size, flags=flags | cv2.INTER_NEAREST) > 0)


def _smooth(rgb: Map) -> Map:
    """Lab, softened, lightness counting less: light falls unevenly, ink does not change its hue."""
    import cv2

    soft = np.asarray(cv2.GaussianBlur(lab(rgb), (0, 0), _SOFT), np.float32)
    soft[..., 0] *= 0.7
    return soft


def _least(here: Map, there: Map) -> Map:
    """The least difference of each place over a few shifts of the first."""
    best = np.full(there.shape[:2], 1e9, np.float32)
    for dy in (-_SHIFT, 0, _SHIFT):
        for dx in (-_SHIFT, 0, _SHIFT):
            off = moved(here, dx, dy) - there
            np.minimum(best, np.einsum("ijk,ijk->ij", off, off), out=best)
    return np.sqrt(best)


def back(between: Matrix) -> Matrix | None:
    """The way between twins the other way round."""
    return inverse(between)
