"""The manifest of the catalogue: one SQLite file that says which products there are. What it says is true.

Every change is one transaction and moves the generation on, by which others notice it. Chroma, the photo store
and the index of local features follow it, and are put right from it.
"""

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..tools.errors import Unavailable, UnknownPhoto, UnknownProduct
from ..tools.features import Features
from ..tools.types import PhotoId, Product

_FORMAT = 1
"""Of the tables and of the features in them."""

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS products (sku TEXT PRIMARY KEY, title TEXT NOT NULL, attributes TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS refs "
    "(sku TEXT, n INTEGER, photo TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (sku, n)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS by_photo ON refs (photo)",
    "CREATE INDEX IF NOT EXISTS by_source ON refs (source)",
    "CREATE TABLE IF NOT EXISTS photos (photo TEXT PRIMARY KEY, points BLOB NOT NULL, descriptors BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
)


class Made(NamedTuple):
    """By what the catalogue's embeddings were made, and the name of Chroma's collection that holds them."""

    embedder: str
    identity: str
    collection: str


class Kept(NamedTuple):
    """A product to be kept; `sources` are hashes of the files that its references were read from, in their order."""

    product: Product
    sources: tuple[str, ...]


class Shelf:
    """The manifest; safe under threads, readable by other processes while one writes. Empty until it is written."""

    def __init__(self, file: Path) -> None:
        """Look for the file when it is wanted; nothing is created."""
        self._file = file
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None

    def create(self) -> None:
        """Make the file where there is none."""
        with self._lock:
            if self._opened() is not None:
                return
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=10, isolation_level=None)) as db:
                db.execute("PRAGMA journal_mode=WAL")
                db.execute("BEGIN IMMEDIATE")
                for table in _SCHEMA:
                    db.execute(table)
                facts = [("format", _FORMAT), ("home", uuid.uuid4().hex[:12]), ("generation", 0)]
                db.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?)", facts)
                db.execute("COMMIT")

    @property
    def home(self) -> str:
        """A name that no other catalogue has."""
        return str(self._fact("home"))

    @property
    def generation(self) -> int:
        """How many changes there were."""
        return int(self._fact("generation") or 0)

    @property
    def made(self) -> Made | None:
        """By what the embeddings were made; `None` where there are none yet."""
        found = self._fact("made")
        if not found:
            return None
        embedder, identity, *_, collection = json.loads(found)  # earlier a dimension was among them
        return Made(embedder, identity, collection)

    def make(self, made: Made) -> None:
        """From now on the embeddings are these."""
        with self._change() as db:
            db.execute("INSERT OR REPLACE INTO facts VALUES ('made', ?)", (json.dumps(made),))

    def __len__(self) -> int:
        """How many products there are."""
        return sum(count for (count,) in self._rows("SELECT COUNT(*) FROM products"))

    def product(self, sku: str) -> Product:
        """The product with this SKU. Raises `UnknownProduct`."""
        found = self.find(sku)
        if found is None:
            raise UnknownProduct(
                f"Expected the SKU of a product in the catalogue; {sku!r:.99} is not there. List them."
            )
        return found.product

    def find(self, sku: str) -> Kept | None:
        """The product with this SKU and its sources, `None` where there is none."""
        sources = self._rows("SELECT source FROM refs WHERE sku = ? ORDER BY n", sku)
        found = self._products("WHERE p.sku = ?", sku)
        return Kept(found[0], tuple(source for (source,) in sources)) if found else None

    def products(self) -> list[Product]:
        """All of them, by SKU."""
        return self._products("")

    def owners(self, photo: PhotoId) -> list[Product]:
        """The products that a photo is a reference of, by SKU."""
        return self._products("WHERE p.sku IN (SELECT sku FROM refs WHERE photo = ?)", photo)

    def read_from(self, source: str) -> PhotoId | None:
        """The photo that was read from a file with this hash."""
        found = self._rows("SELECT photo FROM refs WHERE source = ? LIMIT 1", source)
        return str(found[0][0]) if found else None

    def photos(self) -> list[PhotoId]:
        """Every official photo, in the order in which they came."""
        rows = self._rows("SELECT photo FROM photos WHERE photo IN (SELECT photo FROM refs) ORDER BY rowid")
        return [photo for (photo,) in rows]

    def has(self, photo: PhotoId) -> bool:
        """Whether a photo is a reference of any product."""
        return bool(self._rows("SELECT 1 FROM refs WHERE photo = ? LIMIT 1", photo))

    def features(self, photo: PhotoId) -> Features:
        """The local features of an official photo. Raises `UnknownPhoto`."""
        found = self._rows("SELECT points, descriptors FROM photos WHERE photo = ?", photo)
        if not found:
            raise UnknownPhoto(f"Expected the id of an official photo in the catalogue; {photo!r:.100} is not there.")
        points, descriptors = found[0]
        return Features(
            np.frombuffer(points, np.float32).reshape(-1, 2), np.frombuffer(descriptors, np.uint8).reshape(-1, 128)
        )

    def keep(self, batch: Sequence[Kept], features: dict[PhotoId, Features]) -> None:
        """Keep products, each in place of its earlier record, and the features of photos that are new."""
        with self._change() as db:
            for photo, each in features.items():
                row = (photo, each.points.tobytes(), each.descriptors.tobytes())
                db.execute("INSERT OR IGNORE INTO photos VALUES (?, ?, ?)", row)
            for product, sources in batch:
                attributes = json.dumps(product.attributes, ensure_ascii=False)
                db.execute("INSERT OR REPLACE INTO products VALUES (?, ?, ?)", (product.sku, product.title, attributes))
                db.execute("DELETE FROM refs WHERE sku = ?", (product.sku,))
                refs = enumerate(zip(product.references, sources, strict=True))
                rows = [(product.sku, n, photo, source) for n, (photo, source) in refs]
                db.executemany("INSERT INTO refs VALUES (?, ?, ?, ?)", rows)

    def remove(self, sku: str) -> None:
        """Remove a product. Raises `UnknownProduct`."""
        self.product(sku)
        with self._change() as db:
            db.execute("DELETE FROM products WHERE sku = ?", (sku,))
            db.execute("DELETE FROM refs WHERE sku = ?", (sku,))

    def sweep(self) -> list[PhotoId]:
        """Forget the photos that are no longer a reference of any product, and give them back."""
        idle = "FROM photos WHERE photo NOT IN (SELECT photo FROM refs)"
        if not self._rows(f"SELECT 1 {idle} LIMIT 1"):
            return []
        with self._change() as db:
            return [photo for (photo,) in db.execute(f"DELETE {idle} RETURNING photo").fetchall()]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _products(self, which: str, *values: str) -> list[Product]:
        rows = self._rows(
            f"SELECT p.sku, p.title, p.attributes, r.photo FROM products p JOIN refs r USING (sku) {which} "  # noqa: S608
            "ORDER BY p.sku, r.n",
            *values,
        )
        grouped: dict[str, tuple[str, str, list[PhotoId]]] = {}
        for sku, title, attributes, photo in rows:
            grouped.setdefault(sku, (title, attributes, []))[2].append(photo)
        return [Product(sku, t, tuple(photos), json.loads(a)) for sku, (t, a, photos) in grouped.items()]

    def _fact(self, name: str) -> Any:
        found = self._rows("SELECT value FROM facts WHERE name = ?", name)
        return found[0][0] if found else None

    def _rows(self, query: str, *values: str) -> list[Any]:
        with self._lock:
            db = self._opened()
            return db.execute(query, values).fetchall() if db is not None else []

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """A transaction, which moves the generation on."""
        with self._lock:
            self.create()
            db = self._opened()
            if db is None:
                raise Unavailable(f"Expected to write {self._file}; it has been taken away meanwhile. Index again.")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("UPDATE facts SET value = value + 1 WHERE name = 'generation'")
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise

    def _opened(self) -> sqlite3.Connection | None:
        """The connection; `None` as long as no writer has made the file and its tables."""
        if self._db is None and self._file.exists():
            db = sqlite3.connect(
                f"{self._file.absolute().as_uri()}?mode=rw", uri=True, check_same_thread=False, timeout=10,
                isolation_level=None,
            )  # fmt: skip
            db.execute("PRAGMA journal_size_limit=1000000")
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'facts'").fetchone():
                db.close()
                return None
            (version,) = db.execute("SELECT value FROM facts WHERE name = 'format'").fetchone()
            if version != _FORMAT:
                db.close()
                raise Unavailable(
                    f"Expected a catalogue of format {_FORMAT}; {self._file.parent} has format {version}, of another "
                    "version of Sightline. Move the folder away and index again."
                )
            self._db = db
        return self._db
