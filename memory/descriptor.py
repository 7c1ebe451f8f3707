"""An embedding that needs no weights: where on a pack which colours are, and which way its edges run.

It tells packs of different colours apart, and nothing of what is written on them. Official photos stand on
white, which is left out; a customer's photo has the pack in the middle, so that the rim counts less.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Numbers = NDArray[np.floating]

_MASKED, _LOOKED = 256, 64
"""Long sides at which the background is found and at which colours are counted, pixels."""
_WHITE = 93
"""The percentile of each channel that is made white. Shops are lit yellow: without this, recall@10 of the right
product among 31 was 0.59 and with it 0.95, on grocery photos."""
_WHITE_FROM, _BEHIND = 240, 0.5
"""Value of every channel from which on a pixel is white, and share of the rim that is, of a photo on white."""
_LIGHT, _AB, _FAR = 5, 7, 70.0
"""Bins of L*, of a* and of b* each, finer towards grey, and the chroma at which they end."""
_PARTS = 4
"""The whole, and its upper, middle and lower third."""
_GRID, _TURNS, _STRUCTURE = 3, 9, 0.45
"""Cells a side and directions of the edge grid, and its length where that of the colours is 1."""
_COMMON_SPREAD, _COMMON_SHARE = 20.0, 0.5
"""Greyish colours are in every photo and say little: their spread in a* and b*, and how much of them is taken off."""


class Descriptor:
    """The default embedder, `descriptor`."""

    name = "descriptor"
    identity = "descriptor 1"
    """Changes with what it computes, so that a catalogue made by another version is made anew."""
    dimension = _PARTS * _LIGHT * _AB * _AB + _GRID * _GRID * _TURNS

    def images(self, images: Sequence[Pixels]) -> Floats:
        """RGB images `(h, w, 3)` to rows of unit length, `(n, dimension)`."""
        rows = [_described(image) for image in images]
        return np.stack(rows) if rows else np.zeros((0, self.dimension), np.float32)

    def text(self, words: str) -> None:
        """It has no words."""


def _described(image: Pixels) -> Floats:
    import cv2

    pack, weight = _pack(image)
    lab = np.asarray(cv2.cvtColor(_white(pack, weight) / 255, cv2.COLOR_RGB2LAB), np.float32)
    colours = (_unit(np.sqrt(_colours(lab, weight))) - _COMMON_SHARE * _common()).ravel()
    described = np.concatenate([_unit(colours), _STRUCTURE * _unit(np.sqrt(_edges(lab[..., 0], weight)))])
    return _unit(described).astype(np.float32)


def _pack(image: Pixels) -> tuple[Pixels, Floats]:
    """The pack, its long side 64 pixels, and how much each of its pixels counts, `(h, w)`, 0..1."""
    import cv2

    image = _shrunk(image, _MASKED)
    behind = _background(image)
    if behind is not None:
        ys, xs = np.nonzero(~behind)
        box = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        small = _shrunk(image[box], _LOOKED)
        shown = (~behind[box]).astype(np.float32)
        return small, cv2.resize(shown, small.shape[1::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    small = _shrunk(image, _LOOKED)
    down, across = (((np.arange(n) + 0.5) / n - 0.5) / 0.45 for n in small.shape[:2])
    return small, np.exp(-0.5 * (down[:, None] ** 2 + across[None] ** 2)).astype(np.float32)


def _background(image: Pixels) -> NDArray[np.bool_] | None:
    """White that reaches the edge, `(h, w)`; `None` where the photo has no white background."""
    import cv2

    if (_rim(image).min(axis=1) >= _WHITE_FROM).mean() < _BEHIND:
        return None
    light = (image.min(axis=2) >= _WHITE_FROM).astype(np.uint8)
    _, areas = cv2.connectedComponents(light, connectivity=4)
    rim = _rim(areas)
    behind = np.isin(areas, rim[rim > 0])
    return behind if behind.mean() <= 0.97 else None


def _rim(image: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def _white(pack: Pixels, weight: Floats) -> Floats:
    """Each channel stretched until its brightest part is white."""
    counted = pack[weight > 0.3]
    top = np.percentile(counted if len(counted) else pack.reshape(-1, 3), _WHITE, axis=0)
    return np.clip(pack * (255 / np.maximum(top, 30)), 0, 255).astype(np.float32)


def _colours(lab: Numbers, weight: Numbers) -> Numbers:
    """How much of each colour is in each part, `(4, bins)`; vivid colours count more. L* 0..100."""
    height = lab.shape[0]
    part = np.minimum(np.arange(height) * (_PARTS - 1) // height, _PARTS - 2)[:, None]
    place = [np.clip(lab[..., 0] / 100, 0, 1) * (_LIGHT - 1)]
    # The square root makes bins finer towards grey.
    for channel in (lab[..., 1], lab[..., 2]):
        near = np.sign(channel) * np.sqrt(np.minimum(np.abs(channel) / _FAR, 1))
        place.append((near + 1) / 2 * (_AB - 1))
    sizes = (_LIGHT, _AB, _AB)
    first = [np.minimum(p.astype(np.intp), n - 2) for p, n in zip(place, sizes, strict=True)]
    over = [p - f for p, f in zip(place, first, strict=True)]
    counts = weight * (1 + np.hypot(lab[..., 1], lab[..., 2]) / 40)
    bins = _LIGHT * _AB * _AB
    thirds = np.zeros((_PARTS - 1) * bins)
    # Each pixel is shared by the eight bins around its colour, so that a slight shift moves little.
    for corner in np.ndindex(2, 2, 2):
        share = np.prod([o if c else 1 - o for o, c in zip(over, corner, strict=True)], axis=0)
        index = np.ravel_multi_index(tuple(f + c for f, c in zip(first, corner, strict=True)), sizes)
        thirds += np.bincount((index + part * bins).ravel(), (share * counts).ravel(), len(thirds))
    parts = thirds.reshape(-1, bins)
    return np.concatenate([parts.sum(axis=0, keepdims=True), parts])


@cache
def _common() -> Numbers:
    """The colours of a photo of nothing in particular, `(bins,)` of unit length."""
    steps = np.arange(-_FAR, _FAR + 1, 5)
    lab = np.stack(np.meshgrid(np.arange(0, 101, 5), steps, steps, indexing="ij"), axis=-1).reshape(1, -1, 3)
    weight = np.exp(-0.5 * (lab[..., 1] ** 2 + lab[..., 2] ** 2) / _COMMON_SPREAD**2)
    return _unit(np.sqrt(_colours(lab, weight)[0]))


def _edges(light: Numbers, weight: Numbers) -> Numbers:
    """How strongly edges run in each direction in each cell, `(cells * directions,)`."""
    import cv2

    across, down = (cv2.Sobel(light, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    strength = np.hypot(across, down) * weight
    turn = (np.arctan2(down, across) % np.pi) / np.pi * _TURNS
    first = turn.astype(np.intp)
    rows, columns = (np.arange(n) * _GRID // n for n in light.shape)
    cell = (rows[:, None] * _GRID + columns[None]) * _TURNS
    out = np.zeros(_GRID * _GRID * _TURNS)
    for direction, share in ((first % _TURNS, 1 - (turn - first)), ((first + 1) % _TURNS, turn - first)):
        out += np.bincount((cell + direction).ravel(), (strength * share).ravel(), len(out))
    return out


def _shrunk(image: Pixels, side: int) -> Pixels:
    import cv2

    scale = side / max(image.shape[:2])
    # A ribbon of a photo keeps a few rows and columns: edges need neighbours.
    size = [max(round(edge * scale), 4) for edge in image.shape[1::-1]]
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _unit(rows: Numbers) -> Numbers:
    """Rows scaled to length 1; those of nothing stay as they are."""
    length: Numbers = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.maximum(length, 1e-9)
