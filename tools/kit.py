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

from .features import Features
from .models.model import Model
from .photos import Photos
from .registration import Matrix
from .types import Photo, PhotoId, Product, Quad, Reading, View


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


class Catalogue(Protocol):
    """The products, and their photos by id: official ones, and customers' that were confirmed; two may share one."""

    @property
    def readings(self) -> Readings:
        """What was read on official photos."""
        ...

    def __len__(self) -> int:
        """How many products there are."""
        ...

    def product(self, sku: str) -> Product:
        """The product; `UnknownProduct` where there is none."""
        ...

    def owners(self, reference: PhotoId) -> Sequence[Product]:
        """The products that this is an official photo of, or a confirmed view, by SKU."""
        ...

    def coded(self, code: str) -> Sequence[Product]:
        """The products one of whose attributes is this barcode, by SKU; zeros in front do not count."""
        ...

    def named(self, words: str) -> Sequence[Product]:
        """The products whose title or SKU these words name, as a person would, the fullest agreement first."""
        ...

    def photo(self, reference: PhotoId) -> Photo:
        """An official photo, or a confirmed one."""
        ...

    def view(self, photo: PhotoId, sku: str) -> View | None:
        """What was confirmed of this photo and this product; `None` where it is an official photo of it, or neither."""
        ...

    def views(self, sku: str | None = None) -> Sequence[View]:
        """The confirmed views of a product, or of all, by SKU and in the order in which their photos came."""
        ...

    def edition(self, photo: PhotoId, sku: str) -> str | None:
        """The edition of a product that a photo of it shows; `None` for the one of now."""
        ...

    def features(self, reference: PhotoId) -> Features:
        """The local features of an official photo, or of what lies in the quads of a confirmed one, as it was kept."""
        ...

    def twin(self, reference: PhotoId, other: PhotoId) -> Matrix | None:
        """The way from pixels of an official photo to those of its twin, found on indexing; `None`: no twins."""
        ...

    def nearest(self, views: Sequence[NDArray[np.uint8]], n: int) -> Sequence[tuple[PhotoId, float]]:
        """The `n` photos nearest to any of the views, RGB `(h, w, 3)`, by embedding, with their cosine."""
        ...

    def resembling(self, features: Features, n: int) -> Sequence[tuple[PhotoId, float]]:
        """The `n` photos that most local features resemble, the most votes first."""
        ...


@dataclass(frozen=True)
class Kit:
    """The instruments and stores that tools share within one Assistant."""

    reader: Reader
    readings: Readings
    photos: Photos
    catalogue: Catalogue
    model: Model | None = None
    """The vision language model, as this turn may ask it; `None` where instruments answer alone."""
    language: str = "en"
    """What the model is to answer in, as an ISO 639-1 code."""
    reading: threading.Lock = field(default_factory=threading.Lock)
    """Held while a photo is read, so that tools asking about the same photo share one pass."""
