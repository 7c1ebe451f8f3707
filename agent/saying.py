"""How dates and periods are said in a language, and how far a date is from today. Which to say, `answer.py` decides."""

import calendar
from collections.abc import Sequence
from datetime import date

from ..prompts import say


def said_date(language: str, iso: str) -> str:
    """An ISO 8601 date, or year and month, as people of this language write it."""
    year, month, *day = iso.split("-")
    values = {"year": year, "month": say(language, f"month.{int(month)}")}
    if not day:
        return say(language, "date.month", **values)
    if day[0] == "01":
        return say(language, "date.first", **values)
    return say(language, "date.day", day=int(day[0]), **values)


def said_period(language: str, iso: str) -> str:
    """An ISO 8601 period of one unit as people of this language say it."""
    n, unit = int(iso[1:-1]), iso[-1]
    return say(language, f"period.{unit}", n=n) if n != 1 else say(language, f"period.one_{unit}")


def said_from_today(language: str, values: Sequence[str], today: date) -> str | None:
    """Whether a date that may mean each of these (ISO 8601) has passed; `None` where its meanings do not agree.

    A date without a day is its whole month.
    """
    spans = [_days(value) for value in values]
    now = said_date(language, today.isoformat())
    several = "all_" if len(spans) > 1 else ""
    if all(last < today for _, last in spans):
        return say(language, f"expiry.{several}past", today=now)
    if all(first > today for first, _ in spans):
        if several:
            return say(language, "expiry.all_ahead", today=now)
        if spans[0][0] != spans[0][1]:
            return say(language, "expiry.month_ahead", today=now)
        days = (spans[0][0] - today).days
        return (
            say(language, "expiry.days", today=now, n=days) if days > 1 else say(language, "expiry.one_day", today=now)
        )
    if several:
        return None
    return say(language, "expiry.today" if spans[0][0] == spans[0][1] else "expiry.this_month", today=now)


def _days(iso: str) -> tuple[date, date]:
    """The first and the last day that a date, or a month, may be."""
    year, month, *day = map(int, iso.split("-"))
    if day:
        return date(year, month, day[0]), date(year, month, day[0])
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
