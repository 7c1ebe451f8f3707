"""Compose an answer from findings alone, in the person's language: statements that cite what they rest on.

No model is asked. Every sentence comes from `prompts/answers/<language>.md`; what was printed on a
photo enters it only as a quoted value. A tool that needs more than a sentence an outcome has a composer
of its own, in `COMPOSERS`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from ..prompts import say, sentences
from ..prompts import slots as slots_of
from ..tools.types import Box, Fact, Finding, Quality, Region, Size
from . import correcting, products, telling
from .places import heading, place
from .reply import Slot, SlotKind, Statement, Step
from .saying import said_date, said_from_today, said_period

Compose = Callable[[str, Finding, Size], Iterator[Statement]]

# Facts whose value is a date or a quantity; the rest are quoted as they are printed.
_DATES = ("expiry", "production", "date")
_QUANTITIES = ("weight", "volume")
_PERIODS = ("shelf_life",)
# More lines than this are not read out by `describe`, which says how many there are.
_LINES_SHOWN = 6


def compose(
    language: str,
    plan: Sequence[Step],
    findings: Sequence[Finding],
    qualities: Mapping[str, Quality],
    retake: Sequence[str],
    claimed: str | None,
    today: date,
) -> list[Statement]:
    """The statements of a turn, photo by photo in the order of the findings; not yet checked.

    `qualities` is by photo id; `retake` names the photos that no answer should be built on; `claimed`
    is the SKU the customer ordered where there is no catalogue to look it up in, `today` the date where it is asked.
    """
    if all(f.tool in ("quality", "taught") for f in findings):
        return [Statement(say(language, _without_a_look(plan)), ())]
    statements = []
    several = len(qualities) > 1
    for number, (photo, quality) in enumerate(qualities.items(), 1):
        of_photo = [f for f in findings if f.photos == (photo,)]
        measured = next(f for f in of_photo if f.quality is not None and f.tool == "quality")
        looks = [f for f in of_photo if f.tool not in ("quality", "taught")]
        if photo in retake and not any(look.tool == "correct" for look in looks):
            said = [_retake(language, measured, quality)]
        else:
            said = []
            for look in looks:
                said += composer(look.tool)(language, look, quality.size)
                said += _against_today(language, look, today)
            if quality.advice and any(f.outcome in ("unreadable", "absent") for f in looks):
                said.append(Statement(_advise(language, "quality.would_help", quality), (measured.id,)))
        for statement in said:
            text = say(language, "photo.numbered", n=number, sentence=statement.text) if several else statement.text
            statements.append(replace(statement, text=text))
    for look in findings:
        if len(look.photos) > 1:
            statements += composer(look.tool)(language, look, qualities[look.photos[0]].size)
    if claimed:
        statements.append(Statement(say(language, "claimed.unchecked", sku=claimed), ()))
    return _once(statements)


def _without_a_look(plan: Sequence[Step]) -> str:
    """What to say where nothing was looked at."""
    if any(step.tool == "correct" for step in plan):
        return "correct.nothing"
    if any(step.tool != "chat" for step in plan) or not plan:
        return "chat.no_photo"
    return "chat.thanks" if any(step.args.get("topic") == "thanks" for step in plan) else "chat.hello"


def _once(statements: Sequence[Statement]) -> list[Statement]:
    """Two tools may say the same of a photo; once is enough."""
    said: dict[str, Statement] = {}
    for statement in statements:
        said.setdefault(statement.text, statement)
    return list(said.values())


def _advise(language: str, key: str, quality: Quality) -> str:
    return say(language, key, advice=say(language, f"advice.{quality.advice or 'hold_still_closer'}"))


def _retake(language: str, finding: Finding, quality: Quality) -> Statement:
    return Statement(_advise(language, "quality.retake", quality), (finding.id,))


def _ocr(language: str, finding: Finding, _: Size) -> Iterator[Statement]:
    field = finding.asked
    cites = (finding.id,)
    counted = next((f for f in finding.facts if f.name == "expiry" and f.quote is None), None)
    if counted:
        yield _counted(language, finding, counted)
    elif finding.outcome == "found" and field:
        yield from (_fact(language, finding, fact) for fact in finding.facts)
    elif finding.outcome == "found" and finding.text is not None:
        lines = finding.text.splitlines()
        slots = tuple(Slot("quote", line, finding.id) for line in lines)
        if len(lines) == 1:
            text = say(language, "ocr.read_one", text=finding.text)
        else:
            text = say(language, "ocr.read_many", n=len(lines), text=finding.text)
        yield Statement(text, cites, slots)
    elif field:
        yield Statement(say(language, f"ocr.field_{_outcome(finding)}", field=say(language, f"field.{field}")), cites)
        for fact in finding.facts:
            yield _fact(language, finding, fact)
    else:
        yield Statement(say(language, f"ocr.{_outcome(finding)}"), cites)
    yield from _caveats(language, finding)
    yield from _said(language, finding)


def _outcome(finding: Finding) -> str:
    """What to say of a look that found nothing: its outcome, or its reason where that says more."""
    telling = {
        "needs_model": "needs_model",
        "photo_too_poor": "hidden",
        "role_not_printed": "role_not_printed",
        "product_not_seen": "product_absent",
        "variant_undetermined": "variant_undetermined",
    }
    return telling.get(finding.reason or "", finding.outcome)


def _fact(language: str, finding: Finding, fact: Fact) -> Statement:
    """One fact as a sentence: its value, its characters as printed, and every reading where it is ambiguous."""
    slots = _slots(finding, fact)
    values = [_value(language, fact.name, v) for v in (fact.value, *fact.alternatives)]
    field, quote = say(language, f"field.{fact.name}"), fact.quote or fact.value
    if fact.alternatives:
        either = say(language, "list.or").join(values)
        key = "fact.ambiguous" if fact.name in _DATES else "fact.several"
        text = say(language, key, field=field, quote=quote, values=either)
    elif fact.name in (*_DATES, *_QUANTITIES, *_PERIODS):
        text = say(language, "fact.value", field=field, value=values[0], quote=quote)
    else:
        text = say(language, "fact.quoted", field=field, quote=fact.value)
    return Statement(text, (finding.id,), tuple(slots))


def _counted(language: str, finding: Finding, expiry: Fact) -> Statement:
    """An expiry date that is printed nowhere, with the two facts it was counted from."""
    made = next(f for f in finding.facts if f.name == "production")
    life = next(f for f in finding.facts if f.name == "shelf_life")
    text = say(
        language,
        "expiry.counted",
        values=say(language, "list.or").join(said_date(language, v) for v in (expiry.value, *expiry.alternatives)),
        production=said_date(language, made.value),
        production_quote=made.quote or made.value,
        period=said_period(language, life.value),
        period_quote=life.quote or life.value,
    )
    return Statement(text, (finding.id,), tuple(s for fact in (made, life, expiry) for s in _slots(finding, fact)))


def _slots(finding: Finding, fact: Fact) -> list[Slot]:
    """What a sentence about a fact asserts: its value, every other reading, and each line as printed."""
    kind: SlotKind = "date" if fact.name in _DATES else "number"
    values = [Slot(kind, v, finding.id) for v in (fact.value, *fact.alternatives)]
    return values + [Slot("quote", part, finding.id) for part in (fact.quote or "").splitlines()]


def _value(language: str, name: str, value: str) -> str:
    if name in _DATES:
        return said_date(language, value)
    if name in _PERIODS:
        return said_period(language, value)
    return value.replace(".", say(language, "number.point")) if name in _QUANTITIES else value


def _against_today(language: str, look: Finding, today: date) -> Iterator[Statement]:
    """Whether the one expiry date of a look has passed: what people mean who ask for it."""
    facts = [fact for fact in look.facts if fact.name == "expiry"]
    if look.asked == "expiry" and len(facts) == 1:
        values = (facts[0].value, *facts[0].alternatives)
        text = said_from_today(language, values, today)
        if text:
            yield Statement(text, (look.id,), tuple(Slot("date", value, look.id) for value in values))


def _ground(language: str, finding: Finding, size: Size) -> Iterator[Statement]:
    target = finding.asked
    cites = (finding.id,)
    if finding.outcome != "found":
        outcome = _outcome(finding)
        hedged = bool(finding.model) and not finding.failed and outcome in ("absent", "unreadable")
        if hedged:
            # What an instrument did not find and what a model says is not there are not the same.
            text = say(language, f"ground.model_{outcome}", target=target, model=finding.model)
        elif not finding.failed:
            text = say(language, f"ground.{outcome}", target=target)
        else:
            text = say(language, "ground.not_looked", target=target)
        yield Statement(text, cites, hedged=hedged)
        yield from products.failed(language, finding)
        return
    if finding.matches:
        yield from products.shelf(language, finding, size)
        return
    if finding.directions:
        yield from _directions(language, finding, size)
        return
    places = Counter(place(r.box, size) for r in finding.regions)
    n = len(finding.regions)
    slots = [] if finding.cut else [Slot("count", str(n), finding.id)]
    slots += [Slot("side", f"{k} {place(r.box, size)}", finding.id) for k, r in enumerate(finding.regions, 1)]
    slots += [Slot("quote", r.label, finding.id) for r in finding.regions if r.kind == "text"]
    where = say(language, "list.and").join(
        say(language, "ground.several", n=k, where=say(language, f"place.{p}"))
        if n > len(places)
        else say(language, f"place.{p}")
        for p, k in places.items()
    )
    values: dict[str, object] = {"where": where} | ({"n": n} if n > 1 else {})
    if finding.regions[0].kind == "colour":
        # A red area is all that was seen, also where red boxes were asked for.
        colour = finding.regions[0].label
        slots.append(Slot("colour", colour, finding.id))
        kind, values["colour"] = "colour", say(language, f"colour.{colour}")
    elif finding.model:
        kind, values["target"], values["model"] = "seen_at_least" if finding.cut else "seen", target, finding.model
    else:
        kind, values["target"] = "found", target
    text = say(language, f"ground.{kind}_{'one' if n == 1 else 'many'}", **values)
    yield Statement(text, cites, tuple(slots), hedged=bool(finding.model))
    yield from _codes(language, finding)
    yield from _caveats(language, finding)


def _directions(language: str, finding: Finding, size: Size) -> Iterator[Statement]:
    """Which way it points, as the model says: from where, and to what side of the photo."""
    for n, found in enumerate(finding.directions, 1):
        where, towards = place(Box(*found.origin, *found.origin), size), heading(found.heading)
        text = say(
            language,
            "ground.direction",
            target=finding.asked,
            model=finding.model,
            where=say(language, f"place.{where}"),
            towards=say(language, f"heading.{towards}"),
        )
        yield Statement(text, (finding.id,), (Slot("direction", f"{n} {towards}", finding.id),), hedged=True)


def _said(language: str, finding: Finding) -> Iterator[Statement]:
    """What a model read where the instrument could not."""
    if finding.said:
        text = say(language, "model.read", model=finding.model, text=finding.said)
        yield Statement(text, (finding.id,), hedged=True)
    yield from _broke_off(language, finding)


def _broke_off(language: str, finding: Finding) -> Iterator[Statement]:
    """What is missing of what a model said."""
    if finding.said and finding.cut:
        yield Statement(say(language, "model.cut"), (finding.id,))
    yield from products.failed(language, finding)


def _codes(language: str, finding: Finding) -> Iterator[Statement]:
    for fact in finding.facts:
        if fact.name in ("code", "code_invalid") and fact.region:
            key = "code.read" if fact.name == "code" else "code.invalid"
            text = say(language, key, symbology=fact.region.label, code=fact.value)
            yield Statement(text, (finding.id,), (Slot("code", fact.value, finding.id),))


def _describe(language: str, finding: Finding, size: Size) -> Iterator[Statement]:
    cites = (finding.id,)
    yield from telling.told(language, finding, size)
    yield from _broke_off(language, finding)
    if finding.said and finding.asked:
        # What was asked is answered; what else could be measured was not.
        yield from _caveats(language, finding)
        return
    if finding.matches:
        yield from products.shelf(language, finding, size)
    lines = [r for r in finding.regions if r.kind == "text" and r.label]
    if shown := [r.label for r in lines[:_LINES_SHOWN]]:
        quoted = say(language, "list.then").join(say(language, "quote", text=t) for t in shown)
        key, rest = ("describe.text_more", len(lines) - len(shown)) if len(lines) > len(shown) else ("", 0)
        text = say(language, key, quoted=quoted, n=rest) if rest else say(language, "describe.text", quoted=quoted)
        yield Statement(text, cites, tuple(Slot("quote", t, finding.id) for t in shown))
    elif finding.outcome != "unreadable" and not any(r.kind == "text" for r in finding.regions):
        yield Statement(say(language, "describe.no_text"), cites)
    yield from _codes(language, finding)
    if not finding.said:
        yield from _colours(language, finding, size)
    if finding.quality and finding.outcome != "unreadable" and not (finding.said and finding.quality.level == "good"):
        key = f"describe.light_{finding.quality.level}"
        yield Statement(
            _advise(language, key, finding.quality) if finding.quality.advice else say(language, key), cites
        )
    yield from _caveats(language, finding)
    if finding.outcome == "unreadable":
        yield Statement(say(language, "describe.unreadable"), cites)
    elif finding.model is None and (finding.reason == "needs_model" or not finding.quality or finding.quality.shows):
        yield Statement(say(language, "describe.needs_model"), cites)


def _colours(language: str, finding: Finding, size: Size) -> Iterator[Statement]:
    """Where each colour is; one colour throughout is said once."""
    facts = [f for f in finding.facts if f.name == "colour" and f.region]
    slots = tuple(Slot("colour", f.value, finding.id) for f in facts)
    if len({f.value for f in facts}) == 1:
        text = say(language, "describe.one_colour", colour=say(language, f"colour.{facts[0].value}"))
        yield Statement(text, (finding.id,), slots[:1])
    elif facts:
        places: dict[str, list[str]] = {}
        for fact in facts:
            if fact.region:
                places.setdefault(fact.value, []).append(say(language, f"part.{_part(fact.region, size)}"))
        # What covers more than half of the photo is its ground; the rest is where the eye goes.
        ground = next((c for c, where in places.items() if 2 * len(where) > len(facts) > 3), None)
        parts = say(language, "list.and").join(
            say(
                language,
                "describe.colour_part",
                colour=say(language, f"colour.{colour}"),
                place=say(language, "list.then").join(where),
            )
            for colour, where in places.items()
            if colour != ground
        )
        if ground:
            text = say(language, "describe.mostly", colour=say(language, f"colour.{ground}"), parts=parts)
        else:
            text = say(language, "describe.colours", parts=parts)
        yield Statement(text, (finding.id,), slots)


def _part(region: Region, size: Size) -> str:
    """What part of the photo a box of whole thirds covers: a row, a column, or one place."""
    wide, high = region.box.width > 0.6 * size.width, region.box.height > 0.6 * size.height
    row, _, column = place(region.box, size).partition("_")
    if wide and high:
        return "all"
    return row if wide else column if high else f"{row}_{column}"


def _caveats(language: str, finding: Finding) -> Iterator[Statement]:
    """What stands between this finding and the whole text: lines left out, a photo mirrored or turned."""
    # What was asked for by name and found is not put in doubt by other lines.
    named = finding.asked and finding.tool != "describe"
    if finding.outcome == "found" and not named and f"caveat.{finding.reason}" in sentences(language):
        yield Statement(say(language, f"caveat.{finding.reason}"), (finding.id,))
    if finding.mirrored:
        yield Statement(say(language, "caveat.mirrored"), (finding.id,))
    elif finding.turned:
        yield Statement(say(language, "caveat.turned"), (finding.id,))


def _plain(language: str, finding: Finding, _: Size) -> Iterator[Statement]:
    """The sentence `<tool>.<outcome>`, which may have the slot `asked`, then a sentence for each fact."""
    key = f"{finding.tool}.{_outcome(finding)}"
    asked = {"asked": finding.asked} if "asked" in slots_of(sentences(language).get(key, "")) else {}
    yield Statement(say(language, key, **asked), (finding.id,))
    yield from (_fact(language, finding, fact) for fact in finding.facts)
    yield from _caveats(language, finding)


def composer(tool: str) -> Compose:
    """How the findings of a tool are put into words."""
    return COMPOSERS.get(tool, _plain)


COMPOSERS: Mapping[str, Compose] = {
    "describe": _describe,
    "ocr": _ocr,
    "ground": _ground,
    "identify": products.identify,
    "compare": products.compare,
    "told": products.told,
    "correct": correcting.said,
}
