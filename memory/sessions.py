"""Finished turns, by thread, in one SQLite file. Unfinished ones are checkpoints and not kept here.

What was asked and answered is kept a second time, by its runs of three characters, so that a part of a word is found
in any script.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ..tools.errors import BadInput, UnknownThread

_SCHEMA = """
CREATE TABLE IF NOT EXISTS turns (
    turn TEXT PRIMARY KEY, thread TEXT NOT NULL, n INTEGER NOT NULL, at REAL NOT NULL, reply TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS by_thread ON turns (thread, n);
CREATE TABLE IF NOT EXISTS marks (mark TEXT PRIMARY KEY, turn TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_turn ON marks (turn);
"""

# What came later, by the version of the file that has it. A trigger keeps what an older Sightline adds as well.
_VERSION = 1
_LATER = (
    "CREATE TABLE titles (thread TEXT PRIMARY KEY, title TEXT NOT NULL) WITHOUT ROWID",
    "CREATE VIRTUAL TABLE said USING fts5(turn UNINDEXED, question, answer, tokenize = 'trigram')",
    "INSERT INTO said SELECT turn, json_extract(reply, '$.question'), json_extract(reply, '$.text') FROM turns",
    "CREATE TRIGGER saying AFTER INSERT ON turns BEGIN "
    "INSERT INTO said VALUES (new.turn, json_extract(new.reply, '$.question'), json_extract(new.reply, '$.text')); END",
    f"PRAGMA user_version = {_VERSION}",
)

_TITLE = 60
"""Characters of a title that nobody set, and twice as many of one that somebody did."""
_AROUND = 40  # characters of a snippet on either side of what was found
_GRAM = 3  # characters from which on the index finds a word; shorter ones are looked for in every row


class Thread(NamedTuple):
    """One conversation: its name, how many turns, when the last was (seconds since 1970), and its title.

    The title is what somebody set, else the first words of the first question that has any.
    """

    name: str
    turns: int
    at: float
    title: str


class Found(NamedTuple):
    """A turn in which words were found: its thread, its id, its question, and what stands around the words."""

    thread: str
    turn: str
    question: str
    snippet: str


class Sessions:
    """The threads of a home; safe under threads, readable by other processes while one writes."""

    def __init__(self, file: Path) -> None:
        """Open or create the store; its folder must exist."""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False, timeout=10, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # The log is folded in early and cut: it counts towards what a home weighs.
        self._db.execute("PRAGMA wal_autocheckpoint=16")
        self._db.execute("PRAGMA journal_size_limit=65536")
        self._db.executescript(_SCHEMA)
        if self._version() < _VERSION:
            with self._whole():
                # Another process may have been quicker.
                for statement in _LATER if self._version() < _VERSION else ():
                    self._db.execute(statement)

    def commit(self, thread: str, turn: str, reply: dict[str, Any]) -> None:
        """Append a turn to its thread; one that is there already keeps its place, and its reply is this one."""
        with self._lock:
            self._db.execute(
                "INSERT INTO turns SELECT ?, ?, COALESCE(MAX(n), 0) + 1, ?, ? FROM turns WHERE thread = ? "
                "ON CONFLICT (turn) DO UPDATE SET reply = excluded.reply, at = excluded.at",
                (turn, thread, time.time(), _written(reply), thread),
            )

    def begin(self, thread: str, replies: list[dict[str, Any]]) -> None:
        """A thread of these turns, all at once or not at all. Raises `BadInput` where the name is taken."""
        with self._whole():
            self._must_be_free(thread)
            self._db.executemany(
                "INSERT INTO turns VALUES (?, ?, ?, ?, ?)",
                [(r["turn"], thread, n, time.time(), _written(r)) for n, r in enumerate(replies, 1)],
            )

    def last(self, thread: str) -> dict[str, Any] | None:
        """The last turn of a thread, `None` where there is none yet."""
        rows = self._rows("SELECT reply FROM turns WHERE thread = ? ORDER BY n DESC LIMIT 1", thread)
        return json.loads(rows[0][0]) if rows else None

    def lately(self, thread: str, n: int) -> list[dict[str, Any]]:
        """The last `n` turns of a thread, oldest first; none where there are none."""
        rows = self._rows(f"SELECT reply FROM turns WHERE thread = ? ORDER BY n DESC LIMIT {int(n)}", thread)  # noqa: S608
        return [json.loads(reply) for (reply,) in reversed(rows)]

    def mark(self, turn: str, mark: str) -> None:
        """Note by what else this turn is found, in place of another turn that was; it goes with its thread."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", (mark, turn, time.time()))

    def marked(self, mark: str) -> tuple[dict[str, Any], float] | None:
        """The turn that is found by this, and since when (seconds since 1970); `None` where there is none."""
        rows = self._rows("SELECT t.reply, m.at FROM marks m JOIN turns t ON t.turn = m.turn WHERE m.mark = ?", mark)
        return (json.loads(rows[0][0]), rows[0][1]) if rows else None

    def until(self, turn: str) -> list[dict[str, Any]]:
        """The turns of a thread up to this one, oldest first; none where it is not kept."""
        rows = self._rows(
            "SELECT t.reply FROM turns l JOIN turns t ON t.thread = l.thread AND t.n <= l.n "
            "WHERE l.turn = ? ORDER BY t.n",
            turn,
        )
        return [json.loads(reply) for (reply,) in rows]

    def beyond(self, pattern: str, most: int) -> list[str]:
        """The threads whose names fit a pattern of `GLOB`, but for the `most` that were used last."""
        query = "SELECT thread FROM turns WHERE thread GLOB ? GROUP BY thread ORDER BY MAX(at) DESC LIMIT -1 OFFSET "
        return [thread for (thread,) in self._rows(query + str(int(most)), pattern)]

    def turns(self, thread: str) -> list[dict[str, Any]]:
        """Every turn of a thread, oldest first. Raises `UnknownThread`."""
        rows = self._rows("SELECT reply FROM turns WHERE thread = ? ORDER BY n", thread)
        if not rows:
            raise _unknown(thread)
        return [json.loads(reply) for (reply,) in rows]

    def has(self, turn: str) -> bool:
        """Whether this turn is finished and kept."""
        return bool(self._rows("SELECT 1 FROM turns WHERE turn = ?", turn))

    def threads(self) -> list[Thread]:
        """All threads, the one used last first."""
        rows = self._rows(
            "SELECT t.thread, COUNT(*), MAX(t.at), set_.title, "
            "(SELECT json_extract(f.reply, '$.question') FROM turns f WHERE f.thread = t.thread "
            "AND TRIM(json_extract(f.reply, '$.question')) <> '' ORDER BY f.n LIMIT 1) "
            "FROM turns t LEFT JOIN titles set_ ON set_.thread = t.thread GROUP BY t.thread ORDER BY MAX(t.at) DESC"
        )
        return [Thread(name, n, at, title or _cut(first or "", _TITLE)) for name, n, at, title, first in rows]

    def title(self, thread: str, title: str) -> str:
        """Set the title of a thread, made one line and cut; an empty one is taken back. What is set.

        Raises `UnknownThread`.
        """
        line = _cut(title, 2 * _TITLE)
        with self._whole():
            self._must_have(thread)
            self._db.execute("DELETE FROM titles WHERE thread = ?", (thread,))
            if line:
                self._db.execute("INSERT INTO titles VALUES (?, ?)", (thread, line))
        return line

    def search(self, words: str, n: int = 20) -> list[Found]:
        """The turns whose question or answer holds each of the words, or a part of it; the latest first, at most `n`.

        Capital letters and small ones are the same; those of a word of one or two characters only in ASCII.
        """
        parts = words.split()
        if not parts:
            return []
        long = " AND ".join(_quoted(part) for part in parts if len(part) >= _GRAM)
        conditions, values = (["said MATCH ?"], [long]) if long else ([], [])
        for part in parts:
            if len(part) < _GRAM:
                conditions.append("(s.question LIKE ? ESCAPE '\\' OR s.answer LIKE ? ESCAPE '\\')")
                values += 2 * [_like(part)]
        rows = self._rows(
            # The older of two turns of one moment comes after.
            "SELECT t.thread, t.turn, s.question, s.answer FROM said s JOIN turns t ON t.turn = s.turn "  # noqa: S608
            f"WHERE {' AND '.join(conditions)} ORDER BY t.at DESC, t.n DESC LIMIT {int(n)}",
            *values,
        )
        return [
            Found(thread, turn, question or "", _snippet(parts, question or "", answer or ""))
            for thread, turn, question, answer in rows
        ]

    def rename(self, thread: str, name: str) -> None:
        """Call a thread by another name, in every turn of it, all at once or not at all.

        Raises `UnknownThread`, and `BadInput` where the name is taken.
        """
        with self._whole():
            self._must_have(thread)
            self._must_be_free(name)
            self._db.execute(
                "UPDATE turns SET thread = ?, reply = json_set(reply, '$.thread', ?) WHERE thread = ?",
                (name, name, thread),
            )
            self._db.execute("UPDATE OR REPLACE titles SET thread = ? WHERE thread = ?", (name, thread))

    def delete(self, thread: str) -> list[str]:
        """Forget a thread; gives back the ids of its turns. Raises `UnknownThread`."""
        with self._whole():
            self._must_have(thread)
            self._db.execute("DELETE FROM said WHERE turn IN (SELECT turn FROM turns WHERE thread = ?)", (thread,))
            # Else what was said stays in the index, in pieces, until more is added.
            self._db.execute("INSERT INTO said (said) VALUES ('optimize')")
            self._db.execute("DELETE FROM titles WHERE thread = ?", (thread,))
            self._db.execute("DELETE FROM marks WHERE turn IN (SELECT turn FROM turns WHERE thread = ?)", (thread,))
            return [t for (t,) in self._db.execute("DELETE FROM turns WHERE thread = ? RETURNING turn", (thread,))]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """What is done within is kept all at once, or not at all."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _must_have(self, thread: str) -> None:
        """Raise `UnknownThread` where it has no turns; within `_whole`."""
        if not self._db.execute("SELECT 1 FROM turns WHERE thread = ?", (thread,)).fetchone():
            raise _unknown(thread)

    def _must_be_free(self, name: str) -> None:
        """Raise `BadInput` where a thread is called so; within `_whole`."""
        if self._db.execute("SELECT 1 FROM turns WHERE thread = ?", (name,)).fetchone():
            raise BadInput(f"Expected a name that no thread has; {name!r} is taken. Choose another.")

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _rows(self, query: str, *values: str) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()


def _written(reply: dict[str, Any]) -> str:
    return json.dumps(reply, ensure_ascii=False, separators=(",", ":"))


def _unknown(thread: str) -> UnknownThread:
    return UnknownThread(f"Expected the name of a thread; got {thread!r}, which has no turns. List them first.")


def _cut(text: str, characters: int) -> str:
    """The first words of a text, on one line; a longer text ends with an ellipsis."""
    line = " ".join(text.split())
    if len(line) <= characters:
        return line
    head, tail = line[:characters], line[characters]
    # Between words, where there are any: Chinese is cut anywhere.
    whole = head if tail == " " else head.rpartition(" ")[0]
    return (whole if len(whole) > characters // 2 else head).rstrip() + "…"


def _quoted(part: str) -> str:
    """A word as the index's language has it: nothing in it commands."""
    return '"' + part.replace('"', '""').replace("\0", "") + '"'


def _like(part: str) -> str:
    return "%" + part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _snippet(parts: list[str], *texts: str) -> str:
    """What stands around the first of the words that is found, in the answer where it is there; one line."""
    for text in reversed(texts):
        line = " ".join(text.split())
        for part in parts:
            at = line.casefold().find(part.casefold())
            if at >= 0:
                start, end = max(at - _AROUND, 0), at + len(part) + _AROUND
                return ("…" if start else "") + line[start:end].strip() + ("…" if end < len(line) else "")
    return _cut(texts[0], _TITLE)
