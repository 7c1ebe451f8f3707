"""What the numbers of an endpoint's boxes span, worked out of replies about things whose place is known."""

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from ..dialects import DIALECTS, Frame
from ..types import Box, Region, Size
from .contract import Contract, Scale

FITS = 0.5
"""Overlap (intersection over union) from which a box counts as found: the usual one, of PASCAL VOC."""

ENOUGH = 3
"""Things that another reading than the usual one has to find: of fewer, several readings explain the same numbers."""

_BETTER, _CLEARLY = 0.05, 0.1
"""How much more mean overlap a less usual reading has to bring, and one with a number to choose, which always brings a
little."""

_OUT = 0.1
"""Share of an image's size that a model may be out by: readings that differ by less are not told apart."""

_UNCUT = 100_000  # numbers up to this come out of a reply as they stand there

_FIXED: tuple[Scale, ...] = ("dialect", "unit", "thousand", "sent")
_SIDED: tuple[Scale, ...] = ("square", "longest", "area")


class Fit(NamedTuple):
    """A contract, and how much of each thing asked for is found under it (overlap with the truth, 0..1)."""

    contract: Contract
    reached: list[float]

    @property
    def found(self) -> int:
        """How many things are found."""
        return sum(overlap >= FITS for overlap in self.reached)

    @property
    def mostly(self) -> bool:
        """Whether half of them are, at least."""
        return bool(self.reached) and 2 * self.found >= len(self.reached)

    @property
    def agreed(self) -> float:
        """The mean overlap, 0 where nothing was answered."""
        return statistics.fmean(self.reached) if self.reached else 0.0


class Shown(NamedTuple):
    """A reply about one thing: `size` is that of the image sent, `box` where the thing lies in it, in its pixels."""

    reply: str
    size: Size
    box: Box


def fit(plain: Contract, shown: Sequence[Shown]) -> Fit:
    """The contract with the reading under which the replies agree best with the truth."""
    best = read(plain, shown)
    for candidate in _candidates(plain, shown):
        other = read(candidate, shown)
        if other.found >= ENOUGH and other.agreed > best.agreed + (_CLEARLY if candidate.side else _BETTER):
            best = other
    return best


def read(contract: Contract, shown: Sequence[Shown]) -> Fit:
    """What the replies come to under a contract; one thing was asked for each time, and any more count against it."""
    dialect = DIALECTS[contract.dialect]
    reached = []
    for reply, size, box in shown:
        regions = dialect.read(reply, contract.frame(size)).regions
        # A point is an answer only where no box could be asked for.
        overlaps = [_overlap(r, box) for r in regions if r.box.area or dialect.places == "points"]
        reached.append(statistics.fmean(overlaps) if overlaps else 0.0)
    return Fit(contract, reached)


def _overlap(region: Region, box: Box) -> float:
    if not region.box.area:
        away = math.dist(region.point, box.centre)
        return max(1 - away / (math.hypot(box.width, box.height) / 2), 0.0)
    return region.box.overlap(box)


def _candidates(plain: Contract, shown: Sequence[Shown]) -> Iterator[Contract]:
    """Every reading there is, the usual ones first; none that says nearly the same as a usual one before it."""
    sizes = {size for _, size, _ in shown}
    usual: list[Contract] = []
    for scale, swapped in product((*_FIXED, *_SIDED), (False, True)):
        side = _side(plain, scale, swapped, shown) if scale in _SIDED else None
        if scale in _SIDED and not side:
            continue
        candidate = replace(plain, scale=scale, swapped=swapped, side=side)
        if any(_alike(candidate, other, sizes) for other in usual):
            continue
        if not side:
            usual.append(candidate)
        yield candidate


def _alike(one: Contract, other: Contract, sizes: Iterable[Size]) -> bool:
    """Whether the same numbers are in nearly the same place under both, in images of these sizes."""
    return all(
        a.swapped == b.swapped and all(abs(x / y - 1) < _OUT for x, y in zip(a.extent, b.extent, strict=True))
        for a, b in ((one.frame(size), other.frame(size)) for size in sizes)
    )


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
            if shrunk < 1 - _OUT:
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
