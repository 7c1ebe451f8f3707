"""What a model says, as sentences with what each asserts in checkable form.

A reply in the form that was asked for says so itself; an inventory is a thing a line; of prose only what its words
show is known: what it puts in quotation marks, its numbers, colours and sides. Nothing is checked here.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from ..prompts import LETTER, lexicon
from .colour import NAMES
from .dialects.json_text import find_json
from .types import Asserted, AssertedKind, Sentence

WAYS = {"up": 0.0, "right": 90.0, "down": 180.0, "left": 270.0}
"""Where things may be said to point, in degrees clockwise from straight up."""

_MOST = 12
"""Sentences of one reply, and things of one sentence, that are kept; a reply of more was not what was asked for."""

_LONGEST = 400  # characters of a sentence
_NAMED = 60  # characters of a thing's name

_QUOTED = re.compile(r"“([^“”]{1,80})”|「([^「」]{1,80})」|『([^『』]{1,80})』|\"([^\"]{1,80})\"|«([^«»]{1,80})»")
_NUMBER = re.compile(r"(?<![A-Za-z\d.,:/-])\d[\d.,:/-]*(?<![.,:/-])")
_NO_BOUNDS, _JOINED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"), re.compile(r"[\uac00-\ud7af]")
_SENTENCES = re.compile(r"(?<=[。！？])(?![”’」』])|(?<=[.!?])[\"'”’)]*\s+|\n+")
_ITEM = re.compile(
    r"^\s*(?:[-*•]|\d+[.)])?\s*([^;；|]{1,60})(?:[;；|]\s*([^;；|]*))(?:[;；|]\s*([^;；|]*))?(?:[;；|]\s*(.*))?$"
)
_PLACES = {"left": "left", "centre": "centre", "center": "centre", "middle": "centre", "right": "right", "top": "top"}
_PLACES |= {
    "bottom": "bottom",
    "左": "left",
    "中": "centre",
    "中间": "centre",
    "右": "right",
    "上": "top",
    "下": "bottom",
}


def statements(reply: str, language: str, evidence: Mapping[str, str]) -> tuple[list[Sentence], list[str]] | None:
    """The sentences of a reply in the form that was asked for, and the things its question takes for granted.

    `evidence` is what was shown to it, by its marks. `None` where the reply is not in that form.
    """
    rows = [row for value in find_json(reply).values for row in _rows(value)]
    sentences = [s for row in rows if (s := _sentence(row, language, evidence))][:_MOST]
    assumed = [name for row in rows for thing in _list(row.get("assumes")) if (name := _name(thing))]
    return (sentences, assumed[:_MOST]) if sentences else None


def inventory(reply: str, language: str) -> list[Sentence]:
    """A thing a line, as sentences without words of their own; lines in another form are left out."""
    found = []
    for line in reply.splitlines():
        if match := _ITEM.match(line):
            name, count, colour, place = (part or "" for part in match.groups())
            row = {"name": name, "count": count, "colour": colour, "place": place}
            if asserts := tuple(_of_thing(row, language)):
                found.append(Sentence("", asserts))
    return found[:_MOST]


def prose(text: str, language: str) -> list[Sentence]:
    """Free prose as sentences, each with what its words show that it asserts."""
    parts = [part.strip() for part in _SENTENCES.split(text)]
    return [Sentence(part, tuple(shown(part, language))) for part in parts if part]


def shown(text: str, language: str) -> Iterator[Asserted]:
    """What the words of a sentence assert, of nothing by name: quotations, numbers, colours, and sides of the photo."""
    for match in _QUOTED.finditer(text):
        yield Asserted("quote", next(filter(None, match.groups())).strip())
    own = _QUOTED.sub(" ", unicodedata.normalize("NFKC", text))
    for match in _NUMBER.finditer(own):
        yield Asserted("number", match[0])
    yield from dict.fromkeys(Asserted(kind, value) for kind, value, form in _forms(language) if form.search(own))


@cache
def _forms(language: str) -> tuple[tuple[AssertedKind, str, re.Pattern[str]], ...]:
    """What words assert a colour, a side or a number of things in a language; a longer word hides a shorter one."""
    known = [
        (kind, value.replace(".", "|"), word)
        for key, listed in lexicon("asserting").items()
        if (parts := key.split(".", 2))[0] == language and len(parts) == 3
        for kind, value in [parts[1:]]
        for word in listed
    ]
    found: list[tuple[AssertedKind, str, re.Pattern[str]]] = []
    kinds: Mapping[str, AssertedKind] = {"colour": "colour", "side": "side", "number": "count"}
    for kind, value, word in known:
        if kind in kinds:
            longer = [w for _, _, w in known if word in w and w != word]
            # What Chinese says of one thing beside another names no side of the photo.
            before = r"(?<!的)" if kind == "side" else ""
            inside = "".join(f"(?<!{re.escape(w[: w.index(word)])})" for w in longer if w.index(word))
            behind = "".join(f"(?!{re.escape(w[w.index(word) + len(word) :])})" for w in longer if not w.endswith(word))
            start, end = _edges(word)
            found.append(
                (kinds[kind], value, re.compile(f"{before}{inside}{start}{re.escape(word)}{end}{behind}", re.I))
            )
    return tuple(found)


def _edges(word: str) -> tuple[str, str]:
    """What has to stand before and behind a word; Korean joins to it what follows, Chinese and Japanese both."""
    if _NO_BOUNDS.search(word):
        return "", ""
    return f"(?<!{LETTER})", "" if _JOINED.search(word) else f"(?!{LETTER})"


def _rows(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        # Some write one object that holds the list.
        inner = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict) and "say" in v[0]]
        yield from (row for rows in inner for row in _rows(rows)) if inner and "say" not in value else iter([value])
    elif isinstance(value, list):
        yield from (row for each in value for row in _rows(each))


def _sentence(row: Mapping[str, Any], language: str, evidence: Mapping[str, str]) -> Sentence | None:
    said = row.get("say")
    if not isinstance(said, str) or not said.strip():
        return None
    text = " ".join(said.split())[:_LONGEST]
    asserts = [a for thing in _list(row.get("things"))[:_MOST] for a in _of_thing(thing, language)]
    asserts += [Asserted("quote", str(p).strip()) for p in _list(row.get("printed"))[:_MOST] if str(p).strip()]
    # A mark that stands for nothing rests on nothing, and is found out as words that are printed nowhere.
    asserts += [Asserted("quote", evidence.get(str(mark), str(mark))) for mark in _list(row.get("cites"))[:_MOST]]
    product = row.get("product")
    if isinstance(product, str) and product.strip():
        asserts.append(Asserted("product", product.strip()))
    return Sentence(text, tuple(dict.fromkeys([*asserts, *_beside(text, asserts, language)])))


def _beside(text: str, asserts: list[Asserted], language: str) -> Iterator[Asserted]:
    """What the words of a sentence assert and its list leaves out."""
    listed = " ".join(a.value for a in asserts).casefold()
    for more in shown(text, language):
        known = [a for a in asserts if a.kind == more.kind]
        if more.kind == "colour" and any(set(a.value.split("|")) & set(more.value.split("|")) for a in known):
            continue
        if more.kind in ("side", "count") and any(a.value == more.value for a in known):
            continue
        if more.kind in ("quote", "number") and more.value.casefold() in listed:
            continue
        yield more


def _of_thing(row: Any, language: str) -> Iterator[Asserted]:
    """What is asserted of one thing: that it is there, and what is said of it."""
    row = {"name": row} if isinstance(row, str) else row
    name = _name(row.get("name")) if isinstance(row, dict) else None
    if name is None:
        return
    yield Asserted("thing", name)
    count = re.fullmatch(r"\s*(\d{1,3})(?:\.0)?\s*", str(row.get("count", "")))  # JSON's numbers come as floats
    if count and int(count[1]):
        yield Asserted("count", str(int(count[1])), name)
    if colour := _colour(str(row.get("colour") or ""), language):
        yield Asserted("colour", colour, name)
    if side := _PLACES.get(str(row.get("place") or "").strip().casefold()):
        yield Asserted("side", side, name)
    if (way := str(row.get("points") or "").strip().casefold()) in WAYS:
        yield Asserted("direction", way, name)


def _colour(word: str, language: str) -> str | None:
    """The names a colour word may mean; `None` for one that nobody can measure."""
    if (plain := word.strip().casefold()) in NAMES:
        return plain
    return next((v for k, v, form in _forms(language) if k == "colour" and plain and form.fullmatch(plain)), None)


def _name(thing: Any) -> str | None:
    """What a thing is called, on one line; `None` for what is no name."""
    text = " ".join(thing.split()) if isinstance(thing, str) else ""
    return text if 0 < len(text) <= _NAMED else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
