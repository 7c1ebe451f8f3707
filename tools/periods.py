"""Shelf lives as packs print them, read from a piece of text, and the days they may end on; no photos here."""

import calendar
import re
from datetime import date, timedelta
from typing import NamedTuple

from .dates import han_number

_UNITS = {
    "D": "天 日 day days tage",
    "W": "周 週 week weeks wochen",
    "M": "月 month months monate",
    "Y": "年 year years jahre",
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split()}
_WORDS = "|".join(sorted(_UNIT_OF, key=len, reverse=True))

_PERIOD = rf"(?P<number>\d{{1,4}}|[一二两三四五六七八九十]{{1,3}})\s?[个個]?\s?(?P<unit>{_WORDS})(?![a-z\d])"
_LIFE = re.compile(
    r"(?:保质期|保質期|有效期|保存期|贮存期|使用期限|保存期限|賞味期間|shelf[\s-]?life|haltbarkeit)"
    # In between may stand how it is to be kept: 保质期（常温）：12个月, 保质期：冷藏7天.
    rf"\s?(?:\([^()]{{1,12}}\))?\s?:?\s?(?:为|約|约|常温|冷藏|冷冻)?\s?(?P<period>{_PERIOD})",
    re.IGNORECASE,
)
_ALONE = re.compile(rf"^\s*:?\s*(?P<period>{_PERIOD})", re.IGNORECASE)


class Period(NamedTuple):
    """A shelf life in a text: `text[start:end]`, with its label if there is one, and its value as ISO 8601 ("P12M")."""

    start: int
    end: int
    value: str


def find_periods(text: str, announced: bool = False) -> list[Period]:
    """Every shelf life in `text` (normalised, NFKC); a span of time without a label only where it was `announced`."""
    found = list(_LIFE.finditer(text))
    if announced and not found and (alone := _ALONE.match(text)):
        found = [alone]
    return [
        Period(m.start(), m.end("period"), f"P{number}{_UNIT_OF[m['unit'].lower()]}")
        for m in found
        if (number := _number(m["number"]))
    ]


def _number(printed: str) -> int:
    return int(printed) if printed.isdigit() else han_number(printed.replace("两", "二"))


def last_days(produced: str, period: str) -> tuple[str, str] | None:
    """The day a shelf life ends if the day of production is its first, and if the day after is; ISO 8601 in and out.

    Makers do either. In a month that has no such day, its last one counts. `None` where production is
    given without a day, or the end lies past the calendar.
    """
    try:
        start = date.fromisoformat(produced)
        number, unit = int(period[1:-1]), period[-1]
        if unit in "DW":
            end = start + timedelta(days=number * (7 if unit == "W" else 1))
        else:
            months = start.year * 12 + start.month - 1 + number * (12 if unit == "Y" else 1)
            year, month = months // 12, months % 12 + 1
            end = date(year, month, min(start.day, calendar.monthrange(year, month)[1]))
    except (ValueError, OverflowError):
        return None
    return (end - timedelta(days=1)).isoformat(), end.isoformat()
