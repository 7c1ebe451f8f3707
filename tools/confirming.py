"""Before a photo teaches what a product looks like: where it shows it, and that nothing in it says otherwise."""

from collections.abc import Sequence

import numpy as np

from .codes import fact_of, read_codes
from .differences import face_of
from .errors import BadInput, Contradiction
from .identify import look
from .kit import Kit
from .masks import box_of
from .photos import pixels
from .quality import quality_of
from .registration import project
from .sightings import CLEAR, chances, rivals_of
from .types import Box, Fact, Match, Photo, Point, Quad
from .verify import NO

MIDDLE = 0.7
"""Share of either side of a photo, around its middle, that is taken for the product where nobody knows better; set, not
fitted."""


def place_of(photo: Photo, kit: Kit, sku: str, box: Box | None = None) -> Quad | None:
    """Where a photo shows the product that somebody says it shows: a view of it to be.

    Where its official picture, or an earlier view, lies onto the photo, that is the place; else the person's `box`,
    pixels of the upright photo; else the middle of the photo. A side of the pack that nobody has seen yet is accepted:
    it teaches. A photo that is a view of the product already keeps its place, which `None` says is all of it. Raises
    `UnknownProduct`; `BadInput` for a photo too poor to learn from, one in a mirror, and a box outside of it;
    `Contradiction` where a barcode in that place names another product, or another product is clearly seen in it; of
    twins that are hard to tell apart, the person is believed.
    """
    product = kit.catalogue.product(sku)
    before = kit.catalogue.view(photo.id, sku)
    if before is not None and box is None:
        return before.quad
    if box is not None and box.inside(photo.size).area <= 0:
        raise BadInput(f"Expected a box within {photo.size.width} x {photo.size.height} pixels; got {tuple(box)}.")
    if quality_of(photo).level == "retake":
        raise BadInput("Expected a photo sharp and bright enough to learn from; this one is not. Take another one.")
    ranking, mirrored = look(photo, kit, [(product, "claimed")])
    if mirrored:
        raise BadInput("Expected a photo as the camera took it; this one is mirrored. Send the original.")
    coded = _coded([fact_of(code) for code in read_codes(pixels(photo))], kit, box)
    if coded and sku not in coded:
        raise Contradiction(
            f"Expected a photo of {sku}, {product.title}; its barcode names {', '.join(sorted(coded))}. Confirm it as "
            "that, or send another photo."
        )
    seen = [one.match() for one in ranking.strong]
    meant = (box or Box(0, 0, *photo.size)).centre
    there = any(match.sku == sku and match.quad and _holds(match.quad, meant) for match in seen)
    for other in seen if not there or chances(rivals_of(ranking, sku), sku)[sku] <= NO else ():
        if other.sku != sku and other.quad and (other.inliers or 0) >= CLEAR and _holds(other.quad, meant):
            raise Contradiction(
                f"Expected a photo of {sku}, {product.title}; what is seen there is {other.sku}, {other.title}. "
                f"Confirm it as that, name the place of {sku} (box), or send another photo. If what was confirmed of "
                f"{other.sku} is wrong, withdraw that first."
            )
    own = [quad for match in seen if match.sku == sku and (quad := _lies(match, kit))]
    own = [quad for quad in own if box is None or _holds(box.corners, Box.around(quad).centre)]
    if own:
        return own[0]
    rim = (1 - MIDDLE) / 2
    wide, high = photo.size
    return (box or Box(rim * wide, rim * high, (1 - rim) * wide, (1 - rim) * high)).inside(photo.size).corners


def _coded(facts: Sequence[Fact], kit: Kit, box: Box | None) -> set[str]:
    """The SKUs that the barcodes in the place that is meant name."""
    here = [f for f in facts if box is None or f.region is None or _holds(box.corners, f.region.box.centre)]
    return {product.sku for fact in here if fact.name == "code" for product in kit.catalogue.coded(fact.value)}


def _lies(match: Match, kit: Kit) -> Quad | None:
    """Where the pack itself lies in the photo, without the ground that an official picture shows around it."""
    if match.homography is None:
        return None
    view = kit.catalogue.view(match.reference, match.sku)
    if view is not None:
        quad = view.quad
    else:
        face = face_of(pixels(kit.catalogue.photo(match.reference)).astype(np.float32))
        quad = box_of(face).corners if face is not None and face.any() else None
    if quad is None:
        return match.quad
    a, b, c, d = (Point(float(x), float(y)) for x, y in project(np.array(match.homography), np.array(quad, float)))
    return a, b, c, d


def _holds(quad: Quad, point: Point) -> bool:
    import cv2

    return bool(cv2.pointPolygonTest(np.array(quad, np.float32), tuple(point), False) >= 0)
