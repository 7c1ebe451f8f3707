"""The checkpoint in this process: what is kept changes no word, and a reply comes, ends and is counted as asked."""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import checkpoints
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from talking import (
    BLUE,
    CHATS,
    MESSAGES,
    QWENS,
    RED,
    SINGLE,
    TALL,
    TOKENS,
    Slow,
    afresh,
    asked,
    block,
    ended,
    kept_of,
    opened,
    placeholders,
    said,
)
from transformers import DynamicCache

from sightline.tools.errors import BadInput, ModelFailed
from sightline.tools.models.families import family_of
from sightline.tools.models.kept import Session, Sessions, keyed
from sightline.tools.models.local import TransformersChatModel
from sightline.tools.models.model import PATIENCE, Model, Turn
from sightline.tools.models.opening import open_model
from sightline.tools.models.writing import Wanted, Writer

# transformers makes an array of PaliGemma's ids in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def model() -> TransformersChatModel:
    return opened("qwen3_vl")


# --- what is kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", CHATS)
def test_kept_or_read_again_the_text_is_the_same(architecture: str) -> None:
    model = opened(architecture)
    turns = [
        asked("What is in this photo?", RED),
        asked("And where?"),
        asked("这张呢？", TALL),  # a new one
        asked("And both?", RED, TALL),  # and again those that are known
        asked("Say it once more."),
    ]
    messages: list[BaseMessage] = []
    answers: list[str] = []
    for n, turn in enumerate(turns):
        images = placeholders(model, messages) if messages else 0
        messages.append(turn)
        reply = model.invoke(messages)
        assert kept_of(reply) > images or n == 0
        answers.append(str(reply.content))
        messages.append(AIMessage(answers[-1]))
    assert [afresh(model, messages[: 2 * n + 1]) for n in range(len(turns))] == answers
    assert len(set(answers)) > 1


@pytest.mark.parametrize("architecture", CHATS)
def test_a_swapped_photo_is_seen(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened(architecture)
    red, blue = [asked("What is in this photo?", RED)], [asked("What is in this photo?", BLUE)]
    right = afresh(model, blue)
    wrong = afresh(model, red)
    assert right != wrong
    assert said(model, blue) == right
    # The negative control: keyed by ids alone, the conversations are one.
    monkeypatch.setattr("sightline.tools.models.local.keyed", lambda ids, _placeholder, _images: tuple(ids))
    assert afresh(model, red) == wrong
    assert said(model, blue) == wrong


@pytest.mark.parametrize("architecture", QWENS)
def test_interleaved_conversations_keep_their_positions(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened(architecture)
    wide = [asked("What is in this photo?", block("red", (640, 120))), AIMessage("A red one."), asked("Where?")]
    tall = [asked("What is in this photo?", TALL), AIMessage("A green one."), asked("Where?")]
    right = afresh(model, wide), afresh(model, tall)

    def interleaved() -> tuple[str, str]:
        model.kept.clear()
        said(model, wide[:1])
        said(model, tall[:1])
        following.set()
        answers = said(model, wide), said(model, tall)
        following.clear()
        return answers

    following = threading.Event()
    assert interleaved() == right
    # The negative control: how far positions lag is left as the conversation opened last has left it.
    positions = TransformersChatModel._positions

    def forgotten(self: TransformersChatModel, inputs: dict[str, Any]) -> Any:
        inner = self.can.model.model
        before = inner.rope_deltas
        found = positions(self, inputs)
        if following.is_set():
            inner.rope_deltas = before
        return found

    monkeypatch.setattr(TransformersChatModel, "_positions", forgotten)
    wrong = interleaved()
    assert wrong[0] != right[0]
    assert wrong[1] == right[1]


@pytest.mark.parametrize("architecture", CHATS)
def test_a_new_photo_in_a_conversation_is_encoded_alone(architecture: str) -> None:
    model = opened(architecture)
    names = ("visual", "vision_tower", "vision_model")
    tower = next(part for name, part in model.can.model.named_modules() if name.rpartition(".")[2] in names)
    shapes: list[tuple[int, ...]] = []

    def spy(_: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        seen = next(value for value in (*args, *options.values()) if torch.is_tensor(value))
        shapes.append(tuple(seen.shape))

    hook = tower.register_forward_pre_hook(spy, with_kwargs=True)
    try:
        afresh(model, [asked("And this one?", TALL)])
        alone = list(shapes)
        assert alone
        messages: list[BaseMessage] = [asked("What is in this photo?", RED)]
        messages.append(AIMessage(said(model, messages)))
        shapes.clear()
        messages.append(asked("And this one?", TALL))
        messages.append(AIMessage(said(model, messages)))
        assert shapes == alone
        shapes.clear()
        said(model, [*messages, asked("And both?")])
        assert shapes == []
    finally:
        hook.remove()


def test_two_questions_about_one_photo_share_it(model: TransformersChatModel) -> None:
    first = [asked("What is in this photo?", RED)]
    said(model, first)
    other = [asked("Is anything written on it?", RED)]
    reply = model.invoke(other)
    assert kept_of(reply) > placeholders(model, first)
    assert reply.content == afresh(model, other)


def test_what_is_dear_to_read_again_is_kept_beside(model: TransformersChatModel) -> None:
    long = [asked("What is in this photo?", RED), AIMessage("A red one."), asked("And this one?", TALL)]
    said(model, long)
    said(model, [asked("Is anything written on it?", RED)])
    assert len(model.kept) == 2
    reply = model.invoke([*long, AIMessage("A green one."), asked("And where?")])
    assert kept_of(reply) > placeholders(model, long)
    # What the other has of its own is a few words, which are sooner read again than kept.
    assert len(model.kept) == 1


def test_what_is_kept_is_bounded_in_bytes() -> None:
    photos = [block("red", (320, 200 + 20 * n)) for n in range(6)]
    model = opened("qwen3_vl")
    said(model, [asked("What?", photos[-1])])
    limit = 3 * model.kept.bytes
    bounded = TransformersChatModel.load(model.model_name, dtype="float32", max_tokens=TOKENS, kept_bytes=limit)
    for photo in photos:
        said(bounded, [asked("What?", photo)])
        assert 0 < bounded.kept.bytes <= limit
    assert len(bounded.kept) >= 3
    told = [kept_of(bounded.invoke([asked("Where?", photo)], max_tokens=1)) for photo in (photos[-1], photos[0])]
    assert told[0] > placeholders(model, [asked("What?", photos[-1])])
    assert told[1] < placeholders(model, [asked("What?", photos[0])])


CODES = st.lists(st.integers(0, 2) | st.sampled_from(["photo", "other"]), min_size=2, max_size=12)


@given(st.lists(CODES, max_size=12), st.integers(0, 2000))
def test_whatever_is_asked_what_is_kept_is_what_was_read(requests: list[list[int | str]], limit: int) -> None:
    """Each key is read as one number: the cache of a session has to hold the numbers of its keys, and no others."""

    def tensor(keys: Sequence[Any]) -> torch.Tensor:
        return torch.tensor([float(hash(key) % 1000) for key in keys]).view(1, 1, -1, 1)

    def held(cache: Any, name: str) -> list[float]:
        numbers: list[float] = getattr(cache.layers[0], name).flatten().tolist()
        return numbers

    sessions = Sessions(limit)
    for request in requests:
        keys = tuple(request)
        found = sessions.find(keys)
        cache = found.cache if found else DynamicCache()
        rest = keys[len(found.keys) if found else 0 :]
        assert rest
        cache.update(tensor(rest), tensor(rest), 0)
        assert held(cache, "keys") == tensor(keys).flatten().tolist()
        before = len(sessions)
        sessions.put(Session(keys, cache))
        assert sessions.bytes <= limit
        assert len(sessions) <= before + 1
        for session in sessions._kept:
            assert held(session.cache, "values") == tensor(session.keys).flatten().tolist()


def test_one_session_beyond_the_limit_is_not_kept_and_costs_no_other() -> None:
    def session(*keys: int) -> Session:
        cache = DynamicCache()
        cache.update(torch.zeros(1, 1, len(keys), 1), torch.zeros(1, 1, len(keys), 1), 0)
        return Session(keys, cache)

    sessions = Sessions(80)
    sessions.put(session(1, 2, 3))
    sessions.put(session(*range(100)))
    found = sessions.find((1, 2, 3, 4))
    assert found is not None
    assert found.keys == (1, 2, 3)


def test_images_that_do_not_fit_their_placeholders_have_no_keys() -> None:
    assert keyed([1, 9, 9, 2], 9, [("a", 1), ("b", 1)]) == (1, "a", "b", 2)
    for images in ([], [("a", 1)], [("a", 3)]):
        with pytest.raises(ValueError, match="placeholders"):
            keyed([1, 9, 9, 2], 9, images)


def test_threads_get_what_they_would_get_alone(model: TransformersChatModel) -> None:
    questions = [[asked(text, photo)] for text in ("What?", "Where is it?") for photo in (RED, BLUE, TALL)]
    alone = [afresh(model, messages) for messages in questions]
    model.kept.clear()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda messages: said(model, messages), questions * 2))
    assert together == alone * 2


@pytest.mark.parametrize("place", ["sightline.tools.models.local.Watch.__call__", "vision"])
def test_a_failing_request_leaves_nothing_half_read(
    model: TransformersChatModel, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    messages: list[BaseMessage] = [asked("What is in this photo?", RED)]
    messages += [AIMessage(said(model, messages)), asked("And this one?", TALL)]
    right = afresh(model, messages)
    model.kept.clear()
    said(model, messages[:1])

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as broken:
        if place == "vision":
            broken.setattr(model.can.model.model.language_model.layers[1], "forward", fail)
        else:
            broken.setattr(place, fail)
        with pytest.raises(RuntimeError, match="out of memory"):
            said(model, messages)
    assert all(session.cache.get_seq_length() == len(session.keys) for session in model.kept._kept)
    reply = model.invoke(messages)
    assert reply.content == right
    assert kept_of(reply) > placeholders(model, messages[:1])


# --- how a reply comes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", checkpoints.ARCHITECTURES)
def test_the_pieces_make_the_reply(architecture: str) -> None:
    model = opened(architecture)
    messages = [asked("What is in this photo?", RED)]
    whole = model.invoke(messages)
    pieces = list(model.stream(messages))
    assert "".join(str(piece.content) for piece in pieces) == whole.content != ""
    assert pieces[-1].response_metadata["finish_reason"] == whole.response_metadata["finish_reason"]
    assert whole.usage_metadata is not None
    used = whole.usage_metadata["output_tokens"]
    assert 1 <= used <= TOKENS
    assert whole.response_metadata["finish_reason"] == ("length" if used == TOKENS else "stop")


WORDS = st.text(st.sampled_from("ab <净含量é🎉\n"), max_size=30)


@settings(deadline=None)
@given(WORDS, st.lists(st.text(st.sampled_from("ab <净é🎉"), max_size=3), max_size=3), st.integers(1, 60))
def test_pieces_are_never_taken_back(text: str, stops: list[str], most: int) -> None:
    able = opened("qwen3_vl").can
    ids = able.tokenizer(text)["input_ids"]
    pieces: list[str] = []
    writer = Writer(able, Wanted(max_tokens=most, stop=tuple(stops)), pieces.append)
    for token in [*ids, able.tokenizer.eos_token_id]:
        if writer.take(token):
            break
    ended = writer.finish()
    shown = "".join(pieces)
    written = able.tokenizer.decode(ids[: len(writer.ids)])
    ends = min([at for stop in stops if stop and (at := written.find(stop)) >= 0], default=len(text))
    assert not any("\ufffd" in piece or not piece for piece in pieces)
    assert text.startswith(shown)
    assert not any(stop and stop in shown for stop in stops)
    if ended == "stop":
        assert shown == text[:ends]
    else:
        assert len(writer.ids) == most


def test_a_stop_is_not_shown(model: TransformersChatModel) -> None:
    messages = [asked("What is in this photo?", RED)]
    whole = afresh(model, messages)
    middle = whole[len(whole) // 3 : len(whole) // 3 + 4]
    for reply in (model.invoke(messages, stop=[middle]), model.invoke(messages, stop=["never said", middle])):
        assert reply.content == whole[: whole.find(middle)]
        assert reply.response_metadata["finish_reason"] == "stop"
    bound = TransformersChatModel.load(model.model_name, dtype="float32", max_tokens=TOKENS, stop=[middle])
    assert said(bound, messages) == whole[: whole.find(middle)]


def test_a_deadline_ends_a_reply_where_it_stands(model: TransformersChatModel) -> None:
    whole = afresh(model, MESSAGES, max_tokens=40)
    with Slow(model, 0.05) as slow:
        reply = model.invoke(MESSAGES, max_tokens=40, deadline=0.6)
    assert reply.response_metadata["finish_reason"] == "deadline"
    assert 0 < len(str(reply.content)) < len(whole)
    assert whole.startswith(str(reply.content))
    assert slow.count < 20


def test_a_reply_that_is_cancelled_ends_at_the_next_token(model: TransformersChatModel) -> None:
    cancel = threading.Event()
    with Slow(model, 0.05) as slow:
        pieces = []
        for piece in model.stream(MESSAGES, max_tokens=40, cancel=cancel):
            pieces.append(piece)
            if not cancel.is_set():
                cancel.set()
                before, since = slow.count, time.monotonic()
        assert time.monotonic() - since < 0.05 + 0.2  # one more token, and what we may take
        ended()
        assert slow.count <= before + 2
    assert pieces[-1].response_metadata["finish_reason"] == "cancelled"


def test_nobody_writes_for_a_listener_who_left(model: TransformersChatModel) -> None:
    with Slow(model, 0.05) as slow:
        stream = model.stream(MESSAGES, max_tokens=40)
        next(stream)
        before = slow.count
        stream.close()  # type: ignore[attr-defined]
        ended()
        assert slow.count <= before + 2
    assert not model._lock.locked()
    # What was read until then is kept.
    assert kept_of(model.invoke(MESSAGES)) > placeholders(model, MESSAGES)


def test_a_request_that_is_left_behind_before_its_turn_is_never_begun(model: TransformersChatModel) -> None:
    waiting = Model(lambda: model, "tiny", family_of("qwen3-vl")).during(Turn(deadline=time.monotonic() + 0.2))
    with Slow(model, 0.0) as slow:
        with model._lock, pytest.raises(ModelFailed):
            waiting.send(MESSAGES)
        ended()
        assert slow.count == 0


def test_who_waits_for_a_turn_may_leave_or_run_out_of_time(model: TransformersChatModel) -> None:
    cancel = threading.Event()
    with Slow(model, 0.0) as slow, model._lock:
        since = time.monotonic()
        late = model.invoke(MESSAGES, deadline=0.1)
        threading.Timer(0.1, cancel.set).start()
        gone = model.invoke(MESSAGES, cancel=cancel)
        assert time.monotonic() - since < 1
        assert slow.count == 0
    with Slow(model, 0.0) as slow:
        assert said(model, MESSAGES, cancel=cancel) == ""  # nobody waits when its turn comes
        assert slow.count == 0
    ends = [reply.response_metadata["finish_reason"] for reply in (late, gone)]
    assert ends == ["deadline", "cancelled"]
    assert late.content == gone.content == ""


def test_chance_is_repeatable_and_its_own(model: TransformersChatModel) -> None:
    state = torch.random.get_rng_state()
    drawn = [said(model, MESSAGES, temperature=1.5, seed=seed) for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_reply_is_written_without_a_word_to_who_runs_it(
    model: TransformersChatModel, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = logging.getLogger("transformers")
    monkeypatch.setattr(heard, "propagate", True)
    type(heard).warning_once.cache_clear()  # type: ignore[attr-defined]  # transformers put it there
    for temperature in (0.0, 1.5):
        said(model, MESSAGES, temperature=temperature, seed=1)
    model.batch([MESSAGES, MESSAGES])
    assert not caplog.messages


def test_a_checkpoint_that_is_open_is_the_same_model_as_its_name(model: TransformersChatModel) -> None:
    mine, named = open_model(model), open_model(f"transformers:{model.model_name}/")
    assert mine.chat is model
    assert replace(mine, opens=named.opens) == named
    assert mine.patience > PATIENCE
    assert mine.readable == Path(model.model_name).name


def test_usage_is_counted(model: TransformersChatModel) -> None:
    usages = [model.invoke(MESSAGES).usage_metadata for _ in range(2)]
    for usage, kept in zip(usages, (False, True), strict=True):
        assert usage is not None
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert usage["input_tokens"] > placeholders(model, MESSAGES) > 0
        assert bool(usage["input_token_details"]["cache_read"]) == kept
        assert usage["input_token_details"]["cache_read"] < usage["input_tokens"]


def test_a_call_names_only_what_there_is(model: TransformersChatModel) -> None:
    with pytest.raises(BadInput, match=r"max_tokens.*got top_p"):
        model.invoke(MESSAGES, top_p=0.5)


def test_the_loop_is_not_held_up(model: TransformersChatModel) -> None:
    async def ask() -> tuple[str, str, int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        beside = asyncio.create_task(tick())
        whole = await model.ainvoke(MESSAGES)
        streamed = "".join([str(piece.content) async for piece in model.astream(MESSAGES)])
        async for _ in (left := model.astream(MESSAGES, max_tokens=40)):
            break
        await left.aclose()  # type: ignore[attr-defined]
        beside.cancel()
        return str(whole.content), streamed, ticks

    right = afresh(model, MESSAGES)
    with Slow(model, 0.02):
        whole, streamed, ticks = asyncio.run(ask())
        ended()
    assert whole == streamed == right
    assert ticks > 10


# --- many at once ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", [*CHATS, "paligemma"])
def test_many_at_once_get_what_each_would_get(architecture: str) -> None:
    model = opened(architecture)
    many = [[asked("What?", RED)], [asked("And what is in this one, at length?", TALL)], [asked("这张呢？", BLUE)]]
    if architecture in CHATS:
        many.insert(1, [HumanMessage("Hello")])
        many.append([asked("Both?", RED, TALL)])
    each = [model.invoke(messages) for messages in many]
    together = model.batch(many)
    assert [reply.content for reply in together] == [reply.content for reply in each]
    for one, other in zip(together, each, strict=True):
        assert one.usage_metadata is not None
        assert other.usage_metadata is not None
        for count in ("input_tokens", "output_tokens", "total_tokens"):
            assert one.usage_metadata[count] == other.usage_metadata[count]
        assert one.response_metadata == other.response_metadata


def test_many_at_once_are_read_together_and_bounded(model: TransformersChatModel) -> None:
    many = [[asked("What?", photo)] for photo in (RED, BLUE, TALL, RED, BLUE)]
    with Slow(model, 0.0) as slow:
        model.batch(many, max_tokens=4)
        assert slow.count == 4
    whole = model.batch(many, max_tokens=40)
    with Slow(model, 0.05):
        late = model.batch(many, max_tokens=40, deadline=0.3)
    assert {reply.response_metadata["finish_reason"] for reply in late} <= {"deadline", "stop"}
    assert all(str(b.content).startswith(str(a.content)) for a, b in zip(late, whole, strict=True))
    stop = str(whole[1].content)[2:4]
    cut = model.batch(many, max_tokens=40, stop=[stop])
    assert [str(reply.content) for reply in cut] == [str(reply.content).partition(stop)[0] for reply in whole]


@pytest.mark.parametrize("architecture", SINGLE[1:])
def test_many_single_turns_come_one_after_another(architecture: str) -> None:
    model = opened(architecture)
    many = [[asked("What?", RED)], [asked("What?", BLUE)]]
    assert [reply.content for reply in model.batch(many)] == [said(model, messages) for messages in many]
