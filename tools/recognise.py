"""Which catalogue products a photo shows: candidates from every source, verified by geometry, ranked by likeness.

A barcode, Chroma's nearest by embedding and the index of local features each bring candidates up; only what can be
laid onto the photo stays. Products in the same place are rivals; in different places they stand side by side.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import registration, surface
from .errors import UnknownPhoto
from .features import SEEN, Features, extract
from .kit import Kit
from .photos import pixels
from .registration import Matrix, Registration
from .types import Homography, Match, MatchSource, Photo, PhotoId, Point, Product, Quad, Size

Pixels = NDArray[np.uint8]

NEAREST, RESEMBLING = 10, 10
"""Candidates taken from the embeddings and from the index of local features."""

_CROPS = (
    (0.325, 0.15, 0.675, 0.85), (0.35, 0.225, 0.65, 0.775), (0.3, 0.15, 0.7, 0.65),
    (0.3, 0.4, 0.7, 0.9), (0.2, 0.2, 0.6, 0.8), (0.4, 0.2, 0.8, 0.8),
)  # fmt: skip
"""Parts of a photo that are embedded, x0 y0 x1 y1 as shares of its sides.

Chosen on 300 `train` photos of the grocery set; on 250 others they bring 97% of the products among the ten nearest,
the whole photo 89%.
"""

LOOKED_AT = 6
"""Registered candidates, those with the most inliers, that are held against the photo cell by cell."""

FEW, WEAK, ENOUGH, DECISIVE = 6, 8, 12, 40
"""Inliers under which a registration is chance; from which a product may be there; from which it is evidence
(chosen on the grocery set); and from which, where no other candidate has half as many, only its rivals are still
looked at."""

RIVAL = 0.25
"""Share of the most votes of local features from which on a candidate may be a twin of the likeliest: twins share
artwork, and with it votes."""

AGREEING = 0.04
"""Share of structured cells that has to agree: typefaces that packs share give inliers, and no surface.

Of 230 shop photos whose product was found, 1% agree in less.
"""

_INLIERS, _CELLS, _TINT = 1.9, 1.45, 0.12
"""Weights of log(1 + inliers), log(1 + good cells) and the mean Lab difference in the logit of being the product.

Fitted by multinomial logistic regression on 150 `train` photos of the grocery set and checked on `val`.
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
    """A product held against a photo: `score` is the logit of a multinomial over rivals, without an offset."""

    product: Product
    reference: PhotoId
    registration: Registration
    sources: tuple[MatchSource, ...]
    similarity: float | None
    agreement: float
    visible: float
    colour: float
    score: float
    quad: Quad

    @property
    def strong(self) -> bool:
        """Whether it is evidence: enough inliers, on a surface that looks the same too."""
        return len(self.registration) >= ENOUGH and self.agreement >= AGREEING

    def match(self, text: float | None = None) -> Match:
        """The sighting as it leaves a tool."""
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
    """An official photo to look at: what brought it up, its cosine, and how many local features voted for it."""

    sources: list[MatchSource]
    similarity: float | None = None
    votes: float = 0.0


def candidates(photo: Photo, kit: Kit, mirrored: bool = False) -> dict[PhotoId, Candidate]:
    """The official photos to look at, those that local features vote for first."""
    found: dict[PhotoId, Candidate] = {}
    seen = pixels(photo)
    looked = np.ascontiguousarray(seen[:, ::-1]) if mirrored else seen
    for reference, votes in kit.catalogue.resembling(features_of(photo, mirrored), RESEMBLING):
        found[reference] = Candidate(["features"], votes=votes)
    for reference, cosine in kit.catalogue.nearest(views(looked), NEAREST):
        one = found.setdefault(reference, Candidate([]))
        one.sources.insert(0, "embedding")
        one.similarity = cosine
    return found


def recognise(
    photo: Photo, kit: Kit, named: Sequence[tuple[Product, MatchSource]] = (), mirrored: bool = False
) -> list[Sighting]:
    """Every product that can be laid onto the photo, the likeliest first; `named` ones are tried in any case."""
    found = candidates(photo, kit, mirrored)
    for product, source in named:
        for reference in product.references:
            found.setdefault(reference, Candidate([])).sources.append(source)
    wanted = {reference for product, _ in named for reference in product.references}
    most = max((candidate.votes for candidate in found.values()), default=0.0)
    features = features_of(photo, mirrored)
    registered: list[tuple[PhotoId, Registration]] = []
    for reference in sorted(found, key=lambda reference: -found[reference].votes):
        rivals = reference in wanted or found[reference].votes >= RIVAL * most
        if not rivals and _is_decisive(registered):
            continue
        # A writer may have removed it since it was brought up.
        with suppress(UnknownPhoto):
            laid = register(features, kit.catalogue.features(reference), mirrored)
            if laid is not None and len(laid) >= FEW:
                registered.append((reference, laid))
    registered.sort(key=lambda pair: -len(pair[1]))
    sightings = []
    for n, (reference, laid) in enumerate(registered):
        if n >= LOOKED_AT and reference not in wanted:
            continue
        brought = found[reference]
        with suppress(UnknownPhoto):
            sightings += [
                sighting(photo, kit, owner, reference, laid, brought.sources, brought.similarity)
                for owner in kit.catalogue.owners(reference)
            ]
    best: dict[str, Sighting] = {}
    for one in sorted(sightings, key=lambda s: -s.score):
        best.setdefault(one.product.sku, one)
    return list(best.values())


def _is_decisive(registered: Sequence[tuple[PhotoId, Registration]]) -> bool:
    """Whether one candidate agrees so much better than the others that those unlike it need no look."""
    counts = sorted((len(laid) for _, laid in registered), reverse=True)
    return bool(counts) and counts[0] >= DECISIVE and (len(counts) < 2 or counts[0] >= 2 * counts[1])


def register(seen: Features, reference: Features, mirrored: bool) -> Registration | None:
    """`registration.register` that also takes a photo seen in a mirror."""
    if not mirrored:
        return registration.register(seen, reference)
    flip = np.diag([-1.0, 1.0, 1.0])
    laid = registration.register(Features(seen.points * np.array([-1, 1], np.float32), seen.descriptors), reference)
    return None if laid is None else Registration(flip @ laid.homography, laid.inliers)


def sighting(
    photo: Photo,
    kit: Kit,
    product: Product,
    reference: PhotoId,
    laid: Registration,
    sources: Sequence[MatchSource],
    similarity: float | None,
) -> Sighting:
    """Hold one registered candidate against the photo, cell by cell."""
    official = pixels(kit.catalogue.photo(reference))
    held = surface.hold(pixels(photo), official, laid.homography)
    view = held.seen > 0.5
    structured = view & np.isfinite(held.structure)
    good = int(held.good.sum())
    colour = float(held.colour[view].mean()) if view.any() else 100.0
    score = _INLIERS * np.log1p(len(laid)) + _CELLS * np.log1p(good) - _TINT * colour
    return Sighting(
        product,
        reference,
        laid,
        tuple(sources),
        similarity,
        good / max(int(structured.sum()), 1),
        float(view.mean()),
        colour,
        float(score),
        quad_of(laid, official),
    )


def quad_of(laid: Registration, official: Pixels) -> Quad:
    """Where the corners of an official photo lie in the customer's, clockwise as the pack is read."""
    high, wide = official.shape[:2]
    corners = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], float)
    a, b, c, d = (Point(float(x), float(y)) for x, y in registration.project(laid.homography, corners))
    return a, b, c, d


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
