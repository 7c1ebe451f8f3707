"""PaliGemma: four location tokens a box, y before x, in 1024 cells a side, then the name.

    <loc0204><loc0366><loc0469><loc0558> road sign ; <loc0204><loc0162><loc0459><loc0357> road sign

supervision's parser stops a name at its first apostrophe or quote; this one keeps what the form can carry.
"""

import re
from collections.abc import Sequence

from ..types import Region
from .dialect import SPECIAL, Dialect, Frame, Heard, Place, hear, spans, without, written

_BOX = re.compile(r"((?:<loc\d{4}>)+)(.*?)(?=<loc\d|<loc$|$)", re.DOTALL)
_MORE = re.compile(r"\s*;\s*(?:<\w*)?\s*$|<\w*$")
"""What stands behind a name where another box should follow."""

_TOKENS = re.compile(r"<(?:loc\d{4}|seg\d{3}|eos|bos|pad)>")


def _read(reply: str, frame: Frame, target: str = "") -> Heard:
    """Every run of four tokens and the name behind it; of more or fewer, which four belong together is unknown."""
    places, cut = [], False
    for run, name in _BOX.findall(reply):
        numbers = tuple(float(token) for token in re.findall(r"\d+", run))
        name = _TOKENS.sub("", name)
        cut = cut or len(numbers) != 4
        if len(numbers) == 4:
            places.append(Place(numbers, _MORE.sub("", name)))
    cut = cut or bool(_MORE.search(_TOKENS.sub("", reply)))
    return hear(_TOKENS.sub("", reply), places, frame, target, begun="<loc" in reply, cut=cut)


def _write(regions: Sequence[Region], frame: Frame) -> str:
    """Each box and its name, without location tokens in it and without semicolons at its end."""
    parts = []
    for region in regions:
        last = [end - 1 for end in frame.ends]
        numbers = [min(round(n), last[i % 2]) for i, n in enumerate(written(region, frame))]
        name = without(region.label, re.compile(rf"{_TOKENS.pattern}|[;\s]+$"))
        parts.append("".join(f"<loc{int(n):04d}>" for n in numbers) + " " + name)
    return " ; ".join(parts)


PALIGEMMA = Dialect(
    name="paligemma",
    frame=spans(1024, 1024, swapped=True),
    read=_read,
    write=_write,
    kinds=frozenset(("boxes",)),
    source="github.com/google-research/big_vision, configs/proj/paligemma/README.md",
    # A semicolon separates the things to detect.
    special=re.compile(rf"{SPECIAL}|;"),
)
