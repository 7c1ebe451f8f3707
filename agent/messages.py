"""LangChain messages as turns: what a person sent in one, and the message that answers it.

No pixels stay in a message that was taken: its images go into a photo store, and where they were stands their id.
No address is fetched and no path is opened here.
"""

import contextlib
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage

from ..tools.errors import BadInput
from ..tools.photos import load
from ..tools.types import Photo, PhotoId
from .state import Json, State, TurnKit, Update

REPLY = "sightline"
"""Where the message that answers a turn carries the reply, as `Reply.to_dict` makes it: in `response_metadata`."""

_REFERENCE = re.compile(r"\[photo (sha256:[0-9a-f]{64})\]")
"""What stands in a message in the place of an image that is kept."""


def without_pixels(message: HumanMessage, keep: Callable[[Photo], PhotoId]) -> HumanMessage:
    """The same message, its images kept and named by their ids.

    Raises `BadInput` for an image that is no data URI and no base64, and for what is neither text nor image;
    `UnreadablePhoto`. Nothing is kept then.
    """
    if isinstance(message.content, str):
        return message
    parts = [_part(block) for block in message.content]
    if not any(isinstance(part, Photo) for part in parts):
        return message
    content: list[str | Json] = [
        {"type": "text", "text": f"[photo {keep(part)}]" if isinstance(part, Photo) else part} for part in parts
    ]
    return message.model_copy(update={"content": content})


def taken(kit: TurnKit, state: State) -> Update:
    """The turn that the last message of a person makes, where it is one that we have not answered; else nothing.

    Its images are kept for the thread, as are those of earlier messages. Raises as `without_pixels` does.
    """
    messages, thread = state.get("messages", []), state["thread"]
    message = _unanswered(messages, again=state.get("text") is None)
    if message is None:
        return {}

    def keep(photo: Photo) -> PhotoId:
        kept = kit.store.add(photo)
        kit.store.refer(thread, [kept])
        return kept

    last = without_pixels(message, keep)
    replaced: list[AnyMessage] = [last] if last is not message else []
    text, photos = _said(last)
    shown: list[PhotoId] = []
    for earlier in messages:
        if isinstance(earlier, HumanMessage) and earlier is not message:
            # What was sent to somebody else may be of a kind that we do not read; it is left as it is.
            with contextlib.suppress(BadInput):
                slim = without_pixels(earlier, keep)
                replaced += [slim] if slim is not earlier else []
                shown = _said(slim)[1] or shown
    if kit.sessions.last(thread) is None:
        # What the thread is about is known from what was said elsewhere.
        photos = photos or shown
    changed: Update = {"text": text, "photos": photos, "turn": _turn(thread, message)}
    return {**changed, "messages": replaced} if replaced else changed


def answered(state: State) -> Update:
    """The answer as a message, after the person's; nothing where no message made this turn.

    A turn that asked, and goes on, answers in the place of its first answer.
    """
    people = [m for m in state.get("messages", []) if isinstance(m, HumanMessage)]
    made = any(_turn(state["thread"], m) == state["turn"] for m in people)
    reply = state["reply"]
    return {"messages": [AIMessage(reply["text"], id=reply["turn"], response_metadata={REPLY: reply})]} if made else {}


def _unanswered(messages: Sequence[BaseMessage], again: bool) -> HumanMessage | None:
    """The last message of a person, unless we have answered it; even then where there is nothing else (`again`)."""
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            return message
        if isinstance(message, AIMessage) and REPLY in message.response_metadata and not again:
            return None
    return None


def _turn(thread: str, message: BaseMessage) -> str:
    """The name of the turn that a message makes: the same however often it is taken, and of this thread alone.

    An id is the host's, or its client's: it is not used as it is, since turns name folders.
    """
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{thread}\n{message.id}").hex


def _said(message: HumanMessage) -> tuple[str, list[PhotoId]]:
    """The words of a message without pixels, and its photos."""
    blocks = [message.content] if isinstance(message.content, str) else [_part(block) for block in message.content]
    texts = [block for block in blocks if isinstance(block, str)]
    # In one text with other words, it is something that somebody wrote.
    photos = [match[1] for text in texts if (match := _REFERENCE.fullmatch(text))]
    words = "\n".join(text for text in texts if not _REFERENCE.fullmatch(text))
    return words.encode("utf-8", "replace").decode("utf-8"), photos


def _part(block: str | dict[str, Any]) -> str | Photo:
    """A block of a message: its text, or its image."""
    if isinstance(block, str):
        return block
    kind = block.get("type")
    if kind == "text" and isinstance(block.get("text"), str):
        return str(block["text"])
    if kind not in ("image", "image_url", "input_image"):
        raise BadInput(f"Expected text and images in a message; got a block of type {kind!r:.40}. Leave it out.")
    where = _address(block)
    if not isinstance(where, str) or where[:5].lower() != "data:":
        raise BadInput(
            f"Expected an image as a data URI or base64; got {where!r:.80}. No address is fetched and no file is "
            "opened: send the image itself."
        )
    return load(where)


def _address(block: dict[str, Any]) -> object:
    """Where the image of a block lies, as a data URI wherever it lies in the block.

    Chat Completions and Responses write `image_url`; LangChain `base64`, and before that `data`; Anthropic a `source`.
    """
    if block["type"] != "image":
        url = block.get("image_url")
        return url.get("url") if isinstance(url, dict) else url
    source = block["source"] if isinstance(block.get("source"), dict) else block
    data = source.get("base64") or source.get("data")
    return f"data:;base64,{data}" if data else source.get("url")
