"""Kosmos-2: a phrase, then its boxes as pairs of patches, 32 by 32 of them, counted row by row.

    <phrase> a snowman</phrase><object><patch_index_0044><patch_index_0863></object>

A corner is the middle of its patch; where both lie in one row or column, the patches' outer edges are meant.
supervision takes phrases and boxes already parsed by the model's processor; this reads the text itself.
"""

import math
import re
from collections.abc import Sequence

from ..types import Point, Region
from .dialect import Dialect, Frame, Heard, Place, hear, spans, without

_OBJECT = re.compile(
    r"(?:<phrase>((?:(?!</?phrase>).)*)</phrase>\s*)?<object>((?:<patch_index_\d{1,6}>|</delimiter_of_multi_objects/>)*)",
    re.DOTALL,
)
_TOKENS = re.compile(r"</?(?:phrase|object|grounding|s)>|<patch_index_\d+>|</delimiter_of_multi_objects/>")


def _corners(first: int, last: int, frame: Frame) -> tuple[float, ...] | None:
    """A pair of patches as the numbers of a box, in patches; `None` where there is no such patch."""
    across, down = (int(end) for end in frame.ends)
    if max(first, last) >= across * down:
        return None
    (y0, x0), (y1, x1) = divmod(first, across), divmod(last, across)
    if x0 == x1 or y0 == y1:
        return min(x0, x1), min(y0, y1), max(x0, x1) + 1, max(y0, y1) + 1
    return x0 + 0.5, y0 + 0.5, x1 + 0.5, y1 + 0.5


def _read(reply: str, frame: Frame, target: str = "") -> Heard:
    """Every phrase with its boxes; a pair that is not whole is left out."""
    places = []
    for phrase, patches in _OBJECT.findall(reply):
        for pair in patches.split("</delimiter_of_multi_objects/>"):
            indices = [int(index) for index in re.findall(r"\d+", pair)]
            if len(indices) == 2 and (numbers := _corners(indices[0], indices[1], frame)):
                places.append(Place(numbers, phrase))
    begun = "<object>" in reply or "<patch_index" in reply
    return hear(_TOKENS.sub("", reply), places, frame, target, begun=begun, cut=_cut(reply))


def _cut(reply: str) -> bool:
    """Whether a phrase or its patches were begun and not ended."""
    behind = reply.rpartition("</object>")[2]
    return "<phrase" in behind or "<object" in behind or "<" in _TOKENS.sub("", behind)


def _write(regions: Sequence[Region], frame: Frame) -> str:
    """Each phrase and its box; tokens are taken out of a phrase."""
    across, down = (int(end) for end in frame.ends)
    parts = []
    for region in regions:
        x0, y0 = (math.floor(n) for n in frame.numbers(Point(region.box.x0, region.box.y0)))
        x1, y1 = (math.ceil(n) - 1 for n in frame.numbers(Point(region.box.x1, region.box.y1)))
        patches = [min(max(y, 0), down - 1) * across + min(max(x, 0), across - 1) for x, y in ((x0, y0), (x1, y1))]
        tokens = "".join(f"<patch_index_{patch:04d}>" for patch in patches)
        parts.append(f"<phrase> {without(region.label, _TOKENS)}</phrase><object>{tokens}</object>")
    return "<grounding>" + "".join(parts)


KOSMOS2 = Dialect(
    name="kosmos2",
    frame=spans(32, 32),
    read=_read,
    write=_write,
    kinds=frozenset(("boxes",)),
    source="github.com/huggingface/transformers, models/kosmos2/processing_kosmos2.py (patch_index_to_coordinate)",
)
