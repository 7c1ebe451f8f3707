"""What speaks for a product in a photo: how well its picture lies on it, what that comes to, and what it may be beside.

Scores are logits of one multinomial, over the products and something else. Products in the same place are rivals; in
different places they stand side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import registration, surface
from .kit import Kit
from .photos import pixels
from .registration import Matrix, Registration
from .types import Deciding, Homography, Match, MatchSource, Photo, PhotoId, Point, Product, Quad, Size
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


WEAK = 8
"""Inliers from which on a product may be there; fewer are chance, whatever they lie on."""

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

GAP, FURTHEST, TRUSTED = 0.337, 8.0, 7.0
"""How far the likeliest is to be trusted: how well it agrees where it is known to lie, what a difference in score to
its next rival counts, up to this much, and the sum from which on an answer is given.

Fitted by logistic regression on the same photos, against wrong answers, and against the likeliest where the product
itself, or its whole brand, is taken out of the catalogue. Of `train` photos 9 in 10 are answered so.
"""

_FEWEST_CELLS, _NOTHING_KNOWN = 4, (-0.5, 50.0)
"""Cells in view within the hull of the inliers under which nothing is known of them, and what is taken then."""

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
        if meant and meant.strong and other != sku and one.strong and overlap(one.quad, meant.quad) <= SAME_PLACE
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
            if overlap(group[0].quad, one.quad) > SAME_PLACE:
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def is_foremost(one: Sighting, size: Size) -> bool:
    """Whether this is what a photo of this size was taken of, and not something beside it."""
    return len(one.registration) >= CLEAR and in_the_middle(one, size)


def in_the_middle(one: Sighting, size: Size) -> bool:
    """Whether it covers the middle of a photo of this size."""
    import cv2

    middle = size.width / 2, size.height / 2
    return bool(cv2.pointPolygonTest(np.array(one.quad, np.float32), middle, False) >= 0)


def overlap(a: Quad, b: Quad) -> float:
    """Intersection over union of two convex quadrilaterals."""
    import cv2

    first, second = (np.array(quad, np.float32) for quad in (a, b))
    if not (cv2.isContourConvex(first) and cv2.isContourConvex(second)):
        return 0.0
    shared, _ = cv2.intersectConvexConvex(first, second)
    union = cv2.contourArea(first) + cv2.contourArea(second) - shared
    return float(shared / union) if union > 0 else 0.0
