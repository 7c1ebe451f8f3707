"""The catalogue: products with their photos, found by embedding, by local features, by code and by words.

Photos are official, or customers' that were confirmed to show a product: views, of which the pack alone is kept track.

A manifest in SQLite says what there is; Chroma holds an embedding a photo; the photos themselves are beside them.
One process writes, and holds the home's lock while it does; any number read, and see what was written.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..tools.errors import BadInput, Busy, Unavailable, UnknownPhoto
from ..tools.features import Features
from ..tools.registration import Matrix
from ..tools.twins import way as way_between
from ..tools.types import Photo, PhotoId, Product, Quad, View
from ..tools.views import part
from .embedders import Embedder, open_embedder
from .indexing import Progress, Report, Writer, seen
from .local_index import LocalIndex
from .photos import PhotoStore
from .readings import Readings
from .records import Problem, Record, checked
from .shelf import Look, Made, Shelf, look_of, looked_at
from .vectors import Vectors
from .words import Words

_TWINS, _SHARED, _PAIRED_AT_ONCE = 12, 0.05, 256
"""Photos among which the twins of an official one are looked for, the share of its own votes that a twin has (on the
grocery set 0.06 to 0.53), and how many are looked at before what was found is kept."""

DEFAULT = "descriptor"
"""The embedder of a catalogue that nobody chose one for."""


_PATIENCE = 10.0
"""Seconds that a small change of the catalogue waits for a greater one, which may take hours."""


class Hit(NamedTuple):
    """A product that a search found, and how.

    `words` is the share of what was asked that its record says, 0..1; `similarity` the cosine of its nearest photo
    to what was asked, -1..1; `None` where it was not found so.
    """

    product: Product
    words: float | None
    similarity: float | None


class Catalogue:
    """The products of a home, and their photos by id; safe under threads."""

    def __init__(
        self,
        folder: Path,
        version: str,
        embedder: str | None = None,
        server: str | None = None,
        now: Callable[[], datetime] = datetime.now,
        opens: Callable[[str], Embedder] = open_embedder,
    ) -> None:
        """Look into a folder; nothing is created before it is written.

        `version` is Sightline's, for readings. `embedder` is a name of `memory.embedders`; without one it is what
        the catalogue was made with. `server` is a Chroma server, http://host:port, in place of a folder. `now` is the
        clock that views are dated by, `opens` gives the embedder of a name.
        """
        self._now, self._opens = now, opens
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
        """The products that this is an official photo of, or a confirmed view, by SKU."""
        return self._shelf.owners(reference)

    def view(self, photo: PhotoId, sku: str) -> View | None:
        """What was confirmed of this photo and this product; `None` where it is an official photo of it, or neither."""
        return None if self._shelf.is_reference(photo, sku) else self._shelf.view(photo, sku)

    def views(self, sku: str | None = None) -> Sequence[View]:
        """The confirmed views of a product, or of all, by SKU and in the order in which their photos came.

        Raises `UnknownProduct`.
        """
        if sku is not None:
            self.product(sku)
        return self._shelf.views(sku)

    def edition(self, photo: PhotoId, sku: str) -> str | None:
        """The edition of a product that a photo of it shows; `None` for the one of now."""
        return self._shelf.edition(photo, sku)

    def photo(self, reference: PhotoId) -> Photo:
        """An official photo, or a confirmed one. Raises `UnknownPhoto`."""
        return self._photos.get(reference)

    def features(self, reference: PhotoId) -> Features:
        """The local features of an official photo, or of what lies in the quads of a confirmed one, as it was kept.

        Raises `UnknownPhoto`.
        """
        return self._shelf.features(reference)

    def twin(self, reference: PhotoId, other: PhotoId) -> Matrix | None:
        """The way from pixels of an official photo to those of its twin, found on indexing; `None`: no twins."""
        return self._shelf.twin(reference, other)

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
        """The `n` photos nearest to any of the views, RGB `(h, w, 3)`, by embedding, with their cosine.

        Raises `Unavailable` where the catalogue was made with another embedder.
        """
        made = self._shelf.made
        if made is None or not views or n < 1:
            return []
        return self._known(made, self._embedder(made).images([seen(view) for view in views]), n)

    def resembling(self, features: Features, n: int) -> Sequence[tuple[PhotoId, float]]:
        """The `n` photos that most local features resemble, the most votes first, with their votes."""
        return _by_photo(self._by_features().resembling(features, n, self._shelf.has))

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
            self._find_twins()
            self._by_features().write(self._folder / "features.index")
        return report

    def add(self, sku: str, title: str, images: Sequence[Path], attributes: dict[str, str] | None = None) -> Product:
        """Keep one product in place of its earlier record. Raises `BadInput`."""
        record = checked(Record(1, sku, title, tuple(images), attributes or {}))
        problems = (record,) if isinstance(record, Problem) else self.index([record]).problems
        if problem := next((problem for problem in problems if problem.line), None):
            raise BadInput(problem.message)
        return self.product(sku.strip())

    def confirm(
        self,
        photo: Photo,
        sku: str,
        quad: Quad | None,
        *,
        by: str | None = None,
        edition: str | None = None,
        source: str | None = None,
    ) -> View:
        """Keep a photo as a view of a product, which it is taken for from now on; what it shows is not looked into.

        `quad` is where the product lies, `None` all of the photo. The same again changes nothing; another quad or
        edition takes the place of the earlier. `by`, `edition` and `source` are as in `View`. Whoever calls this holds
        the home's lock. Raises `UnknownProduct`, and `BadInput` where the photo is an official one of the product, or
        the quad is none or covers next to nothing of the photo.
        """
        self.product(sku)
        if self._shelf.is_reference(photo.id, sku):
            raise BadInput(f"Expected a customer's photo; this is an official one of {sku}, which it shows already.")
        _, quad = looked_at(look_of(photo.id, quad))
        if quad is not None and part(quad, photo.size) is None:
            raise BadInput(
                f"Expected four corners around the product, at least 16 pixels each way within {photo.size.width} x "
                f"{photo.size.height}; got {[tuple(corner) for corner in quad]}."
            )
        if edition is not None and not (edition and edition.isprintable()):
            raise BadInput(f"Expected the name of an edition that prints on one line; got {edition!r:.80}.")
        earlier = self._shelf.view(photo.id, sku)
        at = self._now().astimezone(UTC).isoformat(timespec="seconds")
        view = View(photo.id, sku, quad, edition, by, at, source)
        if earlier and (earlier.quad, earlier.edition) == (quad, edition):
            view = earlier
        with self._soon():
            self._writer(None).confirm(photo, view)
            self._by_features().write(self._folder / "features.index")
        return view

    def withdraw(self, photo: PhotoId, sku: str) -> None:
        """Take back what was confirmed of a photo and a product; the photo goes where nothing else refers to it.

        Raises `UnknownProduct`, and `UnknownPhoto` where it is no view of that product.
        """
        self.product(sku)
        if self._shelf.view(photo, sku) is None:
            raise UnknownPhoto(
                f"Expected the id of a photo that was confirmed to show {sku}; {photo!r:.100} was not. List the views."
            )
        with self._soon():
            self._writer(None).withdraw(photo, sku)
            self._by_features().write(self._folder / "features.index")

    def remove(self, sku: str) -> None:
        """Remove a product with its views, and the photos that belong to no other. Raises `UnknownProduct`."""
        self.product(sku)
        with self._soon():
            self._writer(None).remove(sku)
            self._by_features().write(self._folder / "features.index")

    def close(self) -> None:
        """Let go of every file."""
        self._vectors.close()
        self._shelf.close()
        for name in ("readings", "_photos"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    @contextmanager
    def _soon(self) -> Iterator[None]:
        """Write, once another thread has done so; not where it writes a whole file. Raises `Busy`."""
        if not self._writing.acquire(timeout=_PATIENCE):
            raise Busy("The catalogue is being indexed, and nothing else can change it. Try again once that is done.")
        try:
            yield
        finally:
            self._writing.release()

    def _writer(self, progress: Progress | None) -> Writer:
        embedder = self._embedder(None)
        return Writer(self._shelf, self._vectors, self._photos, self.readings, embedder, progress or (lambda *_: None))

    def _find_twins(self) -> None:
        """Look for twins of the official photos that are new, among all of them."""
        new, index = self._shelf.unpaired(), self._by_features()
        for start in range(0, len(new), _PAIRED_AT_ONCE):
            found: dict[PhotoId, dict[PhotoId, Matrix]] = {}
            for photo in new[start : start + _PAIRED_AT_ONCE]:
                features, found[photo] = self._shelf.features(photo), {}
                votes = index.resembling(features, _TWINS, self._shelf.is_official)
                for other, count in votes:
                    # Its own votes are the most that there can be.
                    if other != photo and count >= _SHARED * votes[0][1]:
                        way = way_between(features, self._shelf.features(other))
                        if way is not None:
                            found[photo][other] = way
            self._shelf.pair(found)

    def _known(self, made: Made, points: NDArray[np.float32], n: int) -> list[tuple[PhotoId, float]]:
        """The nearest of Chroma's that the manifest has: a writer may have put in more, or be about to."""
        found = self._vectors.nearest(made.collection, points, n, self._shelf.generation)
        return _by_photo([(look, cosine) for look, cosine in found if self._shelf.has(look)])

    def _embedder(self, made: Made | None) -> Embedder:
        """The embedder, opened once; it must be the one that the embeddings to be compared were made by."""
        with self._lock:
            if self._opened is None or (self._chosen is None and self._opened.name != self.embedder):
                self._opened = self._opens(self.embedder)
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
                index.follow(self._shelf.looks(), self._shelf.described)
                self._local = generation, index
            return self._local[1]


def _by_photo(found: Sequence[tuple[Look, float]]) -> list[tuple[PhotoId, float]]:
    """The photos of looks, each with the most that one of its looks got, in the order of that."""
    best: dict[PhotoId, float] = {}
    for look, value in found:
        best.setdefault(looked_at(look)[0], value)
    return list(best.items())
