"""A request to a model ends: by itself, at a limit or a deadline, when nobody waits, when it repeats or fails."""

import threading
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.exceptions import ModelAuthenticationError, ModelConnectionError, ModelRateLimitError
from PIL import Image
from scripted import scripted, steps

from sightline.tools.errors import BadInput, Cancelled, ModelFailed, Unavailable
from sightline.tools.models.contract import Contract
from sightline.tools.models.model import Turn, Turns, reference, resolve
from sightline.tools.models.opening import open_model
from sightline.tools.models.repetition import repeats
from sightline.tools.models.view import view
from sightline.tools.photos import AtHand, load
from sightline.tools.types import Box, Size

PHOTO = load(Image.new("RGB", (320, 256), "red"))
OTHER_PHOTO = load(Image.new("RGB", (320, 256), "blue"))
PHOTOS = AtHand(PHOTO, OTHER_PHOTO)


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
    model, chat = scripted(steps(ValueError("odd"), "a mug"))
    turn = Turn()
    for _ in range(3):
        with pytest.raises(ModelFailed):
            model.during(turn).ask("?", [], PHOTOS)
    assert len(chat.asked) == 1
    assert model.during(Turn()).ask("?", [], PHOTOS).text == "a mug"


def test_the_deadline_ends_a_reply_that_trickles_and_one_that_never_begins() -> None:
    for wait in (0.1, 30.0):
        model, _ = scripted("and so on " * 500, wait=wait)
        start = time.monotonic()
        with pytest.raises(ModelFailed) as raised:
            model.during(Turn(deadline=start + 0.5)).ask("?", [], PHOTOS)
        assert raised.value.reason == "late"
        assert time.monotonic() - start < 3


def test_cancelling_returns_soon_after_the_next_piece_and_leaves_no_reply_running() -> None:
    model, chat = scripted("and so on " * 5000, wait=0.02)
    turns = Turns()
    threading.Timer(0.3, turns.end, ["t"]).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        model.during(turns.of("t", 60)).ask("?", [], PHOTOS)
    assert 0.25 < time.monotonic() - start < 1.5
    for _ in range(100):
        if not chat.running:
            break
        time.sleep(0.02)
    assert not chat.running


def test_turns_that_nobody_ends_are_forgotten() -> None:
    turns = Turns()
    first = turns.of("0", 60)
    assert turns.of("0", 60) is first
    for n in range(1, 1000):
        turns.of(str(n), 60)
    assert turns.of("0", 60) is not first


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


def test_what_it_was_found_not_to_do_is_not_asked_of_it() -> None:
    model, chat = scripted("a mug")
    from dataclasses import replace

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
        ("transformers:/nowhere", "http://127.0.0.1:1/v1", BadInput, "Leave it out"),
        ("transformers:/nowhere/at-all", None, Unavailable, "/nowhere/at-all"),
        ("openai:qwen", None, Unavailable, "SIGHTLINE_SERVER"),
        ("anthropic:claude", None, Unavailable, "pip install langchain"),
    ],
)
def test_a_model_that_cannot_be_had_is_refused_with_what_to_try(
    monkeypatch: pytest.MonkeyPatch, name: str, server: str | None, error: type[Exception], says: str
) -> None:
    for key in ("OPENAI_API_KEY", "SIGHTLINE_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    with pytest.raises(error, match=says):
        open_model(name, server)


def test_a_chat_model_of_the_callers_own_is_known_by_its_name() -> None:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    model = open_model(ChatOpenAI(model="Qwen/Qwen2.5-VL-7B-Instruct", api_key=SecretStr("x"), base_url="http://a/v1"))
    assert (model.family.name, model.name, model.server) == (
        "qwen2_5_vl", "Qwen/Qwen2.5-VL-7B-Instruct", "http://a/v1",
    )  # fmt: skip
    assert view(PHOTO, model.family).size == Size(308, 252)


def test_what_is_asked_of_this_machine_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    from servers import Looking, serving

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(Looking("qwen3_vl")) as url:
        model = open_model("openai:qwen3-vl", url)
        model.ask("How many red circles are there?", [view(PHOTO, model.family)], PHOTOS)
        assert url.requests == 1
