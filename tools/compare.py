"""The tool `compare`: a photo held against an official picture, or against another photo."""

import time
from collections.abc import Sequence
from dataclasses import replace

from .differences import Held, differences
from .errors import ModelFailed
from .flat import Flat, lay
from .identify import coded, look, settle
from .kit import Kit
from .naming import name
from .photos import pixels
from .quality import measure
from .reading import read
from .recognise import ENOUGH, Sighting, features_of, is_foremost, places, quad_of, register, rows
from .seeing import worded
from .types import (
    Difference,
    Fact,
    Finding,
    Match,
    MatchSource,
    Outcome,
    Photo,
    Product,
    Quality,
    Region,
    Verdict,
)

VISIBLE, AGREEING = 0.55, 0.8
"""Share of the official face that has to be in view, and of that which has to agree, for a pack to be the same."""

RELATED = 0.6
"""Share that has to agree for a difference to be one: where less does, the face is another one."""

SMALLEST, MARKED, _JUDGED = 140, 180, 480
"""Long side of the face in pixels, in the photo or in the official picture, from which on it can be compared; from
which on a mark is not just how coarse it is; and in the photo, from which on a dent or a stain would be seen."""


def compare(photo: Photo, kit: Kit, *, against: str | None = None) -> Finding:
    """Hold a photo against the official picture, and say what differs.

    `against` is the SKU that was ordered, or the id of another photo; without it, the product is identified first.
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
    return _worded(_held(photo, kit, against, start), photo, kit)


def _worded(found: Finding, photo: Photo, kit: Kit, other: Photo | None = None) -> Finding:
    """The comparison with what a model says of the places that no instrument could name, where it came to something."""
    unnamed = [each for each in found.differences if not (each.before or each.now)]
    if not unnamed or kit.model is None or found.outcome != "found":
        return found
    reference = other or kit.catalogue.photo(unnamed[0].reference)
    try:
        words = worded(kit.model, photo, reference, kit.language, unnamed, official=other is None)
    except ModelFailed as error:
        return replace(found, model=kit.model.name, failed=error.reason)
    said = dict(zip(unnamed, words, strict=True))
    return replace(found, model=kit.model.name, differences=tuple(said.get(each, each) for each in found.differences))


def _held(photo: Photo, kit: Kit, against: str | None, start: float) -> Finding:
    """The photo held against what was ordered, or what it is seen to show."""
    if not len(kit.catalogue):
        return _finding(photo, start, against, "not_looked", reason="no_catalogue")
    claimed = kit.catalogue.product(against) if against is not None else None
    ordered: list[tuple[Product, MatchSource]] = [(claimed, "claimed")] if claimed else []
    named = coded(photo, kit)
    quality = measure(pixels(photo))
    sightings, mirrored = look(photo, kit, [*ordered, *named])
    rivals = _place([s for s in sightings if s.strong], ordered, named, photo)
    if rivals is None:
        return _unseen(photo, start, against, ordered, named, quality)
    # A barcode says which of the twins it is.
    by_code = [s for s in rivals if "barcode" in s.sources]
    settled, _ = settle(photo, kit, by_code or rivals)
    skus = [match.sku for match in settled]
    if len(settled) > 1 and (claimed is None or claimed.sku in skus):
        verdict = Verdict("cannot_tell", ("variant_undetermined",), "closer_label")
        return _finding(photo, start, against, "unreadable", settled, verdict=verdict, mirrored=mirrored)
    other = claimed is not None and claimed.sku not in skus
    meant = next((s for s in rivals if claimed and s.product.sku == claimed.sku), None)
    if other and meant is None:
        verdict = Verdict("other_variant", ("other_product",))
        matches = [*settled, *_matches(ordered)]
        return _finding(photo, start, against, "found", matches, verdict=verdict, mirrored=mirrored)
    target = meant if other and meant else next(s for s in rivals if s.product.sku == skus[0])
    flat = lay(pixels(photo), pixels(kit.catalogue.photo(target.reference)), target.registration.homography)
    held = differences(flat)
    found, facts = _named(photo, kit, flat, held, target)
    if other:
        verdict = Verdict("other_variant", ("other_product_fits_better",))
    else:
        verdict = _judge(held, found, facts, quality, flat)
    matches = [*settled, target.match()] if other else settled
    return _finding(photo, start, against, None, matches, found, verdict, facts, mirrored=mirrored)


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
    photo: Photo, kit: Kit, flat: Flat, held: Held, target: Sighting
) -> tuple[tuple[Difference, ...], tuple[Fact, ...]]:
    """Reading costs the most, and only a mark needs it."""
    if not held.marks:
        return (), ()
    official = kit.catalogue.photo(target.reference)
    there = read(official, replace(kit, readings=kit.catalogue.readings))
    return name(held.marks, flat, photo, target.reference, read(photo, kit), there)


def _judge(held: Held, found: Sequence[Difference], facts: Sequence[Fact], quality: Quality, flat: Flat) -> Verdict:
    """What the marks and what is in view come to."""
    varies = ("dates_vary",) if facts else ()
    least = MARKED if found else SMALLEST
    if max(flat.photo.shape[:2]) / flat.grain < least:
        if max(flat.reference.shape[:2]) * flat.to_reference < least:
            return Verdict("cannot_tell", ("official_too_small",))
        return Verdict("cannot_tell", ("too_small",), "closer")
    if found and held.agreement < RELATED:
        return Verdict("cannot_tell", ("little_agreement",), "straight_front")
    if found:
        return Verdict("differs", (*dict.fromkeys(d.kind for d in found), *varies))
    if quality.level == "retake":
        return Verdict("cannot_tell", ("photo_too_poor",), quality.advice or "hold_still_closer")
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


def _pair(photo: Photo, kit: Kit, other: Photo, start: float) -> Finding:
    """Two photos of a person: the second stands in for the reference, and only what both show is compared."""
    if photo.id == other.id:
        verdict = Verdict("same", ("same_photo",))
        return _finding(photo, start, other.id, "found", verdict=verdict, other=other)
    seen = pixels(other)
    laid = register(features_of(photo, False), features_of(other, False), mirrored=False)
    if laid is None or len(laid) < ENOUGH:
        verdict = Verdict("cannot_tell", ("not_recognised",), "same_side")
        return _finding(photo, start, other.id, "unreadable", verdict=verdict, other=other)
    flat = lay(pixels(photo), seen, laid.homography)
    held = differences(flat, official=False)
    named: tuple[Difference, ...] = ()
    facts: tuple[Fact, ...] = ()
    if held.marks:
        named, facts = name(held.marks, flat, photo, other.id, read(photo, kit), read(other, kit))
    worse = max((measure(pixels(photo)), measure(seen)), key=lambda quality: quality.level == "retake")
    verdict = _judge(held, named, facts, worse, flat)
    match = Match(
        "", "", other.id, ("photo",), inliers=len(laid), agreement=held.agreement, visible=held.visible,
        colour=held.colour, homography=rows(laid.homography), quad=quad_of(laid, seen),
    )  # fmt: skip
    return _finding(photo, start, other.id, None, [match], named, verdict, facts, other=other)


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
