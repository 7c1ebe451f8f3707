"""Which of the photos that a correction was said of a new photo is like, closely enough for it to hold there too.

The cheapest test first: local features that resemble one another, then that they lie on one another, and last that what
both show agrees place by place and word by word, so that a variant with another print is not taken for it.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .agreement import likeness
from .compare import together
from .errors import Unavailable, UnknownPhoto, UnreadablePhoto
from .features import Features
from .flat import Flat, hull
from .kit import Kit
from .photos import pixels
from .recognise import FEW, features_of
from .registration import Matrix, match
from .types import Box, Photo, PhotoId
from .views import features_within

TRIED, LAID = 50, 3
"""Places that are tried on a photo at most, the first ones, and of those how many, the likeliest, are laid onto it."""

REACH, LIKE, PIECE = 0.8, 0.96, 0.012
"""Shares: of a place that lies in and between what agrees, at least; of what is seen of that which agrees, at least;
and of the largest piece of it that does not, at most. Set on the sample photos, not fitted: two photos of one pack have
0.83, 0.976 and none, the variants that are the hardest to tell apart (1.5% and 3% fat) 0.89, 0.949 and 0.018."""

_FEATURES = 400
"""Features of either side that are matched to find the likeliest."""


class Place(NamedTuple):
    """A photo, or the part of it in a box, pixels of that photo."""

    photo: PhotoId
    box: Box | None


@dataclass(frozen=True)
class Alike:
    """A place that a new photo shows again; `homography` `(3, 3)` takes its photo's pixels to those of the new one."""

    place: Place
    homography: Matrix
    agreement: float
    """Share of what both show that agrees, 0..1."""


def resembling(photo: Photo, kit: Kit, places: Sequence[Place]) -> list[Alike]:
    """Those of the places that a photo shows again, the best first.

    The photo's own id among the places is passed over, as is a photo that is not kept any more. Where words have to be
    read to be sure, and cannot be, nothing is alike.
    """
    votes = []
    for place in list(dict.fromkeys(places))[:TRIED]:
        with suppress(UnknownPhoto, UnreadablePhoto):
            if place.photo != photo.id:
                there = _features(kit.photos.get(place.photo), place.box)
                near = match(features_of(photo, False).first(_FEATURES), there.first(_FEATURES))
                votes.append((len(near), place))
    likeliest = sorted((vote for vote in votes if vote[0] >= FEW), key=lambda vote: -vote[0])[:LAID]
    found = []
    for _, place in likeliest:
        with suppress(UnknownPhoto, UnreadablePhoto, Unavailable):
            other = kit.photos.get(place.photo)
            both = together(photo, kit, other, _features(other, place.box), place.box)
            if both and both.verdict.answer == "same" and (share := _agreement(both.flat)):
                found.append(Alike(place, both.laid.homography, share))
    return sorted(found, key=lambda alike: -alike.agreement)


def _agreement(flat: Flat) -> float | None:
    """The share of what both sides show that agrees; `None` where a place is not shown again, or not alike all over."""
    settled = np.argwhere(flat.agreed)[:, ::-1]
    if not len(settled):
        return None
    within = hull(settled, flat.agreed.shape)
    alike = likeness(flat.photo, flat.reference, flat.seen & within)
    return alike.agreeing if within.mean() >= REACH and alike.agreeing >= LIKE and alike.apart <= PIECE else None


@lru_cache(maxsize=TRIED)
def _features(photo: Photo, box: Box | None) -> Features:
    return features_within(pixels(photo), box.corners) if box else features_of(photo, False)
