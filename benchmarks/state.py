"""What a conversation weighs and what its machine costs: 100 turns, with another photo of 500 kB every fifth.

Ours is the Assistant with a tool, a router and a measurement of quality that cost nothing, so that what is left is the
machine: the photo store, the graph, its checkpoints and the finished turns. Beside it, in the same run and with the
same questions, photos and answers, are what people do first:

    base64    a graph of the same steps whose messages, with the photos in them as base64, are kept in its state
    agent     `langchain.agents.create_agent` with a chat model that answers at once, and the same messages

each with an `SqliteSaver` on a file. Bytes are those of the SQLite files with their logs (ours: checkpoints and
sessions; the photos themselves are files beside them). Milliseconds are medians, of the first and
the last fifth of the turns as well; `cpu` is what the process itself worked, which a busy machine changes less. Run:

    python benchmarks/state.py [--turns 100]

The agent needs langchain (`pip install langchain==1.4.7`) and is left out where it is not installed. With 100 turns the
others write some gigabytes to the temporary folder.
"""

import argparse
import base64
import io
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict
from unittest.mock import patch

import numpy as np
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from PIL import Image

from sightline.agent.assistant import Assistant
from sightline.agent.reply import Step
from sightline.agent.router import Routed
from sightline.tools.kit import Kit
from sightline.tools.toolbox import TOOLS
from sightline.tools.types import Finding, Photo, Quality

EVERY = 5
QUESTION = "When does it expire? This is question {n} about the carton."
ANSWER = "BEST BEFORE 14 MAR 2027 " * 4
FLAT, MS = 1.2, 10.0
"""Wanted: bytes a turn at the end against the beginning, at most; milliseconds a turn on top of the tools, at most."""

Turn = Callable[[int, bytes | None], object]


def photo(seed: int) -> bytes:
    """A JPEG of half a megabyte."""
    dice = np.random.default_rng(seed)
    out = io.BytesIO()
    Image.fromarray(dice.integers(0, 255, (870, 1000, 3), np.uint8)).save(out, "JPEG", quality=72)
    return out.getvalue()


class Nothing:
    """An OCR engine and a router that cost nothing."""

    name = "nothing"

    def read(self, pixels: Any) -> list[Any]:
        """No text."""
        del pixels
        return []

    def plan(self, text: str, photos: int, **known: Any) -> Routed:
        """Always the same tool."""
        del text, photos, known
        return Routed((Step("ocr"),), None)


def _look(photo: Photo, kit: Kit, *, field: str | None = None) -> Finding:
    del kit, field
    return Finding(f"ocr:{photo.id[7:15]}", "ocr", "found", (photo.id,), "nothing", 0.0, text=ANSWER)


def _measure(photo: Photo) -> Quality:
    return Quality(photo.size, 1000.0, 0.5, 0.0, 0.0, 0.0, (), "good", None)


def ours(folder: Path) -> tuple[Turn, Callable[[], int]]:
    """The Assistant, and what its SQLite weighs."""
    # For the whole run: the others use none of these.
    patch("sightline.agent.assistant.RapidReader", Nothing).start()
    patch("sightline.agent.assistant.Router", Nothing).start()
    patch("sightline.tools.quality.quality_of", _measure).start()
    patch.dict(TOOLS, ocr=_look).start()
    assistant = Assistant.open(folder)

    def turn(n: int, data: bytes | None) -> object:
        return assistant.ask(QUESTION.format(n=n), [data] if data else [])

    def weight() -> int:
        return sum(weigh(folder / f"{name}.sqlite") for name in ("sessions", "checkpoints"))

    return turn, weight


class Talk(TypedDict):
    """The whole conversation."""

    messages: Annotated[list[AnyMessage], add_messages]


def message(n: int, data: bytes | None) -> HumanMessage:
    """A question, with its photo in it."""
    text = {"type": "text", "text": QUESTION.format(n=n)}
    shown = {"type": "image", "base64": base64.b64encode(data or b"").decode(), "mime_type": "image/jpeg"}
    return HumanMessage([shown, text] if data else [text])


def _invoking(graph: Any, file: Path) -> tuple[Turn, Callable[[], int]]:
    config = {"configurable": {"thread_id": "main"}}

    def turn(n: int, data: bytes | None) -> object:
        return graph.invoke({"messages": [message(n, data)]}, config)

    return turn, lambda: weigh(file)


def base64_in_messages(folder: Path) -> tuple[Turn, Callable[[], int]]:
    """The same steps as ours, and the conversation in their state."""
    steps = ("receive", "route", "ocr", "weigh", "answer", "remember")
    graph = StateGraph(Talk)
    for step in steps:
        answers = step == "answer"
        graph.add_node(step, lambda _, answers=answers: {"messages": [AIMessage(ANSWER)] if answers else []})
    for before, after in zip((START, *steps), (*steps, END), strict=True):
        graph.add_edge(before, after)
    file = folder / "base64.sqlite"
    return _invoking(graph.compile(checkpointer=saver(file)), file)


def agent(folder: Path) -> tuple[Turn, Callable[[], int]] | None:
    """LangChain's agent; `None` where it is not installed."""
    try:
        from langchain.agents import create_agent
    except ImportError:
        return None
    file = folder / "agent.sqlite"
    return _invoking(create_agent(FakeListChatModel(responses=[ANSWER]), tools=[], checkpointer=saver(file)), file)


def saver(file: Path) -> SqliteSaver:
    """Checkpoints in a file, as its documentation opens one."""
    return SqliteSaver(sqlite3.connect(file, check_same_thread=False))


def weigh(file: Path) -> int:
    """Bytes of an SQLite file with its log."""
    return sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*") if not path.name.endswith("-shm"))


def main() -> None:
    """Print a line for each, and what it weighs and takes against ours."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--turns", type=int, default=100)
    turns = options.parse_args().turns
    fifth = max(turns // 5, 1)
    photos = {n: photo(n) for n in range(1, turns + 1, EVERY)}
    print(f"{turns} turns, {len(photos)} photos of {statistics.mean(map(len, photos.values())) / 1000:.0f} kB")
    print(
        f"{'':8} {'bytes':>14} {'a turn, first':>14} {'a turn, last':>14} {'ms':>7} {'first':>7} {'last':>7} {'cpu':>7}"
    )
    makers = {"ours": ours, "base64": base64_in_messages, "agent": agent}
    against: tuple[int, float] | None = None
    for name, make in makers.items():
        with tempfile.TemporaryDirectory() as scratch:
            made = make(Path(scratch))
            if made is None:
                print(f"{name:8} langchain is not installed")
                continue
            turn, weight = made
            weights, times, cpu = [weight()], list[float](), list[float]()
            for n in range(1, turns + 1):
                start, worked = time.perf_counter(), time.process_time()
                turn(n, photos.get(n))
                times.append(1000 * (time.perf_counter() - start))
                cpu.append(1000 * (time.process_time() - worked))
                weights.append(weight())
            first = (weights[fifth] - weights[0]) / fifth
            last = (weights[-1] - weights[-1 - fifth]) / fifth
            ms, ms_first, ms_last = (
                statistics.median(part) for part in (times[1:], times[1:fifth], times[-fifth:])
            )  # the first turn imports what the others use
            print(
                f"{name:8} {weights[-1]:14,} {first:14,.0f} {last:14,.0f} {ms:7.1f} {ms_first:7.1f} {ms_last:7.1f} "
                f"{statistics.median(cpu[1:]):7.1f}",
                flush=True,
            )
            if against is None:
                against = weights[-1], ms
                means = statistics.mean(times[1:])
                with_photo = statistics.median([t for n, t in enumerate(times, 1) if n in photos and n > 1])
                print(f"{'':8} mean {means:.1f} ms; with a new photo {with_photo:.1f} ms", end="; ")
                print(f"flat: {last / first:.2f} (at most {FLAT} wanted); at most {MS:.0f} ms wanted")
            else:
                print(f"{'':8} {weights[-1] / against[0]:,.0f} times the bytes, {ms / against[1]:.1f} times as long")


if __name__ == "__main__":
    main()
