"""The gate: who a request is from, by its key, how much they may ask, and whose home they see.

Every face that is reached over a network goes through it.
"""

import asyncio
import hmac
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from ...tools.errors import BadInput, Forbidden, Overloaded, Unauthorised
from ..assistant import Assistant
from ..note import proof
from .calls import under_way
from .importing import AllImports
from .keys import ALL, Keys, Scope
from .tenants import Tenants

PER_KEY = 16
"""Requests of one key under way at once where nobody says otherwise."""


@dataclass(frozen=True)
class Known:
    """Somebody who asks: the name of their key, and what they may.

    `tenant` names their home; `None`: the server's own. `local`: it is the command line of the home's owner, on this
    machine, who may name files of it.
    """

    name: str
    scopes: frozenset[Scope]
    tenant: str | None
    local: bool

    def must(self, scope: Scope) -> None:
        """Raise `Forbidden` where they may not."""
        if scope not in self.scopes:
            has = ", ".join(sorted(self.scopes)) or "none"
            raise Forbidden(f"Expected a key with the scope {scope}; {self.name} has {has}. Ask whoever gave it.")


@dataclass(frozen=True)
class Caller(Known):
    """Somebody who was let in, and the Assistant of their home."""

    assistant: Assistant


class Gate:
    """Lets requests in; used within one event loop."""

    def __init__(
        self, assistant: Assistant, secret: str, *, rate: str | None = None, per_key: int = PER_KEY, homes: int = 16
    ) -> None:
        """The home's own Assistant; and the secret by which the command line of its owner is known.

        Whoever has a key may ask `rate` times, as in `60/minute`, and so many times at once; `homes` of tenants stay
        open while nobody asks. Raises `BadInput` for a rate that is none.
        """
        self._assistant, self._secret = assistant, secret
        self._keys = Keys(assistant.home)
        self.imports = AllImports()
        """The imports of the homes that are open."""
        self._tenants = Tenants(assistant, self.imports, homes)
        self._rate = _rate(rate) if rate else None
        self._asked = MovingWindowRateLimiter(MemoryStorage())
        self._per_key = per_key
        self._under_way: Counter[str] = Counter()

    @property
    def keyed(self) -> bool:
        """Whether a key is needed; without, whoever reaches this server may do everything."""
        return self._keys.wanted

    def prove(self, nonce: str) -> str:
        """What only who knows the secret can say to this nonce."""
        return proof(self._secret, nonce)

    def known(self, authorization: str | None) -> Known:
        """Who sends this `Authorization` header. Raises `Unauthorised`, and `Unavailable` where keys are unreadable."""
        given = authorization or ""
        if hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {self._secret}".encode()):
            return self._noted(Known("local", ALL, None, local=True))
        if not self.keyed:
            return self._noted(Known("anyone", ALL, None, local=False))
        kind, _, key = given.partition(" ")
        found = self._keys.of(key.strip()) if kind.lower() == "bearer" else None
        if found is None:
            raise Unauthorised(
                "Expected a key that this server gave, as `Authorization: Bearer sl_…`; got none of them."
            )
        return self._noted(Known(found.name, frozenset(found.scopes), found.tenant, local=False))

    @contextmanager
    def within_limits(self, known: Known) -> Iterator[None]:
        """Count a request as theirs for as long as the block takes. Raises `Overloaded`."""
        if self._rate and not known.local and not self._asked.hit(self._rate, known.name):
            under_way().refused = "rate"
            again = self._asked.get_window_stats(self._rate, known.name).reset_time - time.time()
            raise Overloaded(
                f"Expected at most {self._rate} of a key; {known.name} asks for more. Wait, and try again.",
                max(1, math.ceil(again)),
            )
        if known.tenant is not None and self._under_way[known.name] >= self._per_key:
            under_way().refused = "key"
            raise Overloaded(
                f"Expected at most {self._per_key} requests of a key at once; {known.name} asks for more. Try again."
            )
        self._under_way[known.name] += 1
        try:
            yield
        finally:
            self._under_way[known.name] -= 1
            self._under_way += Counter()  # forgets those that have none

    @asynccontextmanager
    async def admitted(self, authorization: str | None, scope: Scope) -> AsyncIterator[Caller]:
        """Let somebody in, for as long as the block takes, and until no thread works for it any more.

        Raises `Unauthorised`, `Forbidden`, `Overloaded`, and `Busy` where another process writes their home.
        """
        known = self.known(authorization)
        known.must(scope)
        with self.within_limits(known):
            if known.tenant is None:
                yield Caller(known.name, known.scopes, None, known.local, self._assistant)
                return
            async with self._tenants.lent(known.tenant) as assistant:
                try:
                    yield Caller(known.name, known.scopes, known.tenant, known.local, assistant)
                finally:
                    # A turn whose caller went away goes on to its next step: its home is not closed before.
                    await under_way().done()

    async def close(self) -> None:
        """Close the tenants' homes; nobody is let in any more."""
        await self._tenants.close()
        await asyncio.to_thread(self.imports.close)

    def _noted(self, known: Known) -> Known:
        call = under_way()
        call.key, call.tenant = known.name, known.tenant or ""
        return known


def _rate(told: str) -> RateLimitItem:
    with suppress(ValueError):
        rate = parse(told)
        if rate.amount > 0:
            return rate
    raise BadInput(f"Expected how often a key may ask, as 60/minute or 5/second; got {told!r:.100}.")
