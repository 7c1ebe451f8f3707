"""Masks: bool `(h, w)`, grown, shrunk, taken apart."""

import numpy as np
from numpy.typing import NDArray

from .types import Box

Mask = NDArray[np.bool_]


def square(side: float) -> NDArray[np.uint8]:
    """A square of so many pixels, odd, to grow or to shrink by."""
    return np.ones((max(int(side), 1) | 1,) * 2, np.uint8)


def shrunk(mask: Mask, by: float) -> Mask:
    """Without its rim, and what lies at the edge of the picture."""
    import cv2

    return np.asarray(cv2.erode(mask.astype(np.uint8), square(max(by, 3)), borderValue=0) > 0)


def grown(mask: Mask, by: float) -> Mask:
    """With what is around it."""
    import cv2

    return np.asarray(cv2.dilate(mask.astype(np.uint8), square(by)) > 0)


def pieces(mask: Mask) -> list[Mask]:
    """Its pieces, each a mask."""
    import cv2

    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    return [labels == n for n in range(1, count)]


def largest(mask: Mask) -> Mask:
    """Its largest piece."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return mask if count < 2 else labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())


def box_of(mask: Mask) -> Box:
    """The box around a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
