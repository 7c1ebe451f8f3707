"""The obvious ways to compare two pictures, each as its source has it; RGB `(h, w, 3)`, 0..255."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def histogram(seen: Pixels) -> NDArray[np.float32]:
    """Hue, saturation and value, `(8, 8, 8)`, as shares."""
    hsv = cv2.cvtColor(seen, cv2.COLOR_RGB2HSV)
    counts = cv2.calcHist([hsv], [0, 1, 2], None, [8, 8, 8], [0, 180, 0, 256, 0, 256])
    return np.asarray(counts / counts.sum(), np.float32)


def histogram_distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Bhattacharyya distance of two histograms, 0..1, as OpenCV has it."""
    return float(cv2.compareHist(one, other, cv2.HISTCMP_BHATTACHARYYA))


def perceptual_hash(seen: Pixels) -> NDArray[np.bool_]:
    """64 bits: which of the lowest 8 x 8 frequencies of the luma at 32 x 32 are above their median.

    The first row and column, flat one way, are left out. Source: Zauner, "Implementation and benchmarking of
    perceptual image hash functions", 2010, chapter 3.2.1; its mean filter is in the resizing here.
    """
    grey = cv2.resize(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
    low = cv2.dct(grey.astype(np.float32))[1:9, 1:9].ravel()
    return np.asarray(low > np.median(low))


def hash_distance(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Bits that differ, 0..64."""
    return float((one != other).sum())


def similarity(photo: Pixels, reference: Pixels) -> float:
    """Mean SSIM of luma, at most 1, the photo stretched to the reference's size."""
    stretched = np.asarray(cv2.resize(photo, reference.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
    return float(similarity_map(stretched, reference).mean())


def similarity_map(photo: Pixels, reference: Pixels) -> NDArray[np.float32]:
    """SSIM of luma by pixel, `(h, w)`, of two pictures of one size.

    Source: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment", IEEE TIP 13 (2004).
    """
    one, other = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) for image in (photo, reference))

    def mean(image: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(cv2.GaussianBlur(image, (11, 11), 1.5), np.float32)

    mean_one, mean_other = mean(one), mean(other)
    spread_one, spread_other = mean(one * one) - mean_one**2, mean(other * other) - mean_other**2
    shared = mean(one * other) - mean_one * mean_other
    least_mean, least_spread = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_one * mean_other + least_mean) * (2 * shared + least_spread)
    below = (mean_one**2 + mean_other**2 + least_mean) * (spread_one + spread_other + least_spread)
    return np.asarray(top / below, np.float32)
