"""Whether a photo shows the product that somebody says it shows: what supports it, against all that it could be."""

from dataclasses import dataclass
from typing import Literal

from .identify import look
from .kit import Kit
from .sightings import chances, is_trusted
from .types import Photo

YES, NO = 0.7, 0.02
"""Probability from which on it is the product, and up to which it is not, where what is seen can be trusted.

Chosen on `train` photos of the grocery set, each with its own product, its nearest sibling and any other.
"""


@dataclass(frozen=True)
class Verification:
    """`answer`: `same` product, `other_variant` (the `rival`, its SKU), or `cannot_tell`.

    `p`: probability that it is this product, against the rest of the catalogue and what is not in it, 0..1. That the
    pack is this product, and yet differs from its official picture, is what `compare` looks for.
    """

    answer: Literal["same", "other_variant", "cannot_tell"]
    p: float
    rival: str | None


def verify(photo: Photo, kit: Kit, sku: str) -> Verification:
    """Verify a claimed product by geometry, structure, colour and what tells it from its twins.

    Raises `UnknownProduct`.
    """
    ranking, _ = look(photo, kit, [(kit.catalogue.product(sku), "claimed")])
    # What stands beside it, and is the clearer of the two, is what the photo was taken of.
    likely = chances(ranking.scores, sku)
    p = likely.pop(sku)
    rival = max(likely, key=lambda other: likely[other], default=None)
    seen = {one.product.sku: one for one in ranking.strong}
    if p >= YES and sku in seen and is_trusted(ranking, seen[sku]):
        return Verification("same", p, rival)
    if p <= NO and rival in seen and is_trusted(ranking, seen[rival]):
        return Verification("other_variant", p, rival)
    return Verification("cannot_tell", p, rival)
