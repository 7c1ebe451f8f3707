"""What people told us we got wrong, in one SQLite file: kept once, edited, undone exactly, passed on as JSON Lines.

Every change is a row of its own, and undoing marks the latest one, so that what it had changed applies again as it was.
What a correction does to an answer is not decided here.
"""

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..tools.errors import BadInput, UnknownCorrection
from ..tools.types import Correction, PhotoId

if TYPE_CHECKING:
    from pydantic import TypeAdapter

# `n` is the order in which they were told, `version` that of the changes of one; `turn` undid it.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS changes (
    n INTEGER NOT NULL, version INTEGER NOT NULL, id TEXT NOT NULL, photo TEXT, sku TEXT, scope TEXT NOT NULL,
    thread TEXT, correction TEXT NOT NULL, undone TEXT, turn TEXT, PRIMARY KEY (n, version)
);
CREATE UNIQUE INDEX IF NOT EXISTS by_id ON changes (id, version);
CREATE INDEX IF NOT EXISTS by_photo ON changes (photo);
CREATE INDEX IF NOT EXISTS by_sku ON changes (sku);
"""
_APPLIES = "undone IS NULL AND version = (SELECT MAX(version) FROM changes o WHERE o.n = c.n AND o.undone IS NULL)"
_LONGEST = 2000  # characters of what a person says is right


class Corrections:
    """The corrections of a home; safe under threads, readable by other processes while one writes."""

    def __init__(self, file: Path, now: Callable[[], datetime] = datetime.now) -> None:
        """Open or create the store; its folder must exist. `now` is the clock that changes are dated by."""
        self._now = now
        self._lock = threading.RLock()
        self._db = sqlite3.connect(file, check_same_thread=False, timeout=10, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA wal_autocheckpoint=32")
        self._db.execute("PRAGMA journal_size_limit=65536")
        self._db.executescript(_SCHEMA)

    def now(self) -> str:
        """The time to date a correction by, ISO 8601 in UTC to the second."""
        return self._now().astimezone(UTC).isoformat(timespec="seconds")

    def add(self, correction: Correction) -> Correction:
        """Keep a correction, and give back what is kept: of the same said twice, the first.

        One whose id is there already is left as it is, also where it was undone. Raises `BadInput`.
        """
        checked(correction)
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if kept := self._one(correction.id):
                return kept
            same = [c for c in self._beside(correction) if _content(c) == _content(correction)]
            if same and correction.undone is None:
                return same[0]
            self._insert(correction)
            return correction

    def kept(self, *, undone: bool = False) -> list[Correction]:
        """Those that apply, in the order in which they were told; with `undone` also those that were undone."""
        if undone:
            return [c for (id_,) in self._rows("SELECT DISTINCT id FROM changes ORDER BY n") if (c := self._one(id_))]
        return self._applying("1")

    def get(self, id_: str) -> Correction:
        """The correction as it is now. Raises `UnknownCorrection`."""
        kept = self._one(id_)
        if kept is None:
            raise UnknownCorrection(
                f"Expected the id of a correction; got {id_!r:.60}, which is none. List them first."
            )
        return kept

    def versions(self, id_: str) -> Sequence[Correction]:
        """Every version of a correction, the first one first, each with when it was undone.

        Raises `UnknownCorrection`.
        """
        self.get(id_)
        rows = self._rows("SELECT correction, undone FROM changes WHERE id = ? ORDER BY version", id_)
        return [_read(*row) for row in rows]

    def edit(self, id_: str, after: str) -> Correction:
        """Say otherwise what is right; the earlier version is kept, and undoing brings it back.

        Saying the same again changes nothing. Raises `UnknownCorrection`, and `BadInput` where it was undone.
        """
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            kept = self._applying_one(id_)
            edited = checked(replace(kept, after=after, at=self.now()))
            if after == kept.after:
                return kept
            self._insert(edited)
            return edited

    def undo(self, id_: str, turn: str | None = None) -> Correction:
        """Take back the latest change of a correction, and give back what that was.

        Of an edited one the earlier version applies again, exactly as it was; one that was only told no longer applies.
        A `turn` that did so before does nothing more. Raises `UnknownCorrection`, and `BadInput` where it was undone.
        """
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if turn is not None and (done := [c for c in self.undone_in(turn) if c.id == id_]):
                return done[0]
            kept = self._applying_one(id_)
            at = self.now()
            self._db.execute(
                "UPDATE changes AS c SET undone = ?, turn = ? WHERE id = ? AND "
                "version = (SELECT MAX(version) FROM changes o WHERE o.id = c.id AND o.undone IS NULL)",
                (at, turn, id_),
            )
            return replace(kept, undone=at)

    def undone_in(self, turn: str) -> Sequence[Correction]:
        """What a turn has undone."""
        return [_read(*row) for row in self._rows("SELECT correction, undone FROM changes WHERE turn = ?", turn)]

    def last(self, thread: str) -> Correction | None:
        """The last one told in a thread that applies; `None` where there is none."""
        return next(reversed(self._applying("thread = ?", thread)), None)

    def rename(self, thread: str, name: str) -> None:
        """What was told in a thread was told in the thread of this name."""
        with self._lock, self._db:
            self._db.execute(
                "UPDATE changes SET thread = ?2, correction = json_set(correction, '$.thread', ?2) WHERE thread = ?1",
                (thread, name),
            )

    def of_photo(self, photo: PhotoId) -> Sequence[Correction]:
        """Those that apply to a photo for it was said of it: of scope `photo`, and of `similar`."""
        return self._applying("photo = ? AND scope <> 'product'", photo)

    def of_product(self, sku: str) -> Sequence[Correction]:
        """Those of scope `product` that apply to a product."""
        return self._applying("sku = ? AND scope = 'product'", sku)

    def similar(self) -> Sequence[Correction]:
        """Those of scope `similar`, the one told last first."""
        return self._applying("scope = 'similar'")[::-1]

    def conflicts(self) -> Sequence[tuple[Correction, ...]]:
        """Those that apply and say different things of the same, two or more together; nothing is decided of them."""
        return conflicts(self.kept())

    def export(self, file: Path) -> int:
        """Write those that apply as JSON Lines, and say how many. Raises `BadInput` where it cannot be written."""
        kept = self.kept()
        try:
            file.write_text("".join(f"{_written(correction)}\n" for correction in kept), "utf-8")
        except OSError as error:
            raise BadInput(f"Expected a file to write corrections to; {file} cannot be written ({error}).") from error
        return len(kept)

    def take(self, file: Path) -> int:
        """Keep the corrections of a JSON Lines file that are not here yet, and say how many: of the same file again, 0.

        All or nothing: raises `BadInput`, naming the line, where one of them is none.
        """
        try:
            lines = file.read_text("utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"Expected a JSON Lines file of corrections; {file} cannot be read ({error}).") from error
        rows = [_told(number, line) for number, line in enumerate(lines, 1) if line.strip()]
        with self._lock:
            return sum(self._one(row.id) is None and self.add(row).id == row.id for row in rows)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _insert(self, correction: Correction) -> None:
        c = correction
        self._db.execute(
            "INSERT INTO changes SELECT "
            "COALESCE((SELECT n FROM changes WHERE id = ?1), (SELECT MAX(n) + 1 FROM changes), 1), "
            "COALESCE((SELECT MAX(version) + 1 FROM changes WHERE id = ?1), 1), ?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL",
            (c.id, c.photo, c.sku, c.scope, c.thread, _written(replace(c, undone=None)), c.undone),
        )

    def _one(self, id_: str) -> Correction | None:
        """The latest version that applies, else the first."""
        rows = self._rows(
            "SELECT correction, undone FROM changes WHERE id = ? "
            "ORDER BY undone IS NOT NULL, CASE WHEN undone IS NULL THEN -version ELSE version END LIMIT 1",
            id_,
        )
        return _read(*rows[0]) if rows else None

    def _applying_one(self, id_: str) -> Correction:
        kept = self.get(id_)
        if kept.undone is not None:
            raise BadInput(f"Expected a correction that applies; {id_} was undone at {kept.undone}. Tell it again.")
        return kept

    def _beside(self, correction: Correction) -> Sequence[Correction]:
        if correction.scope == "product" and correction.sku is not None:
            return self.of_product(correction.sku)
        return self.of_photo(correction.photo) if correction.photo is not None else []

    def _applying(self, where: str, *values: str) -> list[Correction]:
        rows = self._rows(
            f"SELECT correction, undone FROM changes c WHERE {where} AND {_APPLIES} ORDER BY n",  # noqa: S608
            *values,
        )
        return [_read(*row) for row in rows]

    def _rows(self, query: str, *values: str) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()


def conflicts(corrections: Iterable[Correction]) -> list[tuple[Correction, ...]]:
    """Those of the same subject that say different things, two or more together, in the order of their first."""
    subjects: dict[tuple[Any, ...], list[Correction]] = {}
    for one in corrections:
        if one.about not in ("text", "other"):  # a photo says many things
            subjects.setdefault(_subject(one), []).append(one)
    return [tuple(told) for told in subjects.values() if len({_folded(one.after) for one in told}) > 1]


def checked(correction: Correction) -> Correction:
    """The correction, if it is whole. Raises `BadInput`."""
    c = correction
    if not re.fullmatch("[0-9a-f]{12}", c.id):
        raise BadInput(f"Expected 12 hexadecimal digits as the id of a correction; got {c.id!r:.60}.")
    if c.scope == "product" and not c.sku:
        raise BadInput("Expected the SKU of the product that a correction of scope product holds for; got none.")
    if c.scope != "product" and not c.photo:
        raise BadInput(f"Expected the photo that a correction of scope {c.scope} was said of; got none.")
    if not c.after.strip() or len(c.after) > _LONGEST:
        raise BadInput(f"Expected what is right, 1 to {_LONGEST} characters; got {len(c.after.strip())}.")
    for at in (c.at, c.undone):
        if at is not None and not _is_time(at):
            raise BadInput(f"Expected a time with its zone, 2026-05-03T10:00:00+00:00; got {at!r:.60}.")
    return correction


def _is_time(at: str) -> bool:
    try:
        return datetime.fromisoformat(at).tzinfo is not None
    except ValueError:
        return False


def _subject(one: Correction) -> tuple[Any, ...]:
    held = one.sku if one.scope == "product" else one.photo
    return one.scope, held, one.about, _folded(one.what or ""), one.box if one.about != "place" else None


def _content(one: Correction) -> tuple[Any, ...]:
    return one.scope, one.about, one.what, one.after, one.photo, one.sku, one.box


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


@cache
def _adapter() -> "TypeAdapter[Correction]":
    from pydantic import TypeAdapter

    return TypeAdapter(Correction)


def _written(correction: Correction) -> str:
    return json.dumps(_adapter().dump_python(correction, mode="json"), ensure_ascii=False, separators=(",", ":"))


def _read(correction: str, undone: str | None) -> Correction:
    return replace(_adapter().validate_json(correction), undone=undone)


def _told(number: int, line: str) -> Correction:
    """The correction on one line of a file."""
    try:
        return checked(_adapter().validate_json(line))
    except ValueError as error:
        said = str(error).splitlines()
        raise BadInput(f"line {number}: Expected a correction as one JSON object; {'; '.join(said[:3])}.") from error
    except BadInput as error:
        raise BadInput(f"line {number}: {error}") from error
