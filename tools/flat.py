"""Lay a photo of a face onto its reference, to a pixel, in the reference's light and at one sharpness.

The frame is the reference, scaled. A first homography brings the photo near; features found again in the frame
settle it, and a gentle bend takes up what card and lens do. What is outside the photo, blown out or black is not seen.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .features import extract, rooted
from .registration import Matrix, centred, inverse, plausible, project, slope
from .surface import FULL, Map, even
from .types import Box, Point, Quad

Pixels = NDArray[np.uint8]
Points = NDArray[Any]  # (n, 2) float64

LARGEST, SMALLEST = 840, 400
"""Long side of the frame, pixels; between them it is as large as the photo shows the face."""

_ENLARGED = 3.0
_MOST = 2000
_REACH, _ALIKE = 0.025, 0.75
"""Share of the frame's long side within which a feature is looked for again, and the cosine it takes."""

_SETTLED = 0.005
"""Share of the frame's long side within which a feature is found again where it should be."""

_SURE = 24
"""Features that have to be found again for a bend to be fitted."""

_BEND = 0.02
"""The most a bend may move anything, as a share of the frame's long side."""


@dataclass(frozen=True)
class Flat:
    """Both sides in one frame: `photo` and `reference`, RGB float32 `(h, w, 3)`, 0..255.

    `seen`: bool `(h, w)`. `agreed`: bool `(h, w)`, the hull of the features found again where they should be.
    `to_photo` takes the frame's pixels to the photo's, `to_reference` is the factor to the reference's.
    `points`, `moves` `(n, 2)`: features found again in the frame, and by how much each is off, pixels, bend taken up.
    `grain`: pixels of the frame to a pixel of the coarser of the two pictures, 1 at least.
    """

    photo: Map
    reference: Map
    seen: NDArray[np.bool_]
    agreed: NDArray[np.bool_]
    to_photo: Matrix
    to_reference: float
    points: Points
    moves: Points
    grain: float

    def region(self, box: Box) -> Quad:
        """Where a box of the frame lies in the photo."""
        a, b, c, d = (Point(float(x), float(y)) for x, y in project(self.to_photo, np.array(box.corners)))
        return a, b, c, d

    def there(self, box: Box) -> Box:
        """A box of the frame in pixels of the reference."""
        return Box(*(edge * self.to_reference for edge in box))


def lay(photo: Pixels, reference: Pixels, first: Matrix) -> Flat:
    """The photo on the reference, both upright RGB `(h, w, 3)`, from a first homography between their pixels."""
    import cv2

    high, wide = reference.shape[:2]
    here = slope(first, wide / 2, high / 2)
    shown = max(wide, high) * float(np.sqrt(abs(np.linalg.det(here))))
    side = min(max(shown, SMALLEST), LARGEST, _ENLARGED * max(wide, high))
    grain = max(1.0, side / max(wide, high), side / shown)
    scale = side / max(wide, high)
    size = (max(round(wide * scale), 1), max(round(high * scale), 1))
    enlarging = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    official = np.asarray(cv2.resize(reference, size, interpolation=enlarging), np.uint8)
    to_photo = first @ np.diag([wide / size[0], high / size[1], 1.0])
    # Shrunk by more than half, a photo is softened first, as INTER_LINEAR looks at four pixels only.
    soft = shown / side
    source = cv2.GaussianBlur(photo, (0, 0), 0.4 * soft) if soft > 1.6 else photo
    # Both enlarged the same way, or fine print would differ by how it was.
    taking = cv2.INTER_CUBIC if shown < side else cv2.INTER_LINEAR
    flags = taking | cv2.WARP_INVERSE_MAP
    near = np.asarray(cv2.warpPerspective(source, centred(to_photo), size, flags=flags), np.uint8)
    points, found = _again(near, official, side)
    if len(points) >= _SURE:
        closer, kept = cv2.findHomography(points, found, cv2.USAC_MAGSAC, 2.0, maxIters=1000, confidence=0.999)
        back = inverse(closer) if closer is not None else None
        if back is not None and plausible(closer, points):
            to_photo = to_photo @ closer
            points, found = _near(points, project(back, found), kept.ravel() > 0, side)
    bend = _bend(points, found, size) if len(points) >= _SURE else None
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32) + 0.5
    if bend is not None:
        moved = bend(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(*x.shape, 2)
        grid = np.stack([x, y], axis=-1) + moved
        moves = found - points - bend(points)
    else:
        grid = np.stack([x, y], axis=-1)
        moves = found - points
    places = project(to_photo, grid.reshape(-1, 2)).reshape(grid.shape)
    at_x, at_y = ((places[..., k] - 0.5).astype(np.float32) for k in (0, 1))
    sight = np.asarray(cv2.remap(source, at_x, at_y, taking, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    rows, columns = photo.shape[:2]
    seen = (places[..., 0] > 1) & (places[..., 0] < columns - 1) & (places[..., 1] > 1) & (places[..., 1] < rows - 1)
    seen &= ~_blown(sight, official)
    flat, plain = sight.astype(np.float32), official.astype(np.float32)
    settled = points[np.linalg.norm(moves, axis=1) < _SETTLED * side]
    agreed = hull(settled, seen.shape) if len(settled) >= _SURE else np.ones_like(seen)
    # What lies around the thing has a light and a sharpness of its own.
    flat = _within(sight, even(flat, plain, (seen & agreed).astype(np.float32)), plain)
    flat, plain = _alike(flat, plain, seen & agreed, grain)
    return Flat(flat, plain, seen, agreed, to_photo, wide / size[0], points, moves, grain)


def hull(points: Points, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The convex hull of points as a mask of this shape."""
    import cv2

    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(points.round().astype(np.int32)), 1)
    return np.asarray(mask > 0)


def _again(near: Pixels, official: Pixels, side: float) -> tuple[Points, Points]:
    """Features found again close by: where they are in the reference, and where in the photo, in the frame."""
    there, here = (extract(image, max(image.shape[:2]), _MOST) for image in (official, near))
    if not len(there) or not len(here):
        return np.zeros((0, 2)), np.zeros((0, 2))
    likeness = rooted(there.descriptors) @ rooted(here.descriptors).T
    near_enough = _REACH * side
    for axis in (0, 1):
        apart = np.abs(there.points[:, axis, None] - here.points[None, :, axis])
        likeness[apart > near_enough] = -1
    best, back = likeness.argmax(axis=1), likeness.argmax(axis=0)
    rows = np.arange(len(best))
    kept = (back[best] == rows) & (likeness[rows, best] > _ALIKE)
    return there.points[kept].astype(np.float64), here.points[best[kept]].astype(np.float64)


def _near(points: Points, found: Points, agreed: NDArray[np.bool_], side: float) -> tuple[Points, Points]:
    """What agreed, and what is off by no more than a bend may move it."""
    kept = agreed | (np.linalg.norm(found - points, axis=1) < _BEND * side)
    return points[kept], found[kept]


class _Bend:
    """A cubic displacement over the frame, bounded."""

    def __init__(self, terms: Points, size: tuple[int, int]) -> None:
        self._terms, self._size = terms, size

    def __call__(self, points: Points) -> Points:
        most = _BEND * max(self._size)
        return np.asarray(np.clip(_cubic(points, self._size) @ self._terms, -most, most))


def _bend(points: Points, found: Points, size: tuple[int, int]) -> _Bend:
    basis, target = _cubic(points, size), found - points
    trust = np.ones(len(points))
    solved = np.zeros((basis.shape[1], 2))
    stiff = np.diag([0.01] * 3 + [1.0] * (basis.shape[1] - 3))
    for _ in range(5):
        weighed = basis * trust[:, None]
        solved = np.linalg.solve(basis.T @ weighed + stiff, weighed.T @ target)
        off = np.linalg.norm(target - basis @ solved, axis=1)
        trust = 1 / (1 + (off / max(float(np.median(off)) * 2, 0.5)) ** 2) ** 2
    return _Bend(solved, size)


def _cubic(points: Points, size: tuple[int, int]) -> Points:
    x, y = (2 * points[:, k] / size[k] - 1 for k in (0, 1))
    one = np.ones_like(x)
    return np.stack([one, x, y, x * y, x * x, y * y, x**3, y**3, x * x * y, x * y * y], axis=1).astype(np.float64)


def _blown(sight: Pixels, official: Pixels) -> NDArray[np.bool_]:
    """Where light or darkness took away what there was to see, and some way around."""
    import cv2

    white = (sight.min(axis=2) > 247) & (official.min(axis=2) < 225)
    black = sight.max(axis=2) < 10
    lost = cv2.morphologyEx((white | black).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.dilate(lost, np.ones((9, 9), np.uint8)) > 0)


def _within(sight: Pixels, flat: Map, plain: Map) -> Map:
    """A channel at its limit says only "at least this" or "at most this": it does not contradict what is beyond."""
    full, empty = sight >= FULL, sight <= 255 - FULL
    return np.where(full, np.maximum(flat, plain), np.where(empty, np.minimum(flat, plain), flat))


def _alike(flat: Map, plain: Map, seen: NDArray[np.bool_], grain: float) -> tuple[Map, Map]:
    """Both at the sharpness of the softer one."""
    import cv2

    def detail(image: Map) -> float:
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)
        fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.5 * grain))
        return float(np.mean(fine[seen])) if seen.any() else 0.0

    sharper, softer = (plain, flat) if detail(plain) >= detail(flat) else (flat, plain)
    aim, best = detail(softer), 0.0
    for sigma in grain * np.array([0.5, 0.8, 1.2, 1.8, 2.6, 4.0]):
        if detail(np.asarray(cv2.GaussianBlur(sharper, (0, 0), sigma), np.float32)) < 0.97 * aim:
            break
        best = float(sigma)
    blurred = np.asarray(cv2.GaussianBlur(sharper, (0, 0), best), np.float32) if best else sharper
    return (flat, blurred) if sharper is plain else (blurred, plain)
