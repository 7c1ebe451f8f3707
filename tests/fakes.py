"""An OCR engine that counts, and photos drawn on the spot."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sightline.tools.reader import RapidReader
from sightline.tools.types import Quad

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "examples" / "samples"


@cache
def engine() -> RapidReader:
    """One engine for the whole run: loading it costs more than reading."""
    return RapidReader()


class CountingReader:
    """The real OCR engine, counting how often it is asked."""

    def __init__(self) -> None:
        self.name = engine().name
        self.calls = 0

    def read(self, pixels: NDArray[np.uint8]) -> Sequence[tuple[str, float, Quad]]:
        self.calls += 1
        return engine().read(pixels)


def label(*lines: str, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A sharp, well-lit label with these lines."""
    image = Image.new("RGB", size, (244, 240, 230))
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, size[0] - 20, size[1] - 20), (250, 250, 248), (20, 60, 120), 6)
    for n, line in enumerate(lines):
        draw.text((50, 60 + 70 * n), line, (20, 20, 30), font=ImageFont.load_default(size=32))
    return image
