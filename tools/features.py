"""Local features of a photo: RootSIFT, at the size at which products are told apart.

SIFT describes how the light changes around a point; the square root (RootSIFT) keeps a few strong edges from
outweighing the rest. Source: Arandjelović and Zisserman, "Three things everyone should know to improve object
retrieval", CVPR 2012.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

SEEN, OFFICIAL = (700, 1300, 1.3), (600, 1500, 3.0)
"""Long side at which a customer's photo, and an official one, is looked at, pixels; how many features are kept; and the
most by which it is enlarged.

Measured on the grocery set, whose photos have 348 and official pictures 198 pixels. A photo enlarged to 1.5 times its
size takes half as long again, to twice its size more than twice as long, and neither shows its product more often.
"""

_CONTRAST = 0.01


@dataclass(frozen=True)
class Features:
    """`points` `(n, 2)` float32, pixels of the upright photo; `descriptors` `(n, 128)` uint8, SIFT as OpenCV gives it.

    The strongest come first.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def rooted(self) -> NDArray[np.float32]:
        """RootSIFT: `(n, 128)` of unit length."""
        plain = self.descriptors.astype(np.float32)
        return np.asarray(np.sqrt(plain / np.maximum(plain.sum(axis=1, keepdims=True), 1)), np.float32)

    def first(self, n: int) -> "Features":
        """The `n` strongest."""
        return Features(self.points[:n], self.descriptors[:n])


def extract(pixels: Pixels, side: int, most: int, enlarged: float = 1.0) -> Features:
    """The `most` strongest features of an upright RGB photo `(h, w, 3)` looked at with a long side of `side` pixels.

    It is enlarged at most by `enlarged`.
    """
    import cv2

    scale = min(side / max(pixels.shape[:2]), enlarged)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    size = tuple(max(round(edge * scale), 1) for edge in grey.shape[::-1])
    grey = cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    # A few more than `most` come back where responses tie.
    found, descriptors = cv2.SIFT.create(nfeatures=most, contrastThreshold=_CONTRAST).detectAndCompute(grey, None)
    if descriptors is None:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
    order = np.argsort([-point.response for point in found], kind="stable")[:most]
    shrink = np.array([pixels.shape[1] / size[0], pixels.shape[0] / size[1]])
    points = (np.array([found[i].pt for i in order]) + 0.5) * shrink
    return Features(points.astype(np.float32), descriptors[order].astype(np.uint8))
