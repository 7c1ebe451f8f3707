"""Name colours, and find coloured areas.

The names are the eleven basic colour terms of Berlin and Kay (1969), which English and Chinese
share. Colours are judged in OKLCH after a mild correction of the light; what is not done is naming
shades.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .surface import brightest, darkest
from .types import Box, Size

Pixels = NDArray[np.uint8]
Floats = NDArray[np.floating]

NAMES = ("black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")

# Hue angle in degrees of OKLCH at which each name begins, going up from pink.
# Measured on the sRGB swatches of `tests/test_colour.py`.
_HUES = (
    (0.0, "pink"), (15.0, "red"), (40.0, "orange"), (85.0, "yellow"), (112.0, "green"), (190.0, "blue"),
    (285.0, "purple"), (338.0, "pink"),
)  # fmt: skip
_GREY_CHROMA = 0.035
_SCALE = 320
_LEAST = 0.004
"""An area smaller than this share of the photo is print or noise, not an area."""

_RIM, _MUCH = 0.1, 0.15
"""Share of a box that is left out at either side, and share of the rest from which on a colour is one of its own."""


def names(pixels: Pixels) -> NDArray[np.uint8]:
    """The index into `NAMES` of every pixel of an RGB image `(h, w, 3)`; shape `(h, w)`."""
    light, chroma, hue = _oklch(pixels)
    out = np.zeros(light.shape, np.uint8)
    for start, name in _HUES:
        out[hue >= start] = NAMES.index(name)
    pink, red, orange, yellow = (out == NAMES.index(n) for n in ("pink", "red", "orange", "yellow"))
    out[pink & (light < 0.55)] = NAMES.index("red")
    out[red & (light > 0.74)] = NAMES.index("pink")
    # Wood, cardboard and skin are dull orange, and nobody calls them that.
    dull = (light < 0.6) | ((chroma < 0.13) & (light < 0.83))
    out[(red & (light < 0.5) & (chroma < 0.1)) | (orange & dull) | (yellow & (light < 0.5))] = NAMES.index("brown")
    # Olive is green, and so is teal where it is dark.
    out[((hue >= 100) & yellow & (light < 0.75)) | ((hue >= 190) & (hue < 200) & (light < 0.6))] = NAMES.index("green")
    # The darker or paler a thing, the less its colour is seen.
    grey = (chroma < _GREY_CHROMA) | ((light > 0.93) & (chroma < 0.045)) | ((light < 0.25) & (chroma < 0.06))
    out[grey] = NAMES.index("grey")
    out[grey & (light < 0.3)] = NAMES.index("black")
    out[grey & (light > 0.85)] = NAMES.index("white")
    return out


def _oklch(pixels: Pixels) -> tuple[Floats, Floats, Floats]:
    """Lightness 0..1, chroma 0..0.4 and hue in degrees, each `(h, w)`.

    OKLab keeps blue blue: in CIELAB its hue runs into purple. Source: B. Ottosson, "A perceptual color
    space for image processing" (2020), whose two matrices these are.
    """
    rgb = pixels.astype(np.float32) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(linear @ _TO_CONES.T)
    light, a, b = np.moveaxis(cones @ _TO_OKLAB.T, -1, 0)
    return light, np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360


_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def name(rgb: Sequence[int]) -> str:
    """The name of one colour, red, green and blue in 0..255."""
    return NAMES[int(names(np.array([[rgb]], np.uint8))[0, 0])]


def areas(pixels: Pixels, colour: str) -> list[tuple[Box, float]]:
    """Coherent areas of a named colour, the largest first: box in pixels, share of the photo 0..1."""
    import cv2

    small, scale = _small(pixels)
    mask = (names(_balanced(small)) == NAMES.index(colour)).astype(np.uint8)
    # Letters and seams within an area are part of it; specks outside are not areas.
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    size = Size(pixels.shape[1], pixels.shape[0])
    found = []
    for x, y, w, h, area in stats[1:count]:
        if area >= _LEAST * mask.size:
            box = Box(x / scale, y / scale, (x + w) / scale, (y + h) / scale).inside(size)
            found.append((box, float(area) / mask.size))
    return sorted(found, key=lambda pair: -pair[1])


def prevailing(pixels: Pixels, box: Box) -> tuple[str, ...]:
    """The names of the colours that cover a good part of a box (in pixels), the most of it first."""
    x0, y0, x1, y1 = (round(v) for v in box)
    height, width = pixels.shape[:2]
    # The edge of a box shows what is behind the thing.
    dx, dy = round(_RIM * (x1 - x0)), round(_RIM * (y1 - y0))
    x0, y0 = min(max(x0 + dx, 0), width - 1), min(max(y0 + dy, 0), height - 1)
    inside = pixels[y0 : max(y1 - dy, y0 + 1), x0 : max(x1 - dx, x0 + 1)]
    small, _ = _small(pixels)
    gain = _gain(small)
    counts = Counter(names(_lit(_small(inside)[0], gain)).ravel().tolist())
    total = sum(counts.values())
    return tuple(NAMES[n] for n, times in counts.most_common() if times >= _MUCH * total)


def by_part(pixels: Pixels) -> list[tuple[str, Box]]:
    """The colour that prevails in each part of a photo: thirds of rows or columns where they agree, else ninths.

    A photo of one colour is one part. Boxes are in pixels and cover the photo.
    """
    height, width = pixels.shape[:2]
    small, _ = _small(pixels)
    grid = [
        [_prevailing(part) for part in np.array_split(row, 3, axis=1)]
        for row in np.array_split(names(_balanced(small)), 3)
    ]
    if len({cell for row in grid for cell in row}) == 1:
        return [(grid[0][0], Box(0, 0, width, height))]
    xs, ys = [width * k / 3 for k in range(4)], [height * k / 3 for k in range(4)]
    if all(len(set(row)) == 1 for row in grid):
        return [(row[0], Box(0, ys[r], width, ys[r + 1])) for r, row in enumerate(grid)]
    columns = list(zip(*grid, strict=True))
    if all(len(set(column)) == 1 for column in columns):
        return [(column[0], Box(xs[c], 0, xs[c + 1], height)) for c, column in enumerate(columns)]
    return [(grid[r][c], Box(xs[c], ys[r], xs[c + 1], ys[r + 1])) for r in range(3) for c in range(3)]


def _prevailing(part: NDArray[np.uint8]) -> str:
    return NAMES[Counter(part.ravel().tolist()).most_common(1)[0][0]]


def _small(pixels: Pixels) -> tuple[Pixels, float]:
    import cv2

    scale = min(_SCALE / max(pixels.shape[:2]), 1.0)
    if scale == 1.0:
        return pixels, scale
    # A ribbon of a photo keeps at least one row and one column.
    reduced = [max(round(side * scale), 1) for side in pixels.shape[1::-1]]
    return np.asarray(cv2.resize(pixels, reduced, interpolation=cv2.INTER_AREA), np.uint8), scale


def _balanced(pixels: Pixels) -> Pixels:
    return _lit(pixels, _gain(pixels))


def _lit(pixels: Pixels, gain: Floats) -> Pixels:
    lit: Pixels = np.clip(pixels * gain, 0, 255).astype(np.uint8)
    return lit


def _gain(pixels: Pixels) -> Floats:
    """Half of what would make the brightest greyish pixels neutral: lamps are yellow, and so are lemons."""
    flat = pixels.reshape(-1, 3).astype(np.float32)
    high, low = (edge(pixels).ravel().astype(np.float32) for edge in (brightest, darkest))
    bright = flat[(high >= np.percentile(high, 90)) & (high - low < 60)]
    if len(bright) < 0.01 * len(flat):
        return np.ones(3, np.float32)
    mean = bright.mean(axis=0)
    gain: Floats = 1 + 0.5 * (mean.max() / np.maximum(mean, 1) - 1)
    return gain
