"""The compiled graph takes messages and answers them, alone or in a host's graph, and keeps no pixel in its state."""

import asyncio
import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from fakes import label
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from PIL import Image

from sightline.agent.assistant import Assistant
from sightline.agent.langchain_tools import keep_photos
from sightline.agent.reply import Reply
from sightline.agent.state import Asked
from sightline.tools.errors import BadInput, UnknownPhoto, UnreadablePhoto

QUESTION = "When does it expire?"
CHAT: RunnableConfig = {"configurable": {"thread_id": "host"}}


def encoded(image: Image.Image) -> str:
    out = io.BytesIO()
    image.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def uri(image: Image.Image) -> str:
    return f"data:image/png;base64,{encoded(image)}"


def said(text: str, *images: dict[str, Any], **named: Any) -> HumanMessage:
    return HumanMessage([{"type": "text", "text": text}, *images], **named)


def shown(image: Image.Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": uri(image)}}


FORMS: dict[str, Any] = {
    "chat completions": lambda i: {"type": "image_url", "image_url": {"url": uri(i), "detail": "high"}},
    "a bare address": lambda i: {"type": "image_url", "image_url": uri(i)},
    "responses": lambda i: {"type": "input_image", "image_url": uri(i)},
    "langchain": lambda i: {"type": "image", "base64": encoded(i), "mime_type": "image/png"},
    "langchain as a url": lambda i: {"type": "image", "url": uri(i)},
    "langchain before 1": lambda i: {
        "type": "image",
        "source_type": "base64",
        "data": encoded(i),
        "mime_type": "image/png",
    },
    "langchain of javascript": lambda i: {"type": "image", "data": encoded(i), "mimeType": "image/png"},
    "anthropic": lambda i: {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": encoded(i)},
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_a_message_with_an_image_is_a_turn_and_is_answered_by_a_message(
    assistant: Assistant, photo: Image.Image, form: str
) -> None:
    out = assistant.graph().invoke(Asked(messages=[said(QUESTION, FORMS[form](photo), id="m1")]))
    asked, answer = out["messages"]
    (kept,) = out["reply"]["photos"]
    assert asked.content == [{"type": "text", "text": QUESTION}, {"type": "text", "text": f"[photo {kept}]"}]
    assert asked.id == "m1"
    assert isinstance(answer, AIMessage)
    assert "14 March 2027" in str(answer.content)
    assert json.loads(json.dumps(answer.response_metadata["sightline"])) == out["reply"]
    assert Reply.from_dict(out["reply"]).question == QUESTION
    assert assistant.load(kept).id == kept


def test_messages_that_come_as_json_are_taken_as_well(assistant: Assistant, photo: Image.Image) -> None:
    content = [{"type": "text", "text": QUESTION}, shown(photo)]
    given: Any = {"messages": [{"role": "user", "content": content}]}
    assert "2027" in str(assistant.graph().invoke(given)["messages"][-1].content)


def test_several_images_are_the_photos_of_one_turn_in_their_order(assistant: Assistant, photo: Image.Image) -> None:
    other = label("NET WEIGHT 250 g")
    out = assistant.graph().invoke(Asked(messages=[said("What does it say?", shown(other), shown(photo))]))
    assert out["reply"]["photos"] == [assistant.load(uri(each)).id for each in (other, photo)]


def test_a_conversation_goes_on_in_the_thread_of_the_hosts_checkpointer(
    assistant: Assistant, photo: Image.Image
) -> None:
    graph = assistant.graph(InMemorySaver())
    graph.invoke(Asked(messages=[said(QUESTION, shown(photo))]), CHAT)
    out = graph.invoke(Asked(messages=[HumanMessage("And how much does it weigh?")]), CHAT)
    assert [m.type for m in out["messages"]] == ["human", "ai", "human", "ai"]
    assert "250 g" in str(out["messages"][-1].content)
    first, second = assistant.history("host")
    assert (first.question, second.question) == (QUESTION, "And how much does it weigh?")
    assert second.photos == first.photos
    assert {thread for p in first.photos for thread in assistant._photos.threads(p)} == {"host"}


def test_without_a_thread_what_was_said_before_is_in_the_messages(assistant: Assistant, photo: Image.Image) -> None:
    graph = assistant.graph()
    before = graph.invoke(Asked(messages=[said(QUESTION, shown(photo))]))["messages"]
    out = graph.invoke(Asked(messages=[*before, HumanMessage("And how much does it weigh?")]))
    assert "250 g" in str(out["messages"][-1].content)
    assert len(assistant.threads()) == 2, "nobody shares a thread who did not say so"


def test_law_1_no_pixel_is_in_a_hosts_checkpoint_once_the_turn_was_received(
    assistant: Assistant, photo: Image.Image, tmp_path: Path
) -> None:
    secret = encoded(photo)[200:260]
    earlier, last = said("Hello", shown(photo), id="m0"), said(QUESTION, shown(photo), id="m1")
    asked = Asked(messages=[earlier, AIMessage("Hello. What would you like?"), last])
    saver = InMemorySaver()
    assistant.graph(saver).invoke(asked, CHAT)
    pixels = [
        saved.metadata["step"] for saved in saver.list(CHAT) if secret in repr((saved.checkpoint, saved.pending_writes))
    ]
    assert sorted(pixels) == [-1, 0], "what the host puts in is kept before anybody is asked"
    with SqliteSaver.from_conn_string(str(tmp_path / "host.sqlite")) as kept:
        # A host that wants none at all gives ids to the photos first.
        slim = [m for m in keep_photos(assistant, asked["messages"]) if isinstance(m, HumanMessage | AIMessage)]
        out = assistant.graph(kept).invoke(Asked(messages=[*slim]), CHAT)
        assert "2027" in str(out["messages"][-1].content)
    files = b"".join(f.read_bytes() for f in tmp_path.glob("host.sqlite*"))
    assert secret.encode() not in files
    assert base64.b64decode(secret) not in files


def test_a_photo_that_was_given_an_id_is_found_by_it_and_words_are_words(
    assistant: Assistant, photo: Image.Image
) -> None:
    kept = assistant.keep(photo)
    out = assistant.graph().invoke(Asked(messages=[said(QUESTION, {"type": "text", "text": f"[photo {kept}]"})]))
    assert (out["reply"]["photos"], out["reply"]["question"]) == ([kept], QUESTION)
    out = assistant.graph().invoke(Asked(messages=[HumanMessage(f"What does [photo {kept}] say?")]))
    assert out["reply"]["photos"] == []
    missing = {"type": "text", "text": f"[photo sha256:{'0' * 64}]"}
    with pytest.raises(UnknownPhoto):
        assistant.graph().invoke(Asked(messages=[said(QUESTION, missing)]))


BAD: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "an address": ({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, BadInput),
    "an address on this machine": ({"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/a.png"}}, BadInput),
    "a file": ({"type": "image_url", "image_url": {"url": "file:///etc/hostname"}}, BadInput),
    "a path": ({"type": "image", "url": "/etc/hostname"}, BadInput),
    "the id of a file elsewhere": ({"type": "image", "file_id": "file-1"}, BadInput),
    "standard input": ({"type": "image_url", "image_url": "-"}, BadInput),
    "nothing": ({"type": "image_url"}, BadInput),
    "a number": ({"type": "image_url", "image_url": {"url": 7}}, BadInput),
    "a document": ({"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf"}, BadInput),
    "no base64": ({"type": "image", "base64": "%%%", "mime_type": "image/png"}, UnreadablePhoto),
    "no image": ({"type": "image", "base64": "aGVsbG8=", "mime_type": "image/png"}, UnreadablePhoto),
    "an empty image": ({"type": "image", "base64": "", "mime_type": "image/png"}, BadInput),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_image_is_refused_and_nothing_of_the_message_is_kept(
    assistant: Assistant, photo: Image.Image, what: str
) -> None:
    block, error = BAD[what]
    with pytest.raises(error, match="Expected"):
        assistant.graph().invoke(Asked(messages=[said(QUESTION, shown(photo), block)]), CHAT)
    assert assistant._photos.ids() == ()
    assert assistant.threads() == []


def test_what_somebody_else_was_sent_does_not_stop_a_turn(assistant: Assistant, photo: Image.Image) -> None:
    address, document = said("see", BAD["an address"][0]), said("a file", BAD["a document"][0])
    others: list[AnyMessage] = [SystemMessage("Be kind."), address, document, AIMessage("I see.")]
    out = assistant.graph().invoke(Asked(messages=[*others, said(QUESTION, shown(photo))]))
    assert "2027" in str(out["messages"][-1].content)
    assert [m.content for m in out["messages"][1:3]] == [address.content, document.content]


def test_neither_messages_nor_words_is_an_error(assistant: Assistant) -> None:
    for empty in (Asked(), Asked(messages=[]), Asked(messages=[AIMessage("Hello")])):
        with pytest.raises(BadInput, match="messages with one of a person"):
            assistant.graph().invoke(empty)


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "..", "a\\b", "x" * 300, "a\nb"])
def test_a_turns_name_names_a_folder_in_the_home_and_none_elsewhere(
    assistant: Assistant, photo: Image.Image, name: str
) -> None:
    stored = assistant.keep(photo)
    with pytest.raises(BadInput, match="a turn's name"):
        assistant.graph().invoke(Asked(text=QUESTION, photos=[stored], thread="t", turn=name))
    # The id of a message is whatever a client says.
    out = assistant.graph().invoke(Asked(thread="t", messages=[said(QUESTION, shown(photo), id=name)]))
    assert Path(out["reply"]["pictures"][0]["path"]).is_relative_to(assistant.home / "pictures")


def test_the_same_id_in_another_thread_is_another_turn(assistant: Assistant, photo: Image.Image) -> None:
    for thread in ("a", "b"):
        assistant.graph().invoke(Asked(thread=thread, messages=[said(QUESTION, shown(photo), id="1")]))
    assert [len(assistant.history(thread)) for thread in ("a", "b")] == [1, 1]


def test_a_message_taken_twice_is_one_turn(assistant: Assistant, photo: Image.Image) -> None:
    for _ in range(2):
        assistant.graph().invoke(Asked(messages=[said(QUESTION, shown(photo), id="m1")]), CHAT)
    assert len(assistant.history("host")) == 1


def test_a_host_that_gives_words_needs_to_name_nothing(assistant: Assistant, photo: Image.Image) -> None:
    graph = assistant.graph(InMemorySaver())
    graph.invoke(Asked(text=QUESTION, photos=[assistant.keep(photo)]), CHAT)
    out = graph.invoke(Asked(text="How much does it weigh?"), CHAT)
    assert "250 g" in out["reply"]["text"]
    assert out["messages"] == []
    assert len(assistant.history("host")) == 2


def test_words_are_a_turn_after_a_message_was_answered(assistant: Assistant, photo: Image.Image) -> None:
    graph = assistant.graph(InMemorySaver())
    graph.invoke(Asked(messages=[said(QUESTION, shown(photo))]), CHAT)
    out = graph.invoke(Asked(text="How much does it weigh?", turn="t2"), CHAT)
    assert (out["reply"]["turn"], "250 g" in out["reply"]["text"]) == ("t2", True)
    assert len(out["messages"]) == 2


@pytest.mark.parametrize("kept", [False, True])
def test_inside_a_hosts_graph_of_messages_it_answers_and_the_host_goes_on(
    assistant: Assistant, photo: Image.Image, kept: bool
) -> None:
    host: StateGraph[MessagesState, None, MessagesState, MessagesState] = StateGraph(MessagesState)
    host.add_node("sightline", assistant.graph())
    host.add_node("after", lambda _: {"messages": [AIMessage("Anything else?")]})
    host.add_edge(START, "sightline")
    host.add_edge("sightline", "after")
    host.add_edge("after", END)
    compiled = host.compile(checkpointer=InMemorySaver() if kept else None)

    async def talk() -> list[Any]:
        given = MessagesState(messages=[said(QUESTION, shown(photo))])
        return [
            (mode, chunk)
            async for _, mode, chunk in compiled.astream(
                given, CHAT, stream_mode=["messages", "custom", "values"], subgraphs=True
            )
        ]

    events = asyncio.run(talk())
    whole = [chunk[0].text for mode, chunk in events if mode == "messages"]
    assert ["2027" in whole[0], whole[1:]] == [True, ["Anything else?"]], "the answer once, and the host's own word"
    assert any("sentence" in chunk for mode, chunk in events if mode == "custom")
    last = [chunk for mode, chunk in events if mode == "values"][-1]
    assert [m.type for m in last["messages"]] == ["human", "ai", "ai"]
    assert encoded(photo)[200:260] not in repr(last)
    assert [reply.question for reply in assistant.history("host")] == [QUESTION]


def test_a_host_is_asked_and_the_answer_takes_the_place_of_the_first(assistant: Assistant, photo: Image.Image) -> None:
    back = label("Store in a cool place", "Distributed by Frome")
    graph = assistant.graph(InMemorySaver())

    async def talk() -> tuple[Any, Any]:
        asked = Asked(messages=[said(QUESTION, shown(back))], may_ask=True)
        waits = await graph.ainvoke(asked, CHAT)
        return waits, await graph.ainvoke(Command(resume={"photos": [assistant.keep(photo)]}), CHAT)

    waits, done = asyncio.run(talk())
    assert waits["__interrupt__"][0].value["kind"] == "photo"
    assert waits["messages"][-1].response_metadata["sightline"]["asks"]
    assert [m.type for m in done["messages"]] == ["human", "ai"]
    assert done["messages"][-1].id == waits["messages"][-1].id
    assert "14 March 2027" in str(done["messages"][-1].content)
    assert len(assistant.history("host")) == 1


def test_our_own_turns_hold_no_message(assistant: Assistant, photo: Image.Image) -> None:
    reply = assistant.ask(QUESTION, [photo])
    assert "2027" in reply.text
    stored = assistant._photos.add(assistant.load(photo))
    out = assistant.graph(InMemorySaver()).invoke(Asked(text=QUESTION, photos=[stored], thread="t", turn="t1"), CHAT)
    assert out["messages"] == []


def test_a_broken_word_can_be_kept(assistant: Assistant) -> None:
    out = assistant.graph().invoke(Asked(thread="t", messages=[HumanMessage("hello \udcff")]))
    assert out["reply"]["question"] == "hello ?"
    assert len(assistant.history("t")) == 1


def test_photos_that_are_kept_stay_over_a_restart(tmp_path: Path, photo: Image.Image) -> None:
    with Assistant.open(tmp_path / "h") as first:
        (slim,) = keep_photos(first, [said(QUESTION, shown(photo))])
        assert keep_photos(first, [slim, AIMessage("x")]) == [slim, AIMessage("x")], "once is enough"
    with Assistant.open(tmp_path / "h") as second:
        second.keep(label("ANOTHER"))
        assert len(second._photos.ids()) == 2
