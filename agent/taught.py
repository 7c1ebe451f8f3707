"""How what people told us is said: half sentences of what is right, and the sentences around them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from ..prompts import say
from ..tools.errors import UnknownProduct
from ..tools.kit import Catalogue
from ..tools.types import Correction, Finding, Match, PhotoId, Size
from .places import PLACES
from .saying import said_date, said_from_today, said_period

YOU = "you"
"""The source of what a person said."""

DATES = ("expiry", "production", "date")
"""The fields that are dates."""


def titled(catalogue: Catalogue, skus: Iterable[str]) -> tuple[Match, ...]:
    """The products of these SKUs that the catalogue has, so that they can be called by their titles."""
    known = [catalogue.product(sku) for sku in dict.fromkeys(skus) if is_known(catalogue, sku)]
    return tuple(Match(p.sku, p.title, p.references[0], ("named",)) for p in known)


def is_known(catalogue: Catalogue, sku: str) -> bool:
    """Whether the catalogue has this product."""
    try:
        catalogue.product(sku)
    except UnknownProduct:
        return False
    return True


def titles_of(finding: Finding) -> dict[str, str]:
    """The titles of the products that a finding names, by SKU."""
    return {match.sku: match.title for match in finding.matches}


def undone(language: str, c: Correction, titles: Mapping[str, str]) -> str:
    """That a correction does not apply any more."""
    return say(language, "correct.undone", date=said_date(language, c.at[:10]), claim=claim_of(language, c, titles))


def conflict(language: str, told: Sequence[Correction], finding: Finding) -> str:
    """Corrections that contradict one another, the earliest first, and the question which of them holds."""
    titles = titles_of(finding)
    each = (
        say(language, "correct.conflict_one", date=said_date(language, c.at[:10]), claim=claim_of(language, c, titles))
        for c in sorted(told, key=lambda c: c.at)
    )
    return say(language, "correct.conflict", told=say(language, "list.and").join(each))


def instead(language: str, c: Correction, titles: Mapping[str, str], would: str | None, today: date) -> Iterator[str]:
    """What a person told us, and what we would have said."""
    when, claim = said_date(language, c.at[:10]), claim_of(language, c, titles)
    key = "correct.told_alike" if c.scope == "similar" else "correct.told"
    if would is None:
        yield say(language, key, date=when, claim=claim)
    else:
        before = claim_of(language, replace(c, after=would, box=None), titles)
        yield say(language, f"{key}_instead", date=when, claim=claim, before=before)
    if c.about == "field" and c.what == "expiry" and (text := said_from_today(language, [c.after], today)):
        yield text


def claim_of(language: str, c: Correction, titles: Mapping[str, str]) -> str:
    """What a correction says, as half a sentence."""
    what = c.what or say(language, "correct.it")
    if c.about == "product":
        return say(language, "correct.says.product", title=titles.get(c.after, c.after))
    if c.about == "field":
        return say(language, "correct.says.field", field=say(language, f"field.{c.what}"), value=_value(language, c))
    if c.about == "place":
        where = say(language, f"place.{c.after}") if c.after in PLACES else say(language, "correct.in_box", box=c.after)
        return say(language, "correct.says.place", what=what, where=where)
    if c.about == "colour":
        return say(language, "correct.says.colour", what=what, colour=say(language, f"colour.{c.after}"))
    if c.about == "count":
        return say(language, "correct.says.count", what=what, n=c.after)
    if c.about == "thing" and c.after in ("absent", "present"):
        return say(language, f"correct.says.{c.after}", what=what)
    if c.about == "thing":
        return say(language, "correct.says.thing", what=what, after=c.after)
    return say(language, f"correct.says.{c.about}", text=c.after)


def _value(language: str, c: Correction) -> str:
    if c.what in DATES:
        return said_date(language, c.after)
    return said_period(language, c.after) if c.what == "shelf_life" else c.after


def numbered(language: str, text: str, photo: PhotoId, sizes: Mapping[PhotoId, Size]) -> str:
    """Which photo it is said of, where there are several."""
    return say(language, "photo.numbered", n=[*sizes].index(photo) + 1, sentence=text) if len(sizes) > 1 else text
