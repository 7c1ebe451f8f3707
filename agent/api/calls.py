"""The request under way: its id, who it is from, and what is noted of it; never what it says or shows."""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class Call:
    """One request.

    `key` and `tenant` are names, "" as long as nobody is known; `photos` is how many it brought, `refused` why it was
    told to come again later: `rate`, `key` (too many of that key's under way) or `line` (too many of all).
    """

    id: str = ""
    key: str = ""
    tenant: str = ""
    photos: int = 0
    refused: str = ""
    working: "set[asyncio.Future[None]]" = field(default_factory=set)
    """What the threads still do for it, also where nobody listens any more."""

    async def done(self) -> None:
        """Wait until no thread works for it."""
        if self.working:
            await asyncio.wait(self.working)


_CALL: ContextVar[Call] = ContextVar("call")


def begin(call: Call) -> None:
    """From here on, this is the request under way."""
    _CALL.set(call)


def under_way() -> Call:
    """The request under way; outside of one, one that nobody knows."""
    return _CALL.get(None) or Call()
