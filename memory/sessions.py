"""Finished turns, by thread, in one SQLite file. Unfinished ones are checkpoints and not kept here."""

import json
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from ..tools.errors import UnknownThread

_SCHEMA = """
CREATE TABLE IF NOT EXISTS turns (
    turn TEXT PRIMARY KEY, thread TEXT NOT NULL, n INTEGER NOT NULL, at REAL NOT NULL, reply TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS by_thread ON turns (thread, n);
"""


class Thread(NamedTuple):
    """One conversation: its name, how many turns, when the last was (seconds since 1970), its first words."""

    name: str
    turns: int
    at: float
    title: str


class Sessions:
    """The threads of a home; safe under threads, readable by other processes while one writes."""

    def __init__(self, file: Path) -> None:
        """Open or create the store; its folder must exist."""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False, timeout=10, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # The log is folded in early and cut: it counts towards what a home weighs.
        self._db.execute("PRAGMA wal_autocheckpoint=32")
        self._db.execute("PRAGMA journal_size_limit=65536")
        self._db.executescript(_SCHEMA)

    def commit(self, thread: str, turn: str, reply: dict[str, Any]) -> None:
        """Append a finished turn to its thread; a turn that is there already is left as it is."""
        with self._lock:
            self._db.execute(
                "INSERT INTO turns SELECT ?, ?, COALESCE(MAX(n), 0) + 1, ?, ? FROM turns WHERE thread = ? "
                "ON CONFLICT (turn) DO NOTHING",
                (turn, thread, time.time(), json.dumps(reply, ensure_ascii=False, separators=(",", ":")), thread),
            )

    def last(self, thread: str) -> dict[str, Any] | None:
        """The last turn of a thread, `None` where there is none yet."""
        rows = self._rows("SELECT reply FROM turns WHERE thread = ? ORDER BY n DESC LIMIT 1", thread)
        return json.loads(rows[0][0]) if rows else None

    def turns(self, thread: str) -> list[dict[str, Any]]:
        """Every turn of a thread, oldest first. Raises `UnknownThread`."""
        rows = self._rows("SELECT reply FROM turns WHERE thread = ? ORDER BY n", thread)
        if not rows:
            raise UnknownThread(f"Expected the name of a thread; got {thread!r}, which has no turns. List them first.")
        return [json.loads(reply) for (reply,) in rows]

    def has(self, turn: str) -> bool:
        """Whether this turn is finished and kept."""
        return bool(self._rows("SELECT 1 FROM turns WHERE turn = ?", turn))

    def threads(self) -> list[Thread]:
        """All threads, the one used last first."""
        rows = self._rows(
            "SELECT thread, COUNT(*), MAX(at), "
            "(SELECT json_extract(f.reply, '$.question') FROM turns f WHERE f.thread = t.thread AND f.n = 1) "
            "FROM turns t GROUP BY thread ORDER BY MAX(at) DESC"
        )
        return [Thread(*row) for row in rows]

    def delete(self, thread: str) -> list[str]:
        """Forget a thread; gives back the ids of its turns. Raises `UnknownThread`."""
        with self._lock:
            turns = [t for (t,) in self._db.execute("DELETE FROM turns WHERE thread = ? RETURNING turn", (thread,))]
        if not turns:
            raise UnknownThread(f"Expected the name of a thread; got {thread!r}, which has no turns. List them first.")
        return turns

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _rows(self, query: str, *values: str) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()
