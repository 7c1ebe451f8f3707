"""What a model is shown of a photo: a part of it, at a size; and the way back to pixels of the upright original.

Sizes are chosen here, before anything is sent: a server that resizes on its own moves the boxes of the families that
count in pixels, and some servers fuse two images of one size.
"""

import io
import math
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..photos import pixels
from ..types import Box, Direction, Photo, PhotoId, Point, Region, Size
from .families import Family

BUDGET = 1_300_000
"""Pixels of one image sent: a photo of 1280 x 960 goes as it is."""

_APART = 56
"""Pixels by which images sent together differ at least: less, and a server that rounds sizes makes them equal again."""

_LONGEST = 200
"""How many times as long as wide an image sent may be. Source: `smart_resize` of Qwen2-VL and GLM-4V in transformers,
which refuses what is longer."""

_QUALITY = 92  # of the JPEGs sent
_CACHE_BYTES = 64_000_000
_encoded: OrderedDict["View", bytes] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class View:
    """A part of a photo as a model sees it.

    `box` is in pixels of the upright original and may reach over its edge, where there is nothing to see and grey is
    sent. `size` is that of the image sent, in its own pixels.
    """

    photo: PhotoId
    box: Box
    size: Size

    def point(self, point: Point) -> Point:
        """A point of the image sent, in pixels of the upright original."""
        return Point(
            self.box.x0 + point.x * self.box.width / self.size.width,
            self.box.y0 + point.y * self.box.height / self.size.height,
        )

    def seen(self, box: Box) -> Box:
        """A box in pixels of the upright original, in pixels of the image sent."""
        across, down = self.size.width / self.box.width, self.size.height / self.box.height
        left, top = self.box[:2]
        return Box((box.x0 - left) * across, (box.y0 - top) * down, (box.x1 - left) * across, (box.y1 - top) * down)

    def region(self, region: Region, photo: Size) -> Region:
        """A region of the image sent, in pixels of the upright original and inside it."""
        corners = self.point(Point(*region.box[:2])), self.point(Point(*region.box[2:]))
        return Region(Box.around(corners).inside(photo), region.label, region.kind, region.score)

    def direction(self, direction: Direction, photo: Size) -> Direction:
        """A direction in the image sent, as one in the photo: where the two are not stretched alike it turns."""
        turn = math.radians(direction.heading)
        there = Point(direction.origin.x + math.sin(turn), direction.origin.y - math.cos(turn))
        origin, there = self.point(direction.origin), self.point(there)
        inside = Point(*Box(*origin, *origin).inside(photo)[:2])
        turned = Direction.between(origin, there, direction.label)
        return Direction(inside, turned.heading, direction.label)


def view(photo: Photo, family: Family, *, part: Box | None = None, zoom: float = 1.0) -> View:
    """A photo, or a part of it (pixels of the upright original), as this family is shown it.

    At most `BUDGET` pixels, `zoom` times the size it has in the photo where that is less, and of a size that the
    family's own processing leaves as it is, where it leaves any; a strip is sent thicker than it is. A family that
    sees only the middle square is sent a square.
    """
    box = part or Box(0, 0, *photo.size)
    if family.square:
        box = _squared(box)
    # What a family resizes whatever comes, it shrinks best from all there is.
    limit = BUDGET if family.patch == 1 else min(BUDGET, family.max_pixels or BUDGET)
    area = max(box.width * box.height, 1)
    scale = min(zoom, math.sqrt(limit / area))
    if family.min_pixels:
        scale = max(scale, math.sqrt(family.min_pixels / area))
    step = family.patch
    most, least = limit // step**2, math.ceil((family.min_pixels or 1) / step**2)  # patches
    wide, high = (max(round(side * scale / step), 1) for side in (box.width, box.height))
    long = min(max(wide, high), math.isqrt(most * _LONGEST))
    short = max(min(wide, high), math.ceil(long / _LONGEST))
    long = max(min(long, most // short), math.ceil(least / short))
    return View(photo.id, box, Size(*(step * side for side in ((long, short) if wide >= high else (short, long)))))


def seen_scale(seen: View, family: Family, shrunk: float = 1.0) -> float:
    """Pixels that this family sees of a view to one of the photo's, whatever size it is sent at.

    `shrunk`: what a server leaves of the sides of an image of its size, 0..1.
    """
    sent = seen.size.width * seen.size.height * shrunk**2
    return math.sqrt(min(sent, family.max_pixels or sent) / max(seen.box.area, 1))


def unalike(views: Iterable[View], family: Family) -> tuple[View, ...]:
    """The views, none of a size that another one has or nearly: some servers take two images of one size for one."""
    step = family.patch * math.ceil(_APART / family.patch)
    every = tuple(views)
    kept: list[View] = []
    for each in every:
        sides = list(each.size)
        long = sides.index(max(sides))
        # Each of the others is passed in two steps.
        left = (sides[long] - 2 * len(every) * step) * min(sides)
        change = -step if left >= (family.min_pixels or 1) else step
        while any(all(abs(a - b) < _APART for a, b in zip(sides, other.size, strict=True)) for other in kept):
            sides[long] += change
        kept.append(View(each.photo, each.box, Size(*sides)))
    return tuple(kept)


def encode(seen: View, photo: Photo) -> bytes:
    """The JPEG of a view; the same view is encoded once and is the same bytes again."""
    with _lock:
        if seen in _encoded:
            _encoded.move_to_end(seen)
            return _encoded[seen]
    out = io.BytesIO()
    _drawn(pixels(photo), seen).save(out, "JPEG", quality=_QUALITY, subsampling=0)
    data = out.getvalue()
    with _lock:
        _encoded[seen] = data
        while sum(map(len, _encoded.values())) > _CACHE_BYTES and len(_encoded) > 1:
            _encoded.popitem(last=False)
    return data


def _drawn(whole: NDArray[np.uint8], seen: View) -> Image.Image:
    """The pixels of a view, at the size it is sent: the square around a panorama would be many times the photo."""
    image = Image.fromarray(whole)
    there = seen.box.inside(Size(*image.size))
    x0, y0, x1, y1 = map(round, seen.seen(there))
    shown = image.resize(
        (max(x1 - x0, 1), max(y1 - y0, 1)), Image.Resampling.LANCZOS, box=(there.x0, there.y0, there.x1, there.y1)
    )
    if there == seen.box:
        return shown
    ground = Image.new("RGB", seen.size, (127, 127, 127))
    ground.paste(shown, (x0, y0))
    return ground


def _squared(box: Box) -> Box:
    side = max(box.width, box.height)
    x0, y0 = box.centre.x - side / 2, box.centre.y - side / 2
    return Box(math.floor(x0), math.floor(y0), math.floor(x0) + math.ceil(side), math.floor(y0) + math.ceil(side))
