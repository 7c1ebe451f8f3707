"""RapidOCR behind the one-method `Reader` seam.

Detects boxes of text on a reduced copy, and recognises each from the photo's own pixels. It does not
judge what it read, order it, or know of photos: `reading.py` does. Nothing is ever downloaded.
"""

import math
import os
import threading
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import Unavailable
from .types import Point, Quad

Pixels = NDArray[np.uint8]
Raw = tuple[str, float, Quad]

_DETECTOR = "PP-OCRv6_det_small.onnx"
_RECOGNISER = "PP-OCRv6_rec_small.onnx"

_ROWS = 48
"""Height in pixels of the line the recogniser sees. Source: `rec_img_shape` in RapidOCR's config.yaml."""

_WIDEST = 4096
"""Longer lines are squeezed to this many pixels: the recogniser's memory grows with the square of it."""

_SHORT_SIDE = 736
"""A photo smaller than this is enlarged to it for detection. Source: `limit_side_len` in RapidOCR's config.yaml."""

_LONG_SIDE = 1600
"""A photo larger than this is reduced to it for detection only; recognition sees the photo's own pixels."""

_SMALLEST = 8
"""Photos narrower or lower than this many pixels hold no letter that could be read."""

_TALL = 1.5
"""Boxes this much taller than wide hold turned lines or vertical columns. Source: RapidOCR's own crop."""

_SURE = 0.9
"""A line read at this mean probability is not tried another way round.

Measured with the lines of `benchmarks/ocr.py`: right way round 0.97 to 1.0, upside down below 0.87.
"""


class RapidReader:
    """Chinese, English, Latin scripts and Japanese, offline, by RapidOCR's PP-OCRv6 small models."""

    def __init__(self) -> None:
        self.name = _name()
        self._lock = threading.Lock()
        self._engine: Any = None

    def read(self, pixels: Pixels) -> Sequence[Raw]:
        """Read an upright RGB image `(h, w, 3)`: text, mean character probability 0..1, corners.

        Lines are unjudged and in no order. A box in which text was seen and nothing recognised has
        the text "" and the probability 0. Corners start at the top left of the line as it is read:
        a line that runs down the image starts at the top right of its box, a line upside down at the
        bottom right, and a column of upright Chinese or Japanese characters at the top left.
        Raises `Unavailable` where RapidOCR or its models are missing.
        """
        import cv2

        if pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ValueError(f"expected RGB pixels (h, w, 3), got shape {pixels.shape}")
        if min(pixels.shape[:2]) < _SMALLEST:
            return []
        bgr = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)
        with self._lock:
            if self._engine is None:
                self._engine = _load()
            return [self._line(bgr, corners) for corners in self._boxes(bgr)]

    def _boxes(self, bgr: Pixels) -> NDArray[np.float32]:
        """Corners of every box of text, `(n, 4, 2)`, in pixels of the image given."""
        import cv2

        height, width = bgr.shape[:2]
        scale = min(max(1.0, _SHORT_SIDE / min(height, width)), _LONG_SIDE / max(height, width))
        resize = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        wide, high = max(_SMALLEST, round(width * scale)), max(_SMALLEST, round(height * scale))
        small = cv2.resize(bgr, (wide, high), interpolation=resize) if scale != 1 else bgr
        # The network works on multiples of 32 and would stretch the image to them: fill up instead.
        below, right = -high % 32, -wide % 32
        small = cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_REPLICATE)
        found = self._engine(small, use_det=True, use_cls=False, use_rec=False).boxes
        if found is None or not len(found):
            return np.empty((0, 4, 2), np.float32)
        corners = np.asarray(found, np.float32) * [width / wide, height / high]
        return np.asarray(corners.clip(0, [width, height]), np.float32)

    def _line(self, bgr: Pixels, corners: NDArray[np.float32]) -> Raw:
        """Read one box the way round that the engine is surest of."""
        crop = cut(bgr, corners)
        tall = crop.shape[0] >= _TALL * crop.shape[1]
        # Quarter turns of the crop, counter-clockwise, and with them the corner at which the line starts.
        ways = (1, 3) if tall else (0, 2)
        best = (*self._recognise(np.rot90(crop, ways[0])), ways[0])
        if best[1] < _SURE:
            other = (*self._recognise(np.rot90(crop, ways[1])), ways[1])
            # The second way has to be clearly better, or nonsense read twice would turn lines at random.
            if other[1] >= _SURE > best[1] + 0.05 and len(other[0].replace(" ", "")) > 1:
                best = other
        text, score, turns = best
        if tall and turns == 1 and self._is_column(crop, text):
            turns = 0
        points = [Point(float(x), float(y)) for x, y in np.roll(corners, -turns, axis=0)]
        return text, score, (points[0], points[1], points[2], points[3])

    def _is_column(self, crop: Pixels, text: str) -> bool:
        """Whether a tall crop is a column of upright characters, and not a line that was turned.

        The engine reads both alike; side by side, only the characters of a column stand upright.
        """
        letters = [c for c in text if not c.isspace()]
        if len(letters) < 2 or sum(map(_is_cjk, letters)) < len(letters) / 2:
            return False
        cells = np.array_split(crop, len(letters), axis=0)
        lowest = min(len(cell) for cell in cells)
        again, score = self._recognise(np.hstack([cell[:lowest] for cell in cells]))
        return score > 0.5 and len(set(again) & set(letters)) >= len(set(letters)) / 2

    def _recognise(self, line: Pixels) -> tuple[str, float]:
        import cv2

        height, width = line.shape[:2]
        resize = cv2.INTER_AREA if height > _ROWS else cv2.INTER_CUBIC
        wide = min(max(_SMALLEST, round(width * _ROWS / height)), _WIDEST)
        seen = cv2.resize(line, (wide, _ROWS), interpolation=resize)
        said = self._engine(seen, use_det=False, use_cls=False, use_rec=True)
        if not said.txts or not said.txts[0].strip():
            return "", 0.0
        return said.txts[0].strip(), float(said.scores[0])


def cut(pixels: Pixels, corners: Sequence[tuple[float, float]] | NDArray[np.float32]) -> Pixels:
    """The inside of a quadrilateral, as an upright picture that starts at its first corner.

    Also the way back from a line's `quad` to its pixels.
    """
    import cv2

    quad = np.asarray(corners, np.float32)
    wide = max(math.dist(quad[0], quad[1]), math.dist(quad[3], quad[2]))
    high = max(math.dist(quad[0], quad[3]), math.dist(quad[1], quad[2]))
    w, h = max(2, round(wide)), max(2, round(high))
    flat = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    move = cv2.getPerspectiveTransform(quad, flat)
    cropped = cv2.warpPerspective(pixels, move, (w, h), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cropped, np.uint8)


def _is_cjk(character: str) -> bool:
    return "\u3040" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff"


def _name() -> str:
    try:
        release = ".".join(version("rapidocr").split(".")[:2])
    except PackageNotFoundError:
        release = "(not installed)"
    return f"rapidocr {release} PP-OCRv6 small"


def _cores() -> int:
    """The cores that this process may use, and no more than `OMP_NUM_THREADS`, where that is set."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(told)) if told.isdecimal() and int(told) else cores


def _load() -> Any:
    """The engine with the models of the wheel; `Unavailable` where something is missing."""
    found = find_spec("rapidocr")
    if found is None or found.origin is None:
        raise Unavailable("RapidOCR is not installed, so no text can be read. Try: pip install rapidocr onnxruntime")
    folder = Path(found.origin).parent / "models"
    for model in (_DETECTOR, _RECOGNISER):
        if not (folder / model).is_file():
            raise Unavailable(
                f"RapidOCR's wheel should hold models/{model}; it is missing. "
                "Try: pip install --force-reinstall 'rapidocr>=3.10'"
            )
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            # Its package sets up a console logger at INFO when imported, and says what it loads.
            "Global.log_level": "critical",
            "Global.text_score": 0.0,
            "Global.use_cls": False,
            # Sizes are ours to choose, above; a path of ours keeps RapidOCR from looking for a download.
            "Global.use_preprocess_img": False,
            "Global.use_vertical_padding": False,
            "Det.limit_side_len": 32,
            "Det.model_path": str(folder / _DETECTOR),
            "Rec.model_path": str(folder / _RECOGNISER),
            # ONNX Runtime does not read `OMP_NUM_THREADS` itself. Its threads spin while they wait: one without a core
            # of its own costs a fifth more than it gives.
            "EngineConfig.onnxruntime.intra_op_num_threads": min(2, _cores()),
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
