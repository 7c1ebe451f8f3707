"""A request to a model ends: by itself, at a limit or a deadline, when nobody waits, when it repeats or fails."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.exceptions import ModelAuthenticationError, ModelConnectionError, ModelRateLimitError
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from PIL import Image
from pydantic import PrivateAttr
from scripted import Cut, Scripted, known, scripted, steps

from sightline.agent.assistant import Assistant
from sightline.agent.settings import write
from sightline.tools.errors import BadInput, Cancelled, ModelFailed, Unavailable
from sightline.tools.models.contract import Contract
from sightline.tools.models.model import Model, Turn, Turns, reference, resolve
from sightline.tools.models.opening import open_model
from sightline.tools.models.repetition import repeats
from sightline.tools.models.view import view
from sightline.tools.photos import AtHand, load
from sightline.tools.types import Box, Size

PHOTO = load(Image.new("RGB", (320, 256), "red"))
OTHER_PHOTO = load(Image.new("RGB", (320, 256), "blue"))
PHOTOS = AtHand(PHOTO, OTHER_PHOTO)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second try comes soon."""
    monkeypatch.setattr("sightline.tools.models.model._PAUSE", 0.01)


def test_it_sees_the_photos_in_their_order_each_under_its_number_and_none_of_one_size() -> None:
    model, chat = scripted("a mug")
    said = model.ask("What differs?", [view(p, model.family) for p in (PHOTO, OTHER_PHOTO)], PHOTOS)
    (words, images) = chat.asked[0]
    assert words == "Image 1:\nImage 2:\nWhat differs?"
    assert [image.convert("RGB").getpixel((9, 9)) for image in images] == [(254, 0, 0), (0, 0, 254)]
    assert images[0].size != images[1].size
    assert (said.text, said.ended) == ("a mug", "end")
    assert 0 <= said.first_ms <= said.ms


def test_messages_hold_references_until_the_call() -> None:
    from langchain_core.messages import HumanMessage

    seen = view(PHOTO, scripted("")[0].family, part=Box(10, 10, 90, 90))
    message = HumanMessage([reference(seen)])
    assert PHOTO.id in str(message)
    assert len(str(message)) < 400
    (sent,) = resolve([message], PHOTOS)
    assert isinstance(sent.content[0], dict)
    assert len(sent.content[0]["base64"]) > 400
    assert PHOTO.id in str(message), "and the message is as it was"


@pytest.mark.parametrize(
    "fault", [ModelRateLimitError("429"), ModelConnectionError("reset"), ConnectionResetError("x")]
)
def test_a_fault_that_may_pass_is_tried_once_more_and_no_oftener(fault: Exception) -> None:
    model, chat = scripted(steps(fault, "a mug"))
    assert model.ask("?", [], PHOTOS).text == "a mug"
    assert len(chat.asked) == 2
    model, chat = scripted(steps(fault))
    with pytest.raises(ModelFailed):
        model.ask("?", [], PHOTOS)
    assert len(chat.asked) == 2


@pytest.mark.parametrize("fault", [ModelAuthenticationError("401"), ValueError("odd"), httpx.InvalidURL("no")])
def test_a_fault_that_will_not_pass_is_not_tried_again(fault: Exception) -> None:
    model, chat = scripted(steps(fault))
    with pytest.raises(ModelFailed, match="scripted did not answer"):
        model.ask("?", [], PHOTOS)
    assert len(chat.asked) == 1


def test_a_model_that_failed_in_a_turn_is_not_asked_again_in_it() -> None:
    model, chat = scripted(steps(ConnectionResetError("gone"), ConnectionResetError("gone"), "a mug"))
    turn = Turn()
    for _ in range(3):
        with pytest.raises(ModelFailed):
            model.during(turn).ask("?", [], PHOTOS)
    assert len(chat.asked) == 2
    assert model.during(Turn()).ask("?", [], PHOTOS).text == "a mug"


def raising(fault: BaseException | None, then: str = "") -> Callable[..., str]:
    """A script that says nothing or raises this in the first request, and says this in those after it."""
    faults = [fault]

    def script(*_: Any) -> str:
        if not faults:
            return then
        if first := faults.pop():
            raise first
        return ""

    return script


class Refused(Exception):
    """What a server makes of a request that it cannot take."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Error code: {status}")
        self.status_code = status


@pytest.mark.parametrize("fault", [Refused(400), Refused(413), Refused(422), ValueError("odd"), SystemExit(3), None])
def test_one_odd_photo_silences_the_model_for_no_other(fault: BaseException | None) -> None:
    model, chat = scripted(raising(fault, "a mug"))
    turn = Turn()
    with pytest.raises(ModelFailed):
        model.during(turn).ask("?", [], PHOTOS)
    assert model.during(turn).ask("?", [], PHOTOS).text == "a mug"
    assert len(chat.asked) == 2


@pytest.mark.parametrize(
    ("fault", "status", "passing"),
    [(Refused(400), 400, False), (Refused(503), 503, True), (ConnectionResetError("gone"), 0, True),
     (ModelConnectionError("reset"), 0, True), (ValueError("odd"), 0, False)],
)  # fmt: skip
def test_a_failure_says_what_the_server_said_and_whether_it_may_pass(
    fault: Exception, status: int, passing: bool
) -> None:
    model, _ = scripted(steps(fault))
    with pytest.raises(ModelFailed) as raised:
        model.ask("?", [], PHOTOS)
    assert (raised.value.status, raised.value.passing) == (status, passing)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_down_is_asked_nothing_more_in_the_turn(status: int) -> None:
    model, chat = scripted(steps(Refused(status)))
    turn = Turn()
    for _ in range(2):
        with pytest.raises(ModelFailed, match=str(status)):
            model.during(turn).ask("?", [], PHOTOS)
    assert len(chat.asked) == 2


class Panic(BaseException):
    """What a library in Rust raises."""


@pytest.mark.parametrize("fault", [SystemExit(3), KeyboardInterrupt(), Panic("index out of bounds")])
def test_whatever_ends_the_request_is_told_to_who_waits(fault: BaseException) -> None:
    model, _ = scripted(raising(fault))
    with pytest.raises(ModelFailed, match="scripted did not answer") as raised:
        model.during(Turn(deadline=time.monotonic() + 5)).ask("?", [], PHOTOS)
    assert (raised.value.reason, raised.value.__cause__) == ("failing", fault)


@pytest.mark.parametrize("words", ["", " \n"])
def test_a_reply_without_a_word_is_no_reply(words: str) -> None:
    model, _ = scripted(words)
    with pytest.raises(ModelFailed, match="scripted said nothing") as raised:
        model.ask("?", [], PHOTOS)
    assert raised.value.reason == "empty"


def test_nothing_is_sent_where_nobody_waits_or_no_time_is_left() -> None:
    model, chat = scripted("a mug")
    gone = Turn()
    gone.cancelled.set()
    with pytest.raises(Cancelled):
        model.during(gone).ask("?", [], PHOTOS)
    with pytest.raises(ModelFailed) as raised:
        model.during(Turn(deadline=time.monotonic() - 1)).ask("?", [], PHOTOS)
    assert raised.value.reason == "late"
    assert chat.asked == []


@pytest.mark.parametrize("over", ["cancelled", "late", "failed"])
def test_no_photo_is_made_ready_where_nothing_will_be_asked(over: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = scripted("a mug")
    turn = Turn()
    if over == "cancelled":
        turn.cancelled.set()
    elif over == "late":
        turn.deadline = time.monotonic() - 1
    else:
        turn.failed = ModelFailed("gone")
    monkeypatch.setattr("sightline.tools.models.model.encode", lambda *_: pytest.fail("a photo was made ready"))
    with pytest.raises((Cancelled, ModelFailed)):
        model.during(turn).ask("?", [view(PHOTO, model.family)], PHOTOS)


def test_a_straggler_of_a_turn_that_ended_sends_nothing() -> None:
    model, chat = scripted("a mug")
    turns = Turns()
    turns.of("t", 60)
    turns.end("t")
    turns.end("never begun")
    for name in ("t", "never begun"):
        with pytest.raises(Cancelled):
            model.during(turns.of(name, 60)).ask("?", [], PHOTOS)
    assert chat.asked == []


def opened_by(opens: Callable[[], Any]) -> Model:
    return Model(opens, "mine", known("qwen3_vl"))


@pytest.mark.parametrize("late", [False, True])
def test_who_waits_for_a_model_to_open_may_leave(late: bool) -> None:
    _, chat = scripted("a mug")
    going_on, opened = threading.Event(), threading.Event()

    def opens() -> Scripted:
        going_on.wait(5)
        opened.set()
        return chat

    turn = Turn(deadline=time.monotonic() + (0.1 if late else 60))
    if not late:
        threading.Timer(0.1, turn.cancelled.set).start()
    start = time.monotonic()
    with pytest.raises(ModelFailed if late else Cancelled):
        opened_by(opens).during(turn).ask("?", [], PHOTOS)
    assert time.monotonic() - start < 2
    going_on.set()
    assert opened.wait(5)
    time.sleep(0.05)
    assert chat.asked == [], "and nothing is sent for nobody"


@pytest.mark.parametrize(
    "error", [Unavailable("there is no folder /m."), BadInput("it reads no images."), OSError("x")]
)
def test_a_model_that_cannot_be_opened_fails_as_any_other_and_is_opened_once_a_turn(error: Exception) -> None:
    tried: list[int] = []

    def opens() -> Scripted:
        tried.append(1)
        raise error

    turn = Turn()
    for _ in range(2):
        with pytest.raises(ModelFailed, match=f"mine cannot be opened: {error}") as raised:
            opened_by(opens).during(turn).ask("?", [], PHOTOS)
        assert raised.value.reason == "failing"
    assert tried == [1]


class Attentive(Scripted):
    """Says nothing until it is told that nobody waits."""

    _heard: threading.Event = PrivateAttr(default_factory=threading.Event)

    def _stream(
        self, messages: Any, *_: Any, cancel: threading.Event | None = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        del messages, kwargs
        if cancel and cancel.wait(3):
            self._heard.set()
        yield ChatGenerationChunk(message=AIMessageChunk(content="too late"))


def test_a_chat_model_that_can_be_told_is_told_that_nobody_waits() -> None:
    chat = Attentive(script=None)
    with pytest.raises(ModelFailed) as raised:
        opened_by(lambda: chat).during(Turn(deadline=time.monotonic() + 0.1)).ask("?", [], PHOTOS)
    assert raised.value.reason == "late"
    assert chat._heard.wait(2)


def test_a_reply_without_end_is_cut_where_it_repeats_itself() -> None:
    model, chat = scripted("The label says: " + "NET WT 250 g, " * 10_000, wait=0.0001)
    said = model.ask("?", [], PHOTOS, tokens=100_000)
    assert said.ended == "repeats"
    assert said.text.rstrip() == "The label says: NET WT 250 g,"
    for _ in range(100):
        if not chat.running:
            break
        time.sleep(0.02)
    assert not chat.running, "and nobody goes on writing it"


@given(st.text(max_size=60), st.text(min_size=1, max_size=40), st.integers(1, 60))
def test_what_is_said_over_and_over_is_kept_once(before: str, unit: str, times: int) -> None:
    text = before + unit * times
    kept = repeats(text)
    if kept is None:
        assert len(unit) * times < 160 or times < 6
    else:
        # What was cut off is nothing but the end of what is kept, again and again.
        cut = text[kept:]
        assert any(cut == (text[kept - n : kept] * len(cut))[: len(cut)] for n in range(1, kept + 1))


@pytest.mark.parametrize(
    "text",
    [
        "-" * 120,
        "\n".join(f"{n}. item {n}" for n in range(80)),
        "12 oz (340 g) " * 5,
        "|" + " --- |" * 20,
        "",
        "这是一段很长的说明，" * 4,
    ],
)
def test_lists_and_ruled_lines_are_no_repetition(text: str) -> None:
    assert repeats(text) is None


def test_a_reply_longer_than_its_limit_is_cut() -> None:
    model, _ = scripted("".join(chr(0x4E00 + n) for n in range(5000)))
    said = model.ask("?", [], PHOTOS, tokens=20)
    assert said.ended == "length"
    assert len(said.text) <= 12 * 20 + 3


@pytest.mark.parametrize(
    "told",
    [
        {"finish_reason": "length"},  # OpenAI
        {"finish_reason": "MAX_TOKENS"},  # Google
        {"stop_reason": "max_tokens"},  # Anthropic
        {"done_reason": "length"},  # Ollama
        {"finish_reason": "deadline"},  # a checkpoint in this process
        {"finish_reason": "cancelled"},
    ],
    ids=str,
)
def test_a_reply_that_was_cut_off_is_not_taken_for_whole(told: dict[str, str]) -> None:
    model, _ = scripted(Cut("a mug and", **told))
    said = model.ask("?", [], PHOTOS)
    assert (said.text, said.ended) == ("a mug and", "length")


def test_a_reply_that_came_to_its_end_is_whole() -> None:
    for told in ({"finish_reason": "stop"}, {"stop_reason": "end_turn"}, {"done_reason": "stop"}):
        model, _ = scripted(Cut("a mug", **told))
        assert model.ask("?", [], PHOTOS).ended == "end"


def test_what_it_was_found_not_to_do_is_not_asked_of_it() -> None:
    model, chat = scripted("a mug")
    blind = replace(model, contract=Contract("scripted", "", "", "qwen3_vl", sees=False))
    single = replace(model, contract=Contract("scripted", "", "", "qwen3_vl", images=1))
    seen = [view(PHOTO, model.family)]
    for unfit, views in ((blind, seen), (single, seen * 2)):
        with pytest.raises(ModelFailed) as raised:
            unfit.ask("?", views, PHOTOS)
        assert raised.value.reason == "unfit"
    assert not chat.asked
    assert single.ask("?", seen, PHOTOS).text == "a mug"


@pytest.mark.parametrize(
    ("name", "server", "error", "says"),
    [
        ("mug", None, BadInput, "transformers:"),
        ("openai:", None, BadInput, "openai:MODEL"),
        ("openai:qwen", "localhost:8000", BadInput, "http://"),
        ("openai:qwen", "http://", BadInput, "http://"),
        ("openai:qwen", "http://[::1/v1", BadInput, "http://"),
        ("openai:qwen", "http://me:hush@127.0.0.1:8000/v1", BadInput, "SIGHTLINE_API_KEY"),
        ("openai:qwen", "http://hush@127.0.0.1:8000/v1", BadInput, "SIGHTLINE_API_KEY"),
        ("openai:qwen", "http://127.0.0.1:8000/v1#hush", BadInput, "without a name"),
        ("openai:qwen", "http://127.0.0.1:8000/v1?key=hush", BadInput, "SIGHTLINE_API_KEY"),
        ("openai:qwen", "http://127.0.0.1:0/v1", BadInput, "http://"),
        ("transformers:/nowhere", "http://127.0.0.1:1/v1", BadInput, "Leave it out"),
        ("openai:qwen", None, Unavailable, "SIGHTLINE_SERVER"),
        ("openai:qwen", "", Unavailable, "SIGHTLINE_SERVER"),
    ],
)
def test_a_model_that_cannot_be_had_is_refused_with_what_to_try(
    monkeypatch: pytest.MonkeyPatch, name: str, server: str | None, error: type[Exception], says: str
) -> None:
    for key in ("OPENAI_API_KEY", "SIGHTLINE_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    with pytest.raises(error, match=says) as raised:
        open_model(name, server)
    assert "hush" not in str(raised.value), "what may be a secret is not repeated"


def test_other_providers_need_langchain_which_may_not_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain.chat_models", None)
    with pytest.raises(
        Unavailable, match=r"'anthropic:claude' needs langchain and its provider.*pip install langchain$"
    ):
        open_model("anthropic:claude")


def test_where_langchain_is_there_it_says_which_provider_is_not() -> None:
    with pytest.raises(Unavailable, match=r"langchain cannot open 'nobody:claude'"):
        open_model("nobody:claude")


def test_a_provider_that_cannot_be_set_up_is_unavailable_whatever_it_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(Exception):
        """What a provider's own library raises for a missing key."""

    def init_chat_model(name: str) -> None:
        del name
        raise Odd("no api_key")

    monkeypatch.setitem(sys.modules, "langchain", ModuleType("langchain"))
    provider = ModuleType("langchain.chat_models")
    monkeypatch.setattr(provider, "init_chat_model", init_chat_model, raising=False)
    monkeypatch.setitem(sys.modules, "langchain.chat_models", provider)
    with pytest.raises(Unavailable, match=r"langchain cannot open 'anthropic:claude': no api_key"):
        open_model("anthropic:claude")


@pytest.mark.parametrize("given", [None, "", "http://127.0.0.1:2/v1"])
def test_photos_go_to_the_server_that_is_named_and_else_to_the_one_that_is_set(
    tmp_path: Path, given: str | None
) -> None:
    write(tmp_path, "openai:qwen3-vl", "http://127.0.0.1:1/v1")
    with Assistant.open(tmp_path, server=given) as assistant:
        model = assistant._kit.model
    assert model is not None
    assert (model.name, model.server) == ("qwen3-vl", given or "http://127.0.0.1:1/v1")


def test_without_an_address_a_served_model_is_openais(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_API_KEY", "hush")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    model = open_model("openai:gpt")
    assert model.server == getattr(model.chat, "openai_api_base", None) == "https://api.openai.com/v1"


def test_an_address_is_one_however_it_is_written() -> None:
    for typed in ("http://127.0.0.1:8000", "http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1/"):
        model = open_model("openai:qwen", typed)
        assert model.server == getattr(model.chat, "openai_api_base", None) == "http://127.0.0.1:8000/v1"


def test_a_checkpoint_is_looked_for_when_it_is_wanted_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    for name in ("/nowhere/at-all", str(tmp_path), "somebody/some-model"):
        model = open_model(f"transformers:{name}")
        assert model.name == name
    with pytest.raises(ModelFailed, match="/nowhere/at-all"):
        open_model("transformers:/nowhere/at-all").ask("?", [], PHOTOS)
    with pytest.raises(Unavailable, match="/nowhere/at-all"):
        _ = open_model("transformers:/nowhere/at-all").chat


def test_a_checkpoint_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _, chat = scripted("a mug")
    loaded: list[str] = []

    def load(name: str) -> Scripted:
        loaded.append(name)
        return chat

    monkeypatch.setattr("sightline.tools.models.local.TransformersChatModel.load", load)
    model = open_model("transformers:somebody/some-model")
    assert [model.ask("?", [], PHOTOS).text for _ in range(2)] == ["a mug"] * 2
    assert loaded == ["somebody/some-model"]


def test_the_end_of_a_process_waits_for_a_checkpoint_that_nobody_waits_for() -> None:
    """One that ends while torch loads is aborted."""
    code = """
import threading, time
from sightline.tools.errors import ModelFailed
from sightline.tools.models.local import TransformersChatModel
from sightline.tools.models.model import Turn
from sightline.tools.models.opening import open_model

def load(name):
    print("begun", name, flush=True)
    time.sleep(0.5)
    print("loaded", flush=True)

TransformersChatModel.load = load
try:
    open_model("transformers:a/b").during(Turn(deadline=time.monotonic() + 0.2)).send([])
except ModelFailed as error:
    print(error.reason, flush=True)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["begun a/b", "late", "loaded", ""]


def test_a_folder_is_one_model_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "llava-like" / "mine"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "qwen3_vl"}')
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    ways = (str(folder), "llava-like/mine", "./llava-like/mine/", "~/llava-like/mine", "link")
    models = [open_model(f"transformers:{way}") for way in ways]
    assert {(m.name, m.readable, m.family.name) for m in models} == {(str(folder), "mine", "qwen3_vl")}


def test_a_chat_model_of_the_callers_own_is_known_by_its_name() -> None:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    model = open_model(ChatOpenAI(model="Qwen/Qwen2.5-VL-7B-Instruct", api_key=SecretStr("x"), base_url="http://a/v1/"))
    assert (model.family.name, model.name, model.server) == (
        "qwen2_5_vl", "Qwen/Qwen2.5-VL-7B-Instruct", "http://a/v1",
    )  # fmt: skip
    assert view(PHOTO, model.family).size == Size(308, 252)


def test_what_is_asked_of_this_machine_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    from looking import Looking
    from servers import serving

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(Looking("qwen3_vl")) as url:
        model = open_model("openai:qwen3-vl", url)
        model.ask("How many red circles are there?", [view(PHOTO, model.family)], PHOTOS)
        assert url.requests == 1
