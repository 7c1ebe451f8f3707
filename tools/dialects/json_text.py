"""The JSON inside a reply: in fences, amid prose, cut off, or not quite JSON.

What cannot be decoded is cut back to its last closed bracket and mended by `json_repair`, never further: a number
that was cut off looks like a whole one, and the text alone cannot say. supervision's recovery keeps only lists of
objects, and its Qwen and Gemini parsers answer everything else with an empty result.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

_OPENING = re.compile(r"[\[{](?=\s*(?:[\[({\]}\"'\-.\d]|\w+['\"]?\s*:|[Nn](?:one|ull)))")
"""A bracket behind which JSON may begin, and not the one of a [remark]."""

_MARK = re.compile(
    r"""[\[\]{}]|"(?:\\.|[^"\\])*"|(?<=[\[{(,:\s])'(?:\\.|[^\\])*?'(?=\s*[,:\]})])|(?<=[\[{(,:\s])'|\"""", re.DOTALL
)
"""A bracket, a string, or the quote of a string that is never closed; not an apostrophe."""

_PERCENT = re.compile(r"\d\s*%")

# Digits beyond what an integer may be spelled with are infinite, and so no place.
_DECODER = json.JSONDecoder(parse_int=float, strict=False)


@dataclass(frozen=True)
class Written:
    """The JSON values of a reply, in order.

    `begun`: there are marks of JSON in it, whether or not any was whole; `cut`: the reply ends within one, or where
    another should follow; `rest`: what stands beside them.
    """

    values: tuple[Any, ...]
    repaired: bool
    begun: bool
    cut: bool
    rest: str


def find_json(text: str) -> Written:
    """Every JSON value in a text that is a list or an object, the broken ones mended.

    Nothing is read behind a bracket that is never closed: what stands there may stand in a name that was cut off.
    """
    values: list[Any] = []
    rest: list[str] = []
    at, repaired, closed = 0, False, True
    while closed and (opening := _OPENING.search(text, at)):
        start = opening.start()
        rest.append(text[at:start])
        try:
            value, at = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            at, closed = _close(text, start)
            value = _mended(text[start:at])
            if not value:
                rest.append(text[start:at])
                continue
            repaired = True
        values.append(value)
    last = text[at:]
    cut = not closed or last.rstrip().endswith(("[", "{", ","))
    return Written(tuple(values), repaired, bool(_OPENING.search(text)), cut, "".join([*rest, last]))


def _close(text: str, start: int) -> tuple[int, bool]:
    """Behind the bracket that closes the one at `start`; of one that is never closed, behind the last that closes."""
    depth, last = 0, start
    for found in _MARK.finditer(text, start):
        mark = found[0]
        if mark in ("'", '"'):
            break
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth, last = depth - 1, found.end()
            if depth == 0:
                return last, True
    return last, False


def _mended(text: str) -> Any:
    """Broken JSON as the list or object it was meant to be; `None` where nothing comes of it.

    Percents are no JSON and of no frame that was asked for; json_repair would drop the sign and keep the number.
    """
    from json_repair import repair_json

    if _PERCENT.search(_MARK.sub(" ", text)):
        return None
    try:
        value = repair_json(text, return_objects=True, skip_json_loads=True) if text else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list | dict) else None
