"""The tickets of a home: each is kept in the outbox before it is handed over, and noted there once it is.

So a crash neither loses a ticket nor doubles it: what has no note is handed over again, as the same ticket.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..tools.errors import BadInput, Unavailable
from .desks import TICKET, Desk, dumped, lay
from .handoff import Ticket
from .reply import from_json

_SENT = "sent.json"


class Placed(NamedTuple):
    """A ticket, and where it went; `None` where it waits in the outbox, and then `problem` says why, where it is known.

    `problem` is known of the try that was just made, and kept of none.
    """

    ticket: Ticket
    where: str | None
    problem: str | None = None


class Tickets:
    """The outbox of a home, and the desk that its tickets go to."""

    def __init__(self, folder: Path, desk: Desk) -> None:
        """`folder` is made with the first ticket."""
        self._folder, self._desk = folder, desk

    def place(self, ticket: Ticket, pictures: Mapping[str, bytes]) -> Placed:
        """Keep a ticket and hand it over; one of its id that is kept already stays as it is, and goes once.

        Raises `OSError` where it cannot be kept.
        """
        lay(self._folder / ticket.id, {TICKET: dumped(ticket), **pictures})
        return self._hand(ticket.id)

    def find(self, ticket: str) -> Placed | None:
        """The ticket of this id as it is kept; `None` where there is none."""
        folder = self._folder / ticket
        return self._kept(folder) if folder.parent == self._folder and (folder / TICKET).is_file() else None

    def get(self, ticket: str) -> Placed:
        """The ticket of this id. Raises `BadInput`."""
        kept = self.find(ticket)
        if kept is None:
            raise BadInput(f"Expected the id of a ticket; got {ticket!r}, which there is none of. List them first.")
        return kept

    def all(self) -> list[Placed]:
        """Every ticket of the home, the latest first."""
        kept = [self._kept(file.parent) for file in self._folder.glob(f"[!.]*/{TICKET}")]
        return sorted(kept, key=lambda placed: (placed.ticket.at, placed.ticket.id), reverse=True)

    def send(self) -> list[Placed]:
        """Hand over what waits, the oldest first, and give back what became of each."""
        return [self._hand(placed.ticket.id) for placed in reversed(self.all()) if placed.where is None]

    def _hand(self, ticket: str) -> Placed:
        folder = self._folder / ticket
        kept = self._kept(folder)
        if kept.where is None:
            pictures = {shown.name: (folder / shown.name).read_bytes() for shown in kept.ticket.pictures}
            try:
                where = self._desk.hand(kept.ticket, pictures)
            except Unavailable as error:
                return kept._replace(problem=str(error))
            _note(folder / _SENT, {"where": where})
            kept = kept._replace(where=where)
        # The desk has them; two copies of a person's pictures are one too many.
        for shown in kept.ticket.pictures:
            (folder / shown.name).unlink(missing_ok=True)
        return kept

    def _kept(self, folder: Path) -> Placed:
        ticket = from_json(Ticket, json.loads((folder / TICKET).read_text("utf-8")))
        sent = folder / _SENT
        return Placed(ticket, json.loads(sent.read_text("utf-8"))["where"] if sent.is_file() else None)


def _note(file: Path, data: dict[str, Any]) -> None:
    """A small file, written whole or not at all."""
    handle, part = tempfile.mkstemp(prefix=".part-", dir=file.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(json.dumps(data, ensure_ascii=False))
        out.flush()
        os.fsync(out.fileno())
    Path(part).replace(file)
