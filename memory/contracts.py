"""What calibration found out of the endpoints a home uses, in one SQLite file.

A contract holds for one model, one server and one version of the prompts; where one of them changes it is not found.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..tools.errors import BadInput
from ..tools.models.contract import Contract, key

FILE = "contracts.sqlite"

_WAIT = 10.0  # seconds for another process that writes
_ELSEWHERE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
"""Codes of errors for which the file itself need not be damaged."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS contracts (
    model TEXT NOT NULL, server TEXT NOT NULL, prompts TEXT NOT NULL, contract TEXT NOT NULL,
    PRIMARY KEY (model, server, prompts)
)
"""
_PLAIN = TypeAdapter(Contract)


def kept(model: str, server: str, home: Path) -> Contract | None:
    """The contract kept in a home for a model on a server ("" for none) and the prompts of today.

    Raises `BadInput` where the file is damaged, or holds what no calibration wrote.
    """
    file = home / FILE
    if not file.exists() or not file.stat().st_size:  # whoever made it was stopped before anything was kept
        return None
    wanted = key(model, server)
    try:
        with _opened(file) as db:
            row = db.execute(
                "SELECT contract FROM contracts WHERE (model, server, prompts) = (?, ?, ?)", wanted
            ).fetchone()
        contract = _PLAIN.validate_json(row[0]) if row else None
    except (sqlite3.Error, ValidationError) as error:
        raise _damaged(file, error) from error
    if contract and (contract.model, contract.server, contract.prompts) != wanted:
        raise _damaged(file, "a contract stands under the name of another")
    return contract


def keep(contract: Contract, home: Path) -> None:
    """Keep a contract in place of an earlier one of the same model, server and prompts.

    A file that is damaged is begun anew: what it held can be measured again. Raises `BadInput` for a home that
    cannot be written.
    """
    file = home / FILE
    row = (contract.model, contract.server, contract.prompts, _PLAIN.dump_json(contract).decode())
    try:
        home.mkdir(parents=True, exist_ok=True)
        try:
            _put(file, row)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in _ELSEWHERE:
                raise
            file.unlink()
            _put(file, row)
    except (OSError, sqlite3.Error) as error:
        raise BadInput(
            f"Expected a home to keep contracts in; {file} cannot be written ({error}). Try another home."
        ) from error


def _put(file: Path, row: tuple[str, str, str, str]) -> None:
    with _opened(file) as db:
        db.execute(_SCHEMA)
        db.execute("INSERT OR REPLACE INTO contracts VALUES (?, ?, ?, ?)", row)


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """The database, for one transaction that is kept whole or not at all."""
    db = sqlite3.connect(file, timeout=_WAIT)
    try:
        with db:
            yield db
    finally:
        db.close()


def _damaged(file: Path, why: object) -> BadInput:
    said = " ".join(str(why).split())
    return BadInput(
        f"Expected the contracts that `sightline doctor --model` keeps; {file} cannot be read ({said[:200]}). "
        "Calibrate the model again, or delete the file."
    )
