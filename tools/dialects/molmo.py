"""Molmo and Molmo 2: points in tags, in percent of the view.

`alt` and the text say what it is; where several places share a name they share a tag. supervision does not read it.
"""

import html
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from ..types import Region
from .dialect import Dialect, Frame, Heard, hear, spans, spoken, written
from .point_tags import cut_tags, find_tags, has_tags

_STEP = 0.1


def _read(reply: str, frame: Frame, target: str = "") -> Heard:
    """Every point; a tag cut off has none, since its last number may be cut off too."""
    said = spoken(reply)
    return hear(said, find_tags(said, 0.1), frame, target, begun=has_tags(said), cut=cut_tags(said))


def _write(regions: Sequence[Region], frame: Frame) -> str:
    """Points, of boxes their middle; a label's quotes and angle brackets are escaped as in HTML."""
    tags = []
    for name, group in groupby(regions, attrgetter("label")):
        label = html.escape(name)
        places = [written(region, frame.named, _STEP, point=True) for region in group]
        if len(places) == 1:
            tags.append(f'<point x="{places[0][0]}" y="{places[0][1]}" alt="{label}">{label}</point>')
        else:
            pairs = " ".join(f'x{n}="{x}" y{n}="{y}"' for n, (x, y) in enumerate(places, 1))
            tags.append(f'<points {pairs} alt="{label}">{label}</points>')
    return "\n".join(tags) or "There are none."


MOLMO = Dialect(
    name="molmo",
    frame=spans(100, 100),
    read=_read,
    write=_write,
    kinds=frozenset(("points", "direction")),
    source="huggingface.co/allenai/Molmo-7B-O-0924/discussions/1 (0 to 100); github.com/allenai/molmo2 (coords)",
    step=_STEP,
)
