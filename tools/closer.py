"""Look closer: which part of a photo to show next, so that small and far things are seen at full resolution.

Every box is in pixels of the upright original. What is shown of it, and how it is asked, is not decided here.
"""

import math

from .types import Box, Size

UPSCALE = 3.0
"""A part is shown at up to this many times its size: more adds no detail, and small print gains from as much."""

SMALLEST = 224
"""Pixels of the original that the longer side of a part has at least: less shows nothing of what stands around."""

_ENOUGH = 0.25
"""Share of the longer side of what was shown that a thing has to take to be seen well."""

_NARROWING = 6.0
"""How many times narrower the next part may be: a small box is off by a patch of the model, a sixtieth of a side."""

_WORTH = 0.7
"""Scale at which a photo was shown below which its parts show more."""

_OVERLAP = 0.2
"""Share of a part that its neighbour shows too, so that nothing is cut by every seam."""


def closer(photo: Size, shown: Box, thing: Box) -> Box | None:
    """The part to show next for a thing that was seen in `shown`; `None` where it was seen well enough."""
    side, seen = max(thing.width, thing.height), max(shown.width, shown.height)
    if side >= _ENOUGH * seen:
        return None
    wanted = max(side / _ENOUGH, seen / _NARROWING, SMALLEST)
    if wanted > _WORTH * seen:
        return None
    return _around(photo, thing, wanted)


def parts(photo: Size, scale: float) -> tuple[Box, ...]:
    """Four parts that cover a photo shown at this scale (pixels shown to one of its own); none where it was enough."""
    if scale >= _WORTH:
        return ()
    long = photo.width / photo.height
    columns, rows = (4, 1) if long > 2.5 else (1, 4) if long < 0.4 else (2, 2)
    wide, high = (side / n * (1 + _OVERLAP) for side, n in ((photo.width, columns), (photo.height, rows)))
    found = []
    for row in range(rows):
        for column in range(columns):
            centre = (column + 0.5) * photo.width / columns, (row + 0.5) * photo.height / rows
            found.append(_placed(photo, centre, wide, high))
    return tuple(found)


def margin(photo: Size, thing: Box) -> Box:
    """A thing and a little of what stands around it, large enough to be shown."""
    return _around(photo, thing, max(1.3 * max(thing.width, thing.height), SMALLEST))


def _around(photo: Size, thing: Box, side: float) -> Box:
    return _placed(photo, thing.centre, side, side)


def _placed(photo: Size, centre: tuple[float, float], wide: float, high: float) -> Box:
    """A box of this size about the centre, moved and cut so that it lies in the photo, at whole pixels."""
    wide, high = min(wide, photo.width), min(high, photo.height)
    x0 = min(max(centre[0] - wide / 2, 0), photo.width - wide)
    y0 = min(max(centre[1] - high / 2, 0), photo.height - high)
    return Box(math.floor(x0), math.floor(y0), math.ceil(x0 + wide), math.ceil(y0 + high))
