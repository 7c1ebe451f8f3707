"""OpenAI's own client and LangChain's `ChatOpenAI`, unchanged, against a running server; offline, without a model."""

import base64
import io
import runpy
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import uvicorn
from fakes import ROOT, CountingReader, label
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from numpy.typing import NDArray
from openai.types.chat import ChatCompletion
from PIL import Image
from pydantic import SecretStr

from sightline.agent.api import conversations, openai_chat
from sightline.agent.api.app import create_app
from sightline.agent.api.fetching import Fetcher
from sightline.agent.api.gate import Gate
from sightline.agent.assistant import Assistant
from sightline.agent.reply import Reply

EXPIRY, WEIGHT = "When does it expire?", "And how much does it weigh?"
FETCHED = "images.example.org"


class Reader(CountingReader):
    """Reads at once, waits until it may, or fails."""

    free = threading.Event()
    broken = False

    def read(self, pixels: NDArray[Any]) -> Any:
        assert self.free.wait(30)
        if Reader.broken:
            raise RuntimeError("a secret of ours")
        return super().read(pixels)


class Answering(httpx.AsyncBaseTransport):
    """The internet, which holds one photo."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["host"] == FETCHED
        return httpx.Response(
            200, headers={"content-type": "image/png"}, stream=httpx.ByteStream(png("NET WEIGHT 750 g"))
        )


async def resolve(*_: object) -> list[str]:
    return ["93.184.216.34"]


class Server:
    """A server in a thread of this process, and the Assistant that it serves."""

    def __init__(self, assistant: Assistant) -> None:
        self.assistant = assistant
        fetcher = Fetcher([FETCHED], resolve, Answering)
        app = create_app(Gate(assistant, "secret"), fetcher=fetcher)
        self._server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none"))
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> "Server":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("openai")
    (folder / "jam.png").write_bytes(png(*JAM))
    Reader.free.set()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sightline.agent.assistant.RapidReader", Reader)
        with Assistant.open(folder / "home") as assistant, Server(assistant) as running:
            assistant.add_product("JAM", "Plum jam, 250 g", [folder / "jam.png"])
            yield running


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as opened:
        yield opened


@cache
def png(*lines: str) -> bytes:
    out = io.BytesIO()
    label(*lines, size=(480, 320)).save(out, "PNG")
    return out.getvalue()


def uri(*lines: str) -> str:
    return f"data:image/png;base64,{base64.b64encode(png(*lines)).decode()}"


JAM = ("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g")
TEA = ("BEST BEFORE 02 JUN 2028", "NET WEIGHT 90 g")


def user(text: str, *images: str) -> Any:
    shown = [{"type": "image_url", "image_url": {"url": image, "detail": "low"}} for image in images]
    return {"role": "user", "content": [*([{"type": "text", "text": text}] if text else []), *shown]}


def answered(completion: ChatCompletion) -> Any:
    return {"role": "assistant", "content": text_of(completion)}


def text_of(completion: ChatCompletion) -> str:
    text = completion.choices[0].message.content
    assert isinstance(text, str)
    return text


def reply_of(answer: Any) -> Reply:
    return Reply.from_dict(answer.model_extra["sightline"])


class Ask:
    """One turn after another, by a client that sends the whole conversation each time."""

    def __init__(self, client: openai.OpenAI) -> None:
        self._client = client

    def __call__(self, *messages: Any, **more: Any) -> ChatCompletion:
        completion = self._client.chat.completions.create(model="sightline", messages=list(messages), **more)
        assert isinstance(completion, ChatCompletion)
        return completion


@pytest.fixture
def ask(client: openai.OpenAI) -> Ask:
    return Ask(client)


def test_there_is_one_model(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["sightline"]
    assert client.models.retrieve("sightline").owned_by == "sightline"
    with pytest.raises(openai.NotFoundError, match="the only one here") as raised:
        client.models.retrieve("gpt-4o")
    assert raised.value.code == "model_not_found"


def test_words_alone_are_answered(ask: Ask) -> None:
    completion = ask({"role": "system", "content": "You are a pirate."}, user("Hello"))
    (choice,) = completion.choices
    assert (choice.finish_reason, choice.message.role, completion.model) == ("stop", "assistant", "sightline")
    assert text_of(completion)
    assert reply_of(completion).photos == ()


def test_an_answer_brings_what_it_rests_on(ask: Ask, server: Server) -> None:
    completion = ask(user(EXPIRY, uri(*JAM)))
    reply = reply_of(completion)
    assert text_of(completion) == reply.text
    assert "14 March 2027" in reply.text
    assert ("date", "supported") in {(claim.kind, claim.status) for claim in reply.claims}
    assert reply.findings
    (picture,) = reply.pictures
    shown = httpx.get(server.url + picture.path)
    assert Image.open(io.BytesIO(shown.content)).size == (480, 320)
    assert reply == Reply.from_dict({**reply.to_dict()})


def test_what_is_counted_is_text(ask: Ask) -> None:
    usage = ask(user("é" * 9, uri(*JAM)), user("Hello")).usage
    assert usage is not None
    assert usage.prompt_tokens == 6, "18 bytes and 5, by four"
    assert usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_several_photos_keep_their_order(ask: Ask, server: Server) -> None:
    photos = reply_of(ask(user(EXPIRY, uri(*TEA), uri(*JAM)))).photos
    ids = [server.assistant.load(png(*lines)).id for lines in (TEA, JAM)]
    assert list(photos) == ids
    assert list(reply_of(ask(user(EXPIRY, ids[1], ids[0]))).photos) == ids[::-1], "the ids of kept photos are photos"


def test_a_conversation_that_is_sent_again_goes_on_in_its_thread(ask: Ask, server: Server) -> None:
    said = [user(EXPIRY, uri(*JAM))]
    first = ask(*said)
    said += [answered(first), user(WEIGHT)]
    second = ask({"role": "system", "content": f"It is {time.time()}."}, *said)
    assert "250 g" in text_of(second)
    thread = reply_of(first).thread
    said += [answered(second), {"role": "user", "content": "And the expiry date?"}]
    third = ask(*said)
    assert "14 March 2027" in text_of(third)
    assert thread == reply_of(second).thread == reply_of(third).thread
    assert [turn.question for turn in server.assistant.history(thread)] == [EXPIRY, WEIGHT, "And the expiry date?"]


def test_an_answer_that_is_generated_again_knows_nothing_of_its_future(ask: Ask, server: Server) -> None:
    opening = user(EXPIRY, uri(*JAM))
    first = ask(opening)
    once = ask(opening, answered(first), user("And this?", uri(*TEA)))
    again = ask(opening, answered(first), user(WEIGHT))
    assert "250 g" in text_of(again), "not the weight of the tea that came up meanwhile"
    kept = server.assistant.history(reply_of(again).thread)
    assert [turn.question for turn in kept] == [EXPIRY, WEIGHT]
    assert reply_of(once).thread != reply_of(again).thread
    assert [t.question for t in server.assistant.history(reply_of(once).thread)] == [EXPIRY, "And this?"]
    server.assistant.forget(reply_of(once).thread)
    assert all(Path(picture.path).is_file() for turn in kept for picture in turn.pictures), "its pictures are its own"
    further = ask(opening, answered(first), user(WEIGHT), answered(again), user("And the expiry date?"))
    assert "14 March 2027" in text_of(further)
    assert reply_of(further).thread == reply_of(again).thread


def test_two_conversations_that_begin_the_same_stay_two(ask: Ask, server: Server) -> None:
    opening = user(EXPIRY, uri(*JAM))
    mine, yours = ask(opening), ask(opening)
    assert text_of(mine) == text_of(yours)
    my_second = ask(opening, answered(mine), user("", uri(*TEA)))
    your_second = ask(opening, answered(yours), user("And when does it expire?"))
    assert "14 March 2027" in text_of(your_second)
    assert "2028" not in text_of(your_second)
    my_third = ask(opening, answered(mine), user("", uri(*TEA)), answered(my_second), user(WEIGHT))
    assert "90 g" in text_of(my_third)
    threads = {reply_of(completion).thread for completion in (my_second, your_second)}
    assert len(threads) == 2
    asked = {tuple(turn.question for turn in server.assistant.history(thread)) for thread in threads}
    assert asked == {(EXPIRY, "", WEIGHT), (EXPIRY, "And when does it expire?")}


def test_two_requests_of_one_conversation_at_once_are_two_futures(ask: Ask) -> None:
    opening = user(EXPIRY, uri(*JAM))
    first = ask(opening)
    done: list[ChatCompletion] = []
    calls = [
        threading.Thread(target=lambda: done.append(ask(opening, answered(first), user("Net weight?"))))
        for _ in range(3)
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert len({reply_of(completion).thread for completion in done}) == 3
    assert len({text_of(completion) for completion in done}) == 1


@pytest.mark.parametrize("edited", ["Something else was answered.", ""])
def test_a_conversation_that_nobody_knows_is_about_its_latest_photos(ask: Ask, edited: str) -> None:
    said = (user("Look", uri(*TEA)), user(EXPIRY, uri(*JAM)), {"role": "assistant", "content": edited}, user(WEIGHT))
    completion = ask(*said)
    assert "250 g" in text_of(completion)
    assert len(reply_of(completion).photos) == 1


def test_a_photo_and_its_question_may_be_two_messages(ask: Ask) -> None:
    assert "14 March 2027" in text_of(ask(user("", uri(*JAM)), user(EXPIRY)))


def test_a_photo_that_was_asked_for_goes_on_with_the_question(ask: Ask) -> None:
    opening, back = user(EXPIRY, uri("NET WEIGHT 250 g", "Store cool")), user("", uri(*JAM))
    first = ask(opening)
    assert reply_of(first).asks is not None
    second = ask(opening, answered(first), back)
    assert "14 March 2027" in text_of(second)
    assert reply_of(second).turn == reply_of(first).turn
    again = ask(opening, answered(first), back)
    assert reply_of(again).thread != reply_of(first).thread, "that turn has another answer now"
    third = ask(opening, answered(first), back, answered(second), user(WEIGHT))
    assert reply_of(third).thread == reply_of(first).thread


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (
            {"extra_headers": {"X-Sightline-Thread": "by%20header"}},
            {"extra_headers": {"X-Sightline-Thread": "by header"}},
        ),
        ({"metadata": {"thread": "by metadata"}}, {"extra_body": {"sightline": {"thread": "by metadata"}}}),
        (
            {"extra_body": {"sightline": {"thread": "线程"}}},
            {"extra_headers": {"X-Sightline-Thread": "%E7%BA%BF%E7%A8%8B"}},
        ),
    ],
    ids=["header", "metadata", "extension"],
)
def test_a_thread_that_is_named_goes_on_without_what_was_said(
    client: openai.OpenAI, ask: Ask, first: dict[str, Any], then: dict[str, Any]
) -> None:
    named = ask(user(EXPIRY, uri(*JAM)), **first)
    raw = client.chat.completions.with_raw_response.create(
        model="sightline", messages=[{"role": "user", "content": WEIGHT}], **then
    )
    assert "250 g" in text_of(raw.parse())
    assert reply_of(raw.parse()).thread == reply_of(named).thread
    assert httpx.URL(f"http://a/{raw.headers['x-sightline-thread']}").path == f"/{reply_of(named).thread}"


def test_a_named_thread_that_is_new_is_about_the_photos_that_were_sent_before(ask: Ask) -> None:
    said = (user(EXPIRY, uri(*JAM)), {"role": "assistant", "content": "…"}, user(WEIGHT))
    assert "250 g" in text_of(ask(*said, metadata={"thread": "moved here"}))


def test_a_home_keeps_the_conversations_used_last(ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "KEPT", 3)
    server.assistant.ask("Hello", thread="openai-is-a-name-like-another")
    opening = user(EXPIRY, uri(*JAM))
    first = ask(opening)
    for n in range(4):
        last = ask(user(f"Hello {n}"))
    kept = [t.name for t in server.assistant.threads() if t.name.startswith("openai-")]
    assert len(kept) == 4
    assert {reply_of(last).thread, "openai-is-a-name-like-another"} < set(kept)
    assert reply_of(first).thread not in kept
    assert "250 g" in text_of(ask(opening, answered(first), user(WEIGHT))), "the client brings the photo"


def test_each_released_sentence_is_one_chunk(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="sightline",
            messages=[user(EXPIRY, uri(*JAM))],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    first, *sentences, last, counted = chunks
    assert first.choices[0].delta.role == "assistant"
    assert last.choices[0].finish_reason == "stop"
    reply = reply_of(last)
    texts = [chunk.choices[0].delta.content or "" for chunk in sentences]
    assert len(reply.statements) > 1
    assert [text.strip() for text in texts] == [statement.text for statement in reply.statements]
    assert "".join(texts) == reply.text
    assert len({chunk.id for chunk in chunks}) == 1
    assert (counted.choices, counted.usage and counted.usage.prompt_tokens) == ([], 5)
    assert all(chunk.usage is None for chunk in chunks[:-1])
    again = client.chat.completions.retrieve(first.id)
    assert (again.id, text_of(again), reply_of(again)) == (first.id, reply.text, reply)


def test_a_streamed_conversation_goes_on(client: openai.OpenAI, ask: Ask) -> None:
    opening: Any = user(EXPIRY, uri(*JAM))
    with client.chat.completions.stream(model="sightline", messages=[opening]) as stream:
        first = stream.get_final_completion()
    second = ask(opening, {"role": "assistant", "content": first.choices[0].message.content}, user(WEIGHT))
    assert "250 g" in text_of(second)
    assert len(reply_of(second).photos) == 1


def test_evidence_can_be_turned_off(ask: Ask, client: openai.OpenAI) -> None:
    off: Any = {"extra_body": {"sightline": {"evidence": False}}}
    assert "sightline" not in (ask(user(EXPIRY, uri(*JAM)), **off).model_extra or {})
    messages: Any = [user(EXPIRY, uri(*JAM))]
    for chunk in client.chat.completions.create(model="sightline", messages=messages, stream=True, **off):
        assert "sightline" not in (chunk.model_extra or {})
        assert chunk.usage is None


def test_what_was_ordered_is_compared_with(ask: Ask) -> None:
    told = {"extra_body": {"sightline": {"claimed": "JAM", "manner": "service"}}}
    reply = reply_of(ask(user("Is this what I ordered?", uri(*JAM)), **told))
    assert reply.claimed == "JAM"
    assert [f.verdict.answer for f in reply.findings if f.verdict] == ["same"]
    with pytest.raises(openai.NotFoundError, match="NO-SUCH"):
        ask(user("Is it?", uri(*JAM)), extra_body={"sightline": {"claimed": "NO-SUCH"}})


def test_chinese_is_answered_in_chinese(ask: Ask) -> None:
    completion = ask(user("什么时候过期？", uri(*JAM)))
    assert "2027年3月14日" in text_of(completion)
    assert reply_of(completion).language == "zh"


def test_what_steers_the_words_of_a_model_is_let_through(ask: Ask) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    completion = ask(
        {"role": "developer", "content": "Be brief."},
        {"role": "tool", "tool_call_id": "1", "content": "It is jam."},
        user(EXPIRY, uri(*JAM)),
        temperature=0.1, top_p=0.5, seed=1, user="u", max_tokens=1, stop=["2027"], presence_penalty=1, tools=[tool],
        tool_choice="auto", parallel_tool_calls=True, n=1, response_format={"type": "text"}, logit_bias={"1": 1},
        store=False, extra_body={"something_new": {"a": 1}},
    )  # fmt: skip
    assert "14 March 2027" in text_of(completion)
    assert completion.choices[0].message.tool_calls is None


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tool_choice": "required", "tools": []}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": "all"}}, "tool_choice"),
        ({"function_call": {"name": "f"}}, "function_call"),
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"extra_body": {"sightline": {"claims": "A"}}}, "sightline.claims"),
        ({"extra_body": {"sightline": {"manner": "rude"}}}, "sightline.manner"),
        ({"metadata": {"thread": 3}}, "metadata.thread"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "Hello"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "x" * 20_001}]}, "messages[0].content"),
        ({"messages": [user("", *["sha256:0"] * 17)]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": ""}}]}]},
            "messages[0].content[0]",
        ),
        ({"messages": [user("What is it?", "/etc/passwd")]}, "messages.image_url"),
        ({"messages": [user("What is it?", "file:///etc/passwd")]}, "messages.image_url"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_would_change_an_answer_is_refused_by_its_name(
    client: openai.OpenAI, more: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(**{"model": "sightline", "messages": [user("Hello")], **more})
    assert (raised.value.param, raised.value.type) == (param, "invalid_request_error")


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_that_cannot_be_used_has_a_status_even_when_it_is_streamed(
    client: openai.OpenAI, stream: bool
) -> None:
    damaged = "data:image/png;base64," + base64.b64encode(png(*JAM)[:200]).decode()
    more: Any = {"messages": [user("What is it?", damaged)], "stream": stream}
    with pytest.raises(openai.BadRequestError, match="damaged"):
        client.chat.completions.create(model="sightline", **more)
    with pytest.raises(openai.NotFoundError, match="the only one here"):
        client.chat.completions.create(model="gpt-4o", **more)


def test_a_body_that_is_no_json_is_told_in_the_same_shape(server: Server) -> None:
    answer = httpx.post(f"{server.url}/v1/chat/completions", content=b"{", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_an_answer_that_is_not_kept_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="Expected the id of an answer"):
        client.chat.completions.retrieve("chatcmpl-0")


def test_an_address_is_fetched_where_its_host_is_allowed(ask: Ask, server: Server) -> None:
    there = f"https://{FETCHED}/a.png"
    first = ask(user("What is the net weight?", there))
    assert "750 g" in text_of(first)
    assert "750 g" in text_of(ask(user("Look", there), {"role": "assistant", "content": "Yes."}, user(WEIGHT)))
    with pytest.raises(openai.BadRequestError, match="is not"):
        ask(user("What is it?", "https://elsewhere.example.org/a.png"))
    native = httpx.post(f"{server.url}/api/ocr", json={"photo": there}, timeout=60).json()
    assert "750" in native["text"]


@pytest.fixture
def held() -> Iterator[None]:
    Reader.free.clear()
    try:
        yield
    finally:
        Reader.free.set()


@pytest.mark.usefixtures("held")
def test_a_turn_whose_caller_goes_away_is_given_up(client: openai.OpenAI, server: Server, ask: Ask) -> None:
    messages: Any = [user(EXPIRY, uri("USE BY 3 MAY 2031"))]
    here: Any = {"metadata": {"thread": "given up"}}
    with client.chat.completions.create(model="sightline", messages=messages, stream=True, **here) as stream:
        assert next(stream).choices[0].delta.role == "assistant"
    with pytest.raises(openai.APITimeoutError):
        ask(user(EXPIRY, uri("USE BY 4 MAY 2031")), timeout=0.5, **here)
    time.sleep(1.5)  # it is asked once a second whether anybody still waits
    Reader.free.set()
    ask(user("Hello"), **here)
    assert [turn.question for turn in server.assistant.history("given up")] == ["Hello"]


@pytest.mark.usefixtures("held")
def test_a_long_look_is_not_silent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_chat, "_SILENCE", 0.05)
    body = {"model": "sightline", "messages": [user(EXPIRY, uri("USE BY 5 MAY 2031"))], "stream": True}
    lines: list[str] = []
    with httpx.stream("POST", f"{server.url}/v1/chat/completions", json=body, timeout=60) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            lines.append(line)
            if lines.count(": looking") == 3:
                Reader.free.set()
    assert lines.count(": looking") >= 3
    assert [line for line in lines if line][-1] == "data: [DONE]"
    assert all(line == "" or line.startswith(("data: ", ": looking")) for line in lines)


@pytest.mark.parametrize("stream", [False, True])
def test_what_goes_wrong_on_the_way_is_told_and_says_nothing_of_us(
    client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    monkeypatch.setattr(Reader, "broken", True)
    with pytest.raises(openai.APIError, match="Something went wrong") as raised:
        list(
            client.chat.completions.create(
                model="sightline", messages=[user(EXPIRY, uri(f"USE BY {stream} MAY 2031"))], stream=stream
            )
        )
    assert raised.value.code == "InternalError"
    assert "secret" not in str(raised.value)


async def test_the_asynchronous_client_does_the_same(server: Server) -> None:
    messages: Any = [user(EXPIRY, uri(*JAM))]
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="any") as client:
        completion = await client.chat.completions.create(model="sightline", messages=messages)
        assert "14 March 2027" in text_of(completion)
        stream = await client.chat.completions.create(model="sightline", messages=messages, stream=True)
        text = [c.choices[0].delta.content or "" async for c in stream if c.choices]
        assert "".join(text) == text_of(completion)


@pytest.fixture
def chat(server: Server) -> Callable[..., ChatOpenAI]:
    return lambda **more: ChatOpenAI(
        model="sightline", base_url=f"{server.url}/v1", api_key=SecretStr("any"), max_retries=0, **more
    )


def human(text: str, *images: str) -> HumanMessage:
    return HumanMessage(content=user(text, *images)["content"])


def test_langchain_invokes_and_finds_what_an_answer_rests_on_by_its_id(chat: Callable[..., ChatOpenAI]) -> None:
    model = chat(extra_body={"sightline": {"claimed": "JAM", "thread": "from langchain"}})
    said: list[BaseMessage] = [SystemMessage("Be kind."), human(EXPIRY, uri(*JAM), uri(*TEA))]
    answer = model.invoke(said)
    assert "14 March 2027" in answer.text
    assert "2 June 2028" in answer.text
    assert answer.usage_metadata is not None
    reply = reply_of(model.root_client.chat.completions.retrieve(answer.id))
    assert (reply.text, reply.claimed, reply.thread, len(reply.photos)) == (
        answer.text,
        "JAM",
        "from langchain",
        2,
    )


def test_langchain_streams_by_sentence_and_goes_on(chat: Callable[..., ChatOpenAI]) -> None:
    model = chat(include_response_headers=True, stream_usage=True)
    said: list[BaseMessage] = [human(EXPIRY, uri(*JAM))]
    chunks = list(model.stream(said))
    answer = chunks[0]
    for chunk in chunks[1:]:
        answer += chunk
    assert len([chunk for chunk in chunks if chunk.text]) > 1
    assert answer.usage_metadata is not None
    reply = reply_of(model.root_client.chat.completions.retrieve(answer.id))
    assert reply.text == answer.text
    second = model.invoke([*said, AIMessage(answer.text), HumanMessage(WEIGHT)])
    assert "250 g" in second.text
    assert second.response_metadata["headers"]["x-sightline-thread"] == reply.thread


@pytest.mark.parametrize("offered", [False, True], ids=["no tools", "tools"])
def test_an_agent_of_langchain_runs_on_it(chat: Callable[..., ChatOpenAI], offered: bool) -> None:
    from langchain.agents import create_agent

    def weather(city: str) -> str:
        """The weather of a city."""
        raise AssertionError(city)

    agent: Any = create_agent(chat(), tools=[weather] if offered else [], system_prompt="You help customers.")
    state = agent.invoke({"messages": [human(EXPIRY, uri(*JAM))]})
    assert "14 March 2027" in state["messages"][-1].text
    state = agent.invoke({"messages": [*state["messages"], HumanMessage(WEIGHT)]})
    assert "250 g" in state["messages"][-1].text
    assert len(state["messages"]) == 4


def test_the_example_of_the_openai_client_says_each_sentence_and_then_the_evidence(
    server: Server, tmp_path: Path
) -> None:
    example = runpy.run_path(str(ROOT / "examples" / "openai_client.py"))
    (tmp_path / "jam.png").write_bytes(png(*JAM))
    *sentences, evidence = example["ask"](server.url, tmp_path / "jam.png", EXPIRY, "JAM")
    assert "14 March 2027" in "".join(sentences)
    assert evidence["claimed"] == "JAM"
    assert any(claim["status"] == "supported" for claim in evidence["claims"])


def test_the_example_of_an_agent_over_http_answers(server: Server, tmp_path: Path) -> None:
    example = runpy.run_path(str(ROOT / "examples" / "agent_over_http.py"))
    (tmp_path / "jam.png").write_bytes(png(*JAM))
    assert "14 March 2027" in example["ask"](server.url, tmp_path / "jam.png", EXPIRY)
