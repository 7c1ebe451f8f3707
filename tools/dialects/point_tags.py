"""Points in tags, as Molmo and Molmo 2 print them, and Qwen where it falls into XML.

    <point x="63.3" y="85.8" alt="a boat">a boat</point>
    <points x1="9.1" y1="11.7" x2="17.2" y2="41.3" alt="the boats">the boats</points>
    <points coords="1 1 073 160 2 173 600">boats</points>

In `coords` stand the image's number, then number, x and y of each point, in thousandths of the view where the
other forms have hundredths. The third form is Molmo 2's.
"""

import html
import re
from collections.abc import Iterator

from .dialect import Place

_TAG = re.compile(r"<points?\b((?:[^<>\"]|\"[^\"]*\")*)>(?:(.*?)</points?>)?", re.DOTALL)
_PAIR = re.compile(r'\bx(\d*)\s*=\s*"\s*([\d.]+)\s*"\s*,?\s*y\1\s*=\s*"\s*([\d.]+)\s*"')
_ALT = re.compile(r'\balt\s*=\s*"([^"]*)"')
_COORDS = re.compile(r'\bcoords\s*=\s*"([^"]*)"')
_GROUP = re.compile(r"\s*\d+:?((?:\s+\d+\s+\d+\s+\d+)+)\s*")


def has_tags(text: str) -> bool:
    """Whether a text begins to point in tags."""
    return "<point" in text


def cut_tags(text: str) -> bool:
    """Whether a tag was begun and is not closed."""
    return len(re.findall("<point", text)) > len(re.findall("</points?>", text)) or bool(re.search(r"</?\w*$", text))


def find_tags(text: str, thousandths: float) -> Iterator[Place]:
    """The points of every tag that is whole; `thousandths`: what one number of `coords` is of the other forms'.

    An attribute and the text of a tag may be escaped as in HTML.
    """
    for tag in _TAG.finditer(text):
        named = _ALT.search(tag[1])
        label = html.unescape(named[1] if named else tag[2] or "")
        for pair in _PAIR.finditer(tag[1]):
            yield from _place(pair[2], pair[3], label, named=True)
        coords = _COORDS.search(tag[1])
        for group in re.split(r"[\t;]", coords[1]) if coords else ():
            if whole := _GROUP.fullmatch(group):
                numbers = whole[1].split()
                for x, y in zip(numbers[1::3], numbers[2::3], strict=True):
                    yield from _place(x, y, label, thousandths)


def _place(x: str, y: str, label: str, unit: float = 1, *, named: bool = False) -> Iterator[Place]:
    """A point, where both are numbers ("1.2.3" is none)."""
    try:
        yield Place((float(x) * unit, float(y) * unit), label, named=named)
    except ValueError:
        return
