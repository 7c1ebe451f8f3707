"""The photo store: encoded bytes by their hash, and which threads refer to them.

A photo's file is written whole or not at all, so any number of processes may add the same photo at
once. Damage is noticed when a photo is read, by its hash.
"""

import contextlib
import hashlib
import os
import re
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from ..tools.errors import UnknownPhoto, UnreadablePhoto
from ..tools.photos import reopen
from ..tools.types import Photo, PhotoId

_HOUR = 3600.0
_AT_HAND = 2
"""Photos that stay in memory as they were read: a turn looks at the same one several times."""


class PhotoStore:
    """A folder of photos, `ab/cdef….photo`, and `threads.sqlite` beside them."""

    def __init__(self, folder: Path) -> None:
        """Open or create the store; clears what a writer that was killed an hour ago left half-written."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._clear(_HOUR)
        self._lock = threading.RLock()
        self._at_hand: dict[PhotoId, tuple[tuple[int, int, int], Photo]] = {}
        self._db = sqlite3.connect(folder / "threads.sqlite", check_same_thread=False, timeout=10, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS refers (thread TEXT, photo TEXT, PRIMARY KEY (thread, photo)) WITHOUT ROWID"
        )

    def settle(self) -> None:
        """Clear what a writer that was killed left half done; whoever calls this is the only writer."""
        self._clear(0.0)
        there = set(self.ids())
        with self._lock:
            rows = self._db.execute("SELECT DISTINCT photo FROM refers").fetchall()
            gone = [row for row in rows if row[0] not in there]
            self._db.executemany("DELETE FROM refers WHERE photo = ?", gone)

    def keep(self, thread: str, photos: Iterable[Photo]) -> list[PhotoId]:
        """Keep photos that a thread is about. Killed at any moment, no photo is left that nothing refers to."""
        with self._lock:
            kept = list(photos)
            self.refer(thread, [photo.id for photo in kept])
            return [self.add(photo) for photo in kept]

    def add(self, photo: Photo) -> PhotoId:
        """Keep a photo; adding it twice is harmless."""
        path = self._path(photo.id)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            handle, part = tempfile.mkstemp(prefix=".part-", dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(photo.data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(part).replace(path)
            except BaseException:
                Path(part).unlink(missing_ok=True)
                raise
        return photo.id

    def get(self, photo: PhotoId) -> Photo:
        """The photo with this id. Raises `UnknownPhoto`, and `UnreadablePhoto` where its file is damaged."""
        path = self._path(photo)
        try:
            stat = path.stat()
            file = stat.st_ino, stat.st_size, stat.st_mtime_ns
            kept, at_hand = self._at_hand.get(photo, (None, None))
            if at_hand and kept == file:
                return at_hand
            data = path.read_bytes()
        except FileNotFoundError:
            raise UnknownPhoto(f"Expected the id of a photo in this home; {photo} is not there.") from None
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != photo:
            raise UnreadablePhoto(f"The stored photo {photo} is damaged: {path.name} has changed. Send it again.")
        opened = reopen(data, photo)
        with self._lock:
            while len(self._at_hand) >= _AT_HAND:
                del self._at_hand[next(iter(self._at_hand))]
            self._at_hand[photo] = file, opened
        return opened

    def ids(self) -> tuple[PhotoId, ...]:
        """Every photo kept, sorted."""
        return tuple(sorted(f"sha256:{p.parent.name}{p.stem}" for p in self.folder.glob("??/*.photo")))

    def refer(self, thread: str, photos: Iterable[PhotoId]) -> None:
        """Note that a thread is about these photos."""
        with self._lock:
            self._db.executemany("INSERT OR IGNORE INTO refers VALUES (?, ?)", [(thread, p) for p in photos])

    def threads(self, photo: PhotoId) -> tuple[str, ...]:
        """The threads that refer to a photo, sorted."""
        with self._lock:
            rows = self._db.execute("SELECT thread FROM refers WHERE photo = ? ORDER BY thread", (photo,)).fetchall()
        return tuple(thread for (thread,) in rows)

    def of(self, thread: str) -> tuple[PhotoId, ...]:
        """The photos that a thread refers to, sorted."""
        with self._lock:
            rows = self._db.execute("SELECT photo FROM refers WHERE thread = ? ORDER BY photo", (thread,)).fetchall()
        return tuple(photo for (photo,) in rows)

    def referring(self) -> tuple[str, ...]:
        """Every thread that refers to a photo, sorted."""
        with self._lock:
            rows = self._db.execute("SELECT DISTINCT thread FROM refers ORDER BY thread").fetchall()
        return tuple(thread for (thread,) in rows)

    def forget(self, thread: str) -> tuple[PhotoId, ...]:
        """Drop a thread's references; deletes, and gives back, the photos that nothing else refers to."""
        return self.release(thread, self.of(thread))

    def release(self, thread: str, photos: Iterable[PhotoId]) -> tuple[PhotoId, ...]:
        """Note that a thread is no longer about these; deletes, and gives back, those that nothing else refers to."""
        mine = set(photos)
        with self._lock:
            self._db.executemany("DELETE FROM refers WHERE thread = ? AND photo = ?", [(thread, p) for p in mine])
            gone = tuple(sorted(photo for photo in mine if not self.threads(photo)))
            for photo in gone:
                self._path(photo).unlink(missing_ok=True)
                self._at_hand.pop(photo, None)
            return gone

    def close(self) -> None:
        """Let go of the references' file."""
        with self._lock:
            self._db.close()

    def _clear(self, age: float) -> None:
        """Delete what was begun so many seconds ago, or before, and never finished."""
        for leftover in self.folder.glob("*/.part-*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - leftover.stat().st_mtime >= age:
                    leftover.unlink()

    def _path(self, photo: PhotoId) -> Path:
        match = re.fullmatch(r"sha256:([0-9a-f]{2})([0-9a-f]{62})", photo)
        if match is None:
            raise UnknownPhoto(f"Expected a photo id, sha256: and 64 hexadecimal digits; got {photo!r:.100}.")
        return self.folder / match[1] / f"{match[2]}.photo"
