"""The homes of tenants, within the server's: each opened when it is asked for, and closed where others need the room.

A tenant's home is an Assistant of its own, which knows nothing of the others' photos, threads, catalogue, corrections
and tickets. What is dear to load, and keeps nothing, they share.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from ..assistant import Assistant
from .importing import AllImports

FOLDER = "tenants"

_MOST = 16
"""Homes open at once. Each holds a few files and its catalogue's index."""


@dataclass
class _Place:
    assistant: "asyncio.Task[Assistant]"
    uses: int = 0


class Tenants:
    """The homes beside a main one; used within one event loop."""

    def __init__(self, main: Assistant, imports: AllImports, most: int = _MOST) -> None:
        """So many stay open while nobody uses them; one in use is never closed. `imports` go on in those that are."""
        self._main, self._imports, self._most = main, imports, most
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._closing: dict[str, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def lent(self, tenant: str) -> AsyncIterator[Assistant]:
        """A tenant's Assistant, for as long as the block takes. Raises `Busy` where another process writes its home."""
        place = self._places.get(tenant)
        if place is None:
            place = self._places[tenant] = _Place(asyncio.create_task(self._opened(tenant)))
        self._places.move_to_end(tenant)
        place.uses += 1
        try:
            # Shielded: whoever goes away while it is opened leaves it to the others.
            yield await asyncio.shield(place.assistant)
        finally:
            place.uses -= 1
            self._make_room()

    async def close(self) -> None:
        """Close all."""
        self._most = 0
        self._make_room()
        await asyncio.gather(*self._closing.values())

    def _make_room(self) -> None:
        """Close what has not been used for longest, and forget what could not be opened."""
        for tenant, place in list(self._places.items()):
            failed = place.assistant.done() and (place.assistant.cancelled() or place.assistant.exception())
            if not place.uses and (failed or len(self._places) > self._most):
                del self._places[tenant]
                self._closing[tenant] = asyncio.create_task(self._close(tenant, place.assistant))

    async def _opened(self, tenant: str) -> Assistant:
        if going := self._closing.get(tenant):
            await going
        return await asyncio.to_thread(self._open, tenant)

    def _open(self, tenant: str) -> Assistant:
        assistant = self._main.beside(self._main.home / FOLDER / tenant)
        try:
            assistant.own()
            self._imports.of(assistant)  # goes on with those that were cut short
        except BaseException:
            assistant.close()
            raise
        return assistant

    def _leave(self, assistant: Assistant) -> None:
        self._imports.leave(assistant)
        assistant.close()

    async def _close(self, tenant: str, opened: "asyncio.Task[Assistant]") -> None:
        # What could not be opened was told to whoever asked.
        with suppress(Exception):
            await asyncio.to_thread(self._leave, await opened)
        if self._closing.get(tenant) is asyncio.current_task():
            del self._closing[tenant]
