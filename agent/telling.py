"""What a model said, as statements: as it said it where that holds, corrected, hedged, or not at all.

A sentence is released as it stands where everything it asserts is supported and the model stood by it when it was
asked the other way round. One that contradicts what was measured is dropped, and what a second look saw of the things
in it is said in its place. What cannot be checked is said to be a model's word, in that very sentence.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..prompts import say
from ..tools.types import Finding, Glance, PhotoId, Sentence, Size
from . import ledger
from .places import place
from .reply import Claim, Slot, Statement

_PLACES_SAID = 3  # of one thing; more would not be listened to
_OF_PRINT = ("quote", "number", "date", "product")


def told(language: str, finding: Finding, size: Size) -> Iterator[Statement]:
    """The statements that come of a model's sentences; a premise that fails is named, and the answer left out."""
    missing = [g.thing for g in finding.glances if g.thing in finding.assumed and g.outcome == "absent"]
    if missing:
        for thing in missing:
            text = say(language, "premise.thing_absent", thing=thing, model=finding.model)
            yield Statement(text, (finding.id,), hedged=True)
        return
    worded: set[str] = set()
    hedges = 0
    for sentence in finding.sentences:
        plain, claims = _checked(finding, sentence, size)
        bad = sentence.agrees is False or any(claim.status == "contradicted" for claim in claims)
        sure = claims and all(claim.status == "supported" for claim in claims)
        if not bad and sure and (sentence.agrees or not sentence.text):
            yield plain if sentence.text else _item(language, finding, _things(sentence)[0], size)
            worded |= set(_things(sentence))
        elif not bad and (sentence.text or _things(sentence)):
            yield _hedged(language, finding, plain, claims, first=not hedges)
            hedges += 1
        else:
            for thing in _things(sentence):
                if thing not in worded and (glance := _glance(finding, thing)) and glance.outcome == "found":
                    worded.add(thing)
                    yield _item(language, finding, thing, size)


def withheld(findings: Iterable[Finding], sizes: Mapping[PhotoId, Size]) -> tuple[Claim, ...]:
    """What models claimed that was found not to hold, and that is not said."""
    claims = [
        claim
        for finding in findings
        for sentence in finding.sentences
        for claim in _checked(finding, sentence, sizes[finding.photos[0]])[1]
    ]
    return tuple(dict.fromkeys(claim for claim in claims if claim.status == "contradicted"))


def _checked(finding: Finding, sentence: Sentence, size: Size) -> tuple[Statement, tuple[Claim, ...]]:
    """A sentence as a statement, and what comes of checking it."""
    things = _things(sentence)
    slots = [Slot(a.kind, a.value, finding.id, a.of) for a in sentence.asserts if a.of or a.kind not in _OF_A_THING]
    for loose in (a for a in sentence.asserts if a.of is None and a.kind in _OF_A_THING):
        # What words alone show is asserted of one of the things that the sentence names.
        tried = [Slot(loose.kind, loose.value, finding.id, thing) for thing in things]
        holding = (slot for slot in tried if _holds(slot, finding, size))
        slots.append(next(holding, Slot(loose.kind, loose.value, finding.id)))
    statement = Statement(sentence.text, (finding.id,), tuple(slots))
    return statement, ledger.check(None, statement, {finding.id: finding}, {finding.photos[0]: size})


_OF_A_THING = ("count", "colour", "side")


def _holds(slot: Slot, finding: Finding, size: Size) -> bool:
    return ledger.CHECKS[slot.kind](slot, finding, size)[0] is True


def _hedged(language: str, finding: Finding, plain: Statement, claims: Sequence[Claim], *, first: bool) -> Statement:
    """A sentence as a model's word, with what would settle it."""
    open_ = [claim for claim in claims if claim.status == "unverified"]
    text = plain.text or ", ".join(c.value for c in claims if c.kind == "thing")
    key = ("model.answered" if finding.asked else "model.described") if first else "hedge.also"
    model = {"model": finding.model} if first else {}
    thing = next((claim.of or claim.value for claim in open_ if claim.of or claim.kind == "thing"), None)
    if any(claim.kind in _OF_PRINT for claim in open_):
        settle = say(language, "hedge.settle_print")
    elif thing:
        settle = say(language, "hedge.settle_thing", thing=thing)
    else:
        settle = say(language, "hedge.settle_person") if first else ""
    said = say(language, key, text=text, **model)
    return Statement(f"{said} {settle}".strip(), plain.cites, plain.slots, hedged=True)


def _item(language: str, finding: Finding, thing: str, size: Size) -> Statement:
    """A thing as a second look saw it: how many, in what colours, and where."""
    glance = _glance(finding, thing)
    if glance is None:
        raise LookupError(f"expected a second look for {thing!r}")
    regions = glance.regions
    slots = [Slot("thing", glance.thing, finding.id)]
    details = []
    if len(regions) > 1 and not glance.cut:
        details.append(say(language, "seen.count", n=len(regions)))
        slots.append(Slot("count", str(len(regions)), finding.id, glance.thing))
    elif len(regions) == 1 and glance.colours and len(glance.colours[0]) == 1:
        # Of several, one may be what stands behind it.
        details.append(say(language, f"colour.{glance.colours[0][0]}"))
        slots.append(Slot("colour", glance.colours[0][0], finding.id, glance.thing))
    details += dict.fromkeys(say(language, f"place.{place(r.box, size)}") for r in regions[:_PLACES_SAID])
    text = say(language, "seen.item", thing=glance.thing, details=say(language, "list.then").join(details))
    return Statement(text[:1].upper() + text[1:], (finding.id,), tuple(slots))


def _glance(finding: Finding, thing: str) -> Glance | None:
    return next((g for g in finding.glances if g.thing.casefold() == thing.casefold()), None)


def _things(sentence: Sentence) -> list[str]:
    return list(dict.fromkeys(a.value for a in sentence.asserts if a.kind == "thing"))
