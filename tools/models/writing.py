"""A reply while it is written: which pieces of its text are sure, and when it ends."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .checkpoint import Checkpoint

Ended = Literal["stop", "length", "deadline", "cancelled"]
"""It came to its end or to a stop sequence; to its limit of tokens; its time ran out; nobody waits for it."""


@dataclass(frozen=True)
class Wanted:
    """How a reply is to be.

    At most `max_tokens`, in at most `deadline` seconds, up to the first of `stop`. `temperature` 0 takes the likeliest
    token; any other is repeatable with a `seed`. It ends at the token after `cancel` is set.
    """

    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    deadline: float | None = None
    stop: tuple[str, ...] = ()
    cancel: threading.Event | None = None


class Writer:
    """Takes a reply's ids one by one and passes its text on in pieces that are never taken back."""

    def __init__(
        self, able: Checkpoint, wanted: Wanted, emit: Callable[[str], None], left: threading.Event | None = None
    ) -> None:
        """`emit` is given each piece. Setting `left` says that nobody listens any more; time runs from now."""
        self.wanted = wanted
        self.ids: list[int] = []
        self.ended: Ended | None = None
        self._able, self._emit = able, emit
        self._given_up = [event for event in (wanted.cancel, left) if event is not None]
        self._until = None if wanted.deadline is None else time.monotonic() + wanted.deadline
        self._stop = [stop for stop in wanted.stop if stop]
        self._sent = ""

    def over(self) -> bool:
        """Whether it is at its end, or nobody waits for more."""
        if self.ended is None and any(event.is_set() for event in self._given_up):
            self.ended = "cancelled"
        elif self.ended is None and self._until is not None and time.monotonic() > self._until:
            self.ended = "deadline"
        return self.ended is not None

    def take(self, token: int) -> bool:
        """Take the next id, and say whether the reply is over with it. What comes after the end is not taken."""
        if self.ended is not None:
            return True
        self.ids.append(token)
        if token in self._able.ends:
            self.ended = "stop"
        else:
            self._pass(final=False)
        if self.ended is None and len(self.ids) >= self.wanted.max_tokens:
            self.ended = "length"
        return self.over()

    def finish(self) -> Ended:
        """Pass on what was held back, and say how it ended."""
        self._pass(final=True)
        return self.ended or "stop"

    def _pass(self, final: bool) -> None:
        text = self._able.text(self.ids).rstrip("\ufffd")  # half a character waits, and at the end is nothing
        found = [at for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            text, self.ended = text[: min(found)], "stop"
        elif not final:
            # What may be the beginning of a stop waits too.
            text = text[: len(text) - max((overlap(text, stop) for stop in self._stop), default=0)]
        if len(text) > len(self._sent) and text.startswith(self._sent):
            self._emit(text[len(self._sent) :])
            self._sent = text


class Watch:
    """A stopping criterion of transformers for several replies that are written side by side."""

    def __init__(self, writers: Sequence[Writer]) -> None:
        """One writer for each row."""
        self._writers = writers

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """Which rows `(n,)` are over with the ids just written, the last of each row of `input_ids` `(n, length)`."""
        import torch

        del scores
        last = input_ids[:, -1].tolist()
        over = [writer.take(token) for writer, token in zip(self._writers, last, strict=True)]
        return torch.tensor(over, device=input_ids.device)


def overlap(text: str, stop: str) -> int:
    """How many characters at the end of a text are the beginning of `stop`."""
    return next((n for n in range(min(len(stop), len(text)), 0, -1) if text.endswith(stop[:n])), 0)
