"""Which catalogue products a photo shows: candidates from every source, verified by geometry, ranked by likeness.

A barcode, Chroma's nearest by embedding and the index of local features each bring candidates up; only what can be
laid onto the photo is seen in it, the others are ranked behind. Products in the same place are rivals; in different
places they stand side by side. Scores are logits of one multinomial, over the products and something else.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import registration, surface
from .errors import UnknownPhoto
from .features import SEEN, Features, extract
from .kit import Kit
from .photos import pixels
from .registration import Matrix, Registration
from .twins import Told, tell
from .types import Deciding, Homography, Match, MatchSource, Photo, PhotoId, Point, Product, Quad, Region, Size
from .views import inside, placed, shown

Pixels = NDArray[np.uint8]


class Weights(NamedTuple):
    """What each sign of a product adds to its score.

    `inliers` by log(1 + n); `cells` by log(1 + n) of those within the hull of the inliers, where the pack is known to
    lie flat in view; `structure` by the lower quartile of the correlation there, `worst` by the upper tenth of the Lab
    difference there, and `tint` by the mean of it over all that is in view; `agreement` by its share; `nearness` from
    -1, as far as the tenth product by embedding, to 0, the nearest; `unlaid` where it cannot be laid onto the photo,
    in place of all but the last.
    """

    inliers: float
    cells: float
    structure: float
    worst: float
    tint: float
    agreement: float
    nearness: float
    unlaid: float


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

LOOKED_AT, OF_EACH, LEAST = 6, 2, 0.3
"""How many products, those with the most inliers, are held against the photo cell by cell, by how many of their
photos, and how many inliers that takes, as a share of the most. On `train` photos of the grocery set more of them name
no product more."""

FEW, WEAK, ENOUGH, DECISIVE = 6, 8, 12, 15
"""Inliers under which a registration is chance; from which a product may be there; from which a photo lies on another;
and from which only what may be a twin is still tried. Chosen on `train` photos of the grocery set: the last names as
many products as trying all, in half the time."""

RIVAL = 0.3
"""Share of the most votes of local features from which on a candidate may be a twin of the likeliest: twins share
artwork, and with it votes."""

TENTH = 10
"""How near a candidate is by embedding counts by how much further off the tenth product is: embedders differ in how
far they spread their cosines."""

WEIGHTS = Weights(
    inliers=2.47, cells=1.76, structure=1.73, worst=-0.047, tint=-0.151, agreement=2.47, nearness=3.13, unlaid=1.84
)
"""Fitted by multinomial logistic regression on the 864 packaged `train` photos of the grocery set; where the product
of the photo is taken out of the catalogue, the answer is `SOMETHING_ELSE`."""

SOMETHING_ELSE = 4.75
"""The score of what no product of the catalogue is; fitted with the weights, with whole brands taken out."""

TRUST = Weights(
    inliers=-0.7, cells=1.95, structure=4.23, worst=-0.041, tint=0.0, agreement=2.3, nearness=0.0, unlaid=0.0
)
GAP, FURTHEST, TRUSTED = 0.337, 8.0, 6.8
"""How far the likeliest is to be trusted: how well it agrees where it is known to lie, what a difference in score to
its next rival counts, up to this much, and the sum from which on an answer is given.

Fitted by logistic regression on the same photos, against wrong answers, and against the likeliest where the product
itself, or its whole brand, is taken out of the catalogue. Of `train` photos 9 in 10 are answered so.
"""

_FEWEST_CELLS, _NOTHING_KNOWN = 4, (-0.5, 50.0)
"""Cells in view within the hull of the inliers under which nothing is known of them, and what is taken then."""

CLOSE, LEAN = 6.0, 2.8
"""Difference in score within which twins are held against each other where they differ, and how much it counts to be
all like the one there. Fitted with the difference in score on 335 pairs of twins on `train` photos of the grocery set.
"""

CLEAR = 24
"""Inliers from which on a product in the middle of the photo is what the photo was taken of.

On 250 photos of the grocery set: 10 show their product by a side that is not in the catalogue, and something else
clearly enough to be evidence, none of it in the middle with so many; 201 show it foremost, 181 so.
"""

SAME_PLACE = 0.3
"""Intersection over union of two places in a photo from which on they are one."""


@dataclass(frozen=True)
class Sighting:
    """A product held against a photo: `score` is its logit in a multinomial over rivals and something else.

    `trust` is how well it agrees by itself, as `TRUST` weighs it.
    """

    product: Product
    reference: PhotoId
    registration: Registration
    sources: tuple[MatchSource, ...]
    similarity: float | None
    agreement: float
    visible: float
    colour: float
    score: float
    trust: float
    quad: Quad
    confirmed: bool = False
    edition: str | None = None
    decided: Deciding | None = None

    @property
    def strong(self) -> bool:
        """Whether it is evidence: likelier than something that the catalogue does not have, and not by chance."""
        return self.score >= SOMETHING_ELSE and len(self.registration) >= WEAK

    def match(self, text: float | None = None, decided: Deciding | None = None) -> Match:
        """The sighting as it leaves a tool; `decided`: what was read tells it from its rivals."""
        return Match(
            sku=self.product.sku,
            title=self.product.title,
            reference=self.reference,
            sources=self.sources,
            similarity=self.similarity,
            inliers=len(self.registration),
            agreement=self.agreement,
            visible=self.visible,
            colour=self.colour,
            text=text,
            homography=rows(self.registration.homography),
            quad=self.quad,
            confirmed=self.confirmed,
            edition=self.edition,
            decided=decided or self.decided,
        )


def rows(matrix: Matrix) -> Homography:
    """A matrix as plain numbers."""
    a, b, c, d, e, f, g, h, i = (float(value) for value in matrix.ravel())
    return (a, b, c), (d, e, f), (g, h, i)


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


@dataclass
class Candidate:
    """A photo of the catalogue to look at: what brought it up, its cosine, and the local features that voted for it.

    `nearness`: 0 where it is the nearest by embedding, -1 from the tenth product on.
    """

    sources: list[MatchSource]
    similarity: float | None = None
    nearness: float = -1.0
    votes: float = 0.0


@dataclass(frozen=True)
class Ranking:
    """What a photo may show: `sightings`, products that can be laid onto it, the likeliest first.

    `scores`: the logit of every product that was brought up, by SKU, the likeliest first.
    """

    sightings: tuple[Sighting, ...]
    scores: dict[str, float]

    @property
    def strong(self) -> list[Sighting]:
        """The sightings that are evidence."""
        return [one for one in self.sightings if one.strong]


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
            or _overlap(first.quad, rival.quad) < SAME_PLACE
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


def sighting(
    photo: Photo, kit: Kit, product: Product, reference: PhotoId, laid: Registration, brought: Candidate
) -> Sighting:
    """Hold one registered candidate against the photo, cell by cell; of a confirmed view the part that is the pack."""
    official = pixels(kit.catalogue.photo(reference))
    view = kit.catalogue.view(reference, product.sku)
    quad = view.quad if view else None
    there = placed(quad, Size(official.shape[1], official.shape[0]))
    points = kit.catalogue.features(reference).points[laid.inliers[:, 1]]
    if quad:
        # Of a photo that is a view of two products, what lies on the other's pack is none of this one's.
        own = inside(points, list(quad))
        points, laid = points[own], Registration(laid.homography, laid.inliers[own])
    part_shown = shown(official, quad)
    held = surface.hold(pixels(photo), part_shown, laid.homography @ there)
    seen = held.seen > 0.5
    structured = seen & np.isfinite(held.structure)
    agreement = int(held.good.sum()) / max(int(structured.sum()), 1)
    colour = float(held.colour[seen].mean()) if seen.any() else 100.0
    signs = _signs(held, points - there[:2, 2], part_shown.shape, len(laid), agreement, colour)
    score = sum(weight * sign for weight, sign in zip(WEIGHTS, (*signs, brought.nearness, 0.0), strict=True))
    return Sighting(
        product,
        reference,
        laid,
        tuple(brought.sources),
        brought.similarity,
        agreement,
        float(seen.mean()),
        colour,
        float(score),
        float(sum(weight * sign for weight, sign in zip(TRUST, (*signs, 0.0, 0.0), strict=True))),
        quad_of(laid, official, quad),
        view is not None,
        kit.catalogue.edition(reference, product.sku),
    )


def _signs(
    held: surface.Surface, points: Matrix, shape: tuple[int, ...], inliers: int, agreement: float, colour: float
) -> tuple[float, ...]:
    """The signs that `Weights` weighs, up to `agreement`; `points` `(n, 2)`: where inliers are, in the reference."""
    import cv2

    rows, columns = held.seen.shape
    hull = np.zeros((rows, columns), np.uint8)
    cells = points / (shape[1] / columns, shape[0] / rows)
    if len(cells):
        cv2.fillConvexPoly(hull, cv2.convexHull(cells.astype(np.int32)), 1)
    view = (hull > 0) & (held.seen > 0.5)
    structure, worst = _NOTHING_KNOWN
    if view.sum() >= _FEWEST_CELLS:
        known = held.structure[view & np.isfinite(held.structure)]
        structure = float(np.percentile(known, 25)) if known.size else 0.0
        worst = float(np.percentile(held.colour[view], 90))
    return float(np.log1p(inliers)), float(np.log1p(view.sum())), structure, worst, colour, agreement


def quad_of(laid: Registration, official: Pixels, quad: Quad | None = None) -> Quad:
    """Where the corners of an official photo, or of a quad in it, lie in the customer's, clockwise as it is read."""
    high, wide = official.shape[:2]
    corners = np.array(quad or [(0, 0), (wide, 0), (wide, high), (0, high)], float)
    a, b, c, d = (Point(float(x), float(y)) for x, y in registration.project(laid.homography, corners))
    return a, b, c, d


def chances(scores: Mapping[str, float], sku: str) -> dict[str, float]:
    """How likely it is this product, or each of its rivals, by SKU, from their scores; the rest to 1 is none."""
    scores = {sku: WEIGHTS.unlaid - WEIGHTS.nearness, **scores}
    top = max(SOMETHING_ELSE, *scores.values())
    shares = {other: float(np.exp(score - top)) for other, score in scores.items()}
    total = float(np.exp(SOMETHING_ELSE - top)) + sum(shares.values())
    return {other: share / total for other, share in shares.items()}


def rivals_of(ranking: Ranking, sku: str) -> dict[str, float]:
    """The scores of what may be in the place of a product, its own among them: what stands beside it is left out."""
    seen = {one.product.sku: one for one in ranking.sightings}
    meant = seen.get(sku)
    beside = {
        other
        for other, one in seen.items()
        if meant and meant.strong and other != sku and one.strong and _overlap(one.quad, meant.quad) <= SAME_PLACE
    }
    return {other: score for other, score in ranking.scores.items() if other not in beside}


def is_trusted(ranking: Ranking, one: Sighting) -> bool:
    """Whether a sighting fits so well, and its rivals in the same place so much worse, that it is an answer."""
    rivals = [score for sku, score in rivals_of(ranking, one.product.sku).items() if sku != one.product.sku]
    gap = min(one.score - max(rivals, default=-np.inf), FURTHEST)
    return one.trust + GAP * gap >= TRUSTED


def places(sightings: Sequence[Sighting]) -> list[list[Sighting]]:
    """Rivals together: sightings in one place of the photo, the likeliest first, and the likeliest place first."""
    groups: list[list[Sighting]] = []
    for one in sightings:
        for group in groups:
            if _overlap(group[0].quad, one.quad) > SAME_PLACE:
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def is_foremost(one: Sighting, size: Size) -> bool:
    """Whether this is what a photo of this size was taken of, and not something beside it."""
    import cv2

    middle = size.width / 2, size.height / 2
    holds = cv2.pointPolygonTest(np.array(one.quad, np.float32), middle, False) >= 0
    return len(one.registration) >= CLEAR and bool(holds)


def _overlap(a: Quad, b: Quad) -> float:
    """Intersection over union of two convex quadrilaterals."""
    import cv2

    first, second = (np.array(quad, np.float32) for quad in (a, b))
    if not (cv2.isContourConvex(first) and cv2.isContourConvex(second)):
        return 0.0
    shared, _ = cv2.intersectConvexConvex(first, second)
    union = cv2.contourArea(first) + cv2.contourArea(second) - shared
    return float(shared / union) if union > 0 else 0.0
