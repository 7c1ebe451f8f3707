"""Whether a photo shows the product that somebody says it shows: what supports it, against all that it could be."""

from dataclasses import dataclass
from typing import Literal

from .identify import look
from .kit import Kit
from .sightings import chances, in_the_middle
from .types import Photo

YES, NO = 0.8, 0.05
"""Probability from which on it is the product, and up to which it is not, where another is in the middle.

Chosen on 864 `train` photos of the grocery set, each with its own product, its nearest sibling and any other: of the
pairs 83% are decided, and of those 99.3% rightly.
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
    likely = chances(ranking.scores, sku)
    p = likely.pop(sku)
    rival = max(likely, key=lambda other: likely[other], default=None)
    seen = {one.product.sku: one for one in ranking.strong}
    if p >= YES and sku in seen:
        return Verification("same", p, rival)
    # What is not in the middle stands beside what the photo was taken of, by a side that the catalogue may not have.
    if p <= NO and rival in seen and in_the_middle(seen[rival], photo.size):
        return Verification("other_variant", p, rival)
    return Verification("cannot_tell", p, rival)
