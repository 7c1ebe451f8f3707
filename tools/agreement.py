"""Where on a face laid flat agreement is established, so that a disagreement means something."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .surface import Map, lab, shifted

Mask = NDArray[np.bool_]
Points = NDArray[Any]  # (n, 2) float64

_SIDE = 200
"""Long side at which agreement is looked at, pixels: the size of the smallest official pictures."""

_WINDOW, _SHIFT = 11, 1
"""Side of the window and reach of the shifts, pixels of that."""

_ALIKE, _TINT, _PLAIN = 0.5, 16.0, 4.0
"""Correlation from which on structure agrees, Lab difference (lightness counted half) under which colour does, and
spread of lightness (L*) under which there is no structure."""

_REACH, _FEWEST = 0.06, 3
"""Share of the long side within which a feature found again vouches for what agrees, and how many it takes."""

_BRIDGED, _THIN = 0.1, 0.025
"""Half the width of a gap in the agreement that still is surrounded by it, and of what is too thin to count."""


def established(photo: Map, reference: Map, seen: Mask, settled: Points) -> Mask:
    """Where the two sides `(h, w, 3)` agree, in one piece with features found again, and what that surrounds.

    `settled` `(n, 2)`: features of the reference found where they should be, pixels of the frame.
    """
    import cv2

    high, wide = seen.shape
    scale = _SIDE / max(high, wide)
    size = (max(round(wide * scale), 1), max(round(high * scale), 1))
    here, there = (lab(cv2.resize(side, size, interpolation=cv2.INTER_AREA)) for side in (photo, reference))
    view = cv2.resize(seen.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    agreeing = (_agreeing(here, there, view) & view).astype(np.uint8)
    fits = np.asarray(cv2.morphologyEx(agreeing, cv2.MORPH_OPEN, _disc(2)), np.uint8)
    near = np.zeros(size[::-1], np.float32)
    for x, y in np.clip((settled * scale).astype(int), 0, np.array(size) - 1):
        near[y, x] += 1
    reach = int(_REACH * _SIDE)
    vouched = cv2.filter2D(near, -1, _disc(reach).astype(np.float32), borderType=cv2.BORDER_CONSTANT) >= _FEWEST
    _, labels = cv2.connectedComponents(fits)
    held = set(np.unique(labels[vouched & (fits > 0)]).tolist()) - {0}
    sound = np.isin(labels, list(held)).astype(np.uint8)
    room = int(_BRIDGED * _SIDE)
    padded = cv2.copyMakeBorder(sound, room, room, room, room, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, _disc(room))[room:-room, room:-room]
    closed = _filled(cv2.morphologyEx(closed, cv2.MORPH_OPEN, _disc(int(_THIN * _SIDE))))
    return np.asarray(cv2.resize(closed, (wide, high), interpolation=cv2.INTER_LINEAR) > 0)


@dataclass(frozen=True)
class Likeness:
    """How alike two sides are, place by place: the share that agrees, and the largest piece that does not."""

    agreeing: float
    apart: float


def likeness(photo: Map, reference: Map, seen: Mask) -> Likeness:
    """How alike two sides `(h, w, 3)` in one frame are where they are seen; nothing in it is left out of account."""
    import cv2

    high, wide = seen.shape
    scale = _SIDE / max(high, wide)
    size = (max(round(wide * scale), 1), max(round(high * scale), 1))
    here, there = (lab(cv2.resize(side, size, interpolation=cv2.INTER_AREA)) for side in (photo, reference))
    view = cv2.resize(seen.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    if not view.any():
        return Likeness(0.0, 1.0)
    alike = _agreeing(here, there, view) & view
    apart = cv2.morphologyEx((view & ~alike).astype(np.uint8), cv2.MORPH_OPEN, _disc(2))
    count, _, stats, _ = cv2.connectedComponentsWithStats(apart)
    largest = max((int(stats[n, cv2.CC_STAT_AREA]) for n in range(1, count)), default=0)
    return Likeness(float(alike.sum() / view.sum()), float(largest / view.sum()))


def _filled(mask: NDArray[Any]) -> NDArray[Any]:
    """With the holes that it surrounds."""
    import cv2

    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(mask.copy(), outlines, -1, 1, cv2.FILLED), np.uint8)


def _agreeing(here: Map, there: Map, view: Mask) -> Mask:
    """Whether structure and colour agree, place by place, at the best of a few shifts."""
    import cv2

    weight = view.astype(np.float32)
    total = np.maximum(cv2.blur(weight, (_WINDOW, _WINDOW)), 1e-3)

    def mean(image: Map) -> Map:
        return np.asarray(cv2.blur(image * weight, (_WINDOW, _WINDOW)) / total, np.float32)

    light, official = here[..., 0], there[..., 0]
    mean_there = mean(official)
    spread_there = np.sqrt(np.maximum(mean(official**2) - mean_there**2, 0))
    alike, tint = np.full(light.shape, -1, np.float32), np.full(light.shape, 1e3, np.float32)
    soft_here, soft_there = (cv2.blur(image, (5, 5)) for image in (here, there))
    spread_here = np.sqrt(np.maximum(mean(light**2) - mean(light) ** 2, 0))
    light_at, soft_at = shifted(light, _SHIFT), shifted(soft_here, _SHIFT)
    for dy in range(-_SHIFT, _SHIFT + 1):
        for dx in range(-_SHIFT, _SHIFT + 1):
            there_now = light_at(dx, dy)
            mean_here = mean(there_now)
            spread = np.sqrt(np.maximum(mean(there_now**2) - mean_here**2, 0))
            both = mean(there_now * official) - mean_here * mean_there
            np.maximum(alike, both / np.maximum(spread * spread_there, 1), out=alike)
            off = soft_at(dx, dy) - soft_there
            np.minimum(tint, np.sqrt(0.5 * off[..., 0] ** 2 + off[..., 1] ** 2 + off[..., 2] ** 2), out=tint)
    plain = (spread_here < _PLAIN) & (spread_there < _PLAIN)
    return np.asarray(((alike > _ALIKE) | plain) & (tint < _TINT))


def _disc(radius: int) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8)
