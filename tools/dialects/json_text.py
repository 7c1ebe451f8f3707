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

_TRIES = 64
"""Brackets that are tried: a reply of thousands is the repetition of a model that has lost its way."""

# Digits beyond what an integer may be spelled with are infinite, and so no place.
_DECODER = json.JSONDecoder(parse_int=float, strict=False)


@dataclass(frozen=True)
class Written:
    """The JSON values of a reply, in order.

    `begun`: there are marks of JSON in it, whether or not any was whole; `cut`: the reply ends within one.
    """

    values: tuple[Any, ...]
    repaired: bool
    begun: bool
    cut: bool


def find_json(text: str) -> Written:
    """Every JSON value in a text that is a list or an object, the broken ones mended."""
    values: list[Any] = []
    at, repaired, begun, cut = 0, False, False, False
    for _ in range(_TRIES):
        if not (opening := _OPENING.search(text, at)):
            break
        begun, start = True, opening.start()
        try:
            value, at = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            end, closed = _close(text, start)
            cut |= not closed
            value = _mended(text[start:end])
            at = end if value else start + 1
            if not value:
                continue
            repaired = True
        values.append(value)
    return Written(tuple(values), repaired, begun, cut)


def _close(text: str, start: int) -> tuple[int, bool]:
    """Behind the bracket that closes the one at `start`; of one that is never closed, behind the last that closes."""
    depth, last, quoted = 0, start, False
    for found in re.finditer(r'\\.|["\[\]{}]', text[start:], re.DOTALL):
        mark = found[0]
        if mark == '"':
            quoted = not quoted
        elif not quoted and mark in "[{":
            depth += 1
        elif not quoted and mark in "]}":
            depth, last = depth - 1, start + found.end()
            if depth == 0:
                return last, True
    return last, False


def _mended(text: str) -> Any:
    """Broken JSON as the list or object it was meant to be; `None` where nothing comes of it."""
    from json_repair import repair_json

    try:
        value = repair_json(text, return_objects=True, skip_json_loads=True) if text else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list | dict) else None
