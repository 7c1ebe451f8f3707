"""Which corrections apply to a photo, and what they change in what is said of it.

Their words are data: they change what is said of a photo or a product, and nothing that is done.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from ..memory.corrections import conflicts
from ..tools.kit import Catalogue
from ..tools.registration import Matrix, project
from ..tools.resembling import Place, resembling
from ..tools.types import Box, Correction, Fact, Finding, Photo, PhotoId, Region, Size
from . import taught
from .places import place
from .reply import SlotKind, Statement
from .state import TurnKit
from .understanding import alike


def known(kit: TurnKit, photo: Photo) -> Finding | None:
    """What people told us that applies to a photo: said of it, or of one like it; `None` where nothing does."""
    start = time.perf_counter()
    own = kit.corrections.of_photo(photo.id)
    elsewhere = [c for c in kit.corrections.similar() if c.photo and c.photo != photo.id]
    facts = [Fact(c.about, c.after, None, Region(c.box, c.what or "", "thing") if c.box else None) for c in own]
    held = list(own)
    if elsewhere:
        shown = resembling(photo, kit, [Place(c.photo, c.box) for c in elsewhere if c.photo])
        for one in shown:
            for c in (c for c in elsewhere if (c.photo, c.box) == tuple(one.place)):
                corners = project(one.homography, _array(c.box.corners)) if c.box else None
                box = Box.around((float(x), float(y)) for x, y in corners) if corners is not None else None
                region = Region(box.inside(photo.size), c.what or "", "thing") if box else None
                held.append(c)
                facts.append(Fact(c.about, c.after, None, region))
    return _told(kit.catalogue, photo.id, held, facts, start, "")


def of_products(kit: TurnKit, findings: Sequence[Finding]) -> list[Finding]:
    """What people told us of the products that were recognised in this turn, photo by photo."""
    found = []
    for photo in dict.fromkeys(photo for f in findings for photo in f.photos[:1]):
        start = time.perf_counter()
        mine = [f for f in findings if f.photos[:1] == (photo,)]
        sku = claimed_by(c for f in mine if f.tool == "taught" for c in f.corrections) or _recognised(mine)
        held = kit.corrections.of_product(sku) if sku else ()
        facts = [Fact(c.about, c.after) for c in held]
        one = _told(kit.catalogue, photo, held, facts, start, f":{sku}")
        found += [one] if one else []
    return found


def claimed_by(corrections: Iterable[Correction]) -> str | None:
    """The SKU that these corrections say it is; `None` where they name none, or several."""
    skus = {c.after for c in corrections if c.about == "product"}
    return next(iter(skus)) if len(skus) == 1 else None


def _recognised(findings: Iterable[Finding]) -> str | None:
    seen = [f for f in findings if f.tool in ("identify", "compare", "describe") and f.outcome == "found" and f.matches]
    skus = {f.matches[0].sku for f in seen} - {""}
    return next(iter(skus)) if len(skus) == 1 else None


def _told(
    catalogue: Catalogue, photo: PhotoId, held: Sequence[Correction], facts: Sequence[Fact], start: float, of: str
) -> Finding | None:
    pairs = [
        (c, f) for c, f in zip(held, facts, strict=True) if c.about != "product" or taught.is_known(catalogue, c.after)
    ]
    if not pairs:
        return None
    skus = [sku for c, _ in pairs for sku in (c.after if c.about == "product" else None, c.sku) if sku]
    return Finding(
        f"taught:{photo[7:15]}{of}",
        "taught",
        "found",
        (photo,),
        taught.YOU,
        1000 * (time.perf_counter() - start),
        facts=tuple(f for _, f in pairs),
        matches=taught.titled(catalogue, skus),
        corrections=tuple(c for c, _ in pairs),
    )


@dataclass(frozen=True)
class Override:
    """What a correction takes the place of: the statements that rest on a finding and assert this; `None`: any."""

    finding: str
    kind: SlotKind | None = None
    value: str | None = None

    def covers(self, statement: Statement) -> bool:
        """Whether a statement is one of them."""
        if self.finding not in statement.cites:
            return False
        mine = [s for s in statement.slots if s.finding == self.finding]
        return self.kind is None or any(s.kind == self.kind and self.value in (None, s.value) for s in mine)


@dataclass(frozen=True)
class Rewrite:
    """Printed words that were misread, in what is said of a finding, and what a person told us stands there."""

    finding: str
    read: str
    right: str

    def of(self, statement: Statement) -> Statement:
        """The statement with the right words, which it does not assert as read."""
        if self.finding not in statement.cites or self.read not in statement.text:
            return statement
        slots = tuple(s for s in statement.slots if not (s.kind == "quote" and self.read in s.value))
        return replace(statement, text=statement.text.replace(self.read, self.right), slots=slots)


@dataclass(frozen=True)
class Applied:
    """Statements of what people told us, and what they take the place of: statements, or words of them."""

    statements: tuple[Statement, ...]
    overrides: tuple[Override, ...]
    rewrites: tuple[Rewrite, ...] = ()


def applied(language: str, findings: Sequence[Finding], sizes: Mapping[PhotoId, Size], today: date) -> Applied:
    """What the corrections among the findings (tool `taught`) change in what this turn says; pure.

    A correction that nothing in the turn is about, or that the instruments agree with, changes nothing. Of two that
    contradict one another neither does: both are said.
    """
    statements: list[Statement] = []
    overrides: list[Override] = []
    rewrites: list[Rewrite] = []
    looks = [f for f in findings if f.tool not in ("taught", "correct", "quality")]
    for photo in dict.fromkeys(f.photos[0] for f in findings if f.tool == "taught"):
        mine_told = [f for f in findings if f.tool == "taught" and f.photos[0] == photo]
        mine = [look for look in looks if photo in look.photos]
        for one, finding in _subjects(mine_told):
            touched = [(look, hit) for look in mine if (hit := _touch(one[0], look, sizes[photo])) is not None]
            if not touched:
                continue
            if len(one) > 1:
                text = taught.conflict(language, one, finding)
                statements.append(Statement(taught.numbered(language, text, photo, sizes), (finding.id,)))
                continue
            over = [each for _, hit in touched for each in hit.overrides]
            if not over and any(hit.agrees for _, hit in touched):
                continue
            would = next((hit.would for _, hit in touched if hit.would), None)
            titles = {m.sku: m.title for look in mine for m in look.matches} | taught.titles_of(finding)
            said_so = taught.instead(language, one[0], titles, would, today)
            statements += [Statement(taught.numbered(language, text, photo, sizes), (finding.id,)) for text in said_so]
            overrides += over
            rewrites += [hit.rewrite for _, hit in touched if hit.rewrite]
    return Applied(tuple(statements), tuple(overrides), tuple(rewrites))


def in_place(statements: Sequence[Statement], change: Applied) -> list[Statement]:
    """The statements of a turn with what people told us in the place of what it contradicts, else before them."""
    replaced = [any(over.covers(s) for over in change.overrides) for s in statements]
    at = replaced.index(True) if any(replaced) else 0
    left = [s for s, gone in zip(statements, replaced, strict=True) if not gone]
    for rewrite in change.rewrites:
        left = [rewrite.of(statement) for statement in left]
    return [*left[:at], *change.statements, *left[at:]]


@dataclass(frozen=True)
class _Hit:
    """What one look says of the subject of a correction."""

    agrees: bool = False
    would: str | None = None
    overrides: tuple[Override, ...] = ()
    rewrite: Rewrite | None = None


def _subjects(held: Sequence[Finding]) -> Iterator[tuple[list[Correction], Finding]]:
    """The corrections by what they are about, those together that say different things of the same."""
    pairs = [(c, finding) for finding in held for c in finding.corrections]
    seen: set[str] = set()
    for correction, finding in pairs:
        if correction.id in seen:
            continue
        same = [replace(c, scope="photo", photo="", sku=None, box=None) for c, _ in pairs]
        mine = next(s for s in same if s.id == correction.id)
        clash = next((group for group in conflicts(same) if mine in group), (mine,))
        ids = [c.id for c in clash]
        seen.update(ids)
        yield [c for c, _ in pairs if c.id in ids], finding


def _touch(c: Correction, look: Finding, size: Size) -> _Hit | None:
    """What a look says of what a correction is about; `None` where it says nothing of it."""
    whole = (Override(look.id),)
    if c.about == "product":
        return _identity(c, look)
    if c.about == "field":
        return _field(c, look)
    if c.about in ("count", "place", "thing") and look.tool == "ground":
        if c.what is not None and not alike(c.what, look.asked or ""):
            return None
        if c.about == "count":
            would = str(look.count) if look.outcome in ("found", "absent") else None
        elif c.about == "place":
            would = place(look.regions[0].box, size) if look.regions else None
            if c.box is not None and look.regions and look.regions[0].box.overlap(c.box) > 0.5:
                return _Hit(agrees=True)
        else:
            would = {"found": "present", "absent": "absent"}.get(look.outcome)
        return _Hit(agrees=True) if would == c.after else _Hit(would=would, overrides=whole)
    if c.about == "colour" and look.tool in ("describe", "ground"):
        return _colour(c, look)
    if c.about == "text" and look.tool in ("ocr", "describe") and (look.tool == "describe" or not look.asked):
        lines = [*(look.text or "").splitlines(), *(r.label for r in look.regions if r.kind == "text")]
        if any(c.after in line for line in lines) and not (c.before and any(c.before in line for line in lines)):
            return _Hit(agrees=True)
        wrong = [line for line in dict.fromkeys(lines) if c.before and c.before in line]
        if not wrong or c.before is None:
            return _Hit()
        return _Hit(would=wrong[0], rewrite=Rewrite(look.id, c.before, c.after))
    return _Hit() if c.about == "other" and look.tool == "describe" else None


def _identity(c: Correction, look: Finding) -> _Hit | None:
    if look.tool not in ("identify", "compare", "describe") or (look.tool == "describe" and not look.matches):
        return None
    skus = [m.sku for m in look.matches if m.sku]
    would = skus[0] if skus and skus[0] != c.after else None
    if look.tool == "compare" and look.verdict and look.verdict.answer in ("same", "differs"):
        return _Hit(agrees=skus[:1] == [c.after], would=would)
    if look.tool == "compare":
        # What it was held against is what it was said to be.
        return _Hit(would=would, overrides=(Override(look.id, "verdict"),) if look.verdict else (Override(look.id),))
    if look.outcome == "found" and c.after in skus and (len(skus) == 1 or c.before not in skus):
        return _Hit(agrees=True)
    if len(skus) > 1 and look.outcome == "found":
        # Of several products side by side, the one that was taken for another.
        return _Hit(would=c.before, overrides=(Override(look.id, "product", c.before),)) if c.before in skus else _Hit()
    over = Override(look.id, "product") if look.tool == "describe" else Override(look.id)
    return _Hit(would=would if look.outcome == "found" else None, overrides=(over,))


def _field(c: Correction, look: Finding) -> _Hit | None:
    asked = look.tool == "ocr" and (look.asked == c.what or (look.asked == "quantity" and c.what in _AMOUNTS))
    facts = [fact for fact in look.facts if fact.name == c.what]
    if not asked and not facts:
        return None
    if facts and all(fact.value == c.after and not fact.alternatives for fact in facts):
        return _Hit(agrees=True)
    would = facts[0].value if facts else None
    if asked:
        return _Hit(would=would, overrides=(Override(look.id),))
    kind: SlotKind = "date" if c.what in taught.DATES else "number"
    return _Hit(would=would, overrides=tuple(Override(look.id, kind, fact.value) for fact in facts))


_AMOUNTS = ("weight", "volume")


def _colour(c: Correction, look: Finding) -> _Hit | None:
    if look.tool == "ground" and not (c.what and alike(c.what, look.asked or "")):
        return None
    seen = [f.value for f in look.facts if f.name == "colour"] + [r.label for r in look.regions if r.kind == "colour"]
    if not seen or c.what:
        return _Hit()  # of one thing in the photo, whose colour nobody measured
    wrong = c.before if c.before in seen else next((colour for colour in seen if colour != c.after), None)
    if wrong is None:
        return _Hit(agrees=True)
    return _Hit(would=wrong, overrides=(Override(look.id, "colour", wrong),))


def _array(points: Sequence[tuple[float, float]]) -> Matrix:
    import numpy as np

    return np.array(points, float)
