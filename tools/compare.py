"""The tool `compare`: a photo held against an official picture, or against another photo."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from .differences import Held, differences
from .errors import ModelFailed, UnknownPhoto
from .features import Features
from .flat import Flat, lay
from .identify import coded, doubted, look, settle
from .kit import Kit
from .naming import name
from .photos import pixels
from .quality import quality_of
from .reading import read
from .recognise import ENOUGH, features_of, register
from .registration import Registration
from .seeing import eye, worded
from .sightings import Candidate, Sighting, chances, is_foremost, places, quad_of, rivals_of, rows, sighting
from .types import (
    Box,
    Difference,
    Fact,
    Finding,
    Line,
    Match,
    MatchSource,
    Outcome,
    Photo,
    PhotoId,
    Point,
    Product,
    Quad,
    Quality,
    Reading,
    Region,
    Verdict,
    View,
)
from .views import corner, placed, shown

VISIBLE, AGREEING = 0.45, 0.8
"""Share of the official picture's pack over which agreement has to be established, where it shows a second side that
a photo need not, and of that which has to agree, for a pack to be the same."""

KNOWN = 0.3
"""The same share, for a difference to be one: where less is known to agree, the rest may be another edition."""

RELATED = 0.6
"""Share that has to agree for a difference to be one: where less does, the face is another one."""

FAINT = 0.4
"""How near to being a mark a place has to be for its words to be read on both sides; on 154 genuine photos of
`benchmarks/differences.py` 5 have one, and of 4 edits of words that leave no mark 3."""

SMALLEST, MARKED, _JUDGED = 140, 180, 480
"""Long side of the face in pixels, in the photo or in the official picture, from which on it can be compared; from
which on a mark is not just how coarse it is; and in the photo, from which on a dent or a stain would be seen."""


def compare(photo: Photo, kit: Kit, *, against: str | None = None, told: str | None = None) -> Finding:
    """Hold a photo against the official picture and say what differs.

    `against` is the SKU that was ordered, or the id of another photo; without it, the product is identified first.
    `told` is the SKU that a person says it is, where it cannot be told from its twins: then the match says so.
    Of a pack with several editions the one that fits best counts: what agrees with an older one is `same`, with the
    reason `edition`. A confirmed photo stands in where no official picture of that edition lies onto the photo.
    `verdict` and `differences` hold the answer, `matches` the product seen, or the twins it may be, and last the one
    ordered where it is another one. Dates and lots that are a pack's own are `facts`, and no difference. The outcome
    is `found` where there is a verdict other than `cannot_tell`, which is `unreadable`. `not_looked`, `no_catalogue`
    without products; `absent` where no product is recognised and none was claimed. A model words what no instrument
    could name, from the crops that differ, and judges nothing. Raises `UnknownProduct`, `UnknownPhoto`, `Unavailable`
    without an OCR engine or a barcode reader, and `Cancelled`.
    """
    start = time.perf_counter()
    if against is not None and against.startswith("sha256:"):
        other = kit.photos.get(against)
        return _worded(_pair(photo, kit, other, start), photo, kit, other)
    return _worded(_held(photo, kit, against, told, start), photo, kit)


def _worded(found: Finding, photo: Photo, kit: Kit, other: Photo | None = None) -> Finding:
    """The comparison with what a model says of the places that no instrument could name, where it came to something."""
    unnamed = [each for each in found.differences if not (each.before or each.now)]
    model = eye(photo, kit) if other is None else eye(photo, kit) and eye(other, kit)
    if not unnamed or model is None or found.outcome != "found":
        return found
    reference = other or kit.catalogue.photo(unnamed[0].reference)
    try:
        official = other is None and not any(match.confirmed for match in found.matches[-1:])
        words = worded(model, photo, reference, kit.language, unnamed, official=official)
    except ModelFailed as error:
        return replace(found, model=model.name, failed=error.reason)
    said = dict(zip(unnamed, words, strict=True))
    return replace(found, model=model.name, differences=tuple(said.get(each, each) for each in found.differences))


def _held(photo: Photo, kit: Kit, against: str | None, told: str | None, start: float) -> Finding:
    """The photo held against what was ordered, or what it is seen to show, or, of twins, what a person says it is."""
    if not len(kit.catalogue):
        return _finding(photo, start, against, "not_looked", reason="no_catalogue")
    claimed = kit.catalogue.product(against) if against is not None else None
    ordered: list[tuple[Product, MatchSource]] = [(claimed, "claimed")] if claimed else []
    named = coded(photo, kit)
    quality = quality_of(photo)
    ranking, mirrored = look(photo, kit, [*ordered, *named])
    rivals = _place(ranking.strong, ordered, named, photo)
    if rivals is None:
        return _unseen(photo, start, against, ordered, named, quality)
    # A barcode says which of the twins it is.
    codes = {product.sku for product, _ in named}
    by_code = [s for s in rivals if s.product.sku in codes]
    settled, _ = settle(photo, kit, by_code or rivals)
    near = [] if by_code else doubted(ranking, rivals, settled)
    # What cannot be trusted to be the product is not said to be it, nor to be another than the one ordered.
    if len(near) > 1 and (claimed is None or claimed.sku in {match.sku for match in near[1:]}):
        settled = near
    by_word = [match for match in settled if match.sku == told] if len(settled) > 1 else []
    settled = [replace(match, sources=(*match.sources, "told")) for match in by_word] or settled
    skus = [match.sku for match in settled]
    asked = claimed.sku if claimed else skus[0]
    p = chances(rivals_of(ranking, asked), asked)[asked]
    if len(settled) > 1 and (claimed is None or claimed.sku in skus):
        verdict = Verdict("cannot_tell", ("variant_undetermined",), "closer_label", p)
        return _finding(photo, start, against, "unreadable", settled, verdict=verdict, mirrored=mirrored)
    other = claimed is not None and claimed.sku not in skus
    meant = next((s for s in rivals if claimed and s.product.sku == claimed.sku), None)
    if other and meant is None:
        verdict = Verdict("other_variant", ("other_product",), p=p)
        matches = [*settled, *_matches(ordered)]
        return _finding(photo, start, against, "found", matches, verdict=verdict, mirrored=mirrored)
    if other and meant:
        held = _judged(photo, kit, meant, quality, other=True)
        verdict = Verdict("other_variant", ("other_product_fits_better",), p=p)
        matches = [*settled, held.match]
        return _finding(photo, start, against, None, matches, held.found, verdict, held.facts, mirrored=mirrored)
    best = next(s for s in rivals if s.product.sku == skus[0])
    tried = (_judged(photo, kit, one, quality, settled[0].text) for one in _yardsticks(photo, kit, best, mirrored))
    held = next(tried)
    if held.verdict.answer != "same":
        held = max((held, *tried), key=lambda each: (each.verdict.answer == "same", each.fits))
    verdict = replace(held.verdict, p=p)
    match = replace(held.match, sources=(*held.match.sources, "told")) if by_word else held.match
    return _finding(photo, start, against, None, [match], held.found, verdict, held.facts, mirrored=mirrored)


def _yardsticks(photo: Photo, kit: Kit, best: Sighting, mirrored: bool) -> Iterator[Sighting]:
    """What to hold the photo against: of each edition of a product the best picture, the best one's edition first.

    An official picture, wherever one lies onto the photo; else a confirmed photo.
    """
    sku = best.product.sku
    official, views = (dict[str | None, list[PhotoId]](), dict[str | None, list[PhotoId]]())
    for reference in best.product.references:
        official.setdefault(kit.catalogue.edition(reference, sku), []).append(reference)
    for view in kit.catalogue.views(sku):
        views.setdefault(view.edition, []).append(view.photo)
    shows = kit.catalogue.edition(best.reference, sku)
    confirmed = kit.catalogue.view(best.reference, sku) is not None
    yield (_best(photo, kit, best, official.get(shows, ()), mirrored) if confirmed else None) or best
    for edition in dict.fromkeys((*official, *views)):
        if edition != shows:
            for references in (official.get(edition, ()), views.get(edition, ())):
                if found := _best(photo, kit, best, references, mirrored):
                    yield found
                    break


def _best(photo: Photo, kit: Kit, seen: Sighting, references: Sequence[PhotoId], mirrored: bool) -> Sighting | None:
    """The picture of a product seen that lies onto the photo best; `None` where none does."""
    found = []
    for reference in references:
        with suppress(UnknownPhoto):  # a writer may have removed it meanwhile
            laid = register(features_of(photo, mirrored), kit.catalogue.features(reference), mirrored)
            if laid is not None and len(laid) >= ENOUGH:
                brought = Candidate(list(seen.sources), seen.similarity, nearness=0.0)
                found.append(sighting(photo, kit, seen.product, reference, laid, brought))
    return max((one for one in found if one.strong), key=lambda one: one.score, default=None)


class _Judged(NamedTuple):
    """A photo held against one picture; `facts` are the pack's own dates and lots, `fits` is the share that agrees."""

    verdict: Verdict
    found: tuple[Difference, ...]
    facts: tuple[Fact, ...]
    match: Match
    fits: float


def _judged(
    photo: Photo, kit: Kit, target: Sighting, quality: Quality, text: float | None = None, *, other: bool = False
) -> _Judged:
    """Hold the photo against one picture; `text` is the share of telling words that were read.

    `other`: the photo shows another product in the place of this one.
    """
    sku = target.product.sku
    view, edition = kit.catalogue.view(target.reference, sku), kit.catalogue.edition(target.reference, sku)
    flat, begins = _laid(photo, kit, target, view)
    held = differences(flat, official=view is None, established=not other)
    found, facts = _named(photo, kit, flat, held, target, begins)
    verdict = _judge(held, found, facts, quality, flat)
    if edition and verdict.answer == "same":
        verdict = replace(verdict, reasons=(*verdict.reasons, "edition"))
    match = target.match(text)
    return _Judged(verdict, found, facts, match, held.agreement)


def _laid(photo: Photo, kit: Kit, target: Sighting, view: View | None) -> tuple[Flat, Point]:
    """The photo on the picture, or on the part of a confirmed photo that is the pack, and where that begins there."""
    picture = kit.catalogue.photo(target.reference)
    quad = view.quad if view else None
    begins = corner(quad, picture.size)
    to_photo = target.registration.homography @ placed(quad, picture.size)
    return lay(pixels(photo), shown(pixels(picture), quad), to_photo), begins


def _place(
    strong: Sequence[Sighting],
    ordered: Sequence[tuple[Product, MatchSource]],
    named: Sequence[tuple[Product, MatchSource]],
    photo: Photo,
) -> list[Sighting] | None:
    """The rivals in the place that is meant: where what was ordered is seen, or what the barcode names, else the best.

    `None` where neither is seen, and what is may be no more than something beside it.
    """
    groups = places(strong)
    for meant in (ordered, named):
        skus = {product.sku for product, _ in meant}
        for group in groups:
            if any(s.product.sku in skus for s in group):
                return group
    if not groups or named or (ordered and not is_foremost(groups[0][0], photo.size)):
        return None
    return groups[0]


def _named(
    photo: Photo, kit: Kit, flat: Flat, held: Held, target: Sighting, begins: Point
) -> tuple[tuple[Difference, ...], tuple[Fact, ...]]:
    """Reading costs the most, and only a place that differs needs it."""
    if not _doubtful(held):
        return (), ()
    official = kit.catalogue.photo(target.reference)
    there = read(official, replace(kit, readings=kit.catalogue.readings))
    named, facts = _told(held, flat, photo, target.reference, read(photo, kit), _moved(there, begins))
    x, y = begins
    back = [Box(d.there.x0 + x, d.there.y0 + y, d.there.x1 + x, d.there.y1 + y) for d in named]
    return tuple(replace(d, there=box) for d, box in zip(named, back, strict=True)), facts


def _doubtful(held: Held) -> bool:
    """Whether a place differs, or nearly so."""
    return bool(held.marks) or (held.faint is not None and held.faint.strength > FAINT)


def _told(
    held: Held, flat: Flat, photo: Photo, reference: PhotoId, here: Reading, there: Reading
) -> tuple[tuple[Difference, ...], tuple[Fact, ...]]:
    """The marks by name; without one, the words that were read differently where it nearly is one."""
    if held.marks or held.faint is None:
        return name(held.marks, flat, photo, reference, here, there)
    named, facts = name([held.faint], flat, photo, reference, here, there)
    return tuple(replace(d, strength=1.0) for d in named if d.kind == "text" and d.before and d.now), facts


def _moved(reading: Reading, begins: Point) -> Reading:
    """A reading of a photo as that of its part that begins there."""

    def quad(line: Line) -> Quad:
        a, b, c, d = (Point(x - begins.x, y - begins.y) for x, y in line.quad)
        return a, b, c, d

    return replace(reading, lines=tuple(replace(line, quad=quad(line)) for line in reading.lines))


def _judge(held: Held, found: Sequence[Difference], facts: Sequence[Fact], quality: Quality, flat: Flat) -> Verdict:
    """What the marks and what is in view come to."""
    none_left = min(held.unlike, 1.0)  # what was marked may be accounted for
    unlike = max((d.strength for d in found if d.strength is not None), default=none_left)
    return replace(_answer(held, found, facts, quality, flat), unlike=unlike)


def _answer(held: Held, found: Sequence[Difference], facts: Sequence[Fact], quality: Quality, flat: Flat) -> Verdict:
    varies = ("dates_vary",) if facts else ()
    least = MARKED if found else SMALLEST
    if max(flat.photo.shape[:2]) / flat.grain < least:
        if max(flat.reference.shape[:2]) * flat.to_reference < least:
            return Verdict("cannot_tell", ("official_too_small",))
        return Verdict("cannot_tell", ("too_small",), "closer")
    if found and (held.visible < KNOWN or held.agreement < RELATED):
        return Verdict("cannot_tell", ("little_agreement",), "straight_front")
    if quality.level == "retake":
        return Verdict("cannot_tell", ("photo_too_poor",), quality.advice or "hold_still_closer")
    if found:
        return Verdict("differs", (*dict.fromkeys(d.kind for d in found), *varies))
    if held.unsure:
        return Verdict("cannot_tell", ("little_agreement",), "straight_front")
    if held.visible < VISIBLE:
        return Verdict("cannot_tell", ("covered",), "whole_front")
    if held.agreement < AGREEING:
        return Verdict("cannot_tell", ("little_agreement",), "straight_front")
    damage = () if max(flat.photo.shape[:2]) >= _JUDGED else ("damage_not_judged",)
    return Verdict("same", ("agrees", *damage, *varies))


def _unseen(
    photo: Photo,
    start: float,
    against: str | None,
    ordered: Sequence[tuple[Product, MatchSource]],
    named: Sequence[tuple[Product, MatchSource]],
    quality: Quality,
) -> Finding:
    """Nothing that is meant could be laid onto the photo; a barcode may still say what it is."""
    if ordered and named and ordered[0][0].sku not in {product.sku for product, _ in named}:
        verdict = Verdict("other_variant", ("other_barcode",))
        return _finding(photo, start, against, "found", _matches([named[0], *ordered]), verdict=verdict)
    if quality.level == "retake":
        verdict = Verdict("cannot_tell", ("photo_too_poor",), quality.advice or "hold_still_closer")
        return _finding(photo, start, against, "unreadable", verdict=verdict, reason="photo_too_poor")
    if not (ordered or named):
        return _finding(photo, start, against, "absent")
    verdict = Verdict("cannot_tell", ("side_not_seen",), "straight_front")
    return _finding(photo, start, against, "unreadable", _matches(ordered or named), verdict=verdict)


def _matches(named: Sequence[tuple[Product, MatchSource]]) -> list[Match]:
    return [Match(product.sku, product.title, product.references[0], (source,)) for product, source in named]


class Together(NamedTuple):
    """Two photos held against one another: `laid` is the way from pixels of the other to those of the photo."""

    laid: Registration
    flat: Flat
    held: Held
    named: tuple[Difference, ...]
    facts: tuple[Fact, ...]
    verdict: Verdict


def together(photo: Photo, kit: Kit, other: Photo, features: Features, box: Box | None = None) -> Together | None:
    """Hold what two photos both show against one another, or what the other shows in a box, pixels of it.

    `features` are those of the other photo, or of what is in the box. `None` where it does not lie onto the photo.
    Raises `Unavailable` without an OCR engine, which only a place that may differ needs.
    """
    laid = register(features_of(photo, False), features, mirrored=False)
    if laid is None or len(laid) < ENOUGH:
        return None
    quad = box.corners if box else None
    flat = lay(pixels(photo), shown(pixels(other), quad), laid.homography @ placed(quad, other.size))
    held = differences(flat, official=False)
    named: tuple[Difference, ...] = ()
    facts: tuple[Fact, ...] = ()
    if _doubtful(held):
        there = _moved(read(other, kit), corner(quad, other.size))
        named, facts = _told(held, flat, photo, other.id, read(photo, kit), there)
    worse = max((quality_of(photo), quality_of(other)), key=lambda quality: quality.level == "retake")
    return Together(laid, flat, held, named, facts, _judge(held, named, facts, worse, flat))


def _pair(photo: Photo, kit: Kit, other: Photo, start: float) -> Finding:
    """Two photos of a person: the second stands in for the reference, and only what both show is compared."""
    if photo.id == other.id:
        verdict = Verdict("same", ("same_photo",))
        return _finding(photo, start, other.id, "found", verdict=verdict, other=other)
    both = together(photo, kit, other, features_of(other, False))
    if both is None:
        verdict = Verdict("cannot_tell", ("not_recognised",), "same_side")
        return _finding(photo, start, other.id, "unreadable", verdict=verdict, other=other)
    laid, held = both.laid, both.held
    match = Match(
        "", "", other.id, ("photo",), inliers=len(laid), agreement=held.agreement, visible=held.visible,
        colour=held.colour, homography=rows(laid.homography), quad=quad_of(laid, pixels(other)),
    )  # fmt: skip
    return _finding(photo, start, other.id, None, [match], both.named, both.verdict, both.facts, other=other)


def _finding(
    photo: Photo,
    start: float,
    against: str | None,
    outcome: Outcome | None,
    matches: Sequence[Match] = (),
    found: Sequence[Difference] = (),
    verdict: Verdict | None = None,
    facts: Sequence[Fact] = (),
    *,
    reason: str | None = None,
    mirrored: bool = False,
    other: Photo | None = None,
) -> Finding:
    settled: Outcome = "unreadable" if verdict and verdict.answer == "cannot_tell" else "found"
    regions: tuple[Region, ...] = tuple(d.region for d in found)
    return Finding(
        id=f"compare:{photo.id[7:15]}" + (f":{against[:15]}" if against else ""),
        tool="compare",
        outcome=outcome or settled,
        photos=(photo.id, other.id) if other else (photo.id,),
        source="RootSIFT, MAGSAC, structure, colour and text",
        ms=1000 * (time.perf_counter() - start),
        asked=against,
        regions=regions,
        facts=tuple(facts),
        matches=tuple(matches),
        differences=tuple(found),
        verdict=verdict,
        reason=reason or (verdict.reasons[0] if verdict and verdict.answer == "cannot_tell" else None),
        mirrored=mirrored,
    )
