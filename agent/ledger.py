"""Check what a statement asserts against the findings it cites, one slot at a time.

The cheapest instrument that can check a slot does: quotes, dates, numbers and codes against what was read, products
against matches, things, counts, colours, sides and directions against regions and their pixels. What nothing here can
check is `unverified`.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from ..tools.statements import WAYS
from ..tools.types import Finding, Glance, PhotoId, Region, Size
from .places import heading, place
from .reply import Claim, Slot, SlotKind, Statement, Status

Checked = tuple[bool | None, Region | None]
"""Whether it agrees, `None` where that cannot be told, and the region that shows it."""

Check = Callable[[Slot, Finding, Size], Checked]

_TOLERANCE = 0.05
"""Share of a side by which a thing may lie beyond the middle of the photo and still be said to be on that side."""

_ABOUT = 60.0
"""Degrees by which a thing may point past one of four directions and still be said to point there."""


def check(
    index: int | None, statement: Statement, findings: Mapping[str, Finding], sizes: Mapping[PhotoId, Size]
) -> tuple[Claim, ...]:
    """The claims of the statement at place `index`, each with the region that supports it.

    A slot whose finding the statement does not cite, or that is not in this turn, is `unverified`.
    """
    return tuple(_claim(index, statement, slot, findings, sizes) for slot in statement.slots)


def holds(statement: Statement, claims: Sequence[Claim]) -> bool:
    """Whether a statement with these claims may be released: all are supported, or it is hedged and none is wrong."""
    allowed = ("supported", "unverified") if statement.hedged else ("supported",)
    return all(claim.status in allowed for claim in claims)


def _claim(
    index: int | None, statement: Statement, slot: Slot, findings: Mapping[str, Finding], sizes: Mapping[PhotoId, Size]
) -> Claim:
    finding = findings.get(slot.finding)
    if finding is None or slot.finding not in statement.cites:
        return Claim(index, slot.kind, slot.value, "unverified", slot.finding, of=slot.of)
    agrees, region = CHECKS[slot.kind](slot, finding, sizes[finding.photos[0]])
    status: Status = "unverified" if agrees is None else "supported" if agrees else "contradicted"
    return Claim(index, slot.kind, slot.value, status, slot.finding, region, slot.of)


def folded(text: str) -> str:
    """Letters and digits of one width and case; a mark between two digits stays, as 1.5 is not 15."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = re.sub(r"(?<=\d)\s*[.,:/-]\s*(?=\d)", ".", plain)
    return "".join(
        c
        for n, c in enumerate(kept)
        if c.isalnum() or (c == "." and kept[n - 1 : n].isdigit() and kept[n + 1 : n + 2].isdigit())
    )


def _quote(slot: Slot, finding: Finding, size: Size) -> Checked:
    """It stands, letter for letter, in a line that was read or in two that follow; or it told a product from another.

    Spaces, width and case are not counted. Where not all of the text could be read, what is not found may be there.
    """
    value = folded(slot.value)
    lines = [r for r in finding.regions if r.kind in ("text", "code") and r.label]
    for region in lines:
        if _stands(value, folded(region.label)) or (not value and slot.value in region.label):
            return True, region
    for difference in finding.differences:
        if slot.value in (difference.before, difference.now):
            return True, difference.region
    if not value:
        return None, None
    for fact in finding.facts:
        if fact.quote and _stands(value, folded(fact.quote)):
            return True, fact.region
    for match in finding.matches:
        if match.decided and slot.value in match.decided.words:
            return True, match.region(size)
    for first, second in pairwise(lines):
        if _stands(value, folded(first.label) + folded(second.label)):
            return True, first
    if finding.text and _stands(value, folded(finding.text)):
        return True, None
    return _unless_unread(finding)


def _stands(value: str, text: str) -> bool:
    """Whether a folded text holds a value; a number not within a longer one."""
    if not value:
        return False
    before = r"(?<![\d.])" if value[0].isdigit() else ""
    behind = r"(?![\d])(?!\.\d)" if value[-1].isdigit() else ""
    return bool(re.search(f"{before}{re.escape(value)}{behind}", text))


def _unless_unread(finding: Finding) -> Checked:
    """Not there, where all of the text could be read."""
    return (None if finding.reason in ("partly_unreadable", "unsupported_script") else False), None


def _fact(slot: Slot, finding: Finding, size: Size) -> Checked:
    del size
    fact = next((f for f in finding.facts if slot.value == f.value or slot.value in f.alternatives), None)
    return fact is not None, fact.region if fact else None


def _number(slot: Slot, finding: Finding, size: Size) -> Checked:
    """A fact, or printed as it stands, or how many were counted; one digit alone may count what nobody looked for."""
    known, region = _fact(slot, finding, size)
    if known or not finding.sentences:
        return known, region
    printed = _quote(slot, finding, size)
    if printed[0]:
        return printed
    if any(slot.value == str(len(g.regions)) and not g.cut for g in finding.glances):
        return True, None
    return (None, None) if len(slot.value) == 1 else printed


def _thing(slot: Slot, finding: Finding, _: Size) -> Checked:
    """A second look, by its name alone, saw it."""
    glance = _glance(slot.value, finding)
    if glance is None or glance.outcome not in ("found", "absent"):
        return None, None
    return glance.outcome == "found", glance.regions[0] if glance.regions else None


def _count(slot: Slot, finding: Finding, _: Size) -> Checked:
    """So many there are; of a list that broke off nobody knows."""
    if not finding.sentences:
        return slot.value == str(len(finding.regions)) and not finding.cut, None
    glance = _glance(slot.of, finding)
    if glance is None or glance.outcome != "found" or glance.cut:
        return None, None
    agrees = slot.value == str(len(glance.regions))
    return agrees, glance.regions[0] if agrees else None


def _side(slot: Slot, finding: Finding, size: Size) -> Checked:
    """What was found at that number, from 1, is there: "2 upper_left"; a thing by name is on that side: "left"."""
    if slot.of or finding.sentences:
        glance = _glance(slot.of, finding)
        if glance is None or glance.outcome != "found":
            return None, None
        region = next((r for r in glance.regions if _on(slot.value, r, size)), None)
        return region is not None, region
    number, where = slot.value.split(" ", 1)
    found = [m.region(size) for m in finding.matches] if finding.matches else finding.regions
    region = found[int(number) - 1] if int(number) <= len(found) else None
    agrees = region is not None and place(region.box, size) == where
    return agrees, region if agrees else None


def _on(side: str, region: Region, size: Size) -> bool:
    x, y = region.point.x / size.width, region.point.y / size.height
    middle = 0.5 + _TOLERANCE
    return {
        "left": x < middle,
        "right": x > 1 - middle,
        "top": y < middle,
        "bottom": y > 1 - middle,
        "centre": 0.25 - _TOLERANCE < x < 0.75 + _TOLERANCE,
    }[side]


def _direction(slot: Slot, finding: Finding, _: Size) -> Checked:
    """What points, by its number from 1, points there: "1 upper_left"; a thing by name points "left"."""
    if slot.of or finding.sentences:
        glance = _glance(slot.of, finding)
        if glance is None or not glance.directions:
            return None, None
        wanted = WAYS[slot.value]
        way = next((d for d in glance.directions if abs((d.heading - wanted + 180) % 360 - 180) <= _ABOUT), None)
        return way is not None, way.region if way else None
    number, where = slot.value.split(" ", 1)
    found = finding.directions[int(number) - 1] if int(number) <= len(finding.directions) else None
    agrees = found is not None and heading(found.heading) == where
    return agrees, found.region if agrees and found else None


def _colour(slot: Slot, finding: Finding, size: Size) -> Checked:
    """An area of that colour was found, or that colour covers much of where the thing is, in its pixels."""
    if slot.of or finding.sentences:
        glance = _glance(slot.of, finding)
        if glance is None or glance.outcome != "found" or not any(glance.colours):
            return None, None
        names = slot.value.split("|")
        shown = zip(glance.regions, glance.colours, strict=True)
        region = next((r for r, colours in shown if set(names) & set(colours)), None)
        return region is not None, region
    region = next((r for r in finding.regions if r.kind == "colour" and r.label == slot.value), None)
    return (True, region) if region else _fact(slot, finding, size)


def _product(slot: Slot, finding: Finding, size: Size) -> Checked:
    """The SKU is one of the matches; or the words of a name stand in the title of one, or are printed here."""
    match = next((m for m in finding.matches if m.sku == slot.value), None)
    if match or not finding.sentences:
        return match is not None, match.region(size) if match else None
    words = {word for part in slot.value.split() if (word := folded(part))}
    for match in finding.matches:
        if words <= {folded(part) for part in match.title.split()}:
            return True, match.region(size)
    read = folded(finding.text or "")
    if words and all(word in read for word in words):
        return True, next((r for r in finding.regions if any(word in folded(r.label) for word in words)), None)
    return (False if finding.matches else None), None


def _difference(slot: Slot, finding: Finding, _: Size) -> Checked:
    """The difference of that number, from 1, is of that kind: "2 colour"."""
    number, kind = slot.value.split(" ", 1)
    difference = finding.differences[int(number) - 1] if int(number) <= len(finding.differences) else None
    agrees = difference is not None and difference.kind == kind
    return agrees, difference.region if agrees and difference else None


def _verdict(slot: Slot, finding: Finding, _: Size) -> Checked:
    return finding.verdict is not None and finding.verdict.answer == slot.value, None


def _glance(thing: str | None, finding: Finding) -> Glance | None:
    """The second look for a thing; of nothing by name there is none."""
    return next((g for g in finding.glances if thing is not None and g.thing.casefold() == thing.casefold()), None)


CHECKS: Mapping[SlotKind, Check] = {
    "quote": _quote,
    "date": _fact,
    "number": _number,
    "code": _fact,
    "thing": _thing,
    "count": _count,
    "side": _side,
    "direction": _direction,
    "colour": _colour,
    "product": _product,
    "difference": _difference,
    "verdict": _verdict,
}
