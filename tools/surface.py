"""A reference's face as the photo shows it: laid flat, lit alike, and held against the reference cell by cell.

Frame: the reference, scaled so that its long side is `SIDE` pixels. What is outside the photo, blown out or
too dark is not seen; it is neither like nor unlike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .registration import Matrix, centred

Pixels = NDArray[np.uint8]
Map = NDArray[Any]  # float32; the stubs of cv2 promise no type

SIDE, CELL = 264, 12
"""Long side of the face laid flat, and of one cell, pixels. On the grocery set 396 and 18 tell products
apart no better and take three times as long."""

SHIFT = 3
"""Pixels by which a cell may be out of place and still agree: carton bends."""

ALIKE, TINT = 0.6, 15.0
"""Correlation above which the structure of a cell agrees, and Lab difference under which its colour does
(chosen on the grocery set)."""

FULL = 250
"""Of 255, from which on a channel may have been cut off; compression leaves what was cut off a little under it."""

_CUT = 0.3
"""Share of a cell's pixels with such a channel from which on its ratio is only a bound."""

_FLAT = 4.0
"""Standard deviation of luma, of 255, under which a cell shows no structure."""


@dataclass(frozen=True)
class Surface:
    """What each cell shows, `(rows, columns)`.

    `seen`: share in view, 0..1. `structure`: the best correlation within `SHIFT` pixels, -1..1, NaN where neither
    side shows structure. `colour`: the Lab difference (CIE76) once light is evened.
    """

    seen: Map
    structure: Map
    colour: Map

    @property
    def good(self) -> NDArray[np.bool_]:
        """Cells that are in view and agree in structure and colour."""
        with np.errstate(invalid="ignore"):
            return (self.seen > 0.5) & (self.structure > ALIKE) & (self.colour < TINT)


def hold(photo: Pixels, reference: Pixels, homography: Matrix) -> Surface:
    """Lay the photo `(h, w, 3)` RGB on the reference by the way from the reference's pixels to the photo's."""
    import cv2

    scale = SIDE / max(reference.shape[:2])
    size = (round(reference.shape[1] * scale), round(reference.shape[0] * scale))
    official = cv2.resize(reference, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    shrink = np.diag([1 / scale, 1 / scale, 1.0])
    to_photo = centred(homography @ shrink)
    flat = cv2.warpPerspective(photo, to_photo, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    inside = cv2.warpPerspective(
        np.full(photo.shape[:2], 255, np.uint8), to_photo, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    )
    seen = ((inside > 0) & (darkest(flat) < FULL) & (brightest(flat) > 12)).astype(np.float32)
    seen[(darkest(official) > 235) & (inside > 0)] = 1
    official, flat = official.astype(np.float32), flat.astype(np.float32)
    flat = even(flat, official, seen)
    return Surface(by_cell(seen), _structure(flat, official, seen), _colour(flat, official, seen))


def by_cell(values: Map) -> Map:
    """The mean of each cell; what is left over at the right and the bottom goes with the last ones."""
    import cv2

    rows, columns = (max(edge // CELL, 1) for edge in values.shape[:2])
    return np.asarray(cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def even(flat: Map, official: Map, seen: Map) -> Map:
    """The photo in the reference's light: a smooth gain over the face and one tint, from what agrees, robustly.

    Where a channel is at its limit the light was at least so strong: there a lower gain is no disagreement.
    """
    import cv2

    weight = by_cell(seen)
    here, there = by_cell(flat) + 8, by_cell(official) + 8
    full = by_cell((brightest(flat) >= FULL).astype(np.float32)) > _CUT
    ratio = np.log(there) - np.log(here)
    rows, columns = ratio.shape[:2]
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * y, x**2, y**2], axis=-1)
    luma = ratio.mean(axis=2)
    kept = weight > 0.5
    if kept.sum() < 12:
        return flat
    plain, target = terms.reshape(-1, 6), luma
    ridge = np.diag([1e-6, 0.5, 0.5, 2, 2, 2])
    known = kept & ~full
    trust = (known if known.sum() >= 12 else kept).astype(np.float64)
    for _ in range(6):
        weighed = plain * trust.ravel()[:, None]
        gain = (plain @ np.linalg.solve(plain.T @ weighed + ridge, weighed.T @ target.ravel())).reshape(luma.shape)
        target = np.where(full, np.minimum(luma, gain), luma)
        off = np.abs(target - gain)
        spread = max(float(np.median(off[kept])) * 1.5, 0.02)
        trust = kept / (1 + (off / spread) ** 2) ** 2
    even_lit = kept & (off < 2 * spread)
    even_lit = even_lit & ~full if (even_lit & ~full).any() else even_lit
    tint = np.clip([float(np.median((ratio[..., c] - gain)[even_lit])) for c in range(3)], -0.3, 0.3)
    smooth = cv2.resize(np.clip(gain, -1.5, 1.5).astype(np.float32), flat.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip((flat + 8) * np.exp(smooth[..., None] + tint) - 8, 0, 255), np.float32)


def lab(rgb: Map) -> Map:
    """CIE L*a*b* of RGB 0..255."""
    import cv2

    return np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb / 255, np.float32), cv2.COLOR_RGB2LAB), np.float32)


def _colour(flat: Map, official: Map, seen: Map) -> Map:
    weight = np.maximum(by_cell(seen), 1e-3)
    here, there = (by_cell(lab(image) * seen[..., None]) / weight[..., None] for image in (flat, official))
    return np.asarray(np.linalg.norm(here - there, axis=2), np.float32)


def _structure(flat: Map, official: Map, seen: Map) -> Map:
    import cv2

    grey = [np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32) for image in (flat, official)]
    here, there = (cv2.GaussianBlur(image, (0, 0), 1.0) for image in grey)
    box = (CELL + 6, CELL + 6)

    def mean(image: Map) -> Map:
        return np.asarray(cv2.blur(image, box), np.float32)

    mean_there, mean_here = mean(there), mean(here)
    spread_there = np.sqrt(np.maximum(mean(there * there) - mean_there**2, 0))
    spread_here = np.sqrt(np.maximum(mean(here * here) - mean_here**2, 0))
    best = np.full(there.shape, -1, np.float32)
    at, mean_at, spread_at = (shifted(image, SHIFT) for image in (here, mean_here, spread_here))
    for dy in range(-SHIFT, SHIFT + 1, SHIFT):
        for dx in range(-SHIFT, SHIFT + 1, SHIFT):
            both = mean(at(dx, dy) * there) - mean_at(dx, dy) * mean_there
            spread = np.maximum(spread_there * spread_at(dx, dy), _FLAT**2)
            np.maximum(best, both / spread, out=best)
    flat_both = (spread_there < _FLAT) & (spread_here < _FLAT)
    rows, columns = by_cell(seen).shape
    at_y = ((np.arange(rows) + 0.5) * there.shape[0] / rows).astype(int)
    at_x = ((np.arange(columns) + 0.5) * there.shape[1] / columns).astype(int)
    best[flat_both] = np.nan
    return best[np.ix_(at_y, at_x)]


def shifted(image: Map, reach: int) -> Callable[[int, int], Map]:
    """The image moved to the right and down by up to `reach` pixels; what comes in is what was at the edge."""
    import cv2

    high, wide = image.shape[:2]
    wider = np.asarray(cv2.copyMakeBorder(image, reach, reach, reach, reach, cv2.BORDER_REPLICATE), np.float32)
    return lambda dx, dy: wider[reach - dy : reach - dy + high, reach - dx : reach - dx + wide]


def darkest(image: Map) -> Map:
    """The least channel of each pixel of an image `(h, w, 3)`; a tenth of the time of `min` over the last axis."""
    import cv2

    return np.asarray(cv2.min(cv2.min(image[..., 0], image[..., 1]), image[..., 2]))


def brightest(image: Map) -> Map:
    """The largest channel of each pixel of an image `(h, w, 3)`."""
    import cv2

    return np.asarray(cv2.max(cv2.max(image[..., 0], image[..., 1]), image[..., 2]))
