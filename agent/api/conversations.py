"""Which thread a conversation goes on in, where its client names none and sends all of it each time.

A turn is marked with a hash of the conversation up to and with its answer: roles, words, photos, of user and assistant.
The next request brings just that before its last message, and goes on after the marked turn, in its thread. Where that
thread has gone on otherwise meanwhile (an answer is generated again, a message was edited, two conversations began the
same) it goes on in a new thread, which begins with copies of the turns so far and knows nothing of what came later.
Where no turn is marked so (another home, an answer that was edited) a new thread begins with the photos of the latest
message that has any. A home keeps a number of these threads, those used last.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from contextlib import suppress

from ...tools.errors import Overloaded, UnknownThread
from ..assistant import Assistant
from .openai_shapes import Message

KEPT = 500
"""Threads of conversations that named none which a home keeps."""

_PREFIX = "openai-"
_PATTERN = _PREFIX + "[0-9a-f]" * 32


def mark(messages: Sequence[Message]) -> str:
    """What a conversation is recognised by. Instructions, and what tools said, may change between two requests."""
    said = [[m.role, m.text().strip(), *map(_hash, m.images())] for m in messages if m.role in ("user", "assistant")]
    return f"conversation:{_hash(json.dumps(said))}"


def answered(messages: Sequence[Message]) -> str | None:
    """The latest answer in a conversation; `None` where there is none yet."""
    return next((m.text() for m in reversed(messages) if m.role == "assistant"), None)


def latest_images(messages: Sequence[Message]) -> list[str]:
    """The photos of the latest message of the user that has any."""
    return next((m.images() for m in reversed(messages) if m.role == "user" and m.images()), [])


def known(assistant: Assistant, before: Sequence[Message], named: str | None) -> str | None:
    """The thread, with turns in it, after one of which the next comes; `None` where a thread begins."""
    if named is not None:
        with suppress(UnknownThread):
            assistant.history(named)
            return named
        return None
    answer = answered(before)
    found = assistant.marked(mark(before)) if answer is not None else None
    return found[0].thread if found and answer is not None and found[0].text.strip() == answer.strip() else None


def place(assistant: Assistant, before: Sequence[Message], named: str | None, goes_on: bool) -> str:
    """The thread to take the turn in now, which is `known` or begins.

    Raises `Busy`, and `Overloaded` where a thread that was known is so no more.
    """
    if named is not None:
        return named
    name = _PREFIX + uuid.uuid4().hex
    if not goes_on:
        assistant.forget_all_but(KEPT - 1, _PATTERN)
        return name
    thread = assistant.going_on(mark(before), answered(before) or "", name)
    if thread is None:
        # Its photos were taken to be there.
        raise Overloaded("Expected a conversation that stands still; it was changed by another request. Try again.")
    return thread


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
