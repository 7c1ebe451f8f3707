"""OCR readings by photo and engine, in one SQLite file, so that a photo is read once and not once a process.

How lines are judged is Sightline's own: a reading kept by another version of it is not used.
"""

import sqlite3
import threading
from pathlib import Path

from pydantic import TypeAdapter

from ..tools.types import PhotoId, Reading

_READING = TypeAdapter(Reading)


class Readings:
    """A cache on disk: losing it costs time and nothing else. Safe under threads and processes."""

    def __init__(self, file: Path, version: str, most: int | None = None) -> None:
        """Open or create the cache, whose folder must exist, for readings made by this version of Sightline.

        With `most`, only so many are kept, those put last.
        """
        self._version, self._most = version, most
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False, timeout=10, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS readings "
            "(photo TEXT, engine TEXT, reading TEXT NOT NULL, PRIMARY KEY (photo, engine))"
        )

    def get(self, photo: PhotoId, engine: str) -> Reading | None:
        """The reading kept, `None` where this engine has not read this photo."""
        with self._lock:
            row = self._db.execute(
                "SELECT reading FROM readings WHERE photo = ? AND engine = ?", (photo, self._by(engine))
            ).fetchone()
        return _READING.validate_json(row[0]) if row else None

    def put(self, reading: Reading) -> None:
        """Keep a reading in place of an earlier one by the same engine."""
        with self._lock:
            put = self._db.execute(
                "INSERT OR REPLACE INTO readings VALUES (?, ?, ?)",
                (reading.photo, self._by(reading.engine), _READING.dump_json(reading).decode()),
            )
            if self._most is not None and put.lastrowid is not None:
                self._db.execute("DELETE FROM readings WHERE rowid <= ?", (put.lastrowid - self._most,))

    def forget(self, photo: PhotoId) -> None:
        """Drop what was read of a photo that is no longer kept."""
        with self._lock:
            self._db.execute("DELETE FROM readings WHERE photo = ?", (photo,))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _by(self, engine: str) -> str:
        return f"{engine}, sightline {self._version}"
