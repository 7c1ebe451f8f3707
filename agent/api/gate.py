"""The gate: who a request is from, by its key, and whose home they see."""

from dataclasses import dataclass
from typing import Literal

from ...tools.errors import Forbidden
from ..assistant import Assistant

Scope = Literal["look", "catalogue", "operate"]
"""look: tools, turns, threads, corrections and hand-off; catalogue: changing it; operate: metrics."""

ALL: frozenset[Scope] = frozenset(("look", "catalogue", "operate"))


@dataclass(frozen=True)
class Caller:
    """Somebody who asks: their name, what they may, and the Assistant of their home.

    `local`: it is the command line of the home's owner, on this machine, who may name files of it.
    """

    name: str
    scopes: frozenset[Scope]
    assistant: Assistant
    local: bool = False

    def must(self, scope: Scope) -> None:
        """Raise `Forbidden` where they may not."""
        if scope not in self.scopes:
            raise Forbidden(f"Expected a key with the scope {scope}; {self.name} has {', '.join(sorted(self.scopes))}.")


class Gate:
    """Lets requests in."""

    def __init__(self, assistant: Assistant, secret: str) -> None:
        """The home's own Assistant; and the secret by which the command line of its owner is known."""
        self._assistant, self._secret = assistant, secret

    async def admit(self, authorization: str | None) -> Caller:
        """Who sends this `Authorization` header. Raises `Unauthorised`."""
        local = authorization == f"Bearer {self._secret}"
        return Caller("local" if local else "anyone", ALL, self._assistant, local)
