"""The part of a confirmed photo that is the product: what is learned from it, and nothing of the shop around it."""

import numpy as np
from numpy.typing import NDArray

from .features import OFFICIAL, Features, extract
from .registration import Matrix
from .types import Box, Point, Quad, Size

Pixels = NDArray[np.uint8]

GROWN = 1.04
"""How much larger than the quad the part is, so that print at the rim keeps its surroundings."""

_LEAST = 16
"""Pixels a side; less shows nothing."""


def part(quad: Quad, size: Size) -> Box | None:
    """The upright part of a photo of this size around a quad, in whole pixels.

    `None` where the quad is no convex quadrilateral, or covers less than 16 pixels a side of the photo.
    """
    import cv2

    corners = np.array(quad, np.float32)
    if not np.isfinite(corners).all() or not cv2.isContourConvex(corners):
        return None
    x0, y0, x1, y1 = Box.around(_grown(quad)).inside(size)
    box = Box(float(int(x0)), float(int(y0)), float(int(np.ceil(x1))), float(int(np.ceil(y1))))
    return box if min(box.width, box.height) >= _LEAST else None


def shown(image: Pixels, quad: Quad | None) -> Pixels:
    """What an upright RGB photo `(h, w, 3)` shows in a quad, on white as official pictures are; all without one."""
    import cv2

    if quad is None:
        return image
    box = _part(image, quad)
    cut = image[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)].copy()
    pack = np.zeros(cut.shape[:2], np.uint8)
    corners = np.array(_grown(quad)) - (box.x0, box.y0)
    cv2.fillConvexPoly(pack, corners.round().astype(np.int32), 1)
    cut[pack == 0] = 255
    return cut


def corner(quad: Quad | None, size: Size) -> Point:
    """Where in a photo of this size what `shown` gives begins: its top left corner."""
    box = part(quad, size) if quad is not None else None
    return Point(box.x0, box.y0) if box else Point(0, 0)


def placed(quad: Quad | None, size: Size) -> Matrix:
    """From pixels of what `shown` gives to those of the photo of this size."""
    begins = corner(quad, size)
    return np.array([[1, 0, begins.x], [0, 1, begins.y], [0, 0, 1]], np.float64)


def features_within(image: Pixels, quad: Quad | None) -> Features:
    """The local features within a quad of an upright RGB photo `(h, w, 3)`, seen as large as an official picture is.

    Their points are in pixels of the photo.
    """
    side, most, enlarged = OFFICIAL
    if quad is None:
        return extract(image, side, most, enlarged)
    box = _part(image, quad)
    # A quad that stands askew fills half of the part around it at least.
    found = extract(shown(image, quad), side, 2 * most, enlarged)
    points = found.points + np.array([box.x0, box.y0], np.float32)
    own = inside(points, _grown(quad))
    return Features(points[own], found.descriptors[own]).first(most)


def _part(image: Pixels, quad: Quad | None) -> Box:
    size = Size(image.shape[1], image.shape[0])
    box = part(quad, size) if quad is not None else None
    return box or Box(0, 0, size.width, size.height)


def _grown(quad: Quad) -> list[Point]:
    x, y = (sum(corner[k] for corner in quad) / 4 for k in (0, 1))
    return [Point(x + GROWN * (corner.x - x), y + GROWN * (corner.y - y)) for corner in quad]


def inside(points: NDArray[np.float32], corners: list[Point]) -> NDArray[np.bool_]:
    """Which points `(n, 2)` lie in a convex quadrilateral, whichever way round its corners are."""
    sides = [
        (b.x - a.x) * (points[:, 1] - a.y) - (b.y - a.y) * (points[:, 0] - a.x)
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    return np.asarray((np.stack(sides) >= 0).all(axis=0) | (np.stack(sides) <= 0).all(axis=0))
