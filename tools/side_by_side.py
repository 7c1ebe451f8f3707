"""The official picture and the photo beside one another, laid alike, with the same numbers on the same places.

Below them each difference stands large, officially on the left and in the photo on the right.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .picture import annotate, written
from .registration import centred
from .types import Box, Difference, Homography, Region

Pixels = NDArray[np.uint8]

HEIGHT, WIDEST = 720, 640
"""Pixels a panel is high, and wide, at most."""

ENLARGED = 4
"""Differences shown large; more make the picture too long to take in."""

_GAP, _CAPTION, _CROP = 20, 44, 200
_PAPER, _INK = 255, (34, 34, 34)
_MARGIN = 0.04


def side_by_side(
    photo: Pixels,
    reference: Pixels,
    homography: Homography,
    differences: Sequence[Difference],
    captions: tuple[str, str],
) -> Pixels:
    """The picture, RGB `(h, w, 3)`, of an upright photo and its reference; captions name the left and the right."""
    import cv2

    high, wide = reference.shape[:2]
    scale = min(HEIGHT / high, WIDEST / wide)
    # A little beyond the reference's rim on all sides, so that what stands around the pack can be seen.
    pad = round(_MARGIN * max(high, wide) * scale)
    size = (round(wide * scale) + 2 * pad, round(high * scale) + 2 * pad)
    to_frame = np.array([[scale, 0, pad], [0, scale, pad], [0, 0, 1]])
    forth = to_frame @ np.linalg.inv(np.array(homography))
    shrinking = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    official = np.full((size[1], size[0], 3), _PAPER, np.uint8)
    drawn = cv2.resize(reference, (size[0] - 2 * pad, size[1] - 2 * pad), interpolation=shrinking)
    official[pad : size[1] - pad, pad : size[0] - pad] = drawn
    laid = np.asarray(cv2.warpPerspective(photo, centred(forth), size, borderValue=(235, 235, 235)), np.uint8)
    boxes = [_framed(d.there, scale, pad) for d in differences]
    regions = [Region(box, "", "difference") for box in boxes]
    panels = [annotate(side, regions) for side in (official, laid)]
    rows = [_beside([_captioned(panel, words) for panel, words in zip(panels, captions, strict=True)])]
    crops = [_beside([_number(n), _crop(official, box), _crop(laid, box)]) for n, box in enumerate(boxes[:ENLARGED], 1)]
    rows += [_beside(crops[n : n + 2]) for n in range(0, len(crops), 2)]
    return _stacked(rows)


def _framed(box: Box, scale: float, pad: int) -> Box:
    return Box(*(edge * scale + pad for edge in box))


def _crop(side: Pixels, box: Box) -> Pixels:
    """The place of a difference and a little around it, enlarged to a common height."""
    import cv2

    more = 0.35 * max(box.width, box.height)
    x0, y0 = max(int(box.x0 - more), 0), max(int(box.y0 - more), 0)
    part = side[y0 : int(box.y1 + more) + 1, x0 : int(box.x1 + more) + 1]
    scale = min(_CROP / part.shape[0], 1.25 * _CROP / part.shape[1])
    size = (max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1))
    large = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    framed: Pixels = np.asarray(
        cv2.copyMakeBorder(large, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(170, 170, 170)), np.uint8
    )
    return framed


def _number(n: int) -> Pixels:
    """The number of a difference on paper, as it stands on the panels."""
    paper = np.full((_CROP, 40, 3), _PAPER, np.uint8)
    return written(_written, paper, str(n), (8, 30), 24)


def _captioned(panel: Pixels, words: str) -> Pixels:
    strip = np.full((_CAPTION, panel.shape[1], 3), _PAPER, np.uint8)
    return np.vstack([written(_written, strip, words, (2, 30), 22), panel])


def _written(paper: Pixels, words: str, at: tuple[int, int], size: int) -> Pixels:
    import cv2

    # The typeface inside OpenCV 5 has Chinese.
    ours = paper.copy()
    cv2.putText(ours, words, at, _INK, cv2.FontFace("sans"), size)
    return ours


def _beside(parts: Sequence[Pixels]) -> Pixels:
    tall = max(part.shape[0] for part in parts)
    spaced: list[Pixels] = []
    for part in parts:
        below = np.full((tall - part.shape[0], part.shape[1], 3), _PAPER, np.uint8)
        spaced += [np.vstack([part, below]), np.full((tall, _GAP, 3), _PAPER, np.uint8)]
    return np.hstack(spaced[:-1])


def _stacked(rows: Sequence[Pixels]) -> Pixels:
    widest = max(row.shape[1] for row in rows)
    paper: list[Pixels] = []
    for row in rows:
        right = np.full((row.shape[0], widest - row.shape[1], 3), _PAPER, np.uint8)
        paper += [np.hstack([row, right]), np.full((_GAP, widest, 3), _PAPER, np.uint8)]
    inner = np.vstack(paper)
    return np.pad(inner, ((_GAP // 2, 0), (_GAP, _GAP), (0, 0)), constant_values=_PAPER)
