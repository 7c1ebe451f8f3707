"""The names of threads and turns: what may be one, and what they are called where a host names none."""

import re
import uuid

from langgraph.config import get_config

from ..tools.errors import BadInput
from .state import State, Update

_OURS = "unnamed-"
"""How the names of turns begin that nobody named: the next turn that nobody names must not take it over."""


def thread_name(thread: object) -> str:
    """A thread's name, as it is given. Raises `BadInput` where it is none."""
    if not isinstance(thread, str) or not 0 < len(thread) <= 200 or not thread.isprintable():
        raise BadInput(f"Expected a thread's name, 1 to 200 printable characters; got {thread!r}.")
    return thread


def names(state: State) -> Update:
    """The names of the turn and its thread, as far as its host gave none; a new thread where its checkpointer has none.

    Raises `BadInput` for a name that is none: turns name folders.
    """
    named: Update = {}
    if not state.get("thread"):
        named["thread"] = str(get_config().get("configurable", {}).get("thread_id") or uuid.uuid4().hex)
    turn = state.get("turn") or _OURS
    if turn.startswith(_OURS):
        turn = named["turn"] = _OURS + uuid.uuid4().hex
    thread_name(named.get("thread") or state["thread"])
    if not re.fullmatch(r"[^/\\]{1,200}", turn) or not turn.isprintable() or turn in (".", ".."):
        raise BadInput(f"Expected a turn's name, 1 to 200 printable characters and no slash; got {turn!r:.80}.")
    return named
