"""Check what a statement asserts against the findings it cites, one slot at a time.

The cheapest instrument that can check a slot does: quotes, dates, numbers and codes against what was
read, counts, colours and sides against regions. What no instrument here can check is `unverified`.
"""

from collections.abc import Callable, Mapping, Sequence

from ..tools.types import Finding, PhotoId, Region, Size
from .places import heading, place
from .reply import Claim, Slot, SlotKind, Statement

Check = Callable[[str, Finding, Size], tuple[bool, Region | None]]


def check(
    index: int, statement: Statement, findings: Mapping[str, Finding], sizes: Mapping[PhotoId, Size]
) -> tuple[Claim, ...]:
    """The claims of the statement at place `index`, each with the region that supports it.

    A slot whose finding the statement does not cite, or that is not in this turn, is `unverified`.
    """
    return tuple(_claim(index, statement, slot, findings, sizes) for slot in statement.slots)


def holds(claims: Sequence[Claim]) -> bool:
    """Whether a statement with these claims may be released."""
    return all(claim.status == "supported" for claim in claims)


def _claim(
    index: int, statement: Statement, slot: Slot, findings: Mapping[str, Finding], sizes: Mapping[PhotoId, Size]
) -> Claim:
    finding = findings.get(slot.finding)
    if finding is None or slot.finding not in statement.cites:
        return Claim(index, slot.kind, slot.value, "unverified", slot.finding)
    agrees, region = CHECKS[slot.kind](slot.value, finding, sizes[finding.photos[0]])
    return Claim(index, slot.kind, slot.value, "supported" if agrees else "contradicted", slot.finding, region)


def _quote(value: str, finding: Finding, size: Size) -> tuple[bool, Region | None]:
    """Every line of the quote stands, letter for letter, in a line that was read; or it told a product from another."""
    for region in finding.regions:
        if region.kind in ("text", "code") and value in region.label:
            return True, region
    for fact in finding.facts:
        if fact.quote and value in fact.quote:
            return True, fact.region
    for difference in finding.differences:
        if value in (difference.before, difference.now):
            return True, difference.region
    for match in finding.matches:
        if match.decided and value in match.decided.words:
            return True, match.region(size)
    return bool(finding.text and value in finding.text), None


def _fact(value: str, finding: Finding, _: Size) -> tuple[bool, Region | None]:
    fact = next((f for f in finding.facts if value == f.value or value in f.alternatives), None)
    return fact is not None, fact.region if fact else None


def _count(value: str, finding: Finding, _: Size) -> tuple[bool, Region | None]:
    """So many regions there are; of a list that broke off nobody knows."""
    return value == str(len(finding.regions)) and not finding.cut, None


def _side(value: str, finding: Finding, size: Size) -> tuple[bool, Region | None]:
    """What was found at that number, from 1, is there: "2 upper_left"; a product where products were found."""
    number, where = value.split(" ", 1)
    found = [m.region(size) for m in finding.matches] if finding.matches else finding.regions
    region = found[int(number) - 1] if int(number) <= len(found) else None
    agrees = region is not None and place(region.box, size) == where
    return agrees, region if agrees else None


def _direction(value: str, finding: Finding, _: Size) -> tuple[bool, Region | None]:
    """What points, by its number from 1, points there: "1 upper_left"."""
    number, where = value.split(" ", 1)
    found = finding.directions[int(number) - 1] if int(number) <= len(finding.directions) else None
    agrees = found is not None and heading(found.heading) == where
    return agrees, found.region if agrees and found else None


def _colour(value: str, finding: Finding, size: Size) -> tuple[bool, Region | None]:
    region = next((r for r in finding.regions if r.kind == "colour" and r.label == value), None)
    return (True, region) if region else _fact(value, finding, size)


def _product(value: str, finding: Finding, size: Size) -> tuple[bool, Region | None]:
    """The SKU is one of the matches; the region is where that product was seen."""
    match = next((m for m in finding.matches if m.sku == value), None)
    return match is not None, match.region(size) if match else None


def _difference(value: str, finding: Finding, _: Size) -> tuple[bool, Region | None]:
    """The difference of that number, from 1, is of that kind: "2 colour"."""
    number, kind = value.split(" ", 1)
    difference = finding.differences[int(number) - 1] if int(number) <= len(finding.differences) else None
    agrees = difference is not None and difference.kind == kind
    return agrees, difference.region if agrees and difference else None


def _verdict(value: str, finding: Finding, _: Size) -> tuple[bool, Region | None]:
    return finding.verdict is not None and finding.verdict.answer == value, None


CHECKS: Mapping[SlotKind, Check] = {
    "quote": _quote,
    "date": _fact,
    "number": _fact,
    "code": _fact,
    "count": _count,
    "side": _side,
    "direction": _direction,
    "colour": _colour,
    "product": _product,
    "difference": _difference,
    "verdict": _verdict,
}
