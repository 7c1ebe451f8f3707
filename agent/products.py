"""What is said of products: which one it is, whether it is like the official picture, and what differs.

Nobody is accused: what the photo shows and what the picture shows is said, and what would settle a doubt.
"""

from collections.abc import Iterator, Sequence

from ..prompts import say
from ..tools.types import Difference, Fact, Finding, Match, Size
from .places import place
from .reply import Slot, Statement
from .saying import said_date

# Telling words that are read out where variants cannot be told apart; more would not be listened to.
_WORDS = 4

# Reasons that are said of the official side, and otherwise of two photos.
_OF_A_PAIR = ("covered", "little_agreement", "official_too_small")


def identify(language: str, finding: Finding, size: Size) -> Iterator[Statement]:
    """Which product it is, or between which it cannot be told."""
    cites = (finding.id,)
    slots = tuple(Slot("product", m.sku, finding.id) for m in finding.matches)
    if finding.outcome == "found":
        if len(finding.matches) == 1:
            yield Statement(_recognised(language, finding.matches[0]), cites, slots)
            yield from _decided(language, finding, finding.matches[0], size)
        else:
            yield from shelf(language, finding, size)
    elif finding.reason == "variant_undetermined" and len(finding.matches) == 1:
        yield Statement(say(language, "identify.unsure", title=finding.matches[0].title), cites)
    elif finding.reason == "variant_undetermined":
        titles = say(language, "list.or").join(m.title for m in finding.matches)
        words = (finding.asked or "").split(", ")[:_WORDS]
        told = say(language, "list.then").join(say(language, "quote", text=word) for word in words if word)
        key = "identify.undetermined" if told else "identify.undetermined_plain"
        yield Statement(say(language, key, titles=titles, **({"words": told} if told else {})), cites, slots)
    elif finding.reason == "code_conflict":
        *coded, seen = finding.matches
        said = say(language, "identify.code_conflict", coded=_titles(language, coded), seen=seen.title)
        yield Statement(said, cites, slots)
    else:
        yield Statement(say(language, f"identify.{_telling(finding, 'identify')}"), cites)
    yield from _mirrored(language, finding)


def shelf(language: str, finding: Finding, size: Size) -> Iterator[Statement]:
    """Each product that is seen, and where."""
    for n, match in enumerate(finding.matches, 1):
        region = match.region(size)
        slots = [Slot("product", match.sku, finding.id)]
        if region is None:
            said = _recognised(language, match)
        else:
            where = place(region.box, size)
            slots.append(Slot("side", f"{n} {where}", finding.id))
            said = say(language, "product.at", title=match.title, where=say(language, f"place.{where}"))
        yield Statement(said, (finding.id,), tuple(slots))


def _recognised(language: str, match: Match) -> str:
    key = "identify.found"
    if "barcode" in match.sources:
        key = "identify.by_code"
    elif match.confirmed:
        key = "identify.confirmed"
    return say(language, key, title=match.title, sku=match.sku)


def _decided(language: str, finding: Finding, match: Match, size: Size) -> Iterator[Statement]:
    """The field that told a product from its twin."""
    field = match.decided
    if field is None:
        return
    if field.words:
        words = say(language, "list.then").join(say(language, "quote", text=word) for word in field.words[:_WORDS])
        slots = tuple(Slot("quote", word, finding.id) for word in field.words[:_WORDS])
        said = say(language, "identify.decided_text", rival=field.title, words=words)
        yield Statement(said, (finding.id,), slots)
    elif field.region is not None:
        where = say(language, f"place.{place(field.region.box, size)}")
        said = say(language, f"identify.decided_{field.kind}", rival=field.title, where=where)
        yield Statement(said, (finding.id,))


def compare(language: str, finding: Finding, size: Size) -> Iterator[Statement]:
    """The verdict first, then each difference by its number on the picture, then what was left out of account."""
    cites, verdict = (finding.id,), finding.verdict
    if verdict is None:
        yield Statement(say(language, f"compare.{_telling(finding, 'compare')}"), cites)
        return
    slots: tuple[Slot, ...] = (Slot("verdict", verdict.answer, finding.id),)
    # What was ordered instead is named, and not asserted; nor is one of two twins.
    seen = finding.matches[:-1] if verdict.answer == "other_variant" else finding.matches
    # Nor what a person says that it is.
    named = [m for m in seen if "told" not in m.sources]
    slots += tuple(Slot("product", m.sku, finding.id) for m in named if len(seen) == 1 and m.sku and m.quad)
    yield Statement(_verdict(language, finding), cites, slots)
    if verdict.answer != "cannot_tell":
        for n, difference in enumerate(finding.differences, 1):
            yield _difference(language, finding, n, difference, size)
            if difference.said:
                text = say(language, "model.described", model=finding.model, text=difference.said)
                yield Statement(text, cites, hedged=True)
    yield from failed(language, finding)
    if verdict.view:
        yield Statement(say(language, f"view.{verdict.view}"), cites)
    if "damage_not_judged" in verdict.reasons:
        yield Statement(say(language, "compare.damage_not_judged"), cites)
    for fact in finding.facts:
        yield _varying(language, finding, fact)
    yield from _mirrored(language, finding)


def told(language: str, finding: Finding, _: Size) -> Iterator[Statement]:
    """Which product a person says it is, as their word: nobody saw it."""
    for match in finding.matches:
        yield Statement(say(language, "told.product", title=match.title, sku=match.sku), (finding.id,))


def _verdict(language: str, finding: Finding) -> str:
    verdict = finding.verdict
    assert verdict is not None  # noqa: S101
    matches, pair = finding.matches, len(finding.photos) > 1
    if verdict.answer == "other_variant":
        *seen, claimed = matches
        return say(language, "compare.other_variant", seen=_titles(language, seen), claimed=claimed.title)
    if verdict.answer == "cannot_tell":
        if "variant_undetermined" in verdict.reasons:
            return say(language, "compare.variant_undetermined", titles=_titles(language, matches))
        if "side_not_seen" in verdict.reasons:
            return say(language, "compare.cannot_tell_side_not_seen", titles=_titles(language, matches))
        reason = f"{'pair_' if pair and verdict.reasons[0] in _OF_A_PAIR else ''}{verdict.reasons[0]}"
        return say(language, f"compare.cannot_tell_{reason}")
    n = len(finding.differences)
    key = "same" if verdict.answer == "same" else "differs_one" if n == 1 else "differs_many"
    values: dict[str, object] = {"n": n} if n > 1 else {}
    if pair:
        return say(language, f"compare.pair_{key}", **values)
    held = matches[0]
    against = "confirmed" if held.confirmed else "official"
    if not held.edition:
        return say(language, f"compare.{key}", against=say(language, f"against.{against}", title=held.title), **values)
    against = say(language, f"against.{against}_edition")
    return say(language, f"compare.edition_{key}", title=held.title, edition=held.edition, against=against, **values)


def _difference(language: str, finding: Finding, n: int, difference: Difference, size: Size) -> Statement:
    """One difference: its number, its place, and what either side shows there."""
    where = say(language, f"place.{place(difference.region.box, size)}")
    where = where[:1].upper() + where[1:]
    slots = [Slot("difference", f"{n} {difference.kind}", finding.id)]
    before, now = difference.before, difference.now
    against = "difference.pair" if _with_a_photo(finding) else "difference"
    key, values = f"{against}.{difference.kind}", dict[str, object]()
    if difference.kind == "damage":
        key = f"difference.{now}"
    elif difference.kind == "colour" and before and now:
        values = {"before": say(language, f"colour.{before}"), "now": say(language, f"colour.{now}")}
    elif difference.kind == "colour":
        key = f"{against}.tint"
    elif difference.kind == "text":
        values = {"before": before, "now": now}
    elif difference.kind in ("missing", "artwork") and before:
        key, values = f"{against}.{difference.kind}_words", {"before": before}
    elif difference.kind == "extra" and now:
        key, values = f"{against}.extra_words", {"now": now}
    if difference.kind not in ("colour", "damage"):
        slots += [Slot("quote", words, finding.id) for words in values.values() if isinstance(words, str)]
    return Statement(say(language, key, n=n, where=where, **values), (finding.id,), tuple(slots))


def _varying(language: str, finding: Finding, fact: Fact) -> Statement:
    if fact.name == "lot":
        value, slot = fact.value, Slot("number", fact.value, finding.id)
    elif fact.alternatives and fact.quote:
        # A date that can be read two ways is given as it is printed.
        value, slot = fact.quote, Slot("quote", fact.quote, finding.id)
    else:
        value, slot = said_date(language, fact.value), Slot("date", fact.value, finding.id)
    key = "compare.varies"
    if _with_a_photo(finding):
        key = "compare.pair_varies" if len(finding.photos) > 1 else "compare.confirmed_varies"
    return Statement(say(language, key, value=value), (finding.id,), (slot,))


def _with_a_photo(finding: Finding) -> bool:
    """Whether what the photo was held against is another photo, and no official picture."""
    # Of several matches the last is the one it was held against.
    return len(finding.photos) > 1 or any(match.confirmed for match in finding.matches[-1:])


def legend(language: str, differences: Sequence[Difference]) -> tuple[str, ...]:
    """What each number on the picture is, in a few words."""
    said = []
    for difference in differences:
        what = say(language, f"kind.{difference.now if difference.kind == 'damage' else difference.kind}")
        words = difference.before if difference.kind == "missing" else difference.now or difference.before
        words = None if difference.kind in ("damage", "colour") else words
        said.append(f"{what} {words}" if words else what)
    return tuple(said)


def _titles(language: str, matches: Sequence[Match]) -> str:
    return say(language, "list.or").join(match.title for match in matches)


def _telling(finding: Finding, tool: str) -> str:
    """What to say of a look without a product: why, where that says more than the outcome."""
    reasons = {"identify": ("weak_evidence", "photo_too_poor", "no_catalogue"), "compare": ("no_catalogue",)}
    return finding.reason if finding.reason in reasons[tool] else finding.outcome


def failed(language: str, finding: Finding) -> Iterator[Statement]:
    """What is missing where the model gave no answer."""
    if finding.failed:
        yield Statement(say(language, f"model.{finding.failed}", model=finding.model), (finding.id,))


def _mirrored(language: str, finding: Finding) -> Iterator[Statement]:
    if finding.mirrored:
        yield Statement(say(language, "product.mirrored"), (finding.id,))
