"""What every dialect shares: what its numbers span, what a reply comes to, and how it is asked.

A dialect says which numbers stand where in a reply; turning them into pixels, judging them and telling
"there is none" from "we could not read it" is done here, once. No model is called here.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from ...prompts import instruct
from ..errors import BadInput
from ..types import Box, Direction, Point, Region, Size
from .absent import says_none

Kind = Literal["boxes", "points", "direction"]

SPECIAL = r"<[^<>]*>|\[/?(?:INST|IMG\w*)\]"
"""What stands for a token of its own in the templates of one family or another."""

Reason = Literal["empty", "no_place", "broken", "nowhere", "no_direction"]
"""Why a reply is unreadable: it says nothing; it names no place; it began to, and none is whole; its places are
off the view, without size, no numbers, or in shares of one where hundreds are due; its places make no direction."""

_SHARED = 100.0
"""Up to this extent (percent, Molmo's) a number below one is a place; beyond it nothing lies within a pixel or two.

Numbers from 0 to 1 in place of thousandths or pixels are of another frame than was asked for, and which number they
put first is unknown too. Calibration finds that out (`unit`); here they are not guessed at.
"""


@dataclass(frozen=True)
class Frame:
    """What the numbers a model writes span.

    `size` is the view in pixels as the model saw it, which coordinates come out in (origin top left, x to the
    right, y down); `extent` the numbers that stand for its right edge and for its bottom edge; `swapped`: y is
    written before x.
    """

    size: Size
    extent: tuple[float, float]
    swapped: bool = False

    def pixels(self, first: float, second: float) -> Point:
        """Two numbers in the order the model writes them, as a place in the view."""
        x, y = (second, first) if self.swapped else (first, second)
        return Point(x / self.extent[0] * self.size.width, y / self.extent[1] * self.size.height)

    def numbers(self, place: Point) -> tuple[float, float]:
        """A place in the view, as the two numbers of the model, in its order."""
        x, y = place.x / self.size.width * self.extent[0], place.y / self.size.height * self.extent[1]
        return (y, x) if self.swapped else (x, y)

    @property
    def named(self) -> "Frame":
        """The same for numbers that are written by name: their order plays no part, and x comes first."""
        return replace(self, swapped=False)

    @property
    def ends(self) -> tuple[float, float]:
        """What the first and the second number of a pair reach at most."""
        return (self.extent[1], self.extent[0]) if self.swapped else self.extent


@dataclass(frozen=True)
class Place:
    """A box (four numbers), a quadrilateral (eight) or a point (two), in the numbers and the order of the model.

    `named`: the reply says which number is x and which is y, so that here they stand x first.
    """

    numbers: tuple[float, ...]
    label: str = ""
    score: float | None = None
    named: bool = False


@dataclass(frozen=True)
class Heard:
    """What a reply comes to: places found, absent (it said there is none) or unreadable.

    `regions` are in pixels of the view, clamped to it; a point is a region whose box has no area. A region whose
    reply named none has the label "". `cut`: the list of places did not end by itself, or a part of it was broken
    off, so that there may be more than were found; a reply cut off right behind a whole place does not show it.
    `repaired`: JSON that was cut off or broken and had to be mended; what was not whole is left out. `reason` says why
    it is unreadable. Both are for whoever calls a dialect: a search of ours goes by `outcome` and `cut`.
    """

    outcome: Literal["found", "absent", "unreadable"]
    regions: tuple[Region, ...] = ()
    directions: tuple[Direction, ...] = ()
    repaired: bool = False
    cut: bool = False
    reason: Reason | None = None


class Read(Protocol):
    """Reads the reply to where a target is; its numbers span a frame.

    Without a target, a sentence that denies a thing by name says nothing of what was asked for.
    """

    def __call__(self, reply: str, frame: Frame, target: str = "") -> Heard:
        """What it comes to in that frame."""


@dataclass(frozen=True)
class Dialect:
    """How one family of models writes where things are.

    `frame` gives what its numbers span in a view of this size in pixels, as the model saw it; calibration may hand
    `read` and `write` another. `write` prints regions as the model would. `kinds` are what it can be asked for,
    `source` where its form is documented. `step` is how coarse its grid is, in units of the extent: a coordinate
    written and read comes back within half of it (within a whole one where a token names a cell). `labelled`:
    a reply says what each place is. `special` matches what has a meaning of its own in a prompt for it.
    """

    name: str
    frame: Callable[[Size], Frame]
    read: Read
    write: Callable[[Sequence[Region], Frame], str]
    kinds: frozenset[Kind]
    source: str
    step: float = 1
    labelled: bool = True
    special: re.Pattern[str] = re.compile(SPECIAL)

    @property
    def places(self) -> Kind:
        """What to ask it for where something is: boxes, or in a dialect without, points."""
        return "boxes" if "boxes" in self.kinds else "points"

    def ask(self, kind: Kind, target: str) -> str:
        """The prompt that asks for a target; what in it would not be data to the model is taken out.

        Raises `BadInput` for a kind it cannot be asked for, and for a target of which nothing is left.
        """
        if kind not in self.kinds:
            raise BadInput(f"{self.name} can be asked for {', '.join(sorted(self.kinds))}; got {kind}.")
        data = _plain(target, self.special)
        if not data:
            raise BadInput(f"what to look for should be named in words; got {target!r}.")
        return instruct(f"{self.name}.{kind}", target=data)


def spans(width: float, height: float, *, swapped: bool = False) -> Callable[[Size], Frame]:
    """The frame of a family whose numbers span the same in every view."""
    return lambda size: Frame(size, (width, height), swapped)


def spoken(reply: str) -> str:
    """A reply without the thoughts before it; "" where it was still thinking."""
    said = reply.rpartition("</think>")[2]
    return "" if "<think>" in said else said


def hear(
    reply: str,
    places: Iterable[Place],
    frame: Frame,
    target: str,
    *,
    begun: bool,
    repaired: bool = False,
    cut: bool = False,
) -> Heard:
    """Judge what was read of a reply: each place once, in order, inside the view.

    `begun` says that the reply holds marks of its form; where it then holds no whole place, it is broken and not
    a sentence that may say there is none.
    """
    places = list(places)
    regions = tuple(dict.fromkeys(region for place in places if (region := _region(place, frame))))
    if regions and not _in_shares(places, frame):
        return Heard("found", regions, repaired=repaired, cut=cut)
    if places:
        return Heard("unreadable", reason="nowhere")
    if not (said := spoken(reply)).strip():
        return Heard("unreadable", reason="empty")
    if begun:
        return Heard("unreadable", reason="broken")
    return Heard("absent") if says_none(said, target) else Heard("unreadable", reason="no_place")


def read_direction(heard: Heard, label: str) -> Heard:
    """The places labelled "origin" and "target", first with first and so on, as directions of what `label` names.

    No model gives a score for a direction. Headings are those of the view: they hold for the photo where the view
    was cut from it and scaled alike in both axes.
    """
    if heard.outcome != "found":
        return heard
    named = [(region.label.strip(" \"'.:").casefold(), region.point) for region in heard.regions]
    origins = [place for name, place in named if name == "origin"]
    targets = [place for name, place in named if name == "target"]
    try:
        found = tuple(Direction.between(a, b, label) for a, b in zip(origins, targets, strict=True))
    except ValueError:
        found = ()
    return replace(heard, directions=found) if found else Heard("unreadable", reason="no_direction")


def written(region: Region, frame: Frame, step: float = 1, *, point: bool = False) -> tuple[float, ...]:
    """A region in the numbers and the order of the model, on its grid: two for a point, four for a box."""
    box = region.box
    places = [region.point] if point else [Point(box.x0, box.y0), Point(box.x1, box.y1)]
    return tuple(_tidy(round(number / step) * step) for place in places for number in frame.numbers(place))


def without(label: str, marks: re.Pattern[str]) -> str:
    """A label without the marks its form would take for its own, also those that appear by taking one out."""
    while (shorter := marks.sub("", label)) != label:
        label = shorter
    return label.strip()


def _tidy(number: float) -> float:
    """Whole numbers without a fraction, and no noise behind the sixth digit."""
    return int(number) if number == int(number) else round(number, 6)


def _in_shares(places: Sequence[Place], frame: Frame) -> bool:
    """Whether all numbers of a reply are shares of one in a frame of hundreds: fractions, or a box of 0 and 1."""
    numbers = [number for place in places for number in place.numbers]
    if min(frame.extent) <= _SHARED or not all(0 <= number <= 1 for number in numbers):
        return False
    return any(number % 1 for number in numbers) or all(len(place.numbers) > 2 for place in places)


def _region(place: Place, frame: Frame) -> Region | None:
    """Where a place lies; `None` where it is off the view, a box without area, or no number."""
    frame = frame.named if place.named else frame
    pairs = zip(place.numbers[::2], place.numbers[1::2], strict=True)
    points = [frame.pixels(first, second) for first, second in pairs]
    if not all(math.isfinite(number) for point in points for number in point):
        return None
    box = Box.around(points).inside(frame.size)
    if len(points) == 1 and box != Box.around(points):
        return None
    if len(points) > 1 and not box.area:
        return None
    # Half of a surrogate pair, which JSON can spell, is no text.
    label = place.label.encode("utf-8", "replace").decode()
    return Region(box, label.strip(), "thing", place.score)


def _plain(target: str, special: re.Pattern[str]) -> str:
    """A target as one line of plain words that cannot end the quotes it is put in."""
    target = "".join(char if char.isprintable() else " " for char in target)
    return " ".join(re.sub(r'["“”„«»]', "'", without(target, special)).split())
