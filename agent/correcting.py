"""What a person says was wrong: taken in, kept once, undone, offered as a view, and what is said of that.

Their words are data: they change what is said of a photo or a product, and nothing that is done.
"""

import hashlib
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..prompts import lexicon, say
from ..tools.confirming import place_of
from ..tools.errors import BadInput, Contradiction
from ..tools.types import Box, Correction, Fact, Finding, Match, Photo, PhotoId, Size, View
from . import taught
from .reply import Offer, Reply, Statement
from .state import TurnKit
from .understanding import Understood, understood


def is_yes(text: str) -> bool:
    """Whether a text is a plain yes, in any language we answer in."""
    return _plainly("yes", text)


def is_no(text: str) -> bool:
    """Whether a text is a plain no, in any language we answer in."""
    return _plainly("no", text)


def _plainly(kind: str, text: str) -> bool:
    said = _bare(text)
    return any(said in phrases for key, phrases in lexicon("replies").items() if key.endswith(f".{kind}"))


def _bare(text: str) -> str:
    """Words alone, a space between them, as the lexicon has them."""
    kept = (c if unicodedata.category(c)[0] in "LMN" or c == "'" else " " for c in text.replace("’", "'"))
    return " ".join(unicodedata.normalize("NFKC", "".join(kept)).casefold().split())


# Taking one in


def correct(
    kit: TurnKit, said: str, reply: Reply | None, photos: Sequence[PhotoId], *, thread: str, turn: str, language: str
) -> Finding:
    """Keep what a person says was wrong in the last turn, `reply`, or undo the last such; a finding says which.

    `photos` are those of this turn, at least one. Doing the same turn again changes nothing more. Its `reason` is
    `kept`, `offered` (kept, and offered as a view), `undone`, `nothing_to_undo`, `ambiguous`, or `nothing` where there
    was nothing to correct; `matches` are the products that are meant, and then those that were said before.
    """
    start = time.perf_counter()
    before = reply if reply and set(reply.photos) & set(photos) else None
    meant = understood(said, before, kit.catalogue, language)
    photo = meant.photo if meant.photo in photos else photos[0]
    assert photo is not None  # noqa: S101
    if meant.undo:
        done = kit.corrections.undone_in(turn)
        last = None if done else kit.corrections.last(thread)
        undone = done or ([kit.corrections.undo(last.id, turn)] if last else [])
        return _finding(kit, photo, start, said, "undone" if undone else "nothing_to_undo", undone)
    if meant.choices:
        matches = [Match(p.sku, p.title, p.references[0], ("named",)) for p in meant.choices]
        return replace(_finding(kit, photo, start, said, "ambiguous", ()), matches=tuple(matches))
    if not meant.after.strip() or (meant.about == "other" and before is None):
        return _finding(kit, photo, start, said, "nothing", ())
    new = _correction(meant, photo, kit.corrections.now(), thread, turn)
    kept = kit.corrections.add(new)
    others = [c for group in kit.corrections.conflicts() if kept in group for c in group if c != kept]
    settled = [c for c in kit.corrections.undone_in(turn) if c.id != kept.id]
    if others and kept.id != new.id:
        # Told again what had been told before: that is which of them holds.
        settled += [kit.corrections.undo(other.id, turn) for other in others]
        others = []
    offered = kept.about == "product" and kept.scope != "product" and not others and _may_be_shown(kit, kept)
    return _finding(kit, photo, start, said, "offered" if offered else "kept", [kept, *others, *settled])


def _correction(meant: Understood, photo: PhotoId, at: str, thread: str, turn: str) -> Correction:
    """What was understood as a correction; its id tells it from that of any other turn, and not from its own."""
    content = repr((turn, meant.about, meant.what, meant.after, meant.scope, photo, meant.sku, meant.box))
    return Correction(
        id=hashlib.sha256(content.encode()).hexdigest()[:12],
        scope=meant.scope,
        about=meant.about,
        what=meant.what,
        before=meant.before,
        after=meant.after,
        photo=photo,
        sku=meant.sku,
        box=meant.box,
        by=None,
        at=at,
        thread=thread,
    )


def _may_be_shown(kit: TurnKit, kept: Correction) -> bool:
    """Whether the photo could become a view of the product, and is none yet."""
    if kept.photo is None or not taught.is_known(kit.catalogue, kept.after):
        return False
    return kept.after not in {owner.sku for owner in kit.catalogue.owners(kept.photo)}


def confirm(
    kit: TurnKit,
    photo: Photo,
    sku: str,
    *,
    box: Box | None = None,
    by: str | None = None,
    edition: str | None = None,
    source: str | None = None,
) -> View:
    """Keep a photo as a view of a product. Errors as of `Assistant.confirm`."""
    quad = place_of(photo, kit, sku, box)
    return kit.catalogue.confirm(photo, sku, quad, by=by, edition=edition, source=source)


def answered(kit: TurnKit, offer: Offer, yes: bool, thread: str) -> Finding:
    """Do what was offered, or leave it: `confirmed`, `declined`, `contradicts` or `unfit` is the finding's reason."""
    start = time.perf_counter()
    reason = "declined"
    if yes:
        held = [c for c in kit.corrections.of_photo(offer.photo) if c.about == "product" and c.after == offer.sku]
        try:
            confirm(kit, kit.photos.get(offer.photo), offer.sku, box=held[0].box if held else None, source=thread)
            reason = "confirmed"
        except Contradiction:
            reason = "contradicts"
        except BadInput:
            reason = "unfit"
    done = _finding(kit, offer.photo, start, None, reason, ())
    return replace(done, matches=taught.titled(kit.catalogue, [offer.sku]))


def offer_of(findings: Iterable[Finding]) -> Offer | None:
    """What this turn offers to do on a yes."""
    offers = [f.corrections[0] for f in findings if f.tool == "correct" and f.reason == "offered"]
    return next((Offer(c.photo, c.after) for c in offers if c.photo), None)


def _finding(
    kit: TurnKit, photo: PhotoId, start: float, said: str | None, reason: str, corrections: Sequence[Correction]
) -> Finding:
    done = reason in ("kept", "offered", "undone", "confirmed", "declined")
    skus = [sku for c in corrections if c.about == "product" for sku in (c.after, c.before) if sku]
    return Finding(
        f"correct:{photo[7:15]}",
        "correct",
        "found" if done else "not_looked",
        (photo,),
        taught.YOU,
        1000 * (time.perf_counter() - start),
        asked=said,
        facts=tuple(Fact(c.about, c.after) for c in corrections),
        matches=taught.titled(kit.catalogue, [*skus, *(c.sku for c in corrections if c.sku)]),
        reason=reason,
        corrections=tuple(corrections),
    )


def said(language: str, finding: Finding, _: Size) -> Iterator[Statement]:
    """What became of a correction: kept, in conflict with another, undone, offered as a view, or not understood."""
    cites, titles = (finding.id,), taught.titles_of(finding)
    reason = finding.reason
    if reason in ("kept", "offered") and finding.corrections:
        kept, *others = finding.corrections
        claim = taught.claim_of(language, kept, titles)
        if kept.scope == "product":
            text = say(language, "correct.kept_product", claim=claim, title=titles.get(kept.sku or "", kept.sku))
        else:
            text = say(language, f"correct.kept_{kept.scope}", claim=claim)
        yield Statement(text, cites)
        if kept.before and kept.before != kept.after:
            had = taught.claim_of(language, replace(kept, after=kept.before, box=None), titles)
            yield Statement(say(language, "correct.had_said", claim=had), cites)
        if against := [c for c in others if c.undone is None]:
            yield Statement(taught.conflict(language, [*against, kept], finding), cites)
        for c in others:
            if c.undone is not None:
                yield Statement(taught.undone(language, c, titles), cites)
        if reason == "offered":
            yield Statement(say(language, "correct.offer", title=titles.get(kept.after, kept.after)), cites)
    elif reason == "undone":
        for c in finding.corrections:
            yield Statement(taught.undone(language, c, titles), cites)
    elif reason == "ambiguous":
        choices = say(language, "list.or").join(m.title for m in finding.matches)
        yield Statement(say(language, "correct.ambiguous", titles=choices), cites)
    elif reason in ("confirmed", "contradicts", "unfit"):
        yield Statement(say(language, f"correct.{reason}", title=next(iter(titles.values()), "")), cites)
    else:
        key = reason if reason in ("nothing_to_undo", "declined") else "nothing"
        yield Statement(say(language, f"correct.{key}"), cites)
