"""Read a photo once, in the right order, and say what could not be read.

Finds out how the photo has to be turned or flipped, asks the engine, judges each line, and maps every
corner back to the photo as it was sent. What the text means is for `fields.py`.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .kit import Kit, Reader
from .order import quarter_of, reading_order
from .photos import pixels as pixels_of
from .reader import cut
from .scripts import could_be, judge
from .types import Line, Photo, PhotoId, Point, Quad, Reading, Size

Raw = tuple[str, float, Quad]

_GOOD = 0.85
"""Text read at this mean probability is the right way round.

Measured on the lines of `benchmarks/ocr.py` and the samples: 0.93 and above upright, 0.6 to 0.8 mirrored, and
0.86 for a sign half of whose words look the same in a mirror: there the lines that are lost tell.
"""

_MIRROR = 4.0
"""Evidence that a flipped photo has to give, eight characters read surely: one word in letters that we cannot
read may look like Latin in a mirror, as ΓΙΑΟΥΡΤΙ does (3.4)."""

_NO_WORSE = 0.7
"""How much of the text has to be left once a photo is turned the way most of it runs: of 120 shop photos that
lie still, one lost all of it so."""

_BETTER = 1.3
"""How many times as much text another turn has to give to be believed: columns that lie down give 2.9 times."""


def read(photo: Photo, kit: Kit) -> Reading:
    """Read the visible text of a photo, in reading order; one pass a photo and engine, kept in the kit.

    Raises `UnreadablePhoto` where the stored bytes cannot be decoded and `Unavailable` where the engine
    is missing.
    """
    return read_once(photo.id, kit, kit.reader.name, lambda: pixels_of(photo))


def read_once(photo: PhotoId, kit: Kit, engine: str, seen: Callable[[], NDArray[np.uint8]]) -> Reading:
    """Read what is seen of a photo, upright RGB `(h, w, 3)`; what is kept under this name is not read again."""
    known = kit.readings.get(photo, engine)
    if known is not None:
        return known
    with kit.reading:
        known = kit.readings.get(photo, engine)
        if known is None:
            known = replace(read_pixels(seen(), photo, kit.reader), engine=engine)
            kit.readings.put(known)
        return known


def read_pixels(pixels: NDArray[np.uint8], photo: PhotoId, reader: Reader) -> Reading:
    """Read upright RGB pixels `(h, w, 3)`.

    The engine is asked once where the text is the right way round, once or twice more for a photo that is
    turned, and at most six times for one that nothing can be made of. `mirrored` photos are flipped left to
    right first and turned by `turned` degrees clockwise after that.
    """
    start = time.perf_counter()
    lines, quarters = _right_way_up(pixels, reader)
    mirrored = False
    if _is_poor(lines):
        other, turns = _right_way_up(np.ascontiguousarray(pixels[:, ::-1]), reader)
        if _evidence(other) > max(1.5 * _evidence(lines), _MIRROR) and _certainty(other) >= _GOOD:
            lines, quarters, mirrored = other, turns, True
    lines = _in_company(lines)
    size = Size(pixels.shape[1], pixels.shape[0])
    ordered = [lines[i] for i in reading_order(lines)]
    back = [_sent(line, quarters, mirrored, size) for line in ordered]
    ms = (time.perf_counter() - start) * 1000
    return Reading(photo, tuple(back), reader.name, ms, 90 * quarters, mirrored)


def _right_way_up(pixels: NDArray[np.uint8], reader: Reader) -> tuple[list[Line], int]:
    """The lines of a photo turned so that its text stands upright, and by how many quarters clockwise."""
    best, quarters = _judged(pixels, reader.read(pixels)), 0
    turn, other = _quarters(best), _columns_lying_down(best)
    for way in dict.fromkeys(way for way in (turn, other) if way):
        view = _turned(pixels, way)
        lines = _judged(view, reader.read(view))
        # What most lines ask for only must not lose them; a second opinion has to be the better one.
        if _evidence(lines) > (_NO_WORSE if way == turn else _BETTER) * _evidence(best):
            best, quarters = lines, way
    return best, quarters


def _judged(pixels: NDArray[np.uint8], raw: Sequence[Raw]) -> list[Line]:
    """What the engine said, line by line, as lines that say how far it is to be believed."""
    lines = []
    for text, score, quad in raw:
        vertical = _is_vertical(text, quad)
        crop = cut(pixels, quad)
        judged = judge(text, score, _side_by_side(crop, len(text)) if vertical else crop)
        if judged is None:
            continue
        status, script = judged
        kept = "" if status == "unreadable" else text
        lines.append(Line(kept, quad, score if text else None, script, status, vertical))
    return lines


def _in_company(lines: Sequence[Line]) -> list[Line]:
    """Lines that could be in the script most others are in, which we cannot read, put in doubt.

    By its looks alone CMETAHA is as good Latin as it is Russian; in the middle of Russian it is Russian.
    """
    foreign = Counter(line.script for line in lines if line.status == "unreadable")
    foreign.pop("unknown", None)
    if not foreign:
        return list(lines)
    script, count = foreign.most_common(1)[0]
    latin = [line for line in lines if line.status == "read" and line.script == "latin"]
    alike = [line for line in latin if could_be(line.text, script)]
    if count <= len(latin) - len(alike):
        return list(lines)
    return [replace(line, status="doubtful") if line in alike else line for line in lines]


def _is_vertical(text: str, quad: Quad) -> bool:
    """Whether upright characters stand one under another: higher than wide, from the top left corner."""
    across = np.hypot(quad[1].x - quad[0].x, quad[1].y - quad[0].y)
    down = np.hypot(quad[3].x - quad[0].x, quad[3].y - quad[0].y)
    return len(text) > 1 and bool(down > 1.5 * across)


def _side_by_side(column: NDArray[np.uint8], characters: int) -> NDArray[np.uint8]:
    """The cells of a column of upright characters laid out as a line."""
    cells = np.array_split(column, characters)
    lowest = min(len(cell) for cell in cells)
    return np.ascontiguousarray(np.hstack([cell[:lowest] for cell in cells])) if lowest else column


def _quarters(lines: Sequence[Line]) -> int:
    """By how many quarters of a turn clockwise most of what was read has to be turned to stand upright."""
    votes = _votes(lines)
    best = int(np.argmax(votes))
    return best if votes[best] > 1.5 * votes[0] else 0


def _columns_lying_down(lines: Sequence[Line]) -> int:
    """The turn that rows of Han or kana ask for if they are columns of a photo that was turned; 0 if nothing asks.

    The engine reads characters that lie on their sides as well as upright ones. Only a line that runs across
    the rows tells.
    """
    votes = _votes(lines)
    rows = int(np.argmax(votes))
    han = [line for line in lines if line.status == "read" and line.script in ("han", "kana") and not line.vertical]
    across = [line for line in han if len(line.text) > 3 and (_turn_of(line) - rows) % 2]
    if not across or 2 * sum(_votes(han)) < sum(votes):
        return 0
    return int(np.argmax(_votes(across)))


def _votes(lines: Sequence[Line]) -> list[float]:
    """For each number of quarters clockwise, how much of what was read would stand upright after that turn."""
    votes = [0.0] * 4
    for line in lines:
        if line.status == "read":
            votes[_turn_of(line)] += len(line.text) * (line.score or 0.0)
    return votes


def _turn_of(line: Line) -> int:
    return -quarter_of(line.quad) % 4


def _evidence(lines: Sequence[Line]) -> float:
    """How much text is believed: characters, by how sure the engine is of them."""
    return sum(len(line.text) * ((line.score or 0.0) - 0.5) for line in lines if line.status == "read")


def _is_poor(lines: Sequence[Line]) -> bool:
    """Whether the text there looks as if it were seen in a mirror, or as if it were none we can read."""
    read = sum(line.status == "read" for line in lines)
    # Some words read well either way (TIX3); where most of several lines are lost, the photo may be flipped.
    return len(lines) > 0 and (_certainty(lines) < _GOOD or (len(lines) > 3 and 2 * read < len(lines)))


def _certainty(lines: Sequence[Line]) -> float:
    """The engine's mean probability of a character, of lines that it could make anything of."""
    letters = [(len(line.text), line.score or 0.0) for line in lines if line.status != "unreadable"]
    return sum(n * score for n, score in letters) / max(sum(n for n, _ in letters), 1)


def _turned(pixels: NDArray[np.uint8], quarters: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(pixels, -quarters))


def _sent(line: Line, quarters: int, mirrored: bool, size: Size) -> Line:
    """The line with its corners in the photo as sent, of this size, and inside it."""
    points = [_back(point, quarters, mirrored, size) for point in line.quad]
    quad = (points[0], points[1], points[2], points[3])
    return Line(line.text, quad, line.score, line.script, line.status, line.vertical)


def _back(point: Point, quarters: int, mirrored: bool, size: Size) -> Point:
    """One corner, from the photo flipped and turned, to the photo as sent."""
    x, y = point
    width, height = float(size.width), float(size.height)
    if quarters == 1:
        x, y = y, height - x
    elif quarters == 2:
        x, y = width - x, height - y
    elif quarters == 3:
        x, y = width - y, x
    if mirrored:
        x = width - x
    return Point(min(max(float(x), 0.0), width), min(max(float(y), 0.0), height))
