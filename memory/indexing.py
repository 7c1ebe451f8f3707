"""Writing the catalogue: rows in, products out; killed at any moment, the next run makes it the same.

The order is what makes it so. Photos and embeddings are kept first and the manifest says so after; what goes is
struck from the manifest first. So the manifest never names what is not there, and whatever is there unnamed is
cleared when the next writer starts.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..tools.errors import UnknownPhoto, UnreadablePhoto
from ..tools.features import Features
from ..tools.photos import LIMITS, load, pixels
from ..tools.types import Photo, PhotoId, Product, View
from ..tools.views import features_within, shown
from .embedders import Embedder
from .photos import PhotoStore
from .readings import Readings
from .records import Problem, Record
from .shelf import Kept, Look, Made, Shelf, look_of, looked_at
from .vectors import Vectors

Pixels = NDArray[np.uint8]
Progress = Callable[[Literal["embedding", "indexing"], int, int], None]
"""Told what is being done, how many photos (`embedding`) or rows (`indexing`) are through, and of how many."""

_BATCH = 64
"""Rows between two commits: what a kill costs, and what is held in memory."""
_SEEN = 512
"""Long side at which a photo is embedded, pixels; more than any embedder looks at."""
_NOBODY = "nobody"
"""The manifest knows which photos are wanted. In the store they are referred to only while they are deleted."""


class Report(NamedTuple):
    """How many products are new, changed and as they were; and which rows were left out, by line."""

    added: int
    updated: int
    unchanged: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Source:
    """One image of a row: the hash of its file, its photo, and what was worked out of a photo that is new."""

    digest: str
    photo: PhotoId
    seen: Pixels | None = None
    features: Features | None = None


class Writer:
    """Writes for one caller at a time, who holds the home's lock."""

    def __init__(
        self, shelf: Shelf, vectors: Vectors, photos: PhotoStore, readings: Readings, embedder: Embedder, tell: Progress
    ) -> None:
        """Put right what a kill left; where the embedder is another than before, embed every photo anew."""
        self._shelf, self._vectors, self._photos, self._readings = shelf, vectors, photos, readings
        self._embedder, self._tell = embedder, tell
        shelf.create()
        photos.forget(_NOBODY)
        self._kept = set(photos.ids())
        # Named by what the embedder computes: a run that was killed while embedding goes on where it was.
        ours = f"sightline-{shelf.home}-"
        self._collection = ours + hashlib.sha256(embedder.identity.encode()).hexdigest()[:12]
        vectors.create(self._collection, embedder.name)
        self._embed_missing()
        made = Made(embedder.name, embedder.identity, self._collection)
        if shelf.made != made:
            shelf.make(made)
        for other in vectors.collections(ours):
            if other != self._collection:
                vectors.delete(other)
        self.sweep()
        self._delete(self._kept - set(shelf.photos()))

    def index(self, given: Sequence[Record | Problem]) -> Report:
        """Keep each row's product in place of its earlier record; rows that cannot be kept are in the report."""
        problems = [row for row in given if isinstance(row, Problem)]
        records = [row for row in given if isinstance(row, Record)]
        counts = {"added": 0, "updated": 0, "unchanged": 0}
        done = len(problems)
        self._tell("indexing", done, len(given))
        for batch in self._looked_at(records):
            ready = []
            for record, looks in batch:
                try:
                    ready.append((record, [look.result() for look in looks]))
                except UnreadablePhoto as error:
                    problems.append(Problem(record.line, str(error)))
            for kind in self._keep(ready):
                counts[kind] += 1
            done += len(batch)
            self._tell("indexing", done, len(given))
        self.sweep()
        for photo in set(self._shelf.photos()) - self._kept:
            owners = [product.sku for product in self._shelf.owners(photo)]
            for sku in owners:
                official = self._shelf.is_reference(photo, sku)
                what, help_ = ("official", "Index") if official else ("confirmed", "Withdraw it, or confirm")
                problems.append(Problem(0, f"The {what} photo {photo} of {sku} is gone or damaged. {help_} it again."))
        return Report(**counts, problems=tuple(sorted(problems)))

    def confirm(self, photo: Photo, view: View) -> None:
        """Keep a view, in place of an earlier one of the same photo and product; its photo beside the official ones."""
        image, look = pixels(photo), look_of(photo.id, view.quad)
        self._photos.add(photo)
        self._vectors.put(self._collection, [look], self._embedder.images([seen(shown(image, view.quad))]))
        self._shelf.keep_view(view, features_within(image, view.quad))
        self._kept.add(photo.id)
        self.sweep()

    def withdraw(self, photo: PhotoId, sku: str) -> None:
        """Forget a view, and the photo where no product has it any more."""
        self._shelf.withdraw(photo, sku)
        self.sweep()

    def remove(self, sku: str) -> None:
        """Remove a product with its views, and the photos that belong to no other. Raises `UnknownProduct`."""
        self._shelf.remove(sku)
        self.sweep()

    def sweep(self) -> None:
        """Delete the photos that belong to no product any more."""
        gone = self._shelf.sweep()
        self._vectors.drop(self._collection, sorted(self._vectors.photos(self._collection) - set(self._shelf.looks())))
        self._delete(gone)

    def _embed_missing(self) -> None:
        """Give the collection an embedding of every look of the manifest that it lacks."""
        held = self._vectors.photos(self._collection)
        missing = [look for look in self._shelf.looks() if look not in held]
        for start in range(0, len(missing), _BATCH):
            images: dict[Look, Pixels] = {}
            for look in missing[start : start + _BATCH]:
                photo, quad = looked_at(look)
                try:
                    images[look] = seen(shown(pixels(self._photos.get(photo)), quad))
                except (UnknownPhoto, UnreadablePhoto):
                    self._delete([photo])
            if images:
                self._vectors.put(self._collection, list(images), self._embedder.images(list(images.values())))
            self._tell("embedding", min(start + _BATCH, len(missing)), len(missing))

    def _looked_at(self, records: Sequence[Record]) -> Iterator[list[tuple[Record, list[Future[_Source]]]]]:
        """Batches of records and looks at their images, begun one batch before the one that is being kept."""
        pool = ThreadPoolExecutor(os.cpu_count() or 1)
        try:
            coming: list[tuple[Record, list[Future[_Source]]]] = []
            for start in range(0, len(records) + _BATCH, _BATCH):
                now, batch = coming, records[start : start + _BATCH]
                coming = [(record, [pool.submit(self._look, path) for path in record.paths]) for record in batch]
                if now:
                    yield now
        finally:
            pool.shutdown(cancel_futures=True)

    def _look(self, path: Path) -> _Source:
        """What an image of a row is; only one that is new is decoded. Raises `UnreadablePhoto`."""
        try:
            data = path.read_bytes() if path.is_file() and path.stat().st_size <= LIMITS.bytes else b""
        except (OSError, ValueError):
            data = b""
        digest = hashlib.sha256(data).hexdigest()
        known = self._shelf.read_from(digest)
        if known is not None and known in self._kept:
            return _Source(digest, known)
        photo = load(path)  # says what is wrong with it, too
        image = pixels(photo)
        self._photos.add(photo)
        return _Source(digest, photo.id, seen(image), features_within(image, None))

    def _keep(self, batch: Sequence[tuple[Record, list[_Source]]]) -> list[Literal["added", "updated", "unchanged"]]:
        """Keep a batch of products; says what became of each."""
        images: dict[PhotoId, Pixels] = {}
        features: dict[PhotoId, Features] = {}
        changed: list[Kept] = []
        became: list[Literal["added", "updated", "unchanged"]] = []
        for record, sources in batch:
            for source in sources:
                if source.seen is not None and source.features is not None:
                    images[source.photo], features[source.photo] = source.seen, source.features
            once: dict[PhotoId, tuple[str, str | None]] = {}
            for source, edition in zip(sources, record.paths.values(), strict=True):
                once.setdefault(source.photo, (source.digest, edition))  # a picture may be named twice
            product = Product(record.sku, record.title, tuple(once), record.attributes)
            kept = Kept(product, tuple(d for d, _ in once.values()), tuple(e for _, e in once.values()))
            before = self._shelf.find(record.sku)
            if before != kept:
                changed.append(kept)
            became.append("unchanged" if before == kept else "updated" if before else "added")
        if images:
            self._vectors.put(self._collection, list(images), self._embedder.images(list(images.values())))
        if changed:
            self._shelf.keep(changed, features)
        self._kept.update(images)
        return became

    def _delete(self, photos: Iterable[PhotoId]) -> None:
        """Delete photos from the store, and what was read on them."""
        gone = list(photos)
        # The store deletes what nobody refers to any more; here nobody is who refers.
        self._photos.refer(_NOBODY, gone)
        self._photos.forget(_NOBODY)
        for photo in gone:
            self._readings.forget(photo)
        self._kept.difference_update(gone)


def seen(image: Pixels) -> Pixels:
    """A photo at the size at which it is embedded, RGB `(h, w, 3)`."""
    import cv2

    scale = _SEEN / max(image.shape[:2])
    if scale >= 1:
        return image
    size = [max(round(edge * scale), 1) for edge in image.shape[1::-1]]
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
