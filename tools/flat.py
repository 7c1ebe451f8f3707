"""Lay a photo of a pack onto its reference, to a pixel, in the reference's light and at one sharpness.

The frame is the reference, scaled. A first homography brings the photo near; features found again in the frame
settle it, and a gentle bend takes up what card and lens do. A box shows further faces, each with a homography of its
own, and a can is unrolled. What is outside the photo, blown out or black is not seen, and what does not agree with
the reference around features found again is not agreed: what stands there is another side, or something else.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .agreement import established
from .bends import MOST, Way, bend, roll
from .faces import further
from .features import extract
from .registration import Matrix, centred, inverse, plausible, project, slope
from .surface import FULL, Map, brightest, darkest, even
from .types import Box, Point, Quad

Pixels = NDArray[np.uint8]
Points = NDArray[Any]  # (n, 2) float64

LARGEST, SMALLEST = 840, 400
"""Long side of the frame, pixels; between them it is as large as the photo shows the face."""

_ENLARGED = 3.0
_FEATURES = 2000
_REACH, _ALIKE = 0.025, 0.75
"""Share of the frame's long side within which a feature is looked for again, and the cosine it takes."""

_SETTLED = 0.005
"""Share of the frame's long side within which a feature is found again where it should be."""

_SURE = 24
"""Features that have to be found again for a bend to be fitted."""

_AGREEING = 2.0
"""Pixels of the frame within which a feature agrees with a homography, or a can."""

_FAR, _CLEAR = 0.15, 0.85
"""Share of the frame's long side within which a feature on another face, or around a can, is looked for, and how far
from it, as a share of the second likeliest's distance, its descriptor may be."""

_LEFT = 0.1
"""Share of the features on the first face that as many more, elsewhere, have to come to for it to be looked into."""

_ROLLED, _MORE = 1.05, 10
"""Times as many features as on flat faces that have to agree for the thing to be a can, and so many more."""


@dataclass(frozen=True)
class Flat:
    """Both sides in one frame: `photo` and `reference`, RGB float32 `(h, w, 3)`, 0..255.

    `seen`: bool `(h, w)`. `agreed`: bool `(h, w)`, where agreement is established, and what that surrounds.
    `to_photo` takes the frame's pixels on the first face to the photo's, `places` `(h, w, 2)` says for the middle of
    each pixel where it is in the photo; `to_reference` is the factor to the reference's.
    `points`, `moves` `(n, 2)`: features found again in the frame, and by how much each is off, pixels, bend taken up.
    `grain`: pixels of the frame to a pixel of the coarser of the two pictures, 1 at least.
    """

    photo: Map
    reference: Map
    seen: NDArray[np.bool_]
    agreed: NDArray[np.bool_]
    to_photo: Matrix
    places: Map
    to_reference: float
    points: Points
    moves: Points
    grain: float

    def region(self, box: Box) -> Quad:
        """Where a box of the frame lies in the photo."""
        high, wide = self.seen.shape
        corners = np.array(box.corners, np.float64)
        columns, rows = np.clip(corners.astype(int), 0, (wide - 1, high - 1)).T
        middles = np.stack([columns, rows], axis=1) + 0.5
        there = self.places[rows, columns] + project(self.to_photo, corners) - project(self.to_photo, middles)
        a, b, c, d = (Point(float(x), float(y)) for x, y in there)
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
    laid = _lie(_Again(official, near, side), size)
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float64) + 0.5
    places = project(to_photo, laid.way(np.stack([x.ravel(), y.ravel()], axis=1))).reshape(*x.shape, 2)
    at_x, at_y = ((places[..., k] - 0.5).astype(np.float32) for k in (0, 1))
    sight = np.asarray(cv2.remap(source, at_x, at_y, taking, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    rows, columns = photo.shape[:2]
    seen = (places[..., 0] > 1) & (places[..., 0] < columns - 1) & (places[..., 1] > 1) & (places[..., 1] < rows - 1)
    seen &= ~_blown(sight, official)
    flat, plain = sight.astype(np.float32), official.astype(np.float32)
    settled = laid.points[np.linalg.norm(laid.moves, axis=1) < _SETTLED * side]
    around = seen & hull(settled, seen.shape) if len(settled) >= _SURE else seen
    # What lies around the thing has a light and a sharpness of its own.
    flat = _within(sight, even(flat, plain, around.astype(np.float32)), plain)
    agreed = established(flat, plain, seen, settled)
    flat, plain = _alike(flat, plain, seen & agreed, grain)
    first_face = to_photo @ laid.front
    return Flat(flat, plain, seen, agreed, first_face, places, wide / size[0], laid.points, laid.moves, grain)


def hull(points: Points, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The convex hull of points as a mask of this shape."""
    import cv2

    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(points.round().astype(np.int32)), 1)
    return np.asarray(mask > 0)


class _Again:
    """Features of the reference that are found again in the photo, both in the frame."""

    def __init__(self, official: Pixels, near: Pixels, side: float) -> None:
        self.side = side
        self.there, self.here = (extract(image, max(image.shape[:2]), _FEATURES) for image in (official, near))
        self._likeness = self.there.rooted @ self.here.rooted.T

    def close(self, places: Points) -> tuple[Points, Points]:
        """Close to the places `(n, 2)` where they are looked for: where in the reference, and where in the photo."""
        return self._pairs(places, _REACH, _ALIKE)

    def far(self, known: Points) -> tuple[Points, Points]:
        """Anywhere near, and clearly; not those of the reference that are `known`."""
        points, found = self._pairs(self.there.points, _FAR, _ALIKE, clearly=True)
        if not len(known) or not len(points):
            return points, found
        across, down = (np.abs(points[:, axis, None] - known[None, :, axis]) for axis in (0, 1))
        apart = np.maximum(across, down).min(axis=1)
        return points[apart > 0.5], found[apart > 0.5]

    def _pairs(self, places: Points, reach: float, alike: float, clearly: bool = False) -> tuple[Points, Points]:
        if not self._likeness.size:
            return np.zeros((0, 2)), np.zeros((0, 2))
        across, down = (np.abs(places[:, axis, None] - self.here.points[None, :, axis]) for axis in (0, 1))
        far = (across > reach * self.side) | (down > reach * self.side)
        likeness = np.where(far, np.float32(-1), self._likeness)
        best, back = likeness.argmax(axis=1), likeness.argmax(axis=0)
        rows = np.arange(len(best))
        top = likeness[rows, best]
        kept = (back[best] == rows) & (top > alike)
        if clearly:
            likeness[rows, best] = -1
            kept &= np.sqrt(np.maximum(2 - 2 * top, 0)) < _CLEAR * np.sqrt(np.maximum(2 - 2 * likeness.max(axis=1), 0))
        return self.there.points[kept].astype(np.float64), self.here.points[best[kept]].astype(np.float64)


def _unbent(places: Points) -> Points:
    return places


@dataclass(frozen=True)
class _Laid:
    """`way` takes the frame to where the photo was brought near, `front` the first face alone; see `Flat`."""

    way: Way
    front: Matrix
    points: Points
    moves: Points


def _lie(again: _Again, size: tuple[int, int]) -> _Laid:
    """How the thing lies: on one face that bends a little, on several, or around a can."""
    import cv2

    side = again.side
    points, found = again.close(again.there.points)
    front = np.eye(3)
    if len(points) < _SURE:
        return _Laid(_unbent, front, points, found - points)
    bent: Way = _unbent
    closer, kept = cv2.findHomography(points, found, cv2.USAC_MAGSAC, _AGREEING, maxIters=1000, confidence=0.999)
    back = inverse(closer) if closer is not None else None
    if back is not None and plausible(closer, points):
        front = np.asarray(closer, np.float64)
        found = project(back, found)
        # What agreed, and what is off by no more than a bend may move it.
        off = np.linalg.norm(found - points, axis=1)
        near = (kept.ravel() > 0) | (off < MOST * side)
        points, found = points[near], found[near]
    if len(points) >= _SURE:
        bent = bend(points, found, size)
    first = _Laid(lambda places: project(front, bent(places)), front, points, found - bent(points))
    return _solid(again, first, found, size) or first


def _solid(again: _Again, first: _Laid, there: Points, size: tuple[int, int]) -> _Laid | None:
    """How it lies where much of it is not on the first face; `None` where nothing else fits that.

    `there`: where the first face's features are found, before it is bent.
    """
    side = again.side
    fits = np.linalg.norm(first.moves, axis=1) < _SETTLED * side
    held = first.points[fits]
    points, found = again.far(held)
    if len(points) < max(_SURE / 2, _LEFT * len(held)):
        return None
    faces = further(first.front, held, points, found, _AGREEING)
    count = len(held) + sum(len(face.points) for face in faces)
    every = np.concatenate([held, points]), np.concatenate([project(first.front, held + first.moves[fits]), found])
    left, right = np.percentile(again.there.points[:, 0], [1, 99])
    can = roll(*every, (left, right), _AGREEING)
    if can is not None and can[1] > len(held):
        # As of faces below.
        can = roll(*again.close(can[0](again.there.points)), (left, right), _AGREEING) or can
        if can[1] > _ROLLED * count + _MORE:
            points, found = again.close(can[0](again.there.points))
            return _Laid(can[0], first.front, points, found - can[0](points))
    if not faces:
        return None

    # Looked for again where it would have them, more are found.
    faces = [face.closer(*again.close(project(face.way, again.there.points)), _AGREEING) for face in faces]
    # What lies beyond an edge does not bend the face before it.
    own = ~np.any([face.holds(first.points) for face in faces], axis=0)
    bent = bend(first.points[own], there[own], size) if own.sum() >= _SURE else _unbent

    def boxed(places: Points) -> Points:
        on = project(first.front, bent(places))
        for face in faces:
            beyond = face.holds(places)
            on[beyond] = project(face.way, places[beyond])
        return on

    moves = [(there - bent(first.points))[own], *(face.found - boxed(face.points) for face in faces)]
    points = np.concatenate([first.points[own], *(face.points for face in faces)])
    return _Laid(boxed, first.front, points, np.concatenate(moves))


def _blown(sight: Pixels, official: Pixels) -> NDArray[np.bool_]:
    """Where light or darkness took away what there was to see, and some way around."""
    import cv2

    white = (darkest(sight) > 247) & (darkest(official) < 225)
    black = brightest(sight) < 10
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
