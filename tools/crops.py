"""Look again at a part of a photo: cut it out as a photo of its own, and bring what was found there back.

Which part, and whether it is worth it, is not decided here.
"""

import math
from dataclasses import replace

import numpy as np

from .closer import UPSCALE
from .photos import load, pixels
from .types import (
    Box,
    Difference,
    Direction,
    Fact,
    Finding,
    Homography,
    Match,
    Photo,
    PhotoId,
    Point,
    Quad,
    Reading,
    Region,
    Size,
    again,
)


class PassingReadings:
    """Readings that last as long as what asks for them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[PhotoId, str], Reading] = {}

    def get(self, photo: PhotoId, engine: str) -> Reading | None:
        """See `Readings.get`."""
        return self._kept.get((photo, engine))

    def put(self, reading: Reading) -> None:
        """See `Readings.put`."""
        self._kept[reading.photo, reading.engine] = reading


_ENOUGH = 1600
"""Long side in pixels up to which a part is enlarged: the detector of text sees no more."""


def crop(photo: Photo, part: Box) -> tuple[Photo, int]:
    """A part of a photo, at whole pixels of the upright original, as a photo of its own, and how often it is enlarged.

    A small part is enlarged up to `UPSCALE` times, a whole number of times, so that the way back is exact. The part
    has to lie inside the photo and to have an area.
    """
    import cv2

    x0, y0, x1, y1 = map(round, part)
    seen = pixels(photo)[y0:y1, x0:x1]
    zoom = max(1, min(int(UPSCALE), _ENOUGH // max(seen.shape[:2])))
    if zoom > 1:
        seen = np.asarray(cv2.resize(seen, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC), np.uint8)
    from PIL import Image

    return load(Image.fromarray(np.ascontiguousarray(seen))), zoom


def whole(part: Box, size: Size) -> Box:
    """The part at whole pixels, inside a photo of this size."""
    x0, y0, x1, y1 = part.inside(size)
    return Box(math.floor(x0), math.floor(y0), math.ceil(x1), math.ceil(y1))


def back(finding: Finding, photo: Photo, part: Box, zoom: float) -> Finding:
    """What was found in a part of a photo that was enlarged `zoom` times, in pixels of the upright photo.

    Places come back inside the photo; where a product lies may reach over its edge, as ever. What lies in a reference
    stays where it is. `part` of the finding says that it was a closer look.
    """
    way = _Way(photo.size, part, zoom)
    seen, *others = finding.photos
    return replace(
        finding,
        id=again(finding.id.replace(seen[7:15], photo.id[7:15]), ",".join(f"{side:.0f}" for side in part)),
        photos=(photo.id, *others),
        regions=tuple(map(way.region, finding.regions)),
        facts=tuple(map(way.fact, finding.facts)),
        matches=tuple(map(way.match, finding.matches)),
        differences=tuple(map(way.difference, finding.differences)),
        directions=tuple(map(way.direction, finding.directions)),
        part=part,
    )


class _Way:
    """From pixels of an enlarged part to those of the photo."""

    def __init__(self, size: Size, part: Box, zoom: float) -> None:
        self._size, self._part, self._zoom = size, part, zoom

    def point(self, point: tuple[float, float]) -> Point:
        """Not cut to the photo."""
        return Point(self._part.x0 + point[0] / self._zoom, self._part.y0 + point[1] / self._zoom)

    def quad(self, quad: Quad) -> Quad:
        a, b, c, d = map(self.point, quad)
        return a, b, c, d

    def inside(self, point: Point) -> Point:
        return Point(*Box(*point, *point).inside(self._size)[:2])

    def region(self, region: Region) -> Region:
        corners = self.point(region.box[:2]), self.point(region.box[2:])
        quad = None
        if region.quad:
            a, b, c, d = map(self.inside, self.quad(region.quad))
            quad = a, b, c, d
        return replace(region, box=Box(*corners[0], *corners[1]).inside(self._size), quad=quad)

    def fact(self, fact: Fact) -> Fact:
        return replace(fact, region=fact.region and self.region(fact.region))

    def match(self, match: Match) -> Match:
        decided = match.decided
        if decided and decided.region:
            decided = replace(decided, region=self.region(decided.region))
        return replace(
            match,
            quad=match.quad and self.quad(match.quad),
            homography=match.homography and self._homography(match.homography),
            decided=decided,
        )

    def _homography(self, rows: Homography) -> Homography:
        first, second, last = rows

        def moved(row: tuple[float, float, float], begins: float) -> tuple[float, float, float]:
            a, b, c = (value / self._zoom + begins * under for value, under in zip(row, last, strict=True))
            return a, b, c

        return moved(first, self._part.x0), moved(second, self._part.y0), last

    def difference(self, difference: Difference) -> Difference:
        return replace(difference, region=self.region(difference.region))

    def direction(self, direction: Direction) -> Direction:
        return replace(direction, origin=self.inside(self.point(direction.origin)))
