"""Put a name to what differs: the words that changed, the colours, or what came and went.

The text on both sides is read once and laid into one frame, so that a mark is named by the lines that stand in it.
Dates and lots printed on a pack differ from pack to pack: they are no difference from an official picture.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .colour import NAMES
from .colour import names as colour_names
from .differences import Seen
from .fields import every_field
from .flat import Flat
from .registration import inverse, project
from .surface import Map, lab
from .types import Box, Difference, DifferenceKind, Fact, FieldName, Photo, PhotoId, Reading, Region

Written = tuple[Box, str]
"""A line's box in the frame, and what it says."""

_VARYING: tuple[FieldName, ...] = ("expiry", "production", "date", "lot")
"""Fields whose value is a pack's own."""

_WITHIN = 0.5
"""Share of a line that has to lie in a mark, or of a mark in what varies, for one to be about the other."""

_BESIDE = 0.3
"""Share of the smaller of two lines that both have to cover to stand in one place."""

_SAME_WORDS, _COARSE = 0.9, 0.75
"""Likeness of two readings, share of matching characters, from which on they are one text read twice; the lower
where a picture is so coarse that letters are misread."""

_FINE = 1.5
"""Pixels of the frame to one of the coarser picture up to which print is read reliably."""

_DAMAGE = ("dent", "stain")

_BESIDE_DAMAGE = 16.0
"""Pixels of the frame within which another mark belongs to a dent or a stain."""


@dataclass(frozen=True)
class Named:
    """A mark with what can be said of it."""

    mark: Seen
    box: Box
    kind: DifferenceKind
    before: str | None
    now: str | None


def name(
    marks: Sequence[Seen], flat: Flat, photo: Photo, reference: PhotoId, here: Reading, there: Reading
) -> tuple[tuple[Difference, ...], tuple[Fact, ...]]:
    """The differences, from the top of the reference, and the dates and lots that account for the marks left out.

    `here` is what was read on the photo, `there` what was read on the reference.
    """
    back = inverse(flat.to_photo)
    if back is None:
        return (), ()
    to_frame = back
    lines_here = [(_around(project(to_frame, np.array(q, float))), t) for q, t in _lines(here)]
    lines_there = [(_around(np.array(q, float) / flat.to_reference), t) for q, t in _lines(there)]
    varying = [(_around(project(to_frame, corners)), fact) for corners, fact in _varying(here)]
    dates_here = [box for box, _ in varying]
    dates_there = [_around(corners / flat.to_reference) for corners, _ in _varying(there)]
    lines_here, lines_there = _unlike(lines_here, lines_there, _COARSE if flat.grain > _FINE else _SAME_WORDS)
    named: list[Named] = []
    facts: dict[str, Fact] = {}
    for mark in marks:
        here_now = [line for line in lines_here if _about(mark.box, line[0])]
        there_now = [line for line in lines_there if _about(mark.box, line[0])]
        changed = _changed(here_now, there_now) if mark.kind != "stain" else []
        own = [line for line in here_now if _in_any(line[0], dates_here)]
        # A date in the place of a date is another pack's own.
        changed = [
            (now, before)
            for now, before in changed
            if not (all(line in own for line in now) and all(_in_any(box, dates_there) for box, _ in before))
        ]
        loose = [line for line in own if not any(line in pair[0] for pair in changed)]
        facts |= {fact.value: fact for box, fact in varying if any(_in_any(line, [box]) for line, _ in loose)}
        named += [_text(mark, *pair) for pair in changed]
        said = [box for pair in changed for box, _ in (*pair[0], *pair[1])] + [box for box, _ in loose]
        if not (said and _explained(mark, said)):
            rest = [line for line in here_now if line not in own]
            named.append(_named(mark, flat, *(([], []) if changed else (rest, there_now))))
    return tuple(_difference(one, flat, photo, reference) for one in _merged(named)), tuple(facts.values())


def _lines(reading: Reading) -> list[tuple[Sequence[tuple[float, float]], str]]:
    return [(line.quad, line.text) for line in reading.lines if line.status == "read"]


def _varying(reading: Reading) -> list[tuple[NDArray[Any], Fact]]:
    """The dates and lots, each with the corners of where it stands in its photo."""
    facts = [(fact, fact.region) for fact in every_field(reading, _VARYING)]
    return [(np.array(region.quad or region.box.corners, float), fact) for fact, region in facts if region]


def _in_any(line: Box, boxes: Sequence[Box]) -> bool:
    """Whether the better part of a line lies in one of these."""
    return any(box.shared(line) > _WITHIN * line.area for box in boxes)


def _unlike(here: Sequence[Written], there: Sequence[Written], alike: float) -> tuple[list[Written], list[Written]]:
    """The lines that do not stand on the other side, in the same place, with the same words."""
    same = [
        (n, m)
        for n, (box, text) in enumerate(here)
        for m, (other, words) in enumerate(there)
        if box.shared(other) > _WITHIN * min(box.area, other.area) and _alike(text, words, alike)
    ]
    left, right = {n for n, _ in same}, {m for _, m in same}
    return [x for n, x in enumerate(here) if n not in left], [x for m, x in enumerate(there) if m not in right]


def _about(mark: Box, line: Box) -> bool:
    """Whether a mark is about a line: it holds the better part of the line, or lies in it."""
    return mark.shared(line) > _WITHIN * min(line.area, mark.area)


def _explained(mark: Seen, lines: Sequence[Box]) -> bool:
    """Whether what is marked lies where these lines are, give or take the window it was measured with."""
    left = mark.mask.copy()
    for box in lines:
        high = 0.5 * box.height
        left[max(int(box.y0 - high), 0) : int(box.y1 + high), max(int(box.x0 - high), 0) : int(box.x1 + high)] = False
    return bool(left.sum() < (1 - _WITHIN) * mark.mask.sum())


def _changed(here: Sequence[Written], there: Sequence[Written]) -> list[tuple[list[Written], list[Written]]]:
    """Lines of either side that stand in one place with other words, those that overlap together."""
    groups: list[tuple[list[Written], list[Written]]] = []
    for line in here:
        below = [other for other in there if line[0].shared(other[0]) > _BESIDE * min(line[0].area, other[0].area)]
        if not below:
            continue
        touched = [group for group in groups if any(other in group[1] for other in below)]
        merged = [line, *(one for group in touched for one in group[0])]
        words = [*below, *(one for group in touched for one in group[1] if one not in below)]
        groups = [group for group in groups if group not in touched] + [(merged, words)]
    return groups


def _text(mark: Seen, here: Sequence[Written], there: Sequence[Written]) -> Named:
    now, before = (" ".join(text for _, text in sorted(lines, key=_from_the_top)) for lines in (here, there))
    return Named(
        mark, _around(np.array([point for box, _ in (*here, *there) for point in box.corners])), "text", before, now
    )


def _from_the_top(line: Written) -> tuple[float, float]:
    return line[0].y0, line[0].x0


def _named(mark: Seen, flat: Flat, here: Sequence[Written], there: Sequence[Written]) -> Named:
    """The mark with its kind, and the words that are only on one side."""
    now, before = (" ".join(text for _, text in lines) or None for lines in (here, there))
    if mark.kind in _DAMAGE:
        return Named(mark, mark.box, "damage", None, mark.kind)
    if mark.kind == "colour":
        was, is_now = _colours(mark, flat)
        return Named(mark, mark.box, "colour", was, is_now)
    return Named(mark, mark.box, _plain(mark), before, now)


def _plain(mark: Seen) -> DifferenceKind:
    return "missing" if mark.kind == "missing" else "extra" if mark.kind == "extra" else "artwork"


def _alike(a: str, b: str, least: float) -> bool:
    """Whether two readings are of one text: the same digits, and nearly the same letters, accents left out."""
    first, second = (
        "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if c.isalnum()) for text in (a, b)
    )
    digits = ["".join(c for c in text if c.isdigit()) for text in (first, second)]
    ratio = SequenceMatcher(None, first, second, autojunk=False).ratio()
    return digits[0] == digits[1] and ratio >= least


def _colours(mark: Seen, flat: Flat) -> tuple[str | None, str | None]:
    """The names of the colours where the sides differ most; `None` where both have the same name."""
    off = np.linalg.norm(lab(flat.photo) - lab(flat.reference), axis=2)
    where = mark.mask & (off >= np.percentile(off[mark.mask], 50))
    before, now = (_prevailing(image, where) for image in (flat.reference, flat.photo))
    return (before, now) if before != now else (None, None)


def _prevailing(image: Map, where: NDArray[np.bool_]) -> str:
    pixels = image[where].clip(0, 255).astype(np.uint8)[None]
    return NAMES[Counter(colour_names(pixels).ravel().tolist()).most_common(1)[0][0]]


def _merged(named: Sequence[Named]) -> list[Named]:
    """Marks in one line of text are one difference, and what is beside damage is part of it."""
    kept: list[Named] = []
    for one in sorted(named, key=lambda one: one.kind != "damage"):
        for n, other in enumerate(kept):
            shared = one.box.shared(other.box) > _WITHIN * min(one.box.area, other.box.area)
            if one.kind == other.kind == "text" and shared:
                kept[n] = one if one.box.area > other.box.area else other
                break
            if other.kind == "damage" and one.kind != "text" and _apart(one.box, other.box) < _BESIDE_DAMAGE:
                break
        else:
            kept.append(one)
    return sorted(kept, key=lambda one: (one.box.y0, one.box.x0))


def _apart(a: Box, b: Box) -> float:
    """Pixels of the frame between two boxes; 0 where they touch."""
    return max(a.x0 - b.x1, b.x0 - a.x1, a.y0 - b.y1, b.y0 - a.y1, 0.0)


def _difference(one: Named, flat: Flat, photo: Photo, reference: PhotoId) -> Difference:
    high, wide = flat.photo.shape[:2]
    box = Box(max(one.box.x0, 0), max(one.box.y0, 0), min(one.box.x1, wide), min(one.box.y1, high))
    region = Region.of(flat.region(box), photo.size, one.now or "", "difference")
    there, strength = flat.there(box), one.mark.strength
    return Difference(one.kind, region, reference, there, one.before, one.now, strength=strength)


def _around(points: NDArray[Any]) -> Box:
    return Box.around((float(x), float(y)) for x, y in points)
