"""A turn through the machine, with the real OCR engine, photo store and SQLite."""

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from fakes import SHOP, CountingReader, label, shop_home
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from PIL import Image, ImageEnhance
from scripted import scripted

from sightline.agent.answer import COMPOSERS
from sightline.agent.assistant import Assistant
from sightline.agent.graph import build_graph
from sightline.agent.reply import Progress, Reply, Slot, Statement
from sightline.agent.state import Asked, Look, State
from sightline.tools.errors import (
    BadInput,
    Busy,
    Unavailable,
    UnknownPhoto,
    UnknownProduct,
    UnknownThread,
    UnreadablePhoto,
)
from sightline.tools.types import Finding, Size


@pytest.fixture
def shop_assistant(tmp_path: Path, reader: CountingReader) -> Iterator[Assistant]:
    """An Assistant whose catalogue holds the sample products."""
    del reader
    with Assistant.open(shutil.copytree(shop_home(), tmp_path / "home")) as opened:
        yield opened


def test_an_answer_cites_what_it_rests_on(assistant: Assistant, photo: Image.Image) -> None:
    reply = assistant.ask("When does it expire?", [photo])
    assert "14 March 2027" in reply.text
    assert [(s.tool, s.args) for s in reply.plan] == [("ocr", {"field": "expiry"})]
    findings = {f.id for f in reply.findings}
    assert all(set(s.cites) <= findings and s.cites for s in reply.statements)
    assert {(c.kind, c.value, c.status) for c in reply.claims} >= {("date", "2027-03-14", "supported")}
    assert all(c.region is not None for c in reply.claims)
    assert Path(reply.pictures[0].path).is_file()
    assert reply.outcome == "found"


def test_a_question_in_chinese_is_answered_in_chinese(assistant: Assistant, photo: Image.Image) -> None:
    reply = assistant.ask("什么时候过期？", [photo])
    assert reply.language == "zh"
    assert "2027年3月14日" in reply.text


def test_a_follow_up_is_about_the_photos_of_the_turn_before(
    assistant: Assistant, photo: Image.Image, reader: CountingReader
) -> None:
    first = assistant.ask("When does it expire?", [photo])
    second = assistant.ask("How much does it weigh?")
    assert second.photos == first.photos
    assert "250 g" in second.text
    assert reader.calls == 1, "one OCR pass a photo, whatever is asked of it"


def test_two_tools_about_one_photo_share_one_reading(
    assistant: Assistant, photo: Image.Image, reader: CountingReader
) -> None:
    reply = assistant.ask("What is it and when does it expire?", [photo])
    assert {f.tool for f in reply.findings} == {"quality", "describe", "ocr"}
    assert reader.calls == 1


def test_without_a_photo_it_asks_for_one(assistant: Assistant) -> None:
    reply = assistant.ask("When does it expire?")
    assert "photo" in reply.text
    assert (reply.outcome, reply.findings) == ("not_looked", ())


def test_a_field_that_is_not_there_is_absent(assistant: Assistant, photo: Image.Image) -> None:
    reply = assistant.ask("What is the lot number?", [photo])
    assert reply.outcome == "absent"
    assert not reply.claims


def test_a_thing_needs_a_model_and_is_not_said_to_be_absent(assistant: Assistant, photo: Image.Image) -> None:
    reply = assistant.ask("Is there a dog?", [photo])
    assert reply.outcome == "not_looked"
    assert "can't tell" in reply.text


@pytest.mark.parametrize("dark", [False, True])
def test_what_the_instruments_have_is_said_beside_a_question_that_is_open(
    assistant: Assistant, photo: Image.Image, dark: bool
) -> None:
    reply = assistant.ask("What is she wearing?", [ImageEnhance.Brightness(photo).enhance(0.1 if dark else 1.0)])
    assert reply.outcome == "not_looked"
    assert "BEST BEFORE" in reply.text
    assert "needs a vision language model" in reply.text


def test_without_a_catalogue_a_photo_is_described_once(assistant: Assistant, photo: Image.Image) -> None:
    reply = assistant.ask("Which product is it? What colour is the lid?", [photo])
    assert [step.tool for step in reply.plan] == ["describe"]


@pytest.mark.parametrize("colour", ["black", "white"])
def test_an_empty_photo_is_asked_for_again(assistant: Assistant, colour: str) -> None:
    reply = assistant.ask("What does it say?", [Image.new("RGB", (640, 480), colour)])
    assert reply.outcome == "unreadable"
    assert "again" in reply.text
    assert not reply.claims


def test_claimed_product_without_a_catalogue_is_said_to_be_unchecked(assistant: Assistant, photo: Image.Image) -> None:
    reply = assistant.ask("When does it expire?", [photo], claimed="OAT-1L")
    assert "OAT-1L" in reply.text
    assert "catalogue" in reply.text


def test_two_photos_are_answered_apart(assistant: Assistant, photo: Image.Image) -> None:
    reply = assistant.ask("When does it expire?", [photo, label("USE BY 2027-01-02", size=(700, 500))])
    assert len(reply.photos) == 2
    said = [s.text.partition(":")[0] for s in reply.statements]
    assert sorted(set(said)) == ["Photo 1", "Photo 2"]
    assert said == sorted(said), "photo by photo"


def test_streaming_gives_progress_then_final_sentences_then_the_reply(assistant: Assistant, photo: Image.Image) -> None:
    events = list(assistant.stream("When does it expire?", [photo]))
    kinds = [type(e) for e in events]
    assert kinds[0] is Progress
    assert kinds[-1] is Reply
    reply = events[-1]
    assert isinstance(reply, Reply)
    assert [e for e in events if isinstance(e, Statement)] == list(reply.statements)
    assert {e.step for e in events if isinstance(e, Progress)} == {"receive", "route", "ocr"}


def test_a_listener_who_leaves_gives_the_turn_up(assistant: Assistant, photo: Image.Image) -> None:
    stream = assistant.stream("When does it expire?", [photo])
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert assistant.unfinished() == {}
    assert assistant.threads() == []


def test_the_graph_works_without_blocking_a_loop(assistant: Assistant, photo: Image.Image) -> None:
    async def both() -> Sequence[Reply]:
        return await asyncio.gather(
            assistant.aask("When does it expire?", [photo], "a"), assistant.aask("重量？", [photo], "b")
        )

    assert [r.language for r in asyncio.run(both())] == ["en", "zh"]


def test_turns_of_many_threads_do_not_mix(assistant: Assistant, photo: Image.Image) -> None:
    def talk(name: str) -> None:
        assistant.ask(f"What does it say? {name}", [photo], thread=name)
        assistant.ask("How much does it weigh?", thread=name)

    workers = [threading.Thread(target=talk, args=(f"t{n}",)) for n in range(6)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    for n in range(6):
        questions = [r.question for r in assistant.history(f"t{n}")]
        assert questions == [f"What does it say? t{n}", "How much does it weigh?"]


def test_a_reply_is_plain_json_that_its_schema_describes(assistant: Assistant, photo: Image.Image) -> None:
    reply = assistant.ask("What is it and when does it expire?", [photo])
    plain = json.loads(json.dumps(reply.to_dict()))
    jsonschema.validate(plain, Reply.json_schema())
    assert {"text", "language", "plan", "statements", "claims", "findings", "pictures", "thread"} <= plain.keys()
    assert Reply.from_dict(plain) == reply


def test_history_survives_a_restart(tmp_path: Path, reader: CountingReader, photo: Image.Image) -> None:
    with Assistant.open(tmp_path / "h") as first:
        reply = first.ask("When does it expire?", [photo])
    with Assistant.open(tmp_path / "h") as second:
        assert second.history() == [reply]
        assert "250 g" in second.ask("How much does it weigh?").text
    assert reader.calls == 1, "the reading is kept with the home"


def test_one_process_writes_and_others_read(assistant: Assistant, photo: Image.Image) -> None:
    assistant.ask("When does it expire?", [photo])
    with Assistant.open(assistant.home) as other:
        assert [t.name for t in other.threads()] == ["main"]
        assert other.ocr(photo).outcome == "found"
        with pytest.raises(Busy, match="writing"):
            other.ask("When does it expire?", [photo])
    assistant.ask("How much does it weigh?")


def test_forgetting_a_thread_removes_its_photos_and_pictures(assistant: Assistant, photo: Image.Image) -> None:
    kept = assistant.ask("When does it expire?", [photo, label("EXP 2027-02-03", size=(500, 400))], thread="a")
    assistant.ask("When does it expire?", [label("EXP 2027-02-03", size=(500, 400))], thread="b")
    assistant.forget("a")
    with pytest.raises(UnknownThread):
        assistant.history("a")
    with pytest.raises(UnknownPhoto):
        assistant.ocr(kept.photos[0])
    assert assistant.ocr(kept.photos[1]).outcome == "found"
    assert not Path(kept.pictures[0].path).exists()


@pytest.mark.parametrize("thread", ["", "a\nb", "x" * 201])
def test_a_thread_needs_a_name(assistant: Assistant, thread: str) -> None:
    with pytest.raises(BadInput, match="thread"):
        assistant.ask("hello", thread=thread)


def test_an_unreadable_photo_leaves_no_trace(assistant: Assistant) -> None:
    with pytest.raises(UnreadablePhoto):
        assistant.ask("What does it say?", [label("fine"), b"not a photo"])
    assert assistant.threads() == []


def test_a_failing_tool_leaves_no_trace_and_does_not_come_back(
    assistant: Assistant, photo: Image.Image, reader: CountingReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> list[object]:
        raise Unavailable("no OCR models")

    with monkeypatch.context() as broken:
        broken.setattr(reader, "read", fail)
        with pytest.raises(Unavailable):
            assistant.ask("What does it say?", [photo])
    assert (assistant.threads(), assistant.unfinished()) == ([], {})
    assert assistant.ask("What does it say?", [photo]).outcome == "found"


def test_a_home_that_is_a_file_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    with pytest.raises(BadInput, match=r"notes\.txt"):
        Assistant.open(file)
    assert file.read_text() == "mine"


@pytest.mark.parametrize("name", ["photos", "sessions.sqlite", "readings.sqlite", "checkpoints.sqlite"])
def test_a_home_that_is_damaged_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("not what it should be, and long enough to be looked at " * 40)
    with pytest.raises(BadInput, match=tmp_path.name):
        Assistant.open(tmp_path)


def test_photos_of_a_turn_that_failed_are_cleared_by_the_next_writer(tmp_path: Path, photo: Image.Image) -> None:
    with Assistant.open(tmp_path / "h") as first:
        kept = first.ask("When does it expire?", [photo], thread="kept")
        orphan = first._photos.add(first.load(label("EXP 2027-02-03")))
        first._photos.refer("never finished", [orphan])
    with Assistant.open(tmp_path / "h") as second:
        second.ask("What does it say?", thread="kept")
        assert second._photos.ids() == kept.photos


def test_a_host_that_keeps_one_checkpoint_thread_gets_each_turns_findings_alone(
    assistant: Assistant, photo: Image.Image
) -> None:
    stored = assistant._photos.add(assistant.load(photo))
    machine = build_graph(assistant._kit, InMemorySaver())
    config: RunnableConfig = {"configurable": {"thread_id": "always the same"}}
    replies = [
        machine.invoke(Asked(text="When does it expire?", photos=[stored], thread="host", turn=turn), config)["reply"]
        for turn in ("t1", "t2")
    ]
    assert [len(r["findings"]) for r in replies] == [2, 2]
    assert len(machine.get_state(config).values["findings"]) == 2


@pytest.mark.parametrize("seeing", [False, True])
def test_a_turn_that_an_earlier_version_began_is_finished(
    assistant: Assistant, photo: Image.Image, monkeypatch: pytest.MonkeyPatch, seeing: bool
) -> None:
    kit = replace(assistant._kit, model=scripted("A label.")[0]) if seeing else assistant._kit
    stored = assistant._photos.add(assistant.load(photo))
    machine = build_graph(kit, InMemorySaver())
    config: RunnableConfig = {"configurable": {"thread_id": "cut short"}}
    asked = Asked(text="Describe this", photos=[stored], thread="t", turn="cut short")
    with monkeypatch.context() as earlier:
        # What it sent to a tool was a step and a photo.
        earlier.setattr("sightline.agent.nodes._look", lambda _, step, photo: Look(step=step, photo=photo))
        machine.invoke(asked, config, interrupt_before=["describe"])
    reply = machine.invoke(None, config)["reply"]
    assert "BEST BEFORE" in reply["text"]
    assert ("A label." in reply["text"]) == seeing


def test_a_look_without_a_word_is_spoken_of_in_the_language_of_who_looks(
    tmp_path: Path, reader: CountingReader, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    del reader
    model, chat = scripted("A label.")
    with Assistant.open(tmp_path / "home", model=chat) as seeing:
        object.__setattr__(seeing._kit, "model", model)
        for locale, words in (("zh_CN.UTF-8", "照片"), ("en_GB.UTF-8", "photo")):
            monkeypatch.setenv("LC_ALL", locale)
            seeing.describe(photo)
            assert words in chat.asked[-1][0]
        seeing.describe(photo, "这是什么？")
        assert any("问题：这是什么？" in words for words, _ in chat.asked)


def test_a_local_model_is_spoken_of_by_the_name_of_its_folder(
    tmp_path: Path, reader: CountingReader, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    del reader
    (tmp_path / "my-model").mkdir()
    monkeypatch.chdir(tmp_path)
    with Assistant.open("home", model="transformers:./my-model") as opened:
        finding = opened.describe(photo)
    assert (finding.model, finding.failed) == ("my-model", "failing")


def test_what_its_findings_do_not_hold_is_not_said(
    assistant: Assistant, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lying(_: str, finding: Finding, __: Size) -> Iterator[Statement]:
        yield Statement("It says HONEY.", (finding.id,), (Slot("quote", "HONEY", finding.id),))
        yield Statement("It says BEST.", (finding.id,), (Slot("quote", "BEST", finding.id),))
        yield Statement("It weighs 3 kg.", (), (Slot("number", "250 g", finding.id),))

    monkeypatch.setitem(COMPOSERS, "ocr", lying)
    events = list(assistant.stream("What does it say?", [photo]))
    assert [e.text for e in events if isinstance(e, Statement)] == ["It says BEST."]
    reply = events[-1]
    assert isinstance(reply, Reply)
    assert (reply.text, [c.value for c in reply.claims]) == ("It says BEST.", ["BEST"])


def test_the_machine_works_inside_somebody_elses_graph(assistant: Assistant, photo: Image.Image) -> None:
    stored = assistant._photos.add(assistant.load(photo))
    # A host that happens to share every channel of ours, reducers too, and a context of its own.
    host: StateGraph[State, Any, State, State] = StateGraph(State, context_schema=dict)
    host.add_node("sightline", build_graph(assistant._kit))
    host.add_edge(START, "sightline")
    host.add_edge("sightline", END)
    compiled = host.compile(checkpointer=InMemorySaver())
    turn = State(text="When does it expire?", photos=[stored], thread="host", turn="t1")
    context = {"kit": "the host's own, which nothing of ours reads"}
    result = asyncio.run(compiled.ainvoke(turn, {"configurable": {"thread_id": "x"}}, context=context))
    assert "14 March 2027" in result["reply"]["text"]
    again = compiled.invoke({**turn, "turn": "t2"}, {"configurable": {"thread_id": "x"}}, context=context)
    assert len(again["reply"]["findings"]) == len(result["reply"]["findings"]), "no finding leaks into the next turn"
    assert not again["findings"]
    assert [r.turn for r in assistant.history("host")] == ["t1", "t2"]


def test_what_was_ordered_holds_for_the_next_question_about_the_photo(shop_assistant: Assistant) -> None:
    photo = SHOP / "photos" / "wrong-variant.jpg"
    first = shop_assistant.ask("Is this what I ordered?", [photo], claimed="FRN-OAT-15")
    second = shop_assistant.ask("Does it match the official picture?")
    for reply in (first, second):
        assert reply.claimed == "FRN-OAT-15"
        (compared,) = [f for f in reply.findings if f.tool == "compare"]
        assert compared.verdict is not None
        assert compared.verdict.answer == "other_variant"
        products = [(c.value, c.region is not None) for c in reply.claims if c.kind == "product"]
        assert products == [("FRN-OAT-CHO", True)], "what is seen is claimed, where it is seen"
    assert (
        shop_assistant.ask("Does it match the official picture?", [SHOP / "photos" / "oat-on-table.jpg"]).claimed
        is None
    )


def test_without_a_catalogue_it_is_said_once_that_an_order_cannot_be_checked(
    assistant: Assistant, photo: Image.Image
) -> None:
    assert "OAT" in assistant.ask("When does it expire?", [photo], claimed="OAT").text
    assert "OAT" not in assistant.ask("How much does it weigh?").text


def test_an_order_that_the_catalogue_does_not_know_is_refused(shop_assistant: Assistant) -> None:
    with pytest.raises(UnknownProduct, match="NOPE"):
        shop_assistant.ask("What does it say?", [SHOP / "photos" / "oat-on-table.jpg"], claimed="NOPE")


def test_the_command_compares_with_the_product_it_names(shop_assistant: Assistant) -> None:
    reply = shop_assistant.ask("/compare FRN-OAT-15", [SHOP / "photos" / "wrong-variant.jpg"])
    (compared,) = [f for f in reply.findings if f.tool == "compare"]
    assert compared.asked == "FRN-OAT-15"
    assert compared.verdict is not None
    assert compared.verdict.answer == "other_variant"


def test_two_photos_are_compared_with_one_another_where_that_is_asked(shop_assistant: Assistant) -> None:
    photos = [SHOP / "photos" / name for name in ("stained.jpg", "two-photos-a.jpg")]
    reply = shop_assistant.ask("/compare other photo", photos)
    (compared,) = [f for f in reply.findings if f.tool == "compare"]
    assert compared.photos == reply.photos
    assert "two photos" in reply.text
    assert "official" not in reply.text
    assert len(reply.pictures) == 1
