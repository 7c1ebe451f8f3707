"""What an operator relies on: limits, ids, logs without anybody's words, figures, and traces."""

import asyncio
import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import label
from gates import SECRET, OneLine, app_of, bearing, serving
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from scripted import scripted
from starlette.testclient import TestClient
from test_keys import png

from sightline.agent import tracing
from sightline.agent.api import limits, logs
from sightline.agent.api.calls import Call, begin
from sightline.agent.api.gate import Gate
from sightline.agent.api.keys import Keys
from sightline.agent.api.workers import Workers
from sightline.agent.assistant import Assistant
from sightline.tools.errors import BadInput, Overloaded

CANARY = "zebrafinch"


@pytest.fixture(autouse=True)
def reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """The OCR engine reads the same line everywhere."""
    monkeypatch.setattr("sightline.agent.assistant.RapidReader", lambda: OneLine(f"BEST BEFORE 14 MAR 2027 {CANARY}"))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with serving(tmp_path) as opened:
        yield opened


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a server would say on standard error."""
    said = io.StringIO()
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [*root.handlers, logs.handler(said)])
    monkeypatch.setattr(logging.getLogger("sightline"), "level", logging.INFO)
    logging.getLogger("sightline.api")._cache.clear()  # type: ignore[attr-defined]
    return said


@asynccontextmanager
async def asking(home: Path, **bounds: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client that can ask several things at once."""
    with app_of(home, **bounds) as app:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                yield client


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Semaphore]]:
    """Listing threads waits for the event; the semaphore is released by each that begins to."""
    go, begun = threading.Event(), threading.Semaphore(0)

    def waits(_: Assistant) -> list[Any]:
        begun.release()
        assert go.wait(20)
        return []

    monkeypatch.setattr(Assistant, "products", waits)
    try:
        yield go, begun
    finally:
        go.set()


# --- limits


def test_a_key_that_asks_too_often_is_told_when_to_ask_again_and_others_are_not(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    one, other = bearing(keys.add("one")), bearing(keys.add("other"))
    with serving(tmp_path, rate="2/minute") as client:
        assert [client.get("/api/threads", headers=one).status_code for _ in range(3)] == [200, 200, 429]
        refused = client.get("/api/threads", headers=one)
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.json()["error"] | {"message": ""} == {
            "message": "",
            "type": "rate_limit_error",
            "param": None,
            "code": "Overloaded",
        }
        assert client.get("/api/threads", headers=other).status_code == 200
        assert all(client.get("/health", headers=one).status_code == 200 for _ in range(5))
        assert all(client.get("/api/threads", headers=bearing(SECRET)).status_code == 200 for _ in range(5))
        figures = client.get("/metrics", headers=bearing(SECRET)).text
        assert 'sightline_refused_total{reason="rate"} 2.0' in figures


@pytest.mark.parametrize("rate", ["often", "0/minute", "5", "-1/second"])
def test_a_rate_that_is_none_is_refused(assistant: Assistant, rate: str) -> None:
    with pytest.raises(BadInput, match="60/minute"):
        Gate(assistant, SECRET, rate=rate)


async def test_a_key_has_so_many_requests_under_way_and_another_key_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys(tmp_path)
    one, other = bearing(keys.add("one", tenant="same")), bearing(keys.add("other", tenant="same"))
    with held(monkeypatch) as (go, begun):
        async with asking(tmp_path, per_key=1) as client:
            first = asyncio.create_task(client.get("/api/products", headers=one))
            await asyncio.to_thread(begun.acquire)
            refused = await client.get("/api/products", headers=one)
            assert refused.status_code == 429
            assert refused.headers["Retry-After"] == "1"
            second = asyncio.create_task(client.get("/api/products", headers=other))
            await asyncio.to_thread(begun.acquire)
            go.set()
            assert [(await each).status_code for each in (first, second)] == [200, 200]
            assert (await client.get("/api/products", headers=one)).status_code == 200


async def test_more_than_the_line_takes_are_told_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with held(monkeypatch) as (go, begun):
        async with asking(tmp_path, at_once=1, in_line=1) as client:
            waiting = [asyncio.create_task(client.get("/api/products")) for _ in range(4)]
            await asyncio.to_thread(begun.acquire)
            await asyncio.sleep(0.1)
            figures = (await client.get("/metrics")).text
            assert "sightline_running 1.0" in figures
            assert "sightline_in_line 1.0" in figures
            assert 'sightline_refused_total{reason="line"} 2.0' in figures
            go.set()
            assert sorted([(await each).status_code for each in waiting]) == [200, 200, 429, 429]


async def test_a_flood_from_one_key_holds_up_no_other() -> None:
    workers = Workers(at_once=1, in_line=40)
    done: list[str] = []

    async def ask(key: str) -> None:
        begin(Call(key=key))
        await workers.run(lambda: done.append(key))

    flood = [asyncio.create_task(ask("flood")) for _ in range(20)]
    await asyncio.sleep(0)
    others = [asyncio.create_task(ask(key)) for key in ("one", "one", "two")]
    await asyncio.gather(*flood, *others)
    assert max(done.index("one"), done.index("two")) <= 3
    assert done.count("flood") == 20
    await asyncio.sleep(0.05)
    assert (workers.running, workers.in_line) == (0, 0)
    workers.close()


async def test_who_leaves_the_line_leaves_no_gap_in_it() -> None:
    workers = Workers(at_once=1, in_line=4)
    go = threading.Event()
    first = asyncio.create_task(workers.run(lambda: go.wait(20)))
    await asyncio.sleep(0.05)
    waiting = [asyncio.create_task(workers.run(partial(int, n))) for n in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await workers.run(lambda: None)
    waiting[0].cancel()
    waiting[2].cancel()
    await asyncio.sleep(0)
    assert workers.in_line == 2
    go.set()
    assert await first
    assert [await waiting[1], await waiting[3]] == [1, 3]
    assert await workers.run(lambda: 5) == 5
    await asyncio.sleep(0.05)
    assert (workers.running, workers.in_line) == (0, 0)
    workers.close()


async def test_who_leaves_as_their_turn_comes_passes_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Workers(at_once=1, in_line=4)
    go = threading.Event()
    first = asyncio.create_task(workers.run(lambda: go.wait(20)))
    await asyncio.sleep(0.05)
    leaves, stays = (asyncio.create_task(workers.run(partial(int, n))) for n in range(2))
    await asyncio.sleep(0)
    pass_on = workers._pass_on

    def and_leave() -> None:
        pass_on()
        leaves.cancel()

    monkeypatch.setattr(workers, "_pass_on", and_leave)
    go.set()
    assert await first
    assert await asyncio.wait_for(stays, 10) == 1
    assert leaves.cancelled()
    workers.close()


async def test_a_home_stays_open_while_a_thread_works_for_a_caller_who_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = bearing(Keys(tmp_path).add("one"))
    closed: list[Path] = []
    close = Assistant.close

    def noted(self: Assistant) -> None:
        closed.append(self.home)
        close(self)

    monkeypatch.setattr(Assistant, "close", noted)
    with held(monkeypatch) as (go, begun):
        async with asking(tmp_path, homes=0) as client:
            asked = asyncio.create_task(client.get("/api/products", headers=given))
            await asyncio.to_thread(begun.acquire)
            asked.cancel()
            await asyncio.sleep(0.1)
            assert not closed
            go.set()
            for _ in range(100):
                await asyncio.sleep(0.02)
                if closed:
                    break
            assert closed == [tmp_path / "tenants" / "one"]


def test_a_body_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    with serving(tmp_path, most_bytes=1000) as client:
        refused = client.post("/api/ocr", json={"photo": "data:" + 2000 * "x"})
        assert refused.status_code == 413
        assert refused.headers["Connection"] == "close"
        assert refused.headers["X-Request-ID"]


async def test_a_body_that_hardly_comes_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_GRACE", 0.1)

    async def trickles() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x"
            await asyncio.sleep(0.02)

    async with asking(tmp_path) as client:
        refused = await client.post("/api/ocr", content=trickles(), headers={"Content-Type": "application/json"})
        assert refused.status_code == 408
        assert refused.json()["error"]["code"] == "TooSlow"
        assert refused.headers["Connection"] == "close"


# --- ids and logs


@pytest.mark.parametrize(("sent", "kept"), [("abc-1.2_3", True), ("", False), ("two words", False), ("x" * 65, False)])
def test_a_request_keeps_its_id_or_is_given_one(client: TestClient, sent: str, kept: bool) -> None:
    for path in ("/health", "/api/threads/nobody", "/nothing"):
        given = client.get(path, headers={"X-Request-ID": sent}).headers["X-Request-ID"]
        assert (given == sent) == kept
        assert given


def test_what_nobody_foresaw_is_answered_and_logged_without_what_it_said(
    client: TestClient, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Assistant) -> None:
        try:
            os.environ[CANARY]
        except KeyError as error:
            raise RuntimeError(f"cannot do {CANARY}") from error

    monkeypatch.setattr(Assistant, "products", fails)
    answered = client.get("/api/products", headers={"X-Request-ID": "id-1"})
    assert answered.status_code == 500
    assert answered.headers["X-Request-ID"] == "id-1"
    assert answered.json()["error"]["code"] == "InternalError"
    assert CANARY not in answered.text + lines.getvalue()
    told, request = (json.loads(line) for line in lines.getvalue().splitlines())
    assert told["request"] == request["request"] == "id-1"
    assert [error["kind"] for error in told["errors"]] == ["builtins.RuntimeError", "builtins.KeyError"]
    assert any("test_operations.py" in place for place in told["errors"][0]["traceback"])
    assert (request["level"], request["status"], request["route"]) == ("error", 500, "/api/products")


def test_a_log_holds_nobodys_words_names_photos_or_keys(tmp_path: Path, lines: io.StringIO) -> None:
    given = Keys(tmp_path).add("shop")
    with serving(tmp_path) as client:
        key = bearing(given)
        form: Any = {"text": f"When does {CANARY} expire?", "thread": CANARY}
        taken = client.post("/api/turns", data=form, files=[("photos", (CANARY, png(label("x"))))], headers=key)
        assert taken.status_code == 200, taken.text
        assert CANARY in taken.text
        for path in (f"/api/threads/{CANARY}", f"/api/search?words={CANARY}", f"/{CANARY}", f"/api/tickets/{CANARY}"):
            client.get(path, headers=key | {"X-Request-ID": f"my {CANARY}", "User-Agent": CANARY})
        client.request(CANARY.upper(), "/api/threads", headers=key)
        client.get("/api/threads", headers=bearing(CANARY))
        client.delete(f"/api/products/{CANARY}", headers=key)
        client.post("/api/ocr", json={CANARY: CANARY}, headers=key)
        client.post("/api/ocr", json={"photo": f"https://{CANARY}.example/"}, headers=key)
    logging.getLogger("somebody.elses").warning("read %s", CANARY)
    logging.getLogger("sightline.api").error("unexpected", exc_info=ValueError(CANARY))
    said = lines.getvalue()
    assert CANARY not in said.lower()
    assert given not in said
    assert "testclient" not in said  # the address of the caller
    assert "sha256:" not in said
    found = [json.loads(line) for line in said.splitlines()]
    assert all({"time", "level", "logger"} <= set(line) for line in found)
    turn = next(line for line in found if line.get("route") == "/api/turns")
    assert (turn["method"], turn["status"], turn["key"], turn["tenant"]) == ("POST", 200, "shop", "shop")
    assert turn["photos"] == 1
    assert turn["ms"] > 0
    assert turn["in"] > 100
    assert turn["out"] > 100
    assert {line["route"] for line in found if "route" in line} >= {"/api/threads/{thread}", "/api/search", "none"}
    assert found[-2]["at"].startswith("test_operations:")


# --- figures


def test_figures_count_turns_looks_and_photos_and_name_nobody(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    shop, operator = bearing(keys.add("shop")), bearing(keys.add("watcher", ["operate"]))
    with serving(tmp_path) as client:
        form: Any = {"text": f"When does {CANARY} expire?", "thread": CANARY}
        photo = png(label("x"))
        assert client.post("/api/turns", data=form, files=[("photos", photo)], headers=shop).status_code == 200
        assert client.post("/api/ocr", files={"photo": photo}, headers=shop).status_code == 200
        assert client.post("/api/batch/ocr", files=[("photos", photo)], headers=shop).status_code == 200
        assert client.get(f"/api/threads/{CANARY}", headers=shop).status_code == 200
        figures = client.get("/metrics", headers=operator)
        assert figures.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert not (tmp_path / "tenants" / "watcher").exists()  # who sees figures has no home opened
    for line in (
        'sightline_turns_total{outcome="found"} 1.0',
        'sightline_tool_seconds_count{tool="ocr"} 3.0',
        "sightline_photos_received_total 3.0",
        'sightline_requests_total{method="GET",route="/api/threads/{thread}",status="200"} 1.0',
        'sightline_request_seconds_count{route="/api/turns"} 1.0',
        "sightline_running 0.0",
        "process_resident_memory_bytes",
    ):
        assert line in figures.text, line
    assert not any(name in figures.text for name in (CANARY, "shop", "watcher"))


def test_two_apps_of_one_process_count_for_themselves(tmp_path: Path) -> None:
    with serving(tmp_path / "a") as one, serving(tmp_path / "b") as other:
        one.get("/api/threads")
        assert 'route="/api/threads"' in one.get("/metrics").text
        assert 'route="/api/threads"' not in other.get("/metrics").text


# --- traces


@pytest.fixture
def spans() -> Iterator[tuple[tracing.Tracing, InMemorySpanExporter]]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield tracing.Tracing(provider.get_tracer("test")), exporter
    provider.shutdown()


def test_a_turn_is_traced_with_its_steps_and_what_the_model_was_asked_and_no_words(
    tmp_path: Path, spans: tuple[tracing.Tracing, InMemorySpanExporter]
) -> None:
    handler, exporter = spans
    _, model = scripted(f"A label with {CANARY} on it.")
    with Assistant.open(tmp_path, model=model, callbacks=[handler]) as assistant:
        reply = assistant.ask(f"Describe the {CANARY}.", [label(CANARY)], thread=CANARY)
    assert CANARY in reply.text
    found = exporter.get_finished_spans()
    by_name = {span.name: span for span in found}
    assert {"turn", "receive", "route", "describe", "weigh", "answer", "remember", "model"} <= set(by_name)
    turn, look = by_name["turn"], by_name["describe"]
    assert turn.parent is None
    assert look.parent is not None
    assert look.parent.span_id == turn.context.span_id
    # A model may be asked where to send the turn as well.
    asked = [s.parent.span_id for s in found if s.name == "model" and s.parent]
    assert look.context.span_id in asked
    assert set(asked) <= {look.context.span_id, by_name["route"].context.span_id}
    assert turn.attributes == {"sightline.outcome": reply.outcome}
    assert look.attributes is not None
    assert look.attributes["sightline.tool"] == "describe"
    assert isinstance(look.attributes["sightline.ms"], float)
    assert CANARY not in "".join(span.to_json() for span in found)
    assert not handler._spans
    assert not handler._tokens


def test_a_turn_that_fails_is_traced_by_the_kind_of_its_error(
    tmp_path: Path, spans: tuple[tracing.Tracing, InMemorySpanExporter], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, exporter = spans

    def fails(_: Any) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr("sightline.tools.quality.quality_of", fails)
    with Assistant.open(tmp_path, callbacks=[handler]) as assistant, pytest.raises(RuntimeError):
        assistant.ask("What is it?", [label("x")])
    found = {span.name: span for span in exporter.get_finished_spans()}
    assert found["turn"].status.description == found["receive"].status.description == "RuntimeError"
    assert CANARY not in "".join(span.to_json() for span in found.values())


def test_nothing_is_traced_unless_it_is_said_where_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    with tracing.configured() as callbacks:
        assert callbacks == ()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with tracing.configured() as callbacks:
        assert [type(each) for each in callbacks] == [tracing.Tracing]


# --- a server as it is run


def test_a_server_says_json_alone_keeps_its_keys_and_ends_when_it_is_told(tmp_path: Path) -> None:
    given = Keys(tmp_path).add("shop")
    command = [sys.executable, "-m", "sightline.agent.cli", "serve", "--port", "0", "--home", str(tmp_path)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        [*command, "--rate", "3/minute"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            with httpx.Client(base_url=address, trust_env=False) as client:
                assert client.get("/api/threads").status_code == 401
                got = [client.get(f"/api/turns?words={CANARY}", headers=bearing(given)).status_code for _ in range(4)]
                assert got == [200, 200, 200, 429]
                secret = json.loads((tmp_path / "server.json").read_text())["secret"]
                assert client.get("/api/threads", headers=bearing(secret)).status_code == 200
                Keys(tmp_path).revoke("shop")
                assert client.get("/api/threads", headers=bearing(given)).status_code == 401
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    found = [json.loads(line) for line in said.splitlines()]
    assert [line["status"] for line in found if "status" in line] == [401, 200, 200, 200, 429, 200, 401]
    assert any(line["logger"].startswith("uvicorn") for line in found)
    assert "127.0.0.1:" not in said.replace(address.removeprefix("http://"), "")
    assert CANARY not in said
    assert given not in said
    assert not (tmp_path / "server.json").exists()
