"""The families that put a name and its boxes between tags: Qwen-VL, Qwen2-VL, InternVL, DeepSeek-VL2.

    <ref>击掌</ref><box>(536,509),(588,602)</box>
    <|object_ref_start|>击掌<|object_ref_end|><|box_start|>(531,516),(581,596)<|box_end|>
    <ref>car</ref><box>[[75, 658, 250, 871], [286, 558, 444, 711]]</box>
    <|ref|>giraffe<|/ref|><|det|>[[580, 270, 999, 904]]<|/det|>

    <ref>It is managed</ref><quad>(568,121),(625,131),(624,182),(567,172)</quad>

The last is how Qwen-VL puts a quadrilateral around text; it is read as the box around it.
Where a server strips special tokens the name stands right before the numbers ("car[[75, 658, 250, 871]]").
Of these supervision reads DeepSeek-VL2 alone, and raises on a reply that was cut off.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..types import Region
from .absent import adds_nothing, names
from .dialect import Dialect, Frame, Heard, Kind, Place, hear, spans, spoken, without, written

_N = r"\s*(-?\d+(?:\.\d+)?)\s*"
_ROUND = rf"\({_N},{_N}\)\s*,?\s*\({_N},{_N}\)"
_SQUARE = rf"\[{_N},{_N},{_N},{_N}\]"
_QUAD = r"<(?:quad|\|quad_start\|)>([^<]*)"
_CORNER = re.compile(rf"\({_N},{_N}\)")
_BRACKETS = re.compile(r"[\[\](),;\s]*$")
_STRIPPED = re.compile(r"([^\n\[\]]*[^\s\[\](),:：是为=])[\[(]?$")
"""What stands on the same line right before numbers, without a space, a colon or a "is" between."""


@dataclass(frozen=True)
class _Tags:
    """What opens and closes a name and a list of boxes; `pairs`: boxes are two pairs in round brackets."""

    name: tuple[str, str]
    boxes: tuple[str, str]
    pairs: bool

    @property
    def marks(self) -> re.Pattern[str]:
        """Any of the tags."""
        return re.compile("|".join(re.escape(tag) for tag in (*self.name, *self.boxes)))

    def _parsed(self, text: str) -> tuple[list[Place], str, str]:
        """Every whole box, under the last name before it; what stands beside; and what behind the last box.

        What stands in a name is never taken for a box, nor in a name or a quadrilateral that was cut off.
        """
        opened, closed, boxes = (re.escape(tag) for tag in (*self.name, self.boxes[0]))
        name = f"{opened}((?:(?!{opened}|{closed}|{boxes}).)*)(?:{closed})?"
        places: list[Place] = []
        gaps = []
        label, named, end, last = "", False, 0, 0
        for found in re.finditer(f"{name}|{_QUAD}|{_ROUND}|{_SQUARE}", text, re.DOTALL):
            gaps.append(text[end : found.start()])
            end = found.end()
            if found[1] is not None:
                label, named = found[1], True
                continue
            numbers = [number for number in found.groups()[2:] if number is not None]
            if found[2] is not None:
                corners = _CORNER.findall(found[2])
                numbers = [number for corner in corners for number in corner if len(corners) == 4]
            if not named:
                label = self._before(gaps[-1], label)
            if numbers:
                places.append(Place(tuple(map(float, numbers)), label))
                last = end
        return places, "".join([*gaps, text[end:]]), text[last:]

    def _before(self, gap: str, last: str) -> str:
        """The name right before the numbers, of a reply without tags; the last one goes on where nothing is between."""
        gap = self.marks.sub("", gap)
        if last and _BRACKETS.fullmatch(gap):
            return last
        stripped = _STRIPPED.search(gap)
        return stripped[1] if stripped else ""

    def read(self, reply: str, frame: Frame, target: str = "") -> Heard:
        """Every box; tags around nothing, "null" or "[]" say that there is none."""
        said = spoken(reply)
        places, rest, behind = self._parsed(said)
        if not places and self._empty(said, target):
            return Heard("absent")
        begun = self.boxes[0] in said or self.name[0] in said or bool(re.search(r"[\[(]{1,2}\s*\d", said))
        counted = [(said, *self.name), (said, *self.boxes), (rest, "[", "]"), (rest, "(", ")")]
        cut = any(text.count(opening) > text.count(closing) for text, opening, closing in counted)
        # A name without its boxes, corners that are not four, or half a tag.
        cut = cut or self.name[0] in behind or bool(re.search(rf"{_QUAD}|<[^>]*$", behind))
        return hear(said, places, frame, target, begun=begun, cut=cut)

    def _empty(self, said: str, target: str) -> bool:
        """Whether all tags are around nothing, under no other name than the target's."""
        named, ended, opened, closed = (re.escape(tag) for tag in (*self.name, *self.boxes))
        name = rf"{named}((?:(?!{named}).)*?){ended}\s*"
        empty = rf"(?is)(?:{name})?{opened}\s*(?:null|none|[\[\]\s]*){closed}"
        labels, beside = re.findall(empty, said), re.sub(empty, "", said)
        return bool(labels) and all(names(label, target) for label in labels) and adds_nothing(beside, target)

    def write(self, regions: Sequence[Region], frame: Frame) -> str:
        """Each region with its name; the dialect's own tags are taken out of a name, which could not hold them."""
        parts = []
        for region in regions:
            a, b, c, d = written(region, frame)
            box = f"({a},{b}),({c},{d})" if self.pairs else f"[[{a}, {b}, {c}, {d}]]"
            name = without(region.label, self.marks).join(self.name)
            parts.append(name + box.join(self.boxes))
        return "".join(parts) or "None"


_KINDS: frozenset[Kind] = frozenset(("boxes", "direction"))
_QWEN = _Tags(("<ref>", "</ref>"), ("<box>", "</box>"), pairs=True)
_QWEN2 = _Tags(("<|object_ref_start|>", "<|object_ref_end|>"), ("<|box_start|>", "<|box_end|>"), pairs=True)
_INTERN = _Tags(("<ref>", "</ref>"), ("<box>", "</box>"), pairs=False)
_DEEPSEEK = _Tags(("<|ref|>", "<|/ref|>"), ("<|det|>", "<|/det|>"), pairs=False)

QWEN_VL = Dialect(
    name="qwen_vl",
    frame=spans(1000, 1000),
    read=_QWEN.read,
    write=_QWEN.write,
    kinds=_KINDS,
    source="github.com/QwenLM/Qwen-VL, README.md; arXiv:2308.12966",
)

QWEN2_VL = Dialect(
    name="qwen2_vl",
    frame=spans(1000, 1000),
    read=_QWEN2.read,
    write=_QWEN2.write,
    kinds=_KINDS,
    source="arXiv:2409.12191; github.com/QwenLM/Qwen3-VL issues 9 and 189",
)

INTERNVL = Dialect(
    name="internvl",
    frame=spans(1000, 1000),
    read=_INTERN.read,
    write=_INTERN.write,
    kinds=_KINDS,
    source="internvl.readthedocs.io/en/latest/get_started/chat_data_format.html#grounding-detection-data",
)

DEEPSEEK_VL2 = Dialect(
    name="deepseek_vl2",
    frame=spans(999, 999),
    read=_DEEPSEEK.read,
    write=_DEEPSEEK.write,
    kinds=_KINDS,
    source="github.com/deepseek-ai/DeepSeek-VL2, README.md and issue 100 (0 to 999)",
)
