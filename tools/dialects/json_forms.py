"""The families that write JSON: Qwen2.5-VL, Qwen3-VL, Gemini, GLM-V, Moondream, and plain JSON of unknown models.

One reader takes whatever object names a box or a point, in whatever nesting, since models stray from their own
form; what differs is what the numbers span, the keys they print, and how they are asked. No score is made up: only
"score" or "confidence" in 0..1 counts.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..types import Region, Size
from .absent import adds_nothing, names, says_none
from .dialect import SPECIAL, Dialect, Frame, Heard, Kind, Place, hear, spans, spoken, written
from .json_text import find_json
from .point_tags import cut_tags, find_tags, has_tags

_BOX = ("bbox_2d", "box_2d", "bbox", "box", "bounding_box", "boundingBox", "bboxes", "boxes", "bounding_boxes")
_POINT = ("point_2d", "point", "points_2d", "points")
_EITHER = ("coordinate", "coordinates")
_LISTS = ("objects", "detections", "results", "items")
_LABEL = ("label", "name", "class", "class_name", "category", "object", "phrase", "text")
_SCORE = ("score", "confidence", "conf")
_NAMES = (
    ("x_min", "y_min", "x_max", "y_max"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("x", "y", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)
_SIDES = (("width", "height"), ("w", "h"))
_NONE = (*_BOX, *_POINT, *_EITHER, *_LISTS, "answer", "result", "response", "found", "present", "visible", "exists")
"""What may stand empty, null, false or with a denial behind it, where there is none."""
_LENGTHS = {**dict.fromkeys(_BOX, (4,)), **dict.fromkeys(_POINT, (2,)), **dict.fromkeys(_EITHER, (2, 4))}
_GLM_BOX = re.compile(r"<\|begin_of_box\|>(.*?)(?:<\|end_of_box\|>|$)", re.DOTALL)


def _number(value: Any) -> float | None:
    """A number, also one in quotes; `None` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _numbers(value: Any) -> tuple[float, ...] | None:
    """Four numbers of a box or two of a point: a list, two pairs, or one string."""
    if isinstance(value, str):
        value = re.findall(r"[^\s,()\[\]]+", value)
    if not isinstance(value, list):
        return None
    if len(value) == 2 and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        value = [*value[0], *value[1]]
    found = [number for item in value if (number := _number(item)) is not None]
    return tuple(found) if len(found) == len(value) and len(value) in (2, 4) else None


def _named(value: dict[str, Any]) -> tuple[float, ...] | None:
    """The numbers of a box or a point that an object gives by name, x first.

    Where sides have names, x and y are the corner at the top left, as in COCO.
    """
    for corners in _NAMES:
        if value.keys() >= set(corners):
            return _numbers([value[name] for name in corners])
    for x, y, *_ in _NAMES:
        for sides in _SIDES:
            if value.keys() >= {x, y, *sides}:
                numbers = _numbers([value[name] for name in (x, y, *sides)])
                return numbers and (*numbers[:2], numbers[0] + numbers[2], numbers[1] + numbers[3])
    if value.keys() & {name for sides in _SIDES for name in sides}:
        return None
    return _numbers([value["x"], value["y"]]) if value.keys() >= {"x", "y"} else None


def _places(value: Any, lengths: Sequence[int], label: str = "", score: float | None = None) -> Iterator[Place]:
    """Every box and point in a JSON value; as many bare numbers as one of `lengths` are a place here."""
    if isinstance(value, dict):
        label = next((value[key] for key in _LABEL if isinstance(value.get(key), str)), label)
        score = next((found for key in _SCORE if (found := _share(value.get(key))) is not None), score)
        if numbers := _named(value):
            yield Place(numbers, label, score, named=True)
            return
        for key, inner in value.items():
            # Numbers under any other key (a colour, a size) are no place.
            yield from _places(inner, _LENGTHS.get(key, lengths if key in _LISTS else ()), label, score)
        return
    numbers = _numbers(value)
    if numbers and len(numbers) in lengths:
        yield Place(numbers, label, score)
    elif isinstance(value, list):
        for inner in value:
            yield from _places(inner, lengths, label, score)


def _share(value: Any) -> float | None:
    """A score in 0..1; `None` where it is anything else."""
    number = _number(value)
    return number if number is not None and math.isfinite(number) and 0 <= number <= 1 else None


def _nothing(value: Any, target: str) -> bool:
    """Whether a JSON value says that there is none of the target: an empty list, null, or words to that effect.

    An object has to say it under the name of the target or a key of `_NONE`, and nothing else beside.
    """
    if isinstance(value, str):
        return says_none(value, target)
    if isinstance(value, list):
        return all(_nothing(inner, target) for inner in value)
    if not isinstance(value, dict):
        return value is None or value is False
    said = {key: inner for key, inner in value.items() if key not in (*_LABEL, "request_id")}
    labels = [inner for key, inner in value.items() if key in _LABEL]
    return (
        (bool(said) or not value)
        and all(isinstance(label, str) and names(label, target) for label in labels)
        and all((key in _NONE or names(key, target)) and _nothing(inner, target) for key, inner in said.items())
    )


def _read(reply: str, frame: Frame, target: str = "", *, alone: bool = False) -> Heard:
    """Every place a reply names in JSON; of one without JSON, in point tags, which Qwen and others print too.

    Four bare numbers are a box; where `alone`, two are a point, and only with nothing said beside.
    Source: github.com/QwenLM/Qwen3-VL/issues/733 ("JSON/XML/Plain-Text format").
    """
    said = spoken(reply)
    said = "\n".join(_GLM_BOX.findall(said)) or said
    found = find_json(said)
    bare = (4,) if not alone else (2,) if adds_nothing(found.rest, "") else ()
    try:
        places = [place for value in found.values for place in _places(value, bare)]
        nothing = not places and bool(found.values) and not found.cut
        nothing = nothing and all(_nothing(value, target) for value in found.values)
    except RecursionError:
        places, nothing = [], False
    if nothing and adds_nothing(found.rest, target):
        return Heard("absent", repaired=found.repaired)
    return hear(
        said,
        places or find_tags(said, 1),
        frame,
        target,
        begun=found.begun or has_tags(said),
        repaired=found.repaired and bool(places),
        cut=found.cut if places else cut_tags(said),
    )


def _writer(box: str, point: str, outer: str = "```json\n{}\n```") -> Callable[[Sequence[Region], Frame], str]:
    """A writer of a list of objects with these keys, inside what the model puts around it; scores are left out."""

    def write(regions: Sequence[Region], frame: Frame) -> str:
        items = []
        for region in regions:
            flat = not region.box.area
            numbers = list(written(region, frame, point=flat))
            items.append({point if flat else box: numbers, "label": region.label})
        return outer.replace("{}", json.dumps(items, ensure_ascii=False))

    return write


def _write_moondream(regions: Sequence[Region], frame: Frame) -> str:
    """Boxes and points as Moondream's API returns them; it names none, so labels are left out."""
    reply: dict[str, list[dict[str, float]]] = {}
    for region in regions:
        flat = not region.box.area
        numbers = written(region, frame.named, _MOONDREAM_STEP, point=flat)
        items = reply.setdefault("points" if flat else "objects", [])
        items.append(dict(zip(("x", "y") if flat else _NAMES[0], numbers, strict=True)))
    return json.dumps(reply or {"objects": []})


_MOONDREAM_STEP = 0.0001
_ALL: frozenset[Kind] = frozenset(("boxes", "points", "direction"))


def _as_seen(size: Size) -> Frame:
    """Pixels of the view as the model saw it, after its processor has resized it."""
    return Frame(size, (float(size.width), float(size.height)))


def _read_points(reply: str, frame: Frame, target: str = "") -> Heard:
    """Two bare numbers are a point where nothing is said beside: some models print no more. In prose they are not."""
    return _read(reply, frame, target, alone=True)


QWEN25_VL = Dialect(
    name="qwen25_vl",
    frame=_as_seen,
    read=_read,
    write=_writer("bbox_2d", "point_2d"),
    kinds=_ALL,
    source="github.com/QwenLM/Qwen2.5-VL, cookbooks/spatial_understanding.ipynb; QwenLM/Qwen3-VL issue 721",
)

QWEN3_VL = Dialect(
    name="qwen3_vl",
    frame=spans(1000, 1000),
    read=_read,
    write=_writer("bbox_2d", "point_2d"),
    kinds=_ALL,
    source="github.com/QwenLM/Qwen3-VL, cookbooks/2d_grounding.ipynb; issue 1741",
)

GEMINI = Dialect(
    name="gemini",
    frame=spans(1000, 1000, swapped=True),
    read=_read,
    write=_writer("box_2d", "point"),
    kinds=_ALL,
    source="github.com/google-gemini/cookbook, quickstarts/Spatial_understanding.ipynb; ai.google.dev/gemini-api",
)

GLM_V = Dialect(
    name="glm_v",
    frame=spans(1000, 1000),
    read=_read,
    write=_writer("bbox_2d", "point_2d", "<|begin_of_box|>{}<|end_of_box|>"),
    kinds=_ALL,
    source="github.com/zai-org/GLM-V, README and issue 114 (thousandths of the image)",
)

MOONDREAM = Dialect(
    name="moondream",
    frame=spans(1, 1),
    read=_read,
    write=_write_moondream,
    kinds=frozenset(("boxes", "points")),
    source="moondream.ai/c/docs/advanced/api/detect and /point; openrouter.ai/docs cookbook (slash commands)",
    step=_MOONDREAM_STEP,
    labelled=False,
    # A backslash would escape what follows it in the command's JSON.
    special=re.compile(rf"{SPECIAL}|\\"),
)

PLAIN_JSON = Dialect(
    name="plain_json",
    frame=spans(1000, 1000),
    read=_read,
    write=_writer("box", "point", "{}"),
    kinds=_ALL,
    source="no family's own form: what prompts/models/dialects.md asks an unknown model for",
)

POINTS = Dialect(
    name="points",
    frame=spans(1000, 1000),
    read=_read_points,
    write=_writer("box", "point_2d", "{}"),
    kinds=frozenset(("points", "direction")),
    source="no family's own form: what prompts/models/dialects.md asks an unknown model for",
)
