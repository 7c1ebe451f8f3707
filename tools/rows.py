"""Lines of a reading as rows to search: normalised text, labels, and who stands beside whom.

Frame: levelled only by whole quarter turns, so that left and above are those of the text.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .order import upright
from .types import Box, Line, Reading
from .wordings import Announces, Label, find_labels


@dataclass(frozen=True)
class Row:
    """A line with its text normalised: `back[i]` is where character `i` of `text` was printed."""

    line: Line
    text: str
    back: tuple[int, ...]
    labels: tuple[Label, ...]
    box: Box

    @property
    def height(self) -> float:
        """How high the line itself is, in pixels, however it is tilted."""
        first, last = self.line.quad[0], self.line.quad[3]
        return math.hypot(first.x - last.x, first.y - last.y)

    def quote(self, start: int, end: int) -> str:
        """The characters as printed."""
        return self.line.text[self.back[start] : self.back[end - 1] + 1]

    def value_after(self, label: Label) -> tuple[int, int]:
        """Where the text between this label and the next begins and ends."""
        following = [other.start for other in self.labels if other.start >= label.end]
        return label.end, min(following, default=len(self.text))

    def open_label(self, *announces: Announces) -> Label | None:
        """A label at the end of the line, still waiting for its value, if it is one of these."""
        if not self.labels or self.labels[-1].announces not in announces:
            return None
        last = self.labels[-1]
        return None if re.search(r"\w", self.text[last.end :]) else last


def row_of(line: Line, reading: Reading) -> Row:
    """A line made ready to search; one that was not `read` has no text."""
    text, back = "", []
    for i, character in enumerate(line.text if line.status == "read" else ""):
        # Character by character, so that each place in the normalised text has a place in the printed one.
        for plain in unicodedata.normalize("NFKC", character):
            text += plain
            back.append(i)
    box = Box.around(upright(line.quad, reading.turned, reading.mirrored))
    return Row(line, text, tuple(back), tuple(find_labels(text)), box)


def waiting(rows: Sequence[Row], at: int, announces: Announces, fits: Callable[[str], bool]) -> bool:
    """Whether the line to the left, or else the one above, is a label of this kind without its value."""
    if not fits(rows[at].text):
        return False
    left = line_left(rows, at)
    if left is not None and rows[left].labels:
        return rows[left].open_label(announces) is not None
    above = line_above(rows, at)
    if above is None or rows[above].open_label(announces) is None:
        return False
    right = [i for i in range(len(rows)) if i != above and line_left(rows, i) == above]
    return not any(fits(rows[i].text) for i in right)


def line_left(rows: Sequence[Row], at: int) -> int | None:
    """The nearest line to the left in the same row."""
    box = rows[at].box
    reach = [
        i
        for i, row in enumerate(rows)
        if i != at
        and row.box.centre.x < box.x0
        and min(row.box.y1, box.y1) - max(row.box.y0, box.y0) > 0.5 * min(row.box.height, box.height)
    ]
    return max(reach, key=lambda i: rows[i].box.x1, default=None)


def line_above(rows: Sequence[Row], at: int) -> int | None:
    """The nearest line straight above, less than a line away."""
    box = rows[at].box
    near = [i for i, row in enumerate(rows) if i != at and _stands_on(row.box, box)]
    return max(near, key=lambda i: rows[i].box.y1, default=None)


def line_below(rows: Sequence[Row], at: int) -> int | None:
    """The nearest line straight below, less than a line away."""
    box = rows[at].box
    near = [i for i, row in enumerate(rows) if i != at and _stands_on(box, row.box)]
    return min(near, key=lambda i: rows[i].box.y0, default=None)


def _stands_on(upper: Box, lower: Box) -> bool:
    shared = min(upper.x1, lower.x1) - max(upper.x0, lower.x0)
    gap = lower.y0 - upper.y1
    tall = min(upper.height, lower.height)
    return (
        shared > 0.3 * min(upper.width, lower.width)
        and -0.8 * tall < gap < 1.2 * tall
        and upper.centre.y + 0.3 * tall < lower.centre.y
    )
