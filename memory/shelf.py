"""The manifest of the catalogue: one SQLite file that says which products there are. What it says is true.

Every change is one transaction and moves the generation on, by which others notice it. Chroma, the photo store
and the index of local features follow it, and are put right from it.
"""

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..tools.errors import Unavailable, UnknownPhoto, UnknownProduct
from ..tools.features import Features
from ..tools.registration import Matrix
from ..tools.types import PhotoId, Point, Product, Quad, View

_FORMAT = 2
"""Of the tables and of the features in them. Format 1 had no views, editions and twins; it is brought up."""

_ADDED = (
    "CREATE TABLE IF NOT EXISTS views (photo TEXT, sku TEXT, look TEXT NOT NULL, edition TEXT, who TEXT, "
    "time TEXT NOT NULL, source TEXT, PRIMARY KEY (photo, sku))",
    "CREATE INDEX IF NOT EXISTS by_look ON views (look)",
    "CREATE TABLE IF NOT EXISTS twins (photo TEXT, other TEXT, way BLOB NOT NULL, PRIMARY KEY (photo, other)) "
    "WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS paired (photo TEXT PRIMARY KEY) WITHOUT ROWID",
)

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS products (sku TEXT PRIMARY KEY, title TEXT NOT NULL, attributes TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS refs "
    "(sku TEXT, n INTEGER, photo TEXT NOT NULL, source TEXT NOT NULL, edition TEXT, PRIMARY KEY (sku, n)) "
    "WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS by_photo ON refs (photo)",
    "CREATE INDEX IF NOT EXISTS by_source ON refs (source)",
    "CREATE TABLE IF NOT EXISTS photos (photo TEXT PRIMARY KEY, points BLOB NOT NULL, descriptors BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
    *_ADDED,
)

Look = str
"""What is looked up as one: a whole photo, by its id, or a part of it, by its id, `@` and the eight numbers of a quad.

It never changes what it shows, so that features, votes and embeddings are kept under it. The table `photos` has one a
row.
"""


_WANTED = "photo IN (SELECT photo FROM refs) OR photo IN (SELECT look FROM views)"
"""Which rows of `photos` some product has."""


class Made(NamedTuple):
    """By what the catalogue's embeddings were made, and the name of Chroma's collection that holds them."""

    embedder: str
    identity: str
    collection: str


class Kept(NamedTuple):
    """A product to be kept; of each of its references the hash of the file that it was read from, and its edition."""

    product: Product
    sources: tuple[str, ...]
    editions: tuple[str | None, ...]


def look_of(photo: PhotoId, quad: Quad | None) -> Look:
    """The look at a quad of a photo, to a tenth of a pixel; at all of it where there is no quad."""
    return photo if quad is None else photo + "@" + ",".join(f"{value:.1f}" for corner in quad for value in corner)


def looked_at(look: Look) -> tuple[PhotoId, Quad | None]:
    """The photo and the quad of a look."""
    photo, _, numbers = look.partition("@")
    if not numbers:
        return photo, None
    x0, y0, x1, y1, x2, y2, x3, y3 = map(float, numbers.split(","))
    return photo, (Point(x0, y0), Point(x1, y1), Point(x2, y2), Point(x3, y3))


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
        """The product with this SKU, its sources and editions; `None` where there is none."""
        rows = self._rows("SELECT source, edition FROM refs WHERE sku = ? ORDER BY n", sku)
        found = self._products("WHERE p.sku = ?", sku)
        return Kept(found[0], tuple(s for s, _ in rows), tuple(e for _, e in rows)) if found else None

    def products(self) -> list[Product]:
        """All of them, by SKU."""
        return self._products("")

    def owners(self, photo: PhotoId) -> list[Product]:
        """The products that a photo is a reference or a view of, by SKU."""
        skus = "SELECT sku FROM refs WHERE photo = ? UNION SELECT sku FROM views WHERE photo = ?"
        return self._products(f"WHERE p.sku IN ({skus})", photo, photo)

    def view(self, photo: PhotoId, sku: str) -> View | None:
        """The view of a product in a photo."""
        return next(iter(self._views("WHERE photo = ? AND sku = ?", photo, sku)), None)

    def views(self, sku: str | None) -> list[View]:
        """The views of a product, or of all, by SKU and in the order in which their photos came."""
        return self._views("") if sku is None else self._views("WHERE sku = ?", sku)

    def edition(self, photo: PhotoId, sku: str) -> str | None:
        """The edition of a product that a photo shows, as its reference or else as its view."""
        rows = self._rows(
            "SELECT edition, 0 AS late FROM refs WHERE photo = ? AND sku = ? UNION ALL "
            "SELECT edition, 1 FROM views WHERE photo = ? AND sku = ? ORDER BY late LIMIT 1",
            photo, sku, photo, sku,
        )  # fmt: skip
        return rows[0][0] if rows else None

    def is_reference(self, photo: PhotoId, sku: str) -> bool:
        """Whether a photo is an official one of a product."""
        return bool(self._rows("SELECT 1 FROM refs WHERE photo = ? AND sku = ? LIMIT 1", photo, sku))

    def is_official(self, photo: PhotoId) -> bool:
        """Whether a photo is an official one of any product."""
        return bool(self._rows("SELECT 1 FROM refs WHERE photo = ? LIMIT 1", photo))

    def read_from(self, source: str) -> PhotoId | None:
        """The photo that was read from a file with this hash."""
        found = self._rows("SELECT photo FROM refs WHERE source = ? LIMIT 1", source)
        return str(found[0][0]) if found else None

    def photos(self) -> list[PhotoId]:
        """Every official or confirmed photo, in the order in which they came."""
        return list(dict.fromkeys(looked_at(look)[0] for look in self.looks()))

    def looks(self) -> list[Look]:
        """Every look at an official or confirmed photo, in the order in which they came."""
        return [look for (look,) in self._rows(f"SELECT photo FROM photos WHERE {_WANTED} ORDER BY rowid")]  # noqa: S608

    def has(self, look: Look) -> bool:
        """Whether a look is at a reference or a view of any product."""
        both = "SELECT 1 FROM refs WHERE photo = ? UNION ALL SELECT 1 FROM views WHERE look = ? LIMIT 1"
        return bool(self._rows(both, look, look))

    def unpaired(self) -> list[PhotoId]:
        """The official photos of which nobody has looked yet whether they have twins."""
        wanted = "photo IN (SELECT photo FROM refs) AND photo NOT IN (SELECT photo FROM paired)"
        return [photo for (photo,) in self._rows(f"SELECT photo FROM photos WHERE {wanted} ORDER BY rowid")]  # noqa: S608

    def pair(self, found: Mapping[PhotoId, Mapping[PhotoId, Matrix]]) -> None:
        """Keep the twins of photos, with the way from pixels of the one to those of the other."""
        with self._change() as db:
            for photo, twins in found.items():
                for other, way in twins.items():
                    ways = ((photo, other, way.tobytes()), (other, photo, np.linalg.inv(way).tobytes()))
                    db.executemany("INSERT OR REPLACE INTO twins VALUES (?, ?, ?)", ways)
                db.execute("INSERT OR IGNORE INTO paired VALUES (?)", (photo,))

    def twin(self, photo: PhotoId, other: PhotoId) -> Matrix | None:
        """The way from pixels of a photo to those of its twin; `None` where they are no twins."""
        found = self._rows("SELECT way FROM twins WHERE photo = ? AND other = ?", photo, other)
        return np.frombuffer(found[0][0]).reshape(3, 3) if found else None

    def features(self, photo: PhotoId) -> Features:
        """The local features of a photo, or those of the parts of it that are views. Raises `UnknownPhoto`."""
        parts = self._rows("SELECT DISTINCT look FROM views WHERE photo = ? ORDER BY look", photo)
        looks = [photo] if not parts or self.has(photo) else [look for (look,) in parts]
        described = [self.described(look) for look in looks]
        if len(described) == 1:
            return described[0]
        return Features(
            np.concatenate([each.points for each in described]),
            np.concatenate([each.descriptors for each in described]),
        )

    def described(self, look: Look) -> Features:
        """The local features of one look, in pixels of its photo. Raises `UnknownPhoto`."""
        found = self._rows("SELECT points, descriptors FROM photos WHERE photo = ?", look)
        if not found:
            raise UnknownPhoto(
                f"Expected the id of an official or confirmed photo in the catalogue; {look!r:.100} is not there."
            )
        points, descriptors = found[0]
        return Features(
            np.frombuffer(points, np.float32).reshape(-1, 2), np.frombuffer(descriptors, np.uint8).reshape(-1, 128)
        )

    def keep(self, batch: Sequence[Kept], features: Mapping[Look, Features]) -> None:
        """Keep products, each in place of its earlier record, and the features of photos that are new.

        The views of a product stay.
        """
        with self._change() as db:
            _describe(db, features)
            for product, sources, editions in batch:
                attributes = json.dumps(product.attributes, ensure_ascii=False)
                db.execute("INSERT OR REPLACE INTO products VALUES (?, ?, ?)", (product.sku, product.title, attributes))
                db.execute("DELETE FROM refs WHERE sku = ?", (product.sku,))
                refs = enumerate(zip(product.references, sources, editions, strict=True))
                rows = [(product.sku, n, *ref) for n, ref in refs]
                db.executemany("INSERT INTO refs VALUES (?, ?, ?, ?, ?)", rows)
            _unpair(db)

    def keep_view(self, view: View, features: Features) -> None:
        """Keep a view, in place of an earlier one of the same photo and product, with the features of its look."""
        look = look_of(view.photo, view.quad)
        with self._change() as db:
            _describe(db, {look: features})
            row = (view.photo, view.sku, look, view.edition, view.by, view.at, view.source)
            db.execute(
                "INSERT INTO views VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET look = excluded.look, "
                "edition = excluded.edition, who = excluded.who, time = excluded.time, source = excluded.source",
                row,
            )

    def withdraw(self, photo: PhotoId, sku: str) -> None:
        """Forget a view."""
        with self._change() as db:
            db.execute("DELETE FROM views WHERE photo = ? AND sku = ?", (photo, sku))

    def remove(self, sku: str) -> None:
        """Remove a product and its views. Raises `UnknownProduct`."""
        self.product(sku)
        with self._change() as db:
            db.execute("DELETE FROM products WHERE sku = ?", (sku,))
            db.execute("DELETE FROM refs WHERE sku = ?", (sku,))
            db.execute("DELETE FROM views WHERE sku = ?", (sku,))
            _unpair(db)

    def sweep(self) -> list[PhotoId]:
        """Forget the looks that no product has any more, and give back the photos that none is at then."""
        idle = f"FROM photos WHERE NOT ({_WANTED})"
        if not self._rows(f"SELECT 1 {idle} LIMIT 1"):
            return []
        with self._change() as db:
            gone = [look for (look,) in db.execute(f"DELETE {idle} RETURNING photo").fetchall()]
        return sorted({looked_at(look)[0] for look in gone} - set(self.photos()))

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

    def _views(self, which: str, *values: str) -> list[View]:
        rows = self._rows(
            f"SELECT photo, sku, look, edition, who, time, source FROM views {which} ORDER BY sku, rowid",  # noqa: S608
            *values,
        )
        return [View(photo, sku, looked_at(look)[1], *rest) for photo, sku, look, *rest in rows]

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
            version = _format(db)
            if version == 1:
                try:
                    _bring_up(db)
                except sqlite3.OperationalError as error:
                    db.close()
                    raise Unavailable(
                        f"Expected to bring {self._file}, of format 1, up to format {_FORMAT}: {error}. "
                        "Is it read-only, or is another process writing it?"
                    ) from error
            elif version != _FORMAT:
                db.close()
                raise Unavailable(
                    f"Expected a catalogue of format {_FORMAT}; {self._file.parent} has format {version}, of another "
                    "version of Sightline. Move the folder away and index again."
                )
            self._db = db
        return self._db


def _describe(db: sqlite3.Connection, features: Mapping[Look, Features]) -> None:
    """Keep the features of looks that are new."""
    rows = [(look, each.points.tobytes(), each.descriptors.tobytes()) for look, each in features.items()]
    db.executemany("INSERT OR IGNORE INTO photos VALUES (?, ?, ?)", rows)


def _unpair(db: sqlite3.Connection) -> None:
    """Forget the twins of photos that are no longer official."""
    for table, name in (("paired", "photo"), ("twins", "photo"), ("twins", "other")):
        db.execute(f"DELETE FROM {table} WHERE {name} NOT IN (SELECT photo FROM refs)")  # noqa: S608


def _format(db: sqlite3.Connection) -> int:
    (version,) = db.execute("SELECT value FROM facts WHERE name = 'format'").fetchone()
    return int(version)


def _bring_up(db: sqlite3.Connection) -> None:
    """Make format 2 of format 1, whoever opens it first; nothing that is kept changes."""
    db.execute("BEGIN IMMEDIATE")
    try:
        if _format(db) == 1:  # another process may have been sooner
            db.execute("ALTER TABLE refs ADD COLUMN edition TEXT")
            for table in _ADDED:
                db.execute(table)
            db.execute("UPDATE facts SET value = ? WHERE name = 'format'", (_FORMAT,))
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
