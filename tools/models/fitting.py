"""What the numbers of an endpoint's boxes span, worked out of replies about things whose place is known."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..dialects import DIALECTS, Frame
from ..types import Box, Region, Size
from .contract import Contract, Scale

FITS = 0.5
"""Overlap (intersection over union) from which a box counts as found: the usual one, of PASCAL VOC."""

_BETTER = 0.05
"""How much more overlap a less usual reading has to bring: one with a number to choose always brings a little."""

_SHRUNK = 0.97  # of its size: more is what a model is out by
_UNCUT = 100_000  # numbers up to this come out of a reply as they stand there

_FIXED: tuple[Scale, ...] = ("dialect", "unit", "thousand", "sent")
_SIDED: tuple[Scale, ...] = ("square", "longest", "area")


class Shown(NamedTuple):
    """A reply about one thing: `size` is that of the image sent, `box` where the thing lies in it, in its pixels."""

    reply: str
    size: Size
    box: Box


def fit(plain: Contract, shown: Sequence[Shown]) -> tuple[Contract, float]:
    """The contract with the reading under which the replies agree best with the truth, and their mean overlap."""
    best, agreed = plain, agreement(plain, shown)
    for candidate in _candidates(plain, shown):
        reached = agreement(candidate, shown)
        if reached > agreed + _BETTER:
            best, agreed = candidate, reached
    return best, agreed


def agreement(contract: Contract, shown: Sequence[Shown]) -> float:
    """Mean overlap of what is read with the truth, 0..1; of a point, how near it is to the middle."""
    dialect = DIALECTS[contract.dialect]
    reached = []
    for reply, size, box in shown:
        regions = dialect.read(reply, contract.frame(size)).regions
        # A point is an answer only where no box could be asked for.
        regions = tuple(region for region in regions if region.box.area or "boxes" not in dialect.kinds)
        reached.append(max((_overlap(region, box) for region in regions), default=0.0))
    return statistics.fmean(reached) if reached else 0.0


def _overlap(region: Region, box: Box) -> float:
    if not region.box.area:
        away = math.dist(region.point, box.centre)
        return max(1 - away / (math.hypot(box.width, box.height) / 2), 0.0)
    shared = region.box.shared(box)
    return shared / (region.box.area + box.area - shared)


def _candidates(plain: Contract, shown: Sequence[Shown]) -> Iterator[Contract]:
    """Every reading there is, the usual ones first."""
    for scale in _FIXED:
        for swapped in (False, True):
            yield replace(plain, scale=scale, swapped=swapped, side=None)
    for scale in _SIDED:
        for swapped in (False, True):
            side = _side(plain, scale, swapped, shown)
            if side:
                yield replace(plain, scale=scale, swapped=swapped, side=side)


def _side(plain: Contract, scale: Scale, swapped: bool, shown: Sequence[Shown]) -> int | None:
    """The side, in pixels, that explains the numbers best under a scale that has one; `None` where none does."""
    sides = []
    for reply, size, box in shown:
        pairs = list(_pairs(plain, swapped, reply, size, box))
        if scale == "square":
            # Numbers over shares of the image.
            sides += _slope([(n, t / edge) for n, t, edge in pairs])
            continue
        for shrunk in _slope([(n, t) for n, t, _ in pairs]):
            if shrunk < _SHRUNK:
                sides.append(shrunk * (max(size) if scale == "longest" else math.sqrt(size.width * size.height)))
    return (round(statistics.median(sides)) or None) if sides else None


def _pairs(plain: Contract, swapped: bool, reply: str, size: Size, box: Box) -> Iterator[tuple[float, float, float]]:
    """Each number of a reply with the truth, in pixels of the image sent, and how long that image is that way."""
    dialect = DIALECTS[plain.dialect]
    uncut = Frame(Size(_UNCUT, _UNCUT), (_UNCUT, _UNCUT), dialect.frame(size).swapped != swapped)
    for region in dialect.read(reply, uncut).regions[:1]:
        true = box if region.box.area else Box(*box.centre, *box.centre)
        yield from zip(region.box, true, (*size, *size), strict=True)


def _slope(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """The least-squares slope through the origin; none where there is nothing to fit."""
    square = sum(t * t for _, t in pairs)
    return [sum(n * t for n, t in pairs) / square] if square else []
