"""The catalogue: products with their official photos, found by embedding, by local features, by code and by words.

A manifest in SQLite says what there is; Chroma holds an embedding a photo; the photos themselves are beside them.
One process writes, and holds the home's lock while it does; any number read, and see what was written.
"""

import threading
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..tools.errors import BadInput, Unavailable
from ..tools.features import Features
from ..tools.types import Photo, PhotoId, Product
from .embedders import Embedder, open_embedder
from .indexing import Progress, Report, Writer, seen
from .local_index import LocalIndex
from .photos import PhotoStore
from .readings import Readings
from .records import Problem, Record, checked
from .shelf import Made, Shelf
from .vectors import Vectors
from .words import Words

DEFAULT = "descriptor"
"""The embedder of a catalogue that nobody chose one for."""


class Hit(NamedTuple):
    """A product that a search found, and how.

    `words` is the share of what was asked that its record says, 0..1; `similarity` the cosine of its nearest photo
    to what was asked, -1..1; `None` where it was not found so.
    """

    product: Product
    words: float | None
    similarity: float | None


class Catalogue:
    """The products of a home, and their official photos by id; safe under threads."""

    def __init__(self, folder: Path, version: str, embedder: str | None = None, server: str | None = None) -> None:
        """Look into a folder; nothing is created before it is written.

        `version` is Sightline's, for readings. `embedder` is a name of `memory.embedders`; without one it is what
        the catalogue was made with. `server` is a Chroma server, http://host:port, in place of a folder.
        """
        self._folder, self._version, self._chosen = folder, version, embedder
        self._shelf = Shelf(folder / "manifest.sqlite")
        self._vectors = Vectors(folder / "chroma", server)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._opened: Embedder | None = None
        self._words: tuple[int, Words] | None = None
        self._local: tuple[int, LocalIndex] | None = None

    @property
    def embedder(self) -> str:
        """The name of the embedder that photos are looked up with."""
        made = self._shelf.made
        return self._chosen or (made.embedder if made else DEFAULT)

    @cached_property
    def readings(self) -> Readings:
        """What was read on official photos."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return Readings(self._folder / "readings.sqlite", self._version)

    @cached_property
    def _photos(self) -> PhotoStore:
        return PhotoStore(self._folder / "photos")

    def __len__(self) -> int:
        """How many products there are."""
        return len(self._shelf)

    def product(self, sku: str) -> Product:
        """The product; `UnknownProduct` where there is none."""
        return self._shelf.product(sku)

    def products(self) -> Sequence[Product]:
        """All of them, by SKU."""
        return self._shelf.products()

    def owners(self, reference: PhotoId) -> Sequence[Product]:
        """The products that this is an official photo of, by SKU."""
        return self._shelf.owners(reference)

    def photo(self, reference: PhotoId) -> Photo:
        """An official photo. Raises `UnknownPhoto`."""
        return self._photos.get(reference)

    def features(self, reference: PhotoId) -> Features:
        """The local features of an official photo, computed when it was indexed. Raises `UnknownPhoto`."""
        return self._shelf.features(reference)

    def coded(self, code: str) -> Sequence[Product]:
        """The products one of whose attributes is this barcode, by SKU; zeros in front do not count."""
        return self._by_words().coded(code)

    def named(self, words: str) -> Sequence[Product]:
        """The products whose title or SKU these words name, as a person would, the fullest agreement first."""
        return self._by_words().named(words)

    def search(self, words: str, n: int) -> Sequence[Hit]:
        """The `n` products that words describe best: by their records, and by their photos where the embedder can."""
        by_words = self._by_words().search(words, n)
        hits = {product.sku: Hit(product, share, None) for product, share in by_words}
        made = self._shelf.made
        point = self._embedder(made).text(words) if made else None
        if made and point is not None:
            for photo, cosine in self._known(made, point[None], n):
                for product in self.owners(photo):
                    hit = hits.get(product.sku, Hit(product, None, None))
                    hits[product.sku] = hit._replace(similarity=max(cosine, hit.similarity or -1.0))
        found = sorted(hits.values(), key=lambda hit: (-(hit.words or 0.0), -(hit.similarity or -1.0), hit.product.sku))
        return found[:n]

    def nearest(self, views: Sequence[NDArray[np.uint8]], n: int) -> Sequence[tuple[PhotoId, float]]:
        """The `n` official photos nearest to any of the views, RGB `(h, w, 3)`, by embedding, with their cosine.

        Raises `Unavailable` where the catalogue was made with another embedder.
        """
        made = self._shelf.made
        if made is None or not views or n < 1:
            return []
        return self._known(made, self._embedder(made).images([seen(view) for view in views]), n)

    def resembling(self, features: Features, n: int) -> Sequence[tuple[PhotoId, float]]:
        """The `n` official photos that most local features resemble, the most votes first, with their votes."""
        return self._by_features().resembling(features, n, self._shelf.has)

    def index(self, rows: Iterable[Record | Problem], progress: Progress | None = None) -> Report:
        """Keep each row's product in place of its earlier record; what is unchanged is skipped.

        Whoever calls this holds the home's lock. Rows come from `records.read`. Killed at any moment, the next
        call makes the same of it.
        """
        # Before there is a writer, which may embed every photo anew: a file may be unreadable, or have nothing to keep.
        given = list(rows)
        problems = [row for row in given if isinstance(row, Problem)]
        if given and len(problems) == len(given):
            return Report(0, 0, 0, tuple(sorted(problems)))
        with self._writing:
            report = self._writer(progress).index(given)
            self._by_features().write(self._folder / "features.index")
        return report

    def add(self, sku: str, title: str, images: Sequence[Path], attributes: dict[str, str] | None = None) -> Product:
        """Keep one product in place of its earlier record. Raises `BadInput`."""
        record = checked(Record(1, sku, title, tuple(images), attributes or {}))
        problems = (record,) if isinstance(record, Problem) else self.index([record]).problems
        if problem := next((problem for problem in problems if problem.line), None):
            raise BadInput(problem.message)
        return self.product(sku.strip())

    def remove(self, sku: str) -> None:
        """Remove a product, and the photos that belong to no other. Raises `UnknownProduct`."""
        self.product(sku)
        with self._writing:
            self._writer(None).remove(sku)
            self._by_features().write(self._folder / "features.index")

    def close(self) -> None:
        """Let go of every file."""
        self._vectors.close()
        self._shelf.close()
        for name in ("readings", "_photos"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    def _writer(self, progress: Progress | None) -> Writer:
        embedder = self._embedder(None)
        return Writer(self._shelf, self._vectors, self._photos, self.readings, embedder, progress or (lambda *_: None))

    def _known(self, made: Made, points: NDArray[np.float32], n: int) -> list[tuple[PhotoId, float]]:
        """The nearest of Chroma's that the manifest has: a writer may have put in more, or be about to."""
        found = self._vectors.nearest(made.collection, points, n, self._shelf.generation)
        return [(photo, cosine) for photo, cosine in found if self._shelf.has(photo)]

    def _embedder(self, made: Made | None) -> Embedder:
        """The embedder, opened once; it must be the one that the embeddings to be compared were made by."""
        with self._lock:
            if self._opened is None or (self._chosen is None and self._opened.name != self.embedder):
                self._opened = open_embedder(self.embedder)
            if made and made.identity != self._opened.identity:
                other = "other weights of the same name" if made.embedder == self._opened.name else self._opened.name
                raise Unavailable(
                    f"Expected the embedder that the catalogue was made with, {made.embedder}; got {other}. "
                    "Set that one, or index the catalogue again, which embeds every official photo anew."
                )
            return self._opened

    def _by_words(self) -> Words:
        generation = self._shelf.generation
        with self._lock:
            if self._words is None or self._words[0] != generation:
                self._words = generation, Words(self._shelf.products())
            return self._words[1]

    def _by_features(self) -> LocalIndex:
        generation = self._shelf.generation
        with self._lock:
            if self._local is None or self._local[0] != generation:
                index = self._local[1] if self._local else LocalIndex.read(self._folder / "features.index")
                index.follow(self._shelf.photos(), self._shelf.features)
                self._local = generation, index
            return self._local[1]
