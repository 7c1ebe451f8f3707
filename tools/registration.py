"""Lay an official photo onto a customer's: local features matched, a homography that many of them agree on.

Nothing here decides what the product is; a homography is where it would be, and how much supports that.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .features import Features

Matrix = NDArray[Any]  # (3, 3) float64; the stubs of cv2 promise no type
Pairs = NDArray[np.int64]

RATIO = 0.8
"""A match this much nearer than the second nearest is kept. Source: Lowe, IJCV 2004, section 7.1."""

WITHIN, _FINEST = 2.0, 300
"""Pixels of the reference within which a match agrees, on references of 198 pixels; on larger ones this share of
how far its features reach, 1 in 300: two pixels of the size that features are taken at."""

_FEWEST = 4
_STRETCH = 4.0
"""No pack is seen at so flat an angle that it is this many times narrower one way than the other."""


@dataclass(frozen=True)
class Registration:
    """`homography` takes pixels of the reference to pixels of the photo, both upright.

    `inliers` `(n, 2)`: places in the photo's features and in the reference's, of the matches that agree on it.
    """

    homography: Matrix
    inliers: Pairs

    def __len__(self) -> int:
        return len(self.inliers)


def match(photo: Features, reference: Features) -> Pairs:
    """Pairs `(n, 2)` of features that clearly resemble each other, the clearest first, each used once."""
    if len(photo) < 2 or len(reference) < 2:
        return np.zeros((0, 2), np.int64)
    likeness = photo.rooted @ reference.rooted.T
    return _clear(likeness, photo, reference)


def _clear(likeness: NDArray[np.float32], photo: Features, reference: Features) -> Pairs:
    rows = np.arange(len(likeness))
    best = likeness.argmax(axis=1)
    top = likeness[rows, best]
    likeness[rows, best] = -1
    second = likeness.max(axis=1)
    # Distances of unit vectors, from their cosines.
    ratio = np.sqrt(np.maximum(2 - 2 * top, 0) / np.maximum(2 - 2 * second, 1e-9))
    kept = np.flatnonzero(ratio < RATIO)
    kept = kept[np.argsort(ratio[kept], kind="stable")]
    # Several features stand on one spot, in several directions: many-to-one matches would inflate the inliers.
    _, first = np.unique(_spots(photo.points[kept]), return_index=True)
    kept = kept[np.sort(first)]
    _, first = np.unique(_spots(reference.points[best[kept]]), return_index=True)
    kept = kept[np.sort(first)]
    return np.stack([kept, best[kept]], axis=1)


def _spots(points: NDArray[np.float32]) -> NDArray[np.int64]:
    rounded = np.round(points * 2).astype(np.int64)
    return rounded[:, 0] * 1_000_003 + rounded[:, 1]


def register(photo: Features, reference: Features) -> Registration | None:
    """The homography that most matches agree on; `None` where there is none."""
    import cv2

    pairs = match(photo, reference)
    if len(pairs) < _FEWEST:
        return None
    cv2.setRNGSeed(0)
    within = max(WITHIN, float(np.ptp(reference.points, axis=0).max()) / _FINEST)
    seen, there = photo.points[pairs[:, 0]], reference.points[pairs[:, 1]]
    back, mask = cv2.findHomography(seen, there, cv2.USAC_MAGSAC, within, maxIters=2000, confidence=0.999)
    if back is None or mask is None:
        return None
    forth = inverse(back)
    if forth is None or not plausible(forth, there[mask.ravel() > 0]):
        return None
    return Registration(forth, pairs[mask.ravel() > 0])


def inverse(homography: Matrix) -> Matrix | None:
    """The way back; `None` where there is none."""
    if not np.isfinite(homography).all() or abs(np.linalg.det(homography)) < 1e-12:
        return None
    back = np.linalg.inv(homography)
    return np.asarray(back / back[2, 2], np.float64) if abs(back[2, 2]) > 1e-12 else None


def plausible(homography: Matrix, points: NDArray[Any]) -> bool:
    """Whether a camera could have seen it so: not mirrored, not folded, not squeezed flat, around these points."""
    if len(points) < _FEWEST:
        return False
    places = np.column_stack([points, np.ones(len(points))])
    depth = places @ homography[2]
    if (depth * depth[0] <= 0).any():
        return False
    x, y = np.median(points, axis=0)
    jacobian = slope(homography, float(x), float(y))
    if np.linalg.det(jacobian) <= 0:
        return False
    large, small = np.linalg.svd(jacobian, compute_uv=False)
    return bool(small > 0 and large / small <= _STRETCH)


def slope(homography: Matrix, x: float, y: float) -> Matrix:
    """How the photo moves for a step in the reference at (x, y): the Jacobian `(2, 2)`."""
    u, v, w = homography @ (x, y, 1.0)
    (a, b, _), (c, d, _), (e, f, _) = homography
    return np.asarray(np.array([[a * w - u * e, b * w - u * f], [c * w - v * e, d * w - v * f]]) / w**2)


def centred(homography: Matrix) -> Matrix:
    """The same way between whole numbers at the middles of pixels, as OpenCV's warps count them."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    return np.asarray(np.linalg.inv(half) @ homography @ half)


def project(homography: Matrix, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Points `(n, 2)` of the reference where they lie in the photo."""
    moved = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return np.asarray(moved[:, :2] / moved[:, 2:])
