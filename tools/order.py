"""The order in which a person would read the lines of a photo.

Geometry alone decides: a page is levelled, lines that run another way are set apart, columns of
upright characters go right to left, columns of text one after the other, and everything else row by
row, so that a label stays beside its value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from .types import Box, Line, Point, Quad

_GUTTER = 0.5
"""Columns are apart by at least this many line heights: a word space is about a third of one."""

_PAIRED = 0.7
"""A table has a partner beside it for this share of the lines of its shorter column."""

_LONG = 6.0
"""Lines of running text are at least this many heights long; labels and values are shorter."""

_FILLED = 0.7
"""Lines of running text fill this share of their column, on average."""


@dataclass(frozen=True)
class _Block:
    """One line, or neighbouring columns of upright characters, in the levelled frame."""

    box: Box
    members: tuple[int, ...]
    height: float


def reading_order(lines: Sequence[Line]) -> list[int]:
    """Positions of `lines` in the order to read them: each exactly once.

    Frame: any, as long as the text stands mostly upright; nothing depends on where the page lies or
    on how large it is.
    """
    order: list[int] = []
    tilt = _tilt(lines)
    for quarter in range(4):
        group = [i for i, line in enumerate(lines) if quarter_of(line.quad, tilt) == quarter]
        angle = tilt + quarter * math.pi / 2
        boxes = {i: Box.around(_turned(lines[i].quad, -angle)) for i in group}
        blocks = [_Block(boxes[i], (i,), boxes[i].height) for i in group if not lines[i].vertical]
        blocks += _columns_of_characters({i: boxes[i] for i in group if lines[i].vertical})
        order += [i for block in _read(blocks) for i in block.members]
    return order


def quarter_of(quad: Quad, tilt: float = 0.0) -> int:
    """Which way a line runs, in quarter turns clockwise: 0 to the right, 1 down, 2 to the left, 3 up.

    `tilt` in radians clockwise is how far the page itself is from level.
    """
    along = math.atan2(quad[1].y - quad[0].y, quad[1].x - quad[0].x)
    return round((along - tilt) / (math.pi / 2)) % 4


def _tilt(lines: Sequence[Line]) -> float:
    """How far the page is from level, in radians clockwise, -pi/4 to pi/4; longer lines know better."""
    found: list[tuple[float, float]] = []
    for line in lines:
        across, down = line.quad[1].x - line.quad[0].x, line.quad[1].y - line.quad[0].y
        if not line.vertical and abs(down) < across:
            found.append((math.atan2(down, across), math.hypot(across, down)))
    found.sort()
    half, seen = sum(length for _, length in found) / 2, 0.0
    for angle, length in found:
        seen += length
        if seen >= half:
            return angle
    return 0.0


def _turned(quad: Quad, angle: float) -> list[Point]:
    """The corners turned clockwise about the origin by `angle` radians."""
    if angle == 0:
        return list(quad)
    c, s = math.cos(angle), math.sin(angle)
    return [Point(x * c - y * s, x * s + y * c) for x, y in quad]


def _columns_of_characters(boxes: dict[int, Box]) -> list[_Block]:
    """Neighbouring columns of upright characters as one block each, its members right to left."""
    left = sorted(boxes, key=lambda i: (-boxes[i].x1, boxes[i].y0))
    blocks: list[_Block] = []
    while left:
        members = [left.pop(0)]
        # A column belongs with one that stands beside it, or under it, no more than a character away.
        for i in members:
            near = [j for j in left if _beside(boxes[i], boxes[j])]
            members += near
            left = [j for j in left if j not in near]
        rows: list[list[int]] = []
        for i in sorted(members, key=lambda i: -boxes[i].centre.x):
            if rows and abs(boxes[i].centre.x - boxes[rows[-1][0]].centre.x) < boxes[i].width / 2:
                rows[-1].append(i)
            else:
                rows.append([i])
        inside = [i for row in rows for i in sorted(row, key=lambda i: boxes[i].y0)]
        around = Box.around([p for i in members for p in (boxes[i][:2], boxes[i][2:])])
        blocks.append(_Block(around, tuple(inside), median(boxes[i].width for i in members)))
    return blocks


def _beside(a: Box, b: Box) -> bool:
    reach = 1.5 * min(a.width, b.width)
    apart_x = max(a.x0, b.x0) - min(a.x1, b.x1)
    apart_y = max(a.y0, b.y0) - min(a.y1, b.y1)
    return apart_x < reach and apart_y < reach


def _read(blocks: list[_Block]) -> list[_Block]:
    """Blocks in order: bands from top to bottom, and within a band columns or rows."""
    if len(blocks) < 2:
        return blocks
    order: list[_Block] = []
    for band in _bands(blocks):
        columns = _columns(band)
        if len(columns) > 1 and not _is_table(columns):
            for column in columns:
                order += _read(column)
        else:
            order += _rows(band)
    return order


def _bands(blocks: list[_Block]) -> list[list[_Block]]:
    """Slices of the page from top to bottom, each as tall as the same gutters run through it."""
    slices: list[list[_Block]] = []
    low = -math.inf
    for block in sorted(blocks, key=lambda b: b.box.y0):
        # Detected boxes are loose, and lines of one column overlap by a little.
        if slices and block.box.y0 < low - 0.2 * block.height:
            slices[-1].append(block)
        else:
            slices.append([block])
        low = max(low, block.box.y1)
    bands: list[list[_Block]] = []
    for piece in slices:
        if bands and len(_columns(bands[-1] + piece)) > 1 and _near(bands[-1], piece):
            bands[-1] = bands[-1] + piece
        else:
            bands.append(piece)
    return bands


def _near(above: list[_Block], below: list[_Block]) -> bool:
    """Whether two slices are parts of one body of text: less than two lines of space between them."""
    gap = min(b.box.y0 for b in below) - max(b.box.y1 for b in above)
    return gap < 2 * median(b.height for b in above + below)


def _columns(blocks: list[_Block]) -> list[list[_Block]]:
    """Blocks parted by the gutters that no block crosses, from left to right."""
    columns: list[list[_Block]] = []
    edge, gutter = -math.inf, _GUTTER * median(b.height for b in blocks)
    for block in sorted(blocks, key=lambda b: b.box.x0):
        if columns and block.box.x0 < edge + gutter:
            columns[-1].append(block)
        else:
            columns.append([block])
        edge = max(edge, block.box.x1)
    return columns


def _is_table(columns: list[list[_Block]]) -> bool:
    """Whether columns stand side by side row by row, as labels and values do, and are not running text."""
    for one, other in pairwise(columns):
        few, many = sorted((one, other), key=len)
        partners = sum(any(_same_row(a, b) for b in many) for a in few)
        if partners >= _PAIRED * len(few) and not (_runs(one) and _runs(other)):
            return True
    return False


def _runs(column: list[_Block]) -> bool:
    """Whether a column holds running text: several long lines that fill it."""
    width = max(b.box.x1 for b in column) - min(b.box.x0 for b in column)
    long = median(b.box.width / max(b.height, 1e-9) for b in column) >= _LONG
    return len(column) > 2 and long and sum(b.box.width for b in column) >= _FILLED * width * len(column)


def _same_row(a: _Block, b: _Block) -> bool:
    return abs(a.box.centre.y - b.box.centre.y) < 0.5 * min(a.box.height, b.box.height)


def _rows(blocks: list[_Block]) -> list[_Block]:
    """Row by row, each from left to right."""
    rows: list[list[_Block]] = []
    for block in sorted(blocks, key=lambda b: (b.box.centre.y, b.box.x0)):
        if rows and any(_same_row(block, other) for other in rows[-1]):
            rows[-1].append(block)
        else:
            rows.append([block])
    return [block for row in rows for block in sorted(row, key=lambda b: b.box.x0)]


def upright(quad: Quad, turned: int, mirrored: bool) -> list[Point]:
    """Corners as they stand to one another once the photo is flipped and turned as `Reading` says; the origin moves."""
    points = [Point(-x if mirrored else x, y) for x, y in quad]
    for _ in range(turned // 90):
        points = [Point(-y, x) for x, y in points]
    return points
