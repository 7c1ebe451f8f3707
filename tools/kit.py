"""What a tool may use, handed to it: the instruments and stores of one turn.

The Protocols say what tools need of them and no more; `memory` and `agent` fill them in.
Nothing here opens a file or loads a model.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .types import Photo, PhotoId, Quad, Reading


class Reader(Protocol):
    """An OCR engine: the one-method seam."""

    name: str
    """Engine and models with their versions; cached readings are kept under it."""

    def read(self, pixels: NDArray[np.uint8]) -> Sequence[tuple[str, float, Quad]]:
        """Read an upright RGB image `(h, w, 3)`: text, mean character probability 0..1, corners.

        Lines come in any order, unjudged; corners are in pixels of the image given.
        """
        ...


class Readings(Protocol):
    """Readings already made, by photo and engine."""

    def get(self, photo: PhotoId, engine: str) -> Reading | None:
        """The reading kept, or `None` where that engine has not read that photo."""
        ...

    def put(self, reading: Reading) -> None:
        """Keep a reading; keeping it twice is harmless."""
        ...


class Photos(Protocol):
    """Photos by id."""

    def get(self, photo: PhotoId) -> Photo:
        """The photo; `UnknownPhoto` where there is none."""
        ...


@dataclass(frozen=True)
class Kit:
    """The instruments and stores that tools share within one Assistant."""

    reader: Reader
    readings: Readings
    photos: Photos
    reading: threading.Lock = field(default_factory=threading.Lock)
    """Held while a photo is read, so that tools asking about the same photo share one pass."""
