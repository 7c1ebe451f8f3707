"""Dates as packs print them, read from a piece of text.

Finds where a date stands and every day it may mean; what the date is for is the business of `fields.py`.
Pure text: nothing here knows of photos.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Literal, NamedTuple

Order = Literal["ymd", "dmy", "mdy"]

_YEARS_SHORT = range(2020, 2050)
"""What two digits may mean as a year: packs are made and expire near today. This keeps 13/04/25 unambiguous."""

_YEARS = range(1990, 2100)
"""What four digits may mean as a year."""

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier janv enero ene gennaio gen januari",
            "february feb februar février fevrier févr fevr febrero febbraio februari",
            "march mar märz marz mär mars marzo maart mrt",
            "april apr avril avr abril abr aprile",
            "may mai mayo maggio mag maj mei",
            "june jun juni juin junio giugno giu",
            "july jul juli juillet juil julio luglio lug",
            "august aug août aout agosto ago augusti augustus",
            "september sept sep septembre septiembre settembre set",
            "october oct oktober okt octobre octubre ottobre ott",
            "november nov novembre noviembre",
            "december dec dezember dez décembre decembre déc diciembre dic dicembre",
        ),
        start=1,
    )
    for name in names.split()
}
"""Month names and their usual short forms in English, German, French, Spanish, Italian, Dutch and Swedish."""

_CHINESE = {c: i for i, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "○": 0}


class Dated(NamedTuple):
    """A date in a text: `text[start:end]` as ISO 8601, possibly without a day; the likeliest value first.

    `shows` is the order that three numbers without a name are in, where only one order makes a day of them
    (25/03/2026): it tells how to read another date by the same hand.
    """

    start: int
    end: int
    values: tuple[str, ...]
    shows: Order | None = None


_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
# Neither a longer number nor a chain of numbers may go on at either end; two dates "2025.04.03/2026.04.02" may.
_BEFORE = r"(?<!\d)(?<!\d[./])"
_ALONE = r"(?<!\d[-./])(?<!\d)"
_AFTER = r"(?!\d)(?!\.\d)(?!/\d{1,3}(?!\d))(?!-\d{1,3}(?!\d))"
_Y4 = r"(?P<y>(?:19|20)\d\d)"
_SEP = r"\s?[-./]\s?"
_HAN = "[〇零○一二三四五六七八九十]"

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("era", r"(?P<era>令和|民[國国])\s?(?P<y>元|\d{1,3})\s?年\s?(?P<m>\d{1,2})\s?月(?:\s?(?P<d>\d{1,2})\s?日)?"),
        (
            "ymd",
            rf"{_BEFORE}(?P<y>\d{{4}}|\d{{2}})\s?年\s?(?P<m>\d{{1,2}})\s?月(?:份)?"
            r"(?:\s?(?P<d>\d{1,2})\s?[日号號])?",
        ),
        ("han", rf"(?P<y>{_HAN}{{4}})年(?P<m>{_HAN}{{1,2}})月(?:(?P<d>{_HAN}{{1,3}})[日号號])?"),
        ("ymd", rf"(?<!\d)(?<!\d\.){_Y4}(?P<s>{_SEP})(?P<m>\d{{1,2}})(?:{_SEP})(?P<d>\d{{1,2}}){_AFTER}"),
        ("ymd", rf"{_BEFORE}{_Y4}\s(?P<m>0\d|1[0-2])\s(?P<d>[0-3]\d){_AFTER}"),
        ("ymd", rf"{_BEFORE}{_Y4}[-./\s]?(?P<n>{_MONTH})[-./\s]?(?P<d>\d{{1,2}}){_AFTER}"),
        (
            "dmy",
            rf"{_BEFORE}(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)?[-./,\s]*(?:de\s)?(?P<n>{_MONTH})"
            rf"[-./,\s]*(?:de\s)?(?P<y>(?:19|20)\d\d|\d\d(?!\d)){_AFTER}",
        ),
        ("dmy", rf"(?<![^\W\d_])(?P<n>{_MONTH})[./\s]{{0,2}}(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[,\s]\s?{_Y4}{_AFTER}"),
        ("dmy", rf"(?<![^\W\d_])(?P<n>{_MONTH})[-./,\s]*{_Y4}{_AFTER}"),
        ("any", rf"{_BEFORE}(?P<a>\d{{1,2}})(?P<s>{_SEP})(?P<b>\d{{1,2}})(?:{_SEP})(?P<y>(?:19|20)\d\d|\d\d){_AFTER}"),
        ("any", rf"{_BEFORE}(?P<a>[0-3]\d)\s(?P<b>[0-3]\d)\s(?P<y>20\d\d){_AFTER}"),
        ("ymd", rf"{_ALONE}(?P<m>0?[1-9]|1[0-2])\s?[-./]\s?{_Y4}{_AFTER}(?!-)"),
        ("ymd", rf"{_ALONE}{_Y4}\s?[-./]\s?(?P<m>0[1-9]|1[0-2]|(?<![-])[1-9]){_AFTER}(?!-)"),
        ("ymd", rf"(?<!\w)(?<!\w[-./]){_Y4}(?P<m>\d\d)(?P<d>\d\d)(?![^\W_]){_AFTER}"),
    )
)  # fmt: skip
"""From the most telling form to the least; a later form takes no character of an earlier one."""

_ERAS = {"令和": 2018, "民國": 1911, "民国": 1911}
"""The year before the first of an era: Reiwa began in 2019, the calendar of Taiwan in 1912."""

_ANNOUNCED: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("packed", re.compile(rf"{_BEFORE}(?P<digits>\d{{8}}|\d{{6}}){_AFTER}")),
    ("ymd", re.compile(rf"^\W*(?P<all>(?P<m>0?[1-9]|1[0-2])\s?[-./]\s?(?P<y>\d\d)){_AFTER}(?!-)")),
    ("ymd", re.compile(rf"^\W*(?P<all>(?P<m>0[1-9]|1[0-2])\s(?P<y>20\d\d)){_AFTER}")),
)
"""Digits without separators, 12/26 and 12 2026 mean a date only where a label has just said so."""


def find_dates(text: str, order: Order | None = None, announced: bool = False) -> list[Dated]:
    """Every date in `text`, in the order they stand; a day that does not exist is no date.

    `text` is normalised (NFKC). `order` is how the language of the label writes dates, where that is
    known; `None` keeps every reading of 03/04/25. `announced` also accepts 250403, 03042025 and 12/26,
    which are dates only where a label says so.
    """
    taken = [False] * len(text)
    found: list[Dated] = []
    for kind, pattern in (*_PATTERNS, *(_ANNOUNCED if announced else ())):
        for match in pattern.finditer(text):
            start, end = match.span("all" if "all" in pattern.groupindex else 0)
            if any(taken[start:end]) or (kind == "any" and not announced and _is_version(match)):
                continue
            values = tuple(dict.fromkeys(_values(kind, match, order)))
            # An impossible day is not offered to a looser pattern either: 2025-02-30 is not February 2025.
            taken[start:end] = [True] * (end - start)
            if values:
                found.append(Dated(start, end, values, _shown(kind, match)))
    return sorted(found)


def _values(kind: str, match: re.Match[str], order: Order | None) -> Iterator[str]:
    part = match.groupdict()
    if kind == "han":
        year = int("".join(str(_CHINESE[c]) for c in part["y"] if c in _CHINESE) or 0)
        yield from _iso(year, han_number(part["m"]), han_number(part["d"]) if part["d"] else None)
    elif kind == "era":
        year = _ERAS[part["era"]] + (1 if part["y"] == "元" else int(part["y"]))
        yield from _iso(year, int(part["m"]), int(part["d"]) if part["d"] else None)
    elif kind == "any":
        yield from _orders(part["a"], part["b"], part["y"], order)
    elif kind == "packed":
        digits = part["digits"]
        whole = list(_iso(int(digits[:4]), int(digits[4:6]), int(digits[6:]))) if len(digits) == 8 else []
        yield from whole or _orders(digits[:2], digits[2:4], digits[4:], order)
    else:
        month = MONTHS[part["n"].lower()] if part.get("n") else int(part["m"])
        yield from _iso(_year(part["y"]), month, int(part["d"]) if part.get("d") else None)


def _is_version(match: re.Match[str]) -> bool:
    """Whether it looks like 3.4.25, which nobody would take for a date where none is announced."""
    single = len(match["a"]) == 1 or len(match["b"]) == 1
    return "." in match["s"] and len(match["y"]) == 2 and single


def _shown(kind: str, match: re.Match[str]) -> Order | None:
    possible = _possible(match["a"], match["b"], match["y"]) if kind == "any" else {}
    return next(iter(possible)) if len(possible) == 1 else None


def _orders(a: str, b: str, c: str, order: Order | None) -> Iterator[str]:
    possible = _possible(a, b, c)
    yield from [possible[order]] if order in possible else possible.values()


def _possible(a: str, b: str, c: str) -> dict[Order, str]:
    """Three numbers in each order that gives a day; day first, then month first, then year first."""
    readings: dict[Order, tuple[int, int, int]] = {
        "dmy": (_year(c), int(b), int(a)),
        "mdy": (_year(c), int(a), int(b)),
    }
    if len(c) == 2:
        readings["ymd"] = (_year(a), int(b), int(c))
    return {name: value for name, ymd in readings.items() for value in _iso(*ymd)}


def _year(digits: str) -> int:
    """The year, 0 where two digits are too far from today to be one."""
    if len(digits) == 4:
        return int(digits)
    return 2000 + int(digits) if 2000 + int(digits) in _YEARS_SHORT else 0


def _iso(year: int, month: int, day: int | None) -> Iterator[str]:
    """The date as ISO 8601, or nothing where there is no such day."""
    if year not in _YEARS:
        return
    try:
        whole = date(year, month, 1 if day is None else day)
    except ValueError:
        return
    yield whole.strftime("%Y-%m") if day is None else whole.isoformat()


def han_number(numeral: str) -> int:
    """A Chinese numeral below a hundred: 四, 十二, 二十, 三十一; 0 for any other."""
    tens, ten, ones = numeral.partition("十")
    if not ten:
        return _CHINESE.get(numeral, 0) if len(numeral) == 1 else 0
    return (_CHINESE.get(tens, 0) if tens else 1) * 10 + (_CHINESE.get(ones, 0) if ones else 0)
