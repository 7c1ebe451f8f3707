"""Which catalogue products a photo shows: candidates from every source, verified by geometry, ranked by likeness.

A barcode, Chroma's nearest by embedding and the index of local features each bring candidates up; only what can be
laid onto the photo is seen in it, the others are ranked behind. Twins are told apart where they differ.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from . import registration
from .errors import UnknownPhoto
from .features import SEEN, Features, extract
from .kit import Kit
from .photos import pixels
from .registration import Registration
from .sightings import SAME_PLACE, WEIGHTS, Candidate, Ranking, Sighting, overlap, sighting
from .twins import Told, tell
from .types import Deciding, MatchSource, Photo, PhotoId, Point, Product, Region

Pixels = NDArray[np.uint8]

NEAREST, RESEMBLING = 48, 32
"""Photos asked for from the embeddings and from the index of local features."""

BY_EMBEDDING, BY_FEATURES = 4, 8
"""Products, the nearest and those with the most votes, that are tried on the photo: on 864 `train` photos of the
grocery set 99.3% are among them."""

_CROPS = (
    (0.325, 0.15, 0.675, 0.85), (0.35, 0.225, 0.65, 0.775), (0.3, 0.15, 0.7, 0.65),
    (0.3, 0.4, 0.7, 0.9), (0.2, 0.2, 0.6, 0.8), (0.4, 0.2, 0.8, 0.8),
)  # fmt: skip
"""Parts of a photo that are embedded, x0 y0 x1 y1 as shares of its sides.

Chosen on 300 `train` photos of the grocery set; on 250 others they bring 97% of the products among the ten nearest,
the whole photo 89%.
"""

LOOKED_AT, OF_EACH, LEAST = 6, 2, 0.4
"""How many products, those with the most inliers, are held against the photo cell by cell, by how many of their
photos, and how many inliers that takes, as a share of the most. On `train` photos of the grocery set more of them name
no product more."""

FEW, ENOUGH, DECISIVE = 6, 12, 15
"""Inliers under which a registration is chance; from which a photo lies on another; and from which only what may be a
twin is still tried. Chosen on `train` photos of the grocery set: the last names as many products as trying all, in half
the time."""

RIVAL = 0.3
"""Share of the most votes of local features from which on a candidate may be a twin of the likeliest: twins share
artwork, and with it votes."""

TENTH = 10
"""How near a candidate is by embedding counts by how much further off the tenth product is: embedders differ in how
far they spread their cosines."""

CLOSE, LEAN = 6.0, 2.8
"""Difference in score within which twins are held against each other where they differ, and how much it counts to be
all like the one there. Fitted with the difference in score on 335 pairs of twins on `train` photos of the grocery set.
"""


@lru_cache(maxsize=8)
def features_of(photo: Photo, mirrored: bool) -> Features:
    """The local features of a customer's photo, computed once; `mirrored`: as in a mirror, places in the photo."""
    seen = pixels(photo)
    if not mirrored:
        return extract(seen, *SEEN)
    flipped = extract(np.ascontiguousarray(seen[:, ::-1]), *SEEN)
    points = flipped.points.copy()
    points[:, 0] = photo.size.width - points[:, 0]
    return Features(points, flipped.descriptors)


def views(seen: Pixels) -> list[Pixels]:
    """What of a photo is embedded: parts around its middle, where the thing that is meant is held."""
    high, wide = seen.shape[:2]
    parts = [
        seen[int(y0 * high) : int(y1 * high) + 1, int(x0 * wide) : int(x1 * wide) + 1] for x0, y0, x1, y1 in _CROPS
    ]
    return [np.ascontiguousarray(part) for part in parts]


def candidates(photo: Photo, kit: Kit, mirrored: bool = False) -> dict[PhotoId, Candidate]:
    """The photos of the catalogue to look at, those that local features vote for first."""
    found: dict[PhotoId, Candidate] = {}
    seen = pixels(photo)
    looked = np.ascontiguousarray(seen[:, ::-1]) if mirrored else seen
    for reference, votes in kit.catalogue.resembling(features_of(photo, mirrored), RESEMBLING):
        found[reference] = Candidate(["features"], votes=votes)
    cosines = dict(kit.catalogue.nearest(views(looked), NEAREST))
    products: dict[str, float] = {}
    for reference, cosine in cosines.items():
        for owner in _owners(kit, reference):
            products.setdefault(owner, cosine)
    nearness = _nearness(list(products.values()))
    for reference, cosine in cosines.items():
        one = found.setdefault(reference, Candidate([]))
        one.sources.insert(0, "embedding")
        one.similarity = cosine
        one.nearness = nearness(cosine)
    return found


def _nearness(cosines: Sequence[float]) -> Callable[[float], float]:
    """By how much a cosine falls short of the nearest product's, given those of products from the nearest on."""
    if not cosines:
        return lambda _: -1.0
    last = cosines[min(len(cosines), TENTH) - 1]
    # Among few products the last is not far off.
    share = min(len(cosines), TENTH) / TENTH
    spread = max(cosines[0] - last, 1e-6)
    return lambda cosine: share * (max(cosine, last) - cosines[0]) / spread


def recognise(
    photo: Photo, kit: Kit, named: Sequence[tuple[Product, MatchSource]] = (), mirrored: bool = False
) -> Ranking:
    """What a photo may show, the likeliest first; `named` products are tried in any case."""
    found = candidates(photo, kit, mirrored)
    for product, source in named:
        for reference in product.references:
            found.setdefault(reference, Candidate([])).sources.append(source)
    wanted = {reference for product, _ in named for reference in product.references}
    registered = _registered(photo, kit, found, wanted, mirrored)
    most = max((len(laid) for _, laid in registered), default=0)
    sightings: list[Sighting] = []
    held = set(_of_products(kit, [reference for reference, _ in registered], LOOKED_AT, OF_EACH))
    for reference, laid in registered:
        if reference in wanted or (reference in held and len(laid) >= LEAST * most):
            with suppress(UnknownPhoto):  # a writer may have removed it meanwhile
                sightings += [
                    sighting(photo, kit, owner, reference, laid, found[reference])
                    for owner in kit.catalogue.owners(reference)
                ]
    likeliest: dict[str, Sighting] = {}
    official: dict[str, Sighting] = {}
    for one in sorted(sightings, key=lambda s: -s.score):
        likeliest.setdefault(one.product.sku, one)
        if not one.confirmed:
            official.setdefault(one.product.sku, one)
    best = {one.product.sku: one for one in _told_apart(photo, kit, list(likeliest.values()), official)}
    scores = {sku: one.score for sku, one in best.items()}
    for reference, brought in found.items():
        for sku in _owners(kit, reference):
            if sku not in best:
                plain = WEIGHTS.unlaid + WEIGHTS.nearness * brought.nearness
                scores[sku] = max(plain, scores.get(sku, plain))
    order = sorted(scores, key=lambda sku: -scores[sku])
    return Ranking(tuple(best.values()), {sku: scores[sku] for sku in order})


def _told_apart(photo: Photo, kit: Kit, sightings: list[Sighting], official: dict[str, Sighting]) -> list[Sighting]:
    """The likeliest held against its twins in the same place, each only where their official pictures differ.

    `sightings` have the likeliest first; `official` are those by official pictures, by SKU.
    """
    if not sightings:
        return []
    first, *others = sightings
    told = []
    for rival in others:
        own, other = official.get(first.product.sku), official.get(rival.product.sku)
        between = kit.catalogue.twin(own.reference, other.reference) if own and other else None
        gap = first.score - rival.score
        if (
            own is None
            or other is None
            or between is None
            or gap > CLOSE
            or overlap(first.quad, rival.quad) < SAME_PLACE
        ):
            told.append(rival)
            continue
        laid = own.registration.homography
        if len(other.registration) > len(own.registration):
            laid = other.registration.homography @ between
        here, there = (pixels(kit.catalogue.photo(one.reference)) for one in (own, other))
        seen = tell(pixels(photo), laid, here, there, between)
        if seen.lean is None:
            # What differs is not in view: nothing else that speaks for either is of the product.
            told.append(replace(rival, score=first.score))
            continue
        gap += LEAN * seen.lean
        if gap < 0:
            first, rival = replace(rival, score=first.score), replace(first, decided=None)
        rival = replace(rival, score=first.score - abs(gap))
        if (seen.lean > 0) == (gap > 0) and seen.field and first.decided is None:
            winner, loser = (own, other) if own.product.sku == first.product.sku else (other, own)
            first = replace(first, decided=_deciding(photo, winner, loser, seen))
        told.append(rival)
    return [first, *sorted(told, key=lambda one: -one.score)]


def _deciding(photo: Photo, winner: Sighting, loser: Sighting, seen: Told) -> Deciding:
    assert seen.field is not None  # noqa: S101
    a, b, c, d = (
        Point(float(x), float(y))
        for x, y in registration.project(winner.registration.homography, np.array(seen.field.corners))
    )
    kind: Literal["colour", "artwork"] = "colour" if seen.hue else "artwork"
    region = Region.of((a, b, c, d), photo.size, winner.product.title, "difference")
    return Deciding(loser.product.sku, loser.product.title, kind, region, seen.field)


def _owners(kit: Kit, reference: PhotoId) -> list[str]:
    return [owner.sku for owner in kit.catalogue.owners(reference)]


def _registered(
    photo: Photo, kit: Kit, found: dict[PhotoId, Candidate], wanted: set[PhotoId], mirrored: bool
) -> list[tuple[PhotoId, Registration]]:
    """The candidates that lie on the photo, those with the most inliers first.

    Those with the most votes are tried first; where one lies on it well, only what may be its twin still.
    """
    features = features_of(photo, mirrored)
    by_votes = sorted(found, key=lambda reference: -found[reference].votes)
    near = sorted(found, key=lambda reference: -found[reference].nearness)
    tried = {
        *_of_products(kit, by_votes, BY_FEATURES, OF_EACH),
        *_of_products(kit, near, BY_EMBEDDING, OF_EACH),
        *wanted,
    }
    most = max((candidate.votes for candidate in found.values()), default=0.0)
    registered: list[tuple[PhotoId, Registration]] = []
    for reference in by_votes:
        decided = any(len(laid) >= DECISIVE for _, laid in registered)
        rivals = reference in wanted or found[reference].votes >= RIVAL * most
        if reference not in tried or (not rivals and decided):
            continue
        with suppress(UnknownPhoto):
            laid = register(features, kit.catalogue.features(reference), mirrored)
            if laid is not None and len(laid) >= FEW:
                registered.append((reference, laid))
    return sorted(registered, key=lambda pair: -len(pair[1]))


def _of_products(kit: Kit, photos: Sequence[PhotoId], n: int, each: int) -> list[PhotoId]:
    """Of photos in order, the first `each` of each of the first `n` products."""
    taken: Counter[str] = Counter()
    kept = []
    for photo in photos:
        owners = [sku for sku in _owners(kit, photo) if taken[sku] < each and (sku in taken or len(taken) < n)]
        taken.update(owners)
        if owners:
            kept.append(photo)
    return kept


def register(seen: Features, reference: Features, mirrored: bool) -> Registration | None:
    """`registration.register` that also takes a photo seen in a mirror."""
    if not mirrored:
        return registration.register(seen, reference)
    flip = np.diag([-1.0, 1.0, 1.0])
    laid = registration.register(Features(seen.points * np.array([-1, 1], np.float32), seen.descriptors), reference)
    return None if laid is None else Registration(flip @ laid.homography, laid.inliers)
