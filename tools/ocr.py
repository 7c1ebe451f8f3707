"""The tool `ocr`: what a photo says, or one field of it."""

import math
import time

from .fields import count_expiry, find_fields
from .kit import Kit
from .quality import hides, quality_of
from .reading import read
from .seeing import eye, reread, told
from .types import Fact, FieldName, Finding, Line, Outcome, Photo, Reading

_SHORTEST_VALUE = 1.8
"""A box shorter than this many of its heights holds no date, weight or number: it is a sign, a logo, one character."""

_LOST = ("partly_unreadable", "unsupported_script")

_ROLES: tuple[FieldName, ...] = ("expiry", "production")
"""Dates that differ from others only by the words printed beside them."""


def ocr(photo: Photo, kit: Kit, *, field: FieldName | None = None) -> Finding:
    """Read the visible text in reading order, each line with its box.

    With `field`, only that field. An expiry date that is not printed is counted from the production date
    and the shelf life, if both are; those facts then stand beside it. Where a date is printed, and not what
    it is for, it is given as `date` and the outcome is `unreadable`. The finding's `reason` is
    `role_not_printed`, `partly_unreadable`, `unsupported_script` or `photo_too_poor` where there is one. Where the
    engine could not read what may be the answer, a model is shown that part from close by: `said` is how it reads
    it, a second opinion that changes no outcome; `failed` is why it gave none. A field that was found is not asked for.
    Raises `BadInput` for a field that is none, `Unavailable` without an engine, `Cancelled`.
    """
    start = time.perf_counter()
    reading = read(photo, kit)
    facts = _facts(reading, field)
    # Production date and shelf life without a day that follows from them are no expiry date.
    answers = [fact for fact in facts if field not in _ROLES or fact.name == field]
    shortest = _SHORTEST_VALUE if field else 0.0
    reason = why_incomplete(reading, shortest)
    if not answers and any(fact.name == "date" for fact in facts):
        reason = "role_not_printed"
    outcome: Outcome = "found"
    if not (answers if field else reading.text):
        outcome = "unreadable" if reason else "absent"
    if outcome == "absent" and hides(quality_of(photo)):
        outcome, reason = "unreadable", "photo_too_poor"
    regions = tuple(line.region for line in reading.lines)
    lost = [line.box for line in reading.lines if line.status != "read" and _length(line) >= shortest]
    unsure = reason in _LOST and not (field and answers)
    second = told(eye(photo, kit) if unsure else None, lambda model: reread(model, photo, kit.language, lost))
    return Finding(
        id=f"ocr:{photo.id[7:15]}" + (f":{field}" if field else ""),
        tool="ocr",
        outcome=outcome,
        photos=(photo.id,),
        source=reading.engine,
        ms=1000 * (time.perf_counter() - start),
        asked=field,
        text=reading.text or None,
        regions=regions,
        facts=facts,
        model=second.model,
        said=second.said,
        failed=second.failed,
        cut=second.cut,
        turned=reading.turned,
        mirrored=reading.mirrored,
        reason=reason,
    )


def _facts(reading: Reading, field: FieldName | None) -> tuple[Fact, ...]:
    if field is None:
        return find_fields(reading)
    facts = find_fields(reading, (field,))
    if facts or field not in _ROLES:
        return facts
    if field == "expiry":
        parts = find_fields(reading, ("production", "shelf_life"))
        counted = count_expiry(parts)
        return (*parts, counted) if counted else find_fields(reading, ("shelf_life", "date"))
    return find_fields(reading, ["date"])


def why_incomplete(reading: Reading, shortest: float = 0.0) -> str | None:
    """Why not all of the text could be read; `None` where it was.

    Lines shorter than `shortest` of their own heights do not count.
    """
    lost = [line for line in reading.lines if line.status != "read" and _length(line) >= shortest]
    if any(line.status == "unreadable" and line.script != "unknown" for line in lost):
        return "unsupported_script"
    return "partly_unreadable" if lost else None


def _length(line: Line) -> float:
    """How long a line is, in heights of its characters, whichever way it runs."""
    along, across = math.dist(line.quad[0], line.quad[1]), math.dist(line.quad[0], line.quad[3])
    return max(along, across) / max(min(along, across), 1.0)
