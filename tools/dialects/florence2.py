"""Florence-2: a name, then its boxes in location tokens, 1000 cells a side, each read at its middle.

    </s><s>car<loc_53><loc_333><loc_933><loc_774>wheel<loc_709><loc_576><loc_865><loc_772></s>

supervision takes what the model's processor has made of it, in pixels of another size; this reads the text itself.
"""

import math
import re
from collections.abc import Sequence

from ..types import Point, Region
from .dialect import Dialect, Frame, Heard, Place, hear, spans, without

_RUN = re.compile(r"(?:<loc_\d+>)+")
_TOKENS = re.compile(r"<(?:/?s|pad|loc_\d+|/?od|/?box|/?bbox|/?poly|sep)>")


def _read(reply: str, frame: Frame, target: str = "") -> Heard:
    """Every name with as many boxes as its tokens make by fours; outlines (`<poly>`) are no boxes."""
    places, end, cut = [], 0, False
    for run in _RUN.finditer(reply):
        name, end = reply[end : run.start()], run.end()
        numbers = [float(token) + 0.5 for token in re.findall(r"\d+", run[0])]
        cut |= bool(len(numbers) % 4)
        if len(numbers) % 4 == 0 and "<poly>" not in name:
            places += [Place(tuple(numbers[i : i + 4]), _TOKENS.sub("", name)) for i in range(0, len(numbers), 4)]
    cut |= bool(_TOKENS.sub("", reply[end:]).strip())
    return hear(_TOKENS.sub("", reply), places, frame, target, begun="<loc_" in reply, cut=cut)


def _write(regions: Sequence[Region], frame: Frame) -> str:
    """Each name and its box; tokens are taken out of a name. A box without a name goes by the one before it."""
    parts = []
    for region in regions:
        x0, y0, x1, y1 = region.box
        numbers = [*frame.numbers(Point(x0, y0)), *frame.numbers(Point(x1, y1))]
        cells = [min(math.floor(n), int(frame.ends[i % 2]) - 1) for i, n in enumerate(numbers)]
        parts.append(without(region.label, _TOKENS) + "".join(f"<loc_{cell}>" for cell in cells))
    return f"</s><s>{''.join(parts)}</s>"


FLORENCE2 = Dialect(
    name="florence2",
    frame=spans(1000, 1000),
    read=_read,
    write=_write,
    kinds=frozenset(("boxes",)),
    source="github.com/huggingface/transformers, models/florence2/processing_florence2.py (dequantize)",
)
