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
        return Direction(inside, turned.heading, direction.label, direction.score)


def view(photo: Photo, family: Family, *, part: Box | None = None, budget: int = BUDGET, zoom: float = 1.0) -> View:
    """A photo, or a part of it (pixels of the upright original), as this family is shown it.

    At most `budget` pixels, `zoom` times the size it has in the photo where that is less, and of a size that the
    family's own processing leaves as it is. A family that sees only the middle square is sent a square.
    """
    box = part or Box(0, 0, *photo.size)
    if family.square:
        box = _squared(box)
    limit = min(budget, family.max_pixels or budget)
    area = max(box.width * box.height, 1)
    scale = min(zoom, math.sqrt(limit / area))
    if family.min_pixels:
        scale = max(scale, math.sqrt(family.min_pixels / area))
    step = family.patch
    # A strip may be thinner than a patch; a side longer than this many patches is shortened for it.
    longest = max(limit // step, step)
    sides = [min(max(round(side * scale / step), 1) * step, longest) for side in (box.width, box.height)]
    while sides[0] * sides[1] > max(limit, step * step) and max(sides) > step:
        sides[sides.index(max(sides))] -= step
    return View(photo.id, box, Size(*sides))


def unalike(views: Iterable[View], family: Family) -> tuple[View, ...]:
    """The views, none of a size that another one has: some servers take two images of one size for one."""
    step = family.patch * math.ceil(_APART / family.patch)
    taken: set[Size] = set()
    kept = []
    for each in views:
        width, height = each.size
        change = -step if width > 4 * step else step
        while Size(width, height) in taken:
            width += change
        taken.add(Size(width, height))
        kept.append(View(each.photo, each.box, Size(width, height)))
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
    image = Image.fromarray(whole)
    box = seen.box
    if box.inside(Size(*image.size)) != box:
        around = tuple(round(v) for v in box)
        ground = Image.new("RGB", (around[2] - around[0], around[3] - around[1]), (127, 127, 127))
        ground.paste(image, (-around[0], -around[1]))
        image, box = ground, Box(0, 0, *ground.size)
    return image.resize(seen.size, Image.Resampling.LANCZOS, box=(box.x0, box.y0, box.x1, box.y1))


def _squared(box: Box) -> Box:
    side = max(box.width, box.height)
    x0, y0 = box.centre.x - side / 2, box.centre.y - side / 2
    return Box(math.floor(x0), math.floor(y0), math.floor(x0) + math.ceil(side), math.floor(y0) + math.ceil(side))
