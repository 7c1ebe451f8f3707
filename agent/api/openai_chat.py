"""OpenAI's chat completions: what its clients, LangChain's `ChatOpenAI` and chat front ends speak.

The last message of the user is the turn; its photos are what it is about, else those that the conversation was about.
The thread is the one named by `sightline.thread`, the header `X-Sightline-Thread` (percent-encoded) or
`metadata.thread`, and goes on as any thread does; without a name see `conversations`. The answer names it in the same
header. Streamed, each released sentence is one chunk, and the reply rides in the last one with a choice.

Answers are composed of what was found. So what would steer the words of a language model steers nothing here and is
ignored: messages of system, developer and tools, temperature, top_p, seed, penalties, stop, max_tokens, tools that are
offered. What would change what an answer is, is refused: see `Chat.must_be_honoured`.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, closing
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, cast
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response, StreamingResponse

from ...tools.errors import BadField, UnknownModel, UnknownTurn
from ..assistant import Assistant, Event
from ..reply import Reply, Statement
from .caller import Looking, Pool
from .conversations import answered, known, latest_images, mark, place
from .errors import failure, responses
from .openai_shapes import MODEL, Chat, Completion, Message, ModelCard, ModelCards, body, usage
from .shown import UNBUFFERED, reply_json
from .sources import sources

router = APIRouter(prefix="/v1", tags=["openai"])

_THREAD = "X-Sightline-Thread"
_SILENCE = 5.0
"""Seconds without a sentence after which a comment says that we are there: proxies cut what is silent."""
_SINCE = int(time.time())

_EVENTS = {
    "text/event-stream": {
        "schema": {
            "type": "object",
            "properties": {"data": {"type": "string"}},
            "description": "With `stream`: the data of each event is a chunk as OpenAI has them, of the last `[DONE]`.",
        }
    }
}


@router.get("/models", response_model=ModelCards, responses=responses())
async def models(caller: Looking) -> Response:
    """The one model there is."""
    del caller
    return JSONResponse({"object": "list", "data": [_card()]})


@router.get("/models/{model:path}", response_model=ModelCard, responses=responses(404))
async def model_card(model: str, caller: Looking) -> Response:
    """That model by its name."""
    del caller
    if model != MODEL:
        _unknown(model)
    return JSONResponse(_card())


@router.post(
    "/chat/completions",
    response_model=Completion,
    openapi_extra=body(),
    responses=responses(404) | {200: {"content": _EVENTS, "description": "The answer, or its chunks."}},
)
async def complete(request: Request, caller: Looking, workers: Pool) -> Response:
    """Take one turn of a conversation. A turn whose caller goes away is given up."""
    try:
        chat = Chat.model_validate_json(await request.body(), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        param = ".".join(str(part) for part in problem["loc"])
        raise BadField(f"{param or 'body'}: {problem['msg']}", param) from None
    if chat.model != MODEL:
        _unknown(chat.model)
    chat.must_be_honoured()
    *before, turn = chat.until_turn()
    named, asking = _named(request, chat), turn.images()
    thread = None
    if answered(before) is not None if named is None else not asking:
        thread = await workers.run(partial(known, caller.assistant, before, named))
    photos = await sources(request, _photos(asking or ([] if thread else latest_images(before))))
    asked = _Asked(f"chatcmpl-{uuid.uuid4().hex}", int(time.time()), chat, before, turn)
    events = workers.stream(
        partial(_events, caller.assistant, asked, photos, partial(place, named=named, goes_on=thread is not None)),
        # A conversation's requests come one after another, and those of different ones at once.
        after=(caller.assistant.home, named or thread or asked.id),
    )
    # What is wrong with a request comes before its first event, and has a status of its own.
    there = await anext(events)
    first = await anext(events)
    headers = {_THREAD: quote(str(there), safe="")}
    if chat.stream:
        chunks = _chunks(asked, first, events)
        return StreamingResponse(chunks, media_type="text/event-stream", headers={**headers, **UNBUFFERED})
    last: object = first
    async with aclosing(_awake(events, 1.0)) as coming:
        async for event in coming:
            if event is None and await request.is_disconnected():
                return Response(status_code=499)
            last = event or last
    return JSONResponse(_completion(asked.id, asked.created, _reply(last), asked), headers=headers)


@router.get("/chat/completions/{completion}", response_model=Completion, responses=responses(404))
async def retrieve(completion: str, caller: Looking, workers: Pool) -> Response:
    """An answer that was given, by its id, with what it rests on; for clients that drop what they do not know."""
    found = await workers.run(partial(caller.assistant.marked, completion))
    if found is None or not completion.startswith("chatcmpl-"):
        raise UnknownTurn(f"Expected the id of an answer that is kept; got {completion!r:.100}.")
    return JSONResponse(_completion(completion, int(found[1]), found[0]))


@dataclass(frozen=True)
class _Asked:
    """A request that can be answered: its id, when it came, and its conversation, whose last message is the turn."""

    id: str
    created: int
    chat: Chat
    before: list[Message]
    turn: Message


def _events(
    assistant: Assistant, asked: _Asked, photos: list[str | bytes], placed: Callable[[Assistant, list[Message]], str]
) -> Iterator[str | Event]:
    """The thread, and then the turn's events; the turn is marked before its reply is told."""
    said = asked.chat.sightline
    thread = placed(assistant, asked.before)
    yield thread
    turn = assistant.stream(asked.turn.text(), photos, thread, said.claimed, said.manner, said.strict)
    with closing(cast(Generator[Event, None, None], turn)) as events:
        for event in events:
            if isinstance(event, Reply):
                answer = Message(role="assistant", content=event.text)
                assistant.mark(event.turn, mark([*asked.before, asked.turn, answer]))
                assistant.mark(event.turn, asked.id)
            yield event


async def _chunks(asked: _Asked, first: object, rest: AsyncIterator[object]) -> AsyncIterator[str]:
    """The events of a turn as chunks; what goes wrong after the first is told in their place."""
    with_usage = bool(asked.chat.stream_options and asked.chat.stream_options.include_usage)
    common = {"id": asked.id, "object": "chat.completion.chunk", "created": asked.created, "model": MODEL}
    uncounted: dict[str, Any] = {"usage": None} if with_usage else {}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**common, "choices": [choice], **uncounted}

    yield _data(chunk({"id": asked.id, "role": "assistant", "content": "", "refusal": None}))
    said, last = "", first
    try:
        async for event in _and(first, _awake(rest, _SILENCE)):
            if isinstance(event, Statement):
                more = f"\n{event.text}" if said else event.text
                said += more
                yield _data(chunk({"content": more}))
            elif event is None:
                yield ": looking\n\n"
            last = event or last
        reply = _reply(last)
    except Exception as error:
        yield _data(failure(error))
        return
    if reply.text.startswith(said) and reply.text != said:
        yield _data(chunk({"content": reply.text[len(said) :]}))
    extension = {"sightline": reply_json(reply)} if asked.chat.sightline.evidence else {}
    yield _data({**chunk({}, "stop"), **extension})
    if with_usage:
        yield _data({**common, "choices": [], "usage": usage([*asked.before, asked.turn], reply.text)})
    yield "data: [DONE]\n\n"


async def _and(first: object, rest: AsyncIterator[object]) -> AsyncIterator[object]:
    yield first
    async for each in rest:
        yield each


async def _awake(events: AsyncIterator[object], seconds: float) -> AsyncGenerator[object]:
    """What comes, and `None` whenever nothing came for so long."""

    async def following() -> object:
        return await anext(events, _END)

    coming = asyncio.ensure_future(following())
    try:
        while True:
            while not (await asyncio.wait({coming}, timeout=seconds))[0]:
                yield None
            if (event := coming.result()) is _END:
                return
            coming = asyncio.ensure_future(following())
            yield event
    finally:
        coming.cancel()  # and with it what it waits for: nobody listens any more


_END = object()


def _completion(id_: str, created: int, reply: Reply, asked: _Asked | None = None) -> dict[str, Any]:
    """An answer as OpenAI has it. One that is asked for again is counted without what came before it."""
    prompt = [*asked.before, asked.turn] if asked else [Message(role="user", content=reply.question)]
    choice = {
        "index": 0,
        "message": {"id": id_, "role": "assistant", "content": reply.text, "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    extension = {"sightline": reply_json(reply)} if asked is None or asked.chat.sightline.evidence else {}
    return {
        "id": id_,
        "object": "chat.completion",
        "created": created,
        "model": MODEL,
        "choices": [choice],
        "usage": usage(prompt, reply.text),
        **extension,
    }


def _photos(images: list[str]) -> list[str]:
    """The photos of a message; what is none of ours to open is refused before anybody tries."""
    for image in images:
        if not image.startswith(("data:", "sha256:", "http://", "https://")):
            raise BadField(
                f"Expected a photo as a data URI, or an https address; got {image!r:.60}, and no file is opened here.",
                "messages.image_url",
            )
    return images


def _named(request: Request, chat: Chat) -> str | None:
    """The thread that the request names, the first place that does."""
    told = (chat.metadata or {}).get("thread")
    if told is not None and not isinstance(told, str):
        raise BadField("Expected the name of a thread, as text.", "metadata.thread")
    header = request.headers.get(_THREAD)
    return chat.sightline.thread or (unquote(header) if header else None) or told or None


def _reply(event: object) -> Reply:
    if not isinstance(event, Reply):
        raise TypeError(f"A turn ends with its Reply; got {event!r}.")
    return event


def _card() -> dict[str, Any]:
    return {"id": MODEL, "object": "model", "created": _SINCE, "owned_by": "sightline"}


def _unknown(model: str) -> NoReturn:
    raise UnknownModel(f"Expected the model {MODEL!r}, the only one here; got {model!r:.100}.")


def _data(chunk: dict[str, Any]) -> str:
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
