"""Ask a vision language model about photos: one request at a time, bounded in every way.

A request ends at its limit of tokens, where the model begins to repeat itself, at the turn's deadline, or when nobody
waits for it any more. A fault that may pass is tried once more. A model that is late or down, or cannot be opened, is
not asked again in that turn; one that refuses a photo may take the next. Messages hold references to photos; they
become bytes at the call, and nowhere else.
"""

import base64
import contextvars
import inspect
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ..errors import Cancelled, ModelFailed
from ..photos import Photos
from ..types import Box, Size
from .contract import Contract, speaks
from .families import Family
from .repetition import repeats
from .view import View, encode, seen_scale, unalike

if TYPE_CHECKING:
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

    from ..dialects import Dialect, Frame

PATIENCE = 90.0
"""Seconds that a model may take of a turn where nobody says otherwise: a served one answers in a few."""

_REMEMBERED = 256  # turns under way at once
_TAGS = ["nostream"]  # what it says is checked before anybody sees it
_PAUSE = 1.0  # seconds before the second try
_LOOK = 0.05  # seconds between looks at whether anybody still waits
_ENDS = ("finish_reason", "stop_reason", "done_reason")  # where providers say why a reply ended
_CUT = ("length", "max_tokens", "MAX_TOKENS", "deadline", "cancelled")  # and what they call an end by a limit
_LETTERS = 12  # a token is hardly ever longer: where a model takes no limit of tokens, this many letters each
_NOTHING = "No generation chunks were returned"  # how `BaseChatModel.stream` says that nothing came


@dataclass(frozen=True)
class Said:
    """A reply. `ended`: it came to its end, to a limit (`length`), or it repeated itself and was cut there.

    `first_ms` and `ms`: milliseconds until something came, and until the end.
    """

    text: str
    ended: Literal["end", "length", "repeats"]
    first_ms: float
    ms: float


@dataclass
class Turn:
    """What the requests of one turn share: whether anybody waits, until when, and what keeps the model from answering.

    `deadline` is in seconds of the monotonic clock.
    """

    cancelled: threading.Event = field(default_factory=threading.Event)
    deadline: float = math.inf
    failed: ModelFailed | None = None


class Turns:
    """The turns of late, by name; the oldest are forgotten first, so that a host need not end them."""

    def __init__(self) -> None:
        """None is under way."""
        self._turns: dict[str, Turn] = {}
        self._lock = threading.Lock()

    def of(self, name: str, patience: float) -> Turn:
        """The turn of this name, begun with the first that asks for it; the model may take so many seconds of it."""
        with self._lock:
            return self._get(name, patience)

    def end(self, name: str) -> None:
        """Nobody waits for this turn any more: a request under way ends at its next token, and no other is sent."""
        with self._lock:
            # Remembered: a look that was about to begin may still ask for it.
            self._get(name, 0.0).cancelled.set()

    def _get(self, name: str, patience: float) -> Turn:
        turn = self._turns.setdefault(name, Turn(deadline=time.monotonic() + patience))
        while len(self._turns) > _REMEMBERED:
            del self._turns[next(iter(self._turns))]
        return turn


@dataclass(frozen=True)
class Model:
    """A chat model and what is known of it.

    `opens` gives the chat model, at the first request: a checkpoint is not loaded for a home that is only listed.
    `name` is what contracts are kept under and, in a turn, what findings give as their source; `readable` is what
    people call it, "" where that is its name. `contract` is what calibration found, `None` where nobody calibrated.
    `patience`: seconds that it may take of a turn. Without a `turn`, each request is bounded by itself. `callbacks` are
    LangChain's handlers, which are told of each request; those of a host are not, for nobody has checked its replies.
    """

    opens: "Callable[[], BaseChatModel]"
    name: str
    family: Family
    server: str = ""
    contract: Contract | None = None
    patience: float = PATIENCE
    turn: Turn | None = None
    readable: str = ""
    callbacks: "Sequence[BaseCallbackHandler]" = ()

    @property
    def chat(self) -> "BaseChatModel":
        """The chat model. Raises `Unavailable` where it cannot be opened."""
        return self.opens()

    @property
    def dialect(self) -> "Dialect":
        """How it writes boxes."""
        return speaks(self.family, self.contract)

    @property
    def images(self) -> int | None:
        """How many it takes in one request, `None` for no limit known."""
        return self.contract.images if self.contract else self.family.images

    @property
    def grounds(self) -> bool:
        """Whether it says where things are: as calibration found, else as its family does."""
        found = self.contract.boxes if self.contract else None
        return self.family.grounds if found is None else found

    def frame(self, sent: Size) -> "Frame":
        """What its numbers span for an image of this size as it was sent, in pixels."""
        return (self.contract or self.dialect).frame(sent)

    def scale(self, seen: View) -> float:
        """Pixels that it sees of a view to one of the photo's: its server and its family may shrink what is sent."""
        return seen_scale(seen, self.family, self.contract.shrunk(seen.size) if self.contract else 1.0)

    def begun(self) -> "Model":
        """The same model for one turn that begins now."""
        return self.during(Turn(deadline=time.monotonic() + self.patience))

    def during(self, turn: Turn) -> "Model":
        """The same model as one turn may ask it."""
        return replace(self, turn=turn)

    def ask(self, prompt: str, views: Sequence[View], photos: Photos, *, tokens: int = 512, system: str = "") -> Said:
        """What it says to a prompt about some views, which it sees in this order, each under its number.

        Raises `ModelFailed` where it cannot be opened, fails, says nothing, takes too long or was down before in this
        turn; `Cancelled`.
        """
        if self.turn:
            self._askable(self.turn)  # before a photo is made ready for nobody
        if self.contract and self.contract.sees is False:
            raise ModelFailed(f"{self.name} was found not to see images; see `sightline doctor`.", "unfit")
        sent = unalike(views, self.family)
        if self.images is not None and len(sent) > self.images:
            raise ModelFailed(
                f"{self.name} takes at most {self.images} images in one request; got {len(sent)}.", "unfit"
            )
        return self.send(resolve(self.messages(prompt, sent, system), photos), tokens=tokens)

    def send(self, messages: "Sequence[BaseMessage]", *, tokens: int = 512) -> Said:
        """What it says to messages as they are, whatever the sizes of their images; raises as `ask` does."""
        if self.turn is None:
            return self.begun().send(messages, tokens=tokens)
        turn = self.turn
        self._askable(turn)
        try:
            return self._bounded(messages, tokens, turn)
        except ModelFailed as error:
            # What one request was refused for, another photo may not be.
            if error.reason == "late" or error.passing:
                turn.failed = error
            raise

    def messages(self, prompt: str, views: Sequence[View], system: str = "") -> "list[BaseMessage]":
        """A prompt about some views, whatever their sizes, with references to the photos."""
        from langchain_core.messages import HumanMessage, SystemMessage

        content: list[str | dict[str, Any]] = []
        for number, each in enumerate(views, 1):
            # A family that takes one image takes a task's bare words with it.
            if self.family.images != 1:
                content.append({"type": "text", "text": f"Image {number}:"})
            content.append(reference(each))
        content.append({"type": "text", "text": prompt})
        asked: list[BaseMessage] = [HumanMessage(content)]
        return [SystemMessage(system), *asked] if system and self.family.turns else asked

    def _bounded(self, messages: "Sequence[BaseMessage]", tokens: int, turn: Turn) -> Said:
        """One request, and one more where the fault may pass."""
        for last in (False, True):
            try:
                return self._once(messages, tokens, turn)
            except (Cancelled, ModelFailed):
                raise
            except Exception as error:  # chat models raise whatever they like
                failed = self._failed(error)
                if last or not failed.passing:
                    raise failed from error
            turn.cancelled.wait(min(_PAUSE, max(turn.deadline - time.monotonic(), 0.0)))
        raise AssertionError("the last try ends in a reply or an error")

    def _once(self, messages: "Sequence[BaseMessage]", tokens: int, turn: Turn) -> Said:
        """Open it and read the reply in a thread of its own, so that what hangs can be left behind."""
        start = time.monotonic()
        self._wanted(turn, start)
        given_up = threading.Event()
        pieces: queue.Queue[tuple[str, str] | BaseException | None] = queue.Queue()

        def pump() -> None:
            try:
                for piece in _stream(self._opened(turn), messages, tokens, given_up, self.callbacks):
                    pieces.put(piece)
                pieces.put(None)
            except BaseException as error:  # in this thread nobody would hear of it
                pieces.put(error)

        # A handler that traces finds what the request is part of in the context.
        within = contextvars.copy_context()
        threading.Thread(target=within.run, args=(pump,), name="sightline-model", daemon=True).start()
        text, reason, first = "", "", None
        try:
            while True:
                piece: tuple[str, str] | BaseException | None = "", ""
                with suppress(queue.Empty):
                    piece = pieces.get(timeout=_LOOK)
                now = 1000 * (time.monotonic() - start)
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, BaseException):
                    # What ended that thread is not to end the one that waits.
                    raise self._failed(piece) from piece
                if piece is None:
                    if not text.strip() and reason not in _CUT:
                        raise ModelFailed(f"{self.name} said nothing.", "empty")
                    return Said(text, "length" if reason in _CUT else "end", first or now, now)
                self._wanted(turn, start)
                more, reason = piece[0], piece[1] or reason
                if more:
                    first = first or now
                    text += more
                    kept = repeats(text)
                    if kept is not None:
                        return Said(text[:kept], "repeats", first, now)
                    if len(text) > _LETTERS * tokens:
                        return Said(text, "length", first, now)
        finally:
            given_up.set()

    def _askable(self, turn: Turn) -> None:
        """Raises what keeps it from being asked anything more in this turn."""
        if turn.failed:
            raise turn.failed
        self._wanted(turn, time.monotonic())

    def _wanted(self, turn: Turn, start: float) -> None:
        """Raises `Cancelled` where nobody waits, `ModelFailed` where the turn's time is over."""
        if turn.cancelled.is_set():
            raise Cancelled("Nobody waits for the answer.")
        if time.monotonic() > turn.deadline:
            raise ModelFailed(f"{self.name} did not answer in time ({time.monotonic() - start:.0f} s).", "late")

    def _opened(self, turn: Turn) -> "BaseChatModel":
        """The chat model; where it cannot be opened, no other request of the turn tries again."""
        try:
            return self.opens()
        except Exception as error:  # of whatever library opens it
            turn.failed = failed = ModelFailed(f"{self.name} cannot be opened: {error}")
            raise failed from error

    def _failed(self, error: BaseException) -> ModelFailed:
        said = " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__
        given = getattr(error, "status_code", None)
        status = given if isinstance(given, int) else 0
        lost = isinstance(error, ConnectionError) or bool(getattr(error, "is_retryable", False))
        passing = lost or status == 429 or status >= 500
        return ModelFailed(f"{self.name} did not answer: {said}.", status=status, passing=passing)


def reference(seen: View) -> dict[str, Any]:
    """A view as a content block that names its photo and holds no pixels."""
    return {"type": "image", "file_id": seen.photo, "extras": {"box": list(seen.box), "size": list(seen.size)}}


def resolve(messages: "Sequence[BaseMessage]", photos: Photos) -> "list[BaseMessage]":
    """The messages with each reference to a photo replaced by the bytes of what is shown of it."""
    return [
        message
        if isinstance(message.content, str)
        else message.model_copy(update={"content": [_resolved(block, photos) for block in message.content]})
        for message in messages
    ]


def _resolved(block: str | dict[str, Any], photos: Photos) -> str | dict[str, Any]:
    if isinstance(block, str) or block.get("type") != "image" or not block.get("file_id", "").startswith("sha256:"):
        return block
    photo = photos.get(block["file_id"])
    extras = block.get("extras") or {}
    box = Box(*extras.get("box", (0, 0, *photo.size)))
    seen = View(photo.id, box, Size(*extras.get("size", photo.size)))
    data = base64.b64encode(encode(seen, photo)).decode()
    return {"type": "image", "base64": data, "mime_type": "image/jpeg"}


def _stream(
    chat: "BaseChatModel",
    messages: "Sequence[BaseMessage]",
    tokens: int,
    given_up: threading.Event,
    callbacks: "Sequence[BaseCallbackHandler]",
) -> Iterator[tuple[str, str]]:
    """The text of a reply as it comes, until nobody wants it, and the reason for its end once there is one."""
    if given_up.is_set():  # while it was opened
        return
    chunks = chat.stream(list(messages), {"tags": _TAGS, "callbacks": list(callbacks)}, **_told(chat, tokens, given_up))
    try:
        for chunk in chunks:
            if given_up.is_set():
                return
            reasons = (chunk.response_metadata.get(key) for key in _ENDS)
            yield str(chunk.text), str(next(filter(None, reasons), ""))
    except ValueError as error:
        if str(error) != _NOTHING:
            raise
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()


def takes_limit(chat: "BaseChatModel") -> bool:
    """Whether a chat model can be told how many tokens it may write."""
    return "max_tokens" in type(chat).model_fields


def _told(chat: "BaseChatModel", tokens: int, given_up: threading.Event) -> dict[str, Any]:
    """What a chat model is told beside the messages: its limit of tokens, and the event that ends it, if it takes one.

    Without the event it writes on to its next piece before it hears that nobody waits.
    """
    told: dict[str, Any] = {"max_tokens": tokens} if takes_limit(chat) else {}
    write = getattr(chat, "_stream", None)
    if write and "cancel" in inspect.signature(write).parameters:
        told["cancel"] = given_up
    return told
