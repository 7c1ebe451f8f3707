"""With a server on its home the command line talks to it, and nobody can tell: the client does what the Assistant does.

The tests share one server, which the last of them stops.
"""

import asyncio
import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fakes import CountingReader, label
from holding import HOLD, PATIENCE, Server
from PIL import Image
from typer.testing import CliRunner

import sightline
from sightline.agent import note
from sightline.agent.api import errors as api_errors
from sightline.agent.api.local import _indexing
from sightline.agent.api.workers import Workers
from sightline.agent.assistant import Assistant
from sightline.agent.cli import app
from sightline.agent.client import Client
from sightline.agent.command import opened
from sightline.agent.reply import Progress, Reply
from sightline.agent.wire import ERRORS, events_of
from sightline.memory.indexing import Report
from sightline.tools.errors import BadInput, Busy, Cancelled, Overloaded, SightlineError, Unavailable
from sightline.tools.types import Finding, Photo

ELSEWHERE = {"open", "beside", "graph", "warm", "mark", "marked", "going_on", "forget_all_but"}
"""What makes no sense of a server: its home is opened there, its machine runs there, and its faces keep their marks."""


def methods(kind: type) -> dict[str, inspect.Signature]:
    found = inspect.getmembers(kind, lambda each: inspect.isfunction(each) or inspect.ismethod(each))
    return {name: inspect.signature(each) for name, each in found if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(methods(Assistant).keys() - ELSEWHERE))
def test_what_the_assistant_does_the_client_does_with_the_same_arguments(name: str) -> None:
    ours, theirs = methods(Client)[name], methods(Assistant)[name]
    assert [(p.name, p.kind, p.default) for p in ours.parameters.values()] == [
        (p.name, p.kind, p.default) for p in theirs.parameters.values()
    ]


class Step(NamedTuple):
    """A command, its exit code, what it reads, and under which name the id that it prints is kept for later ones."""

    args: str
    code: int = 0
    stdin: str | bytes | None = None
    keep: str | None = None


HEARD = "/photo '{file}'\nWhen does it expire?\n/photo nowhere.png\nWhat does it say?\nHow much does it weigh?\n"

SCRIPT = (
    Step("threads --json"),
    Step("index {shop}", 2),
    Step("index {shop} --json", 2),
    Step("index {folder}/nowhere.csv --json", 2),
    Step("catalogue list --json"),
    Step("catalogue search drink --json"),
    Step("catalogue search drink --most 500"),
    Step("catalogue search zebra --json", 1),
    Step("catalogue search '' --json", 1),
    Step("catalogue add a/b?.. 'Of slashes' {file} --attribute gtin=4006381333931 --json"),
    Step("catalogue add bad Bad {black} {folder}/letter.jpg --json", 2),
    Step("catalogue add bad Bad {file} --attribute gtin --json", 2),
    Step("catalogue confirm {file} P1 --by Ann --edition 2021 --json", 0, None, "view"),
    Step("catalogue confirm {file} nobody --json", 2),
    Step("catalogue views --json"),
    Step("catalogue views nobody --json", 2),
    Step("catalogue withdraw {view} P1 --json"),
    Step("catalogue withdraw {view} P1 --json", 2),
    Step("catalogue remove a/b?.. --json"),
    Step("catalogue remove a/b?.. --json", 2),
    Step("ocr {file} --json", 0, None, "photo"),
    Step("ocr {file} --field expiry --json"),
    Step("ocr {file} --field lot", 1),
    Step("ocr {black} --json", 3),
    Step("ocr {file} --field colour", 2),
    Step("ocr nowhere.png --json", 2),
    Step("ocr {folder}/letter.jpg --json", 2),
    Step("ocr - --json", 0, b""),
    Step("ocr {photo} --json", 2),
    Step("ocr sha256:nonsense --json", 2),
    Step("ground {file} 'BEST BEFORE' --picture {folder}/marked.jpg --json"),
    Step("ground {file} HONEY --json", 1),
    Step("ground {file} 'the dog' --json", 5),
    Step("ground {file} ' ' --json", 2),
    Step("describe {file}"),
    Step("describe {file} --question 'Who made it?' --json", 5),
    Step("identify {file} --json"),
    Step("identify {file} nowhere.png {black} --json", 2),
    Step("compare {file} --claimed P1 --picture {folder}/held.jpg --json", 3),
    Step("compare {file} --claimed nobody --json", 2),
    Step("compare {file} {black} --claimed nobody --json", 2),
    Step("compare {file} --with {folder}/oat.png --picture {folder}/two.jpg --json"),
    Step("compare {file} --with {turned} --claimed P1 --json", 2),
    Step("ask 'When does it expire?' {file} --thread a/b --json", 0, None, "turn"),
    Step("ask 'When does it expire?' {turned} --thread turned --ledger"),
    Step("ask 'And how much is in it?' --thread a/b --ledger --manner service"),
    Step("ask 'What is the lot number?' {file} --json", 1),
    Step("ask 'What does it say?' {black} --json", 3),
    Step("ask 'Is there a dog?' {file} --json", 5),
    Step("ask 'What does it say?' --thread new --json", 5),
    Step("ask {file}", 2),
    Step("ask hello --manner rude", 2),
    Step("ask hello --claimed nobody --json", 2),
    Step("ask '/ocr colour' {file} --json", 2),
    Step("ask hello nowhere.png --json", 2),
    Step("chat --thread c --json", 2, HEARD),
    Step("chat --thread c", 0, HEARD),
    Step("ocr {photo} --json"),
    Step("threads"),
    Step("threads --json"),
    Step("threads show a/b --json"),
    Step("threads show a/b"),
    Step("threads show nobody --json", 2),
    Step("threads search expire --json"),
    Step("threads search zebra", 1),
    Step("threads title a/b 'Milk, of Ann' --json"),
    Step("threads title a/b ''"),
    Step("threads rename a/b .. --json"),
    Step("threads rename .. c --json", 2),
    Step("threads export .. {folder}/out.zip --json"),
    Step("threads export .. {folder}/out.jsonl"),
    Step("threads export .. {folder}/out.txt", 2),
    Step("threads export .. {folder}/no/such/out.zip --json", 2),
    Step("threads resume .. --json"),
    Step("corrections add {file} --about field --what expiry --after 2027-03-15 --json", 0, None, "correction"),
    Step("corrections add {file} --about place --after upper_left --box 1,2,3000,4 --json", 2),
    Step("corrections add --about colour --after red --scope product --sku P1 --what lid --by Ann"),
    Step("corrections add {photo} --about product --after nobody --json", 2),
    Step("corrections edit {correction} 2027-03-16 --json"),
    Step("corrections --json"),
    Step("corrections list --photo {photo} --json"),
    Step("corrections list --sku P1"),
    Step("ask 'When does it expire?' {file} --json"),
    Step("corrections show {correction} --json"),
    Step("corrections show export --json", 2),
    Step("corrections export {folder}/told.jsonl --json"),
    Step("corrections export {folder}/no/such.jsonl --json", 2),
    Step("corrections undo {correction} --json"),
    Step("corrections list --all --json"),
    Step("corrections import {folder}/told.jsonl --json"),
    Step("corrections import {folder}/letter.jpg --json", 2),
    Step("handoff --thread .. --note 'She waits' --json", 0, None, "ticket"),
    Step("tickets --json"),
    Step("tickets show {ticket}"),
    Step("tickets show no/such --json", 2),
    Step("tickets send --json"),
    Step("threads delete .. --json"),
    Step("threads delete .. --json", 2),
)


def pack() -> Image.Image:
    return label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g")


def oat() -> Image.Image:
    return label("OAT DRINK", "NET WEIGHT 1 L", "BEST SERVED COLD")


class Played(NamedTuple):
    code: int
    out: str
    err: str


class Stage:
    """A home, and what each command of the script did there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.names = {
            "folder": str(folder),
            "shop": str(folder / "shop.csv"),
            "file": str(folder / "milk pack.png"),
            "black": str(folder / "dark.png"),
            "turned": str(folder / "turned.jpg"),
        }
        (folder / "shop.csv").write_text(
            "sku,title,image\nP1,Milk drink,official.png\nP2,Letter,letter.jpg\nP3,Oat drink,oat.png\n"
        )
        (folder / "letter.jpg").write_text("Dear sir")
        pack().save(folder / "milk pack.png")
        pack().point(lambda value: value * 9 // 10).save(folder / "official.png")
        oat().save(folder / "oat.png")
        exif = Image.Exif()
        exif[0x0112] = 6
        pack().transpose(Image.Transpose.ROTATE_90).save(folder / "turned.jpg", exif=exif, quality=95)
        Image.new("RGB", (640, 480)).save(folder / "dark.png")

    def play(self, step: Step) -> Played:
        stdin = Path(self.names["file"]).read_bytes() if step.stdin == b"" else step.stdin
        stdin = stdin.format(**self.names) if isinstance(stdin, str) else stdin
        args = [arg.format(**self.names) for arg in shlex.split(step.args)]
        return Played(*self._invoke(args, stdin, step.keep))

    def _invoke(self, args: list[str], stdin: str | bytes | None, keep: str | None) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, args, input=stdin, env={"SIGHTLINE_HOME": str(self.home)})
        if keep:
            told = json.loads(result.stdout)
            self.names[keep] = {
                "photo": lambda: told["photos"][0],
                "view": lambda: told["photo"],
                "turn": lambda: told["turn"],
                "correction": lambda: told["id"],
                "ticket": lambda: told["ticket"]["id"],
            }[keep]()
        return result.exit_code, self._same(result.stdout), self._same(result.stderr)

    def _same(self, text: str) -> str:
        """Without what is another's in each home: its ids, its times, and where it lies."""
        text = re.sub(r'"(ms|at)": ?[0-9.e-]+', '"\\1":0', text.replace(str(self.folder), "FOLDER"))
        text = re.sub(r"(?<![0-9a-f:])([0-9a-f]{32}|[0-9a-f]{12}|[0-9a-f]{16})(?![0-9a-f])", "ID", text)
        return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)?", "THEN", text)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("served") / "home")
    yield started
    assert started.stop() == 0, started.said()


@pytest.fixture(scope="module")
def home(server: Server) -> Path:
    return server.home


@pytest.fixture
def client(home: Path) -> Iterator[Client]:
    found = Client.at(home)
    assert found is not None
    with found:
        yield found


@pytest.fixture(scope="module")
def played(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Played]]:
    """What came of the script, with a server on the home and without."""
    counting = CountingReader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sightline.agent.assistant.RapidReader", lambda: counting)
        stages = {"without": Stage(tmp_path_factory.mktemp("alone")), "with": Stage(home.parent)}
        return {name: [stage.play(step) for step in SCRIPT] for name, stage in stages.items()}


@pytest.mark.parametrize("n", range(len(SCRIPT)), ids=[step.args for step in SCRIPT])
def test_a_command_says_the_same_with_a_server_on_the_home(played: dict[str, list[Played]], n: int) -> None:
    alone, served = played["without"][n], played["with"][n]
    assert served.code == alone.code == SCRIPT[n].code, (alone, served)
    if alone.code == 2 and "error" in alone.out[:20]:
        # What is refused may be refused earlier, and in other words; who must act is the same.
        kinds = [ERRORS[json.loads(each.out)["error"]["kind"]] for each in (alone, served)]
        assert all(issubclass(kind, BadInput) for kind in kinds)
    elif alone.code != 2 or alone.out:
        assert served.out == alone.out
        assert len(served.err.splitlines()) == len(alone.err.splitlines())
    else:
        assert served.err.startswith("sightline: ")


def test_the_command_line_loads_nothing_heavy_where_a_server_does_the_work(home: Path) -> None:
    code = (
        "import sys; from sightline.agent.cli import app\n"
        "for args in (['ask', 'hello'], ['threads'], ['corrections']):\n"
        f"    app([*args, '--home', {str(home)!r}], standalone_mode=False)\n"
        "print(*sys.modules)"
    )
    code = code.replace("    app(", "    try: app(").replace(
        "standalone_mode=False)", "standalone_mode=False)\n    except SystemExit: pass"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Hello" in done.stdout
    loaded = {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}
    heavy = {"torch", "langgraph", "langchain_core", "chromadb", "numpy", "PIL", "cv2", "fastapi", "pydantic_settings"}
    assert "httpx" in loaded
    assert not loaded & heavy


@contextmanager
def held(home: Path) -> Iterator[Callable[[], None]]:
    """Nothing is read in this home until this is called."""
    (home / HOLD).touch()
    go_on = partial((home / HOLD).unlink, missing_ok=True)
    try:
        yield go_on
    finally:
        go_on()


def test_events_arrive_before_the_turn_ends_and_are_those_of_an_assistant(client: Client, tmp_path: Path) -> None:
    photo = label("EXP 01/2028")
    with held(client.home or Path()) as go_on:
        events = client.stream("When does it expire?", [photo], "streamed")
        first = next(events)
        assert isinstance(first, Progress)
        go_on()
        rest = list(events)
    assert isinstance(rest[-1], Reply)
    assert all(Path(picture.path).is_file() for picture in rest[-1].pictures)
    assert rest[-1].pictures
    with Assistant.open(tmp_path / "home") as assistant:
        theirs = list(assistant.stream("When does it expire?", [photo]))
    assert [type(event) for event in (first, *rest)] == [type(event) for event in theirs]


def test_a_turn_whose_caller_stops_listening_is_given_up(client: Client) -> None:
    with held(client.home or Path()) as go_on:
        events = client.stream("When does it expire?", [label("EXP 02/2028")], "left")
        next(events)
        assert "left" in client.unfinished().values()
        events.close()  # type: ignore[attr-defined]
        go_on()
    until = time.monotonic() + PATIENCE
    while "left" in client.unfinished().values() and time.monotonic() < until:
        time.sleep(0.1)
    assert "left" not in client.unfinished().values()
    assert "left" not in {thread.name for thread in client.threads()}


def test_many_photos_come_back_in_order_each_with_its_error(client: Client) -> None:
    photos: list[Any] = [pack(), b"none", oat(), pack(), oat()]
    found = list(client.each("ocr", photos))
    assert [given for given, _ in found] == photos
    firsts = [f.text.split()[0] if isinstance(f, Finding) and f.text else f for _, f in found]
    assert firsts == ["BEST", found[1][1], "OAT", "BEST", "OAT"]
    assert isinstance(found[1][1], BadInput)
    with pytest.raises(BadInput, match="Expected one of"):
        next(client.each("guess", photos))


def test_photos_are_what_they_were(client: Client, tmp_path: Path) -> None:
    photo = client.load(label("KEPT"))
    assert client.keep(photo) == photo.id
    assert client.load(photo.id) == photo
    with Assistant.open(tmp_path / "home") as assistant:
        assert assistant.load(photo.data) == photo
    assert client.describe(photo.id).photos == (photo.id,)
    client.drop(photo.id)
    with pytest.raises(BadInput):
        client.load(photo.id)
    for product in client.products():
        assert isinstance(client.official(product.references[0]), Photo)


def test_an_asynchronous_caller_is_served_as_well(client: Client) -> None:
    async def both() -> list[Reply]:
        return list(await asyncio.gather(client.aask("hello", thread="x"), client.aask("hello", thread="y")))

    assert [reply.thread for reply in asyncio.run(both())] == ["x", "y"]


def test_a_plan_is_that_of_the_assistant(client: Client, tmp_path: Path) -> None:
    with Assistant.open(tmp_path / "home") as assistant:
        assert client.plan("When does it expire?", 1) == assistant.plan("When does it expire?", 1)


def test_words_that_no_encoding_holds_are_replaced(client: Client) -> None:
    assert client.ask("hello \udcff", thread="broken \udcff").question == "hello ?"


def test_without_its_home_a_client_is_given_addresses(server: Server) -> None:
    secret = json.loads((server.home / note.NOTE).read_text())["secret"]
    with Client(server.url, secret) as far:
        reply = far.ask("What does it say?", [pack()], "far")
        assert [picture.path.startswith("/api/pictures/") for picture in reply.pictures] == [True]


def test_a_file_of_this_machine_is_read_for_its_owner_alone(server: Server, tmp_path: Path) -> None:
    with Client(server.url, "another") as far, pytest.raises(SightlineError, match="owner") as refused:
        far.index(tmp_path / "any.csv")
    assert type(refused.value).__name__ == "Forbidden"


def test_indexing_tells_how_far_it_is(client: Client, tmp_path: Path) -> None:
    for n in range(2):
        label(f"PRODUCT {n}").save(tmp_path / f"{n}.png")
    rows = [{"sku": f"N{n}", "title": f"Product {n}", "image": f"{n}.png"} for n in range(2)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    steps: list[tuple[str, int, int]] = []
    assert client.index(tmp_path / "rows.jsonl", lambda *step: steps.append(step)) == Report(2, 0, 0, ())
    assert steps[-1][1] == steps[-1][2]
    (tmp_path / "pipe").unlink(missing_ok=True)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="Expected the path of a file"):
        client.index(tmp_path / "pipe")


async def test_indexing_stops_at_its_next_step_where_nobody_listens_any_more() -> None:
    stopped = threading.Event()

    def endless(progress: Callable[[str, int, int], None]) -> Report:
        try:
            while True:
                progress("indexing", 1, 2)
                threading.Event().wait(0.01)
        except Cancelled:
            stopped.set()
            raise

    workers = Workers(1, 0)
    events = _indexing(partial(endless), workers)
    assert "progress" in await anext(events)
    await events.aclose()  # type: ignore[attr-defined]
    assert await asyncio.to_thread(stopped.wait, 10)
    workers.close()


def test_a_second_server_on_a_home_is_told_so(home: Path) -> None:
    result = CliRunner().invoke(app, ["serve", "--port", "0", "--home", str(home)])
    assert result.exit_code == 4
    assert "Another process is writing" in result.stderr
    assert note.read(home) is not None


def test_a_home_that_something_else_writes_is_busy_as_ever(tmp_path: Path) -> None:
    with Assistant.open(tmp_path / "home") as writing:
        writing.own()
        result = CliRunner().invoke(app, ["ask", "hello", "--home", str(writing.home), "--json"])
    assert json.loads(result.stdout)["error"]["kind"] == Busy.__name__


def left(home: Path, url: str, secret: str = "s", mode: int = 0o600) -> Path:
    home.mkdir(exist_ok=True)
    file = home / note.NOTE
    file.write_text(json.dumps({"url": url, "secret": secret}))
    file.chmod(mode)
    return file


def test_a_note_that_a_killed_server_left_is_ignored_and_replaced(tmp_path: Path) -> None:
    left(tmp_path / "home", "http://127.0.0.1:9")
    assert Client.at(tmp_path / "home") is None
    with opened(tmp_path / "home", False) as assistant:
        assert isinstance(assistant, Assistant)


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o606])
def test_a_note_that_others_can_reach_is_not_believed(server: Server, tmp_path: Path, mode: int) -> None:
    secret = json.loads((server.home / note.NOTE).read_text())["secret"]
    assert note.read(left(tmp_path, server.url, secret).parent) == note.Note(server.url, secret)
    left(tmp_path, server.url, secret, mode)
    assert Client.at(tmp_path) is None


def test_a_note_of_another_user_is_not_believed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    assert Client.at(server.home) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org:80", "https://127.0.0.1:80", "http://127.0.0.1", "http://127.0.0.1@example.org:80",
        "http://127.0.0.1:80@example.org:80", "file:///etc/passwd", "http://127.0.0.1.example.org:1", "", 7,
        "http://127.0.0.1:port",
    ],
)  # fmt: skip
def test_a_note_that_names_another_machine_is_not_believed(tmp_path: Path, url: Any) -> None:
    left(tmp_path, url)
    assert note.read(tmp_path) is None


def test_a_link_a_pipe_and_nonsense_are_no_note(tmp_path: Path) -> None:
    left(tmp_path / "other", "http://127.0.0.1:80")
    (tmp_path / note.NOTE).symlink_to(tmp_path / "other" / note.NOTE)
    assert note.read(tmp_path) is None
    (tmp_path / note.NOTE).unlink()
    os.mkfifo(tmp_path / note.NOTE, 0o600)
    assert note.read(tmp_path) is None
    (tmp_path / note.NOTE).unlink()
    for text in (
        "",
        "[]",
        "null",
        '{"url": "http://127.0.0.1:80"}',
        "\xff",
        '{"url": "http://127.0.0.1:80", "secret": ""}',
    ):
        left(tmp_path, "").write_text(text, "latin-1")
        assert note.read(tmp_path) is None


@contextmanager
def answering(status: int, body: bytes, kind: str = "application/json") -> Iterator[tuple[str, list[str]]]:
    """Another program on a port of this machine, and what it was told of keys."""
    keys: list[str] = []

    class Answering(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            keys.append(self.headers.get("authorization") or "")
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("retry-after", "7")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as other:
        thread = threading.Thread(target=other.serve_forever, args=[0.01])
        thread.start()
        try:
            yield f"http://127.0.0.1:{other.server_address[1]}", keys
        finally:
            other.shutdown()
            thread.join()


@pytest.mark.parametrize("body", [b'{"status": "ok"}', b'{"proof": "' + b"0" * 64 + b'"}', b'{"proof": 1}', b"<html>"])
def test_another_program_at_the_address_is_not_believed_and_told_no_secret(tmp_path: Path, body: bytes) -> None:
    with answering(200, body) as (url, keys):
        left(tmp_path, url, "my secret")
        assert Client.at(tmp_path) is None
    assert keys == [""]


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_an_error_of_the_server_is_raised_here_as_what_it_was(code: str) -> None:
    answer = api_errors.answer(ERRORS[code]("Expected this; got that."))
    with (
        answering(answer.status_code, bytes(answer.body)) as (url, _),
        Client(url) as client,
        pytest.raises(SightlineError) as raised,
    ):
        client.threads()
    assert type(raised.value) is ERRORS[code]
    assert str(raised.value) == "Expected this; got that."
    if isinstance(raised.value, Overloaded):
        assert raised.value.after == 7


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (500, json.dumps(api_errors._body(500, "Something went wrong here.", "InternalError")).encode(), "went wrong"),
        (404, json.dumps(api_errors._body(404, "Not Found", "NotFound")).encode(), "Not Found"),
        (502, b"<html>Bad gateway</html>", "502"),
        (200, b"<html>Welcome</html>", "no JSON"),
    ],
)
def test_what_is_no_answer_of_ours_is_unavailable(status: int, body: bytes, says: str) -> None:
    with answering(status, body) as (url, _), Client(url) as client, pytest.raises(Unavailable, match=says):
        client.threads()


def test_an_answer_that_breaks_off_is_unavailable() -> None:
    started = b'event: status\ndata: {"step": "ocr", "photo": null}\n\n'
    with answering(200, started, "text/event-stream") as (url, _), Client(url) as client:
        events = client.stream("hello")
        assert next(events) == Progress("ocr")
        with pytest.raises(Unavailable, match="went away before it had answered"):
            next(events)


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(BadInput, match="Expected the address of a server"):
        Client("127.0.0.1:8765")


def test_events_are_told_apart_by_line_feeds_alone() -> None:
    data = json.dumps("a\u2028b\x85c", ensure_ascii=False)
    whole = f": comment\n\nevent: sentence\r\ndata: {data}\r\n\r\nevent: reply\ndata: 1\n\n".encode()
    for size in (1, 7, len(whole)):
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert list(events_of(pieces)) == [("sentence", "a\u2028b\x85c"), ("reply", 1)]


@pytest.mark.parametrize("patience", [None, 0.2], ids=["a second signal", "its patience"])
def test_what_takes_too_long_is_cut_off_as_by_a_crash_and_can_be_resumed(
    tmp_path: Path, reader: CountingReader, request: pytest.FixtureRequest, patience: float | None
) -> None:
    del reader
    started = Server(tmp_path / "home", patience)
    request.addfinalizer(started.stop)
    with opened(started.home, False) as served, held(started.home):
        events = served.stream("When does it expire?", [label("EXP 01/2028")])
        next(events)
        started.process.send_signal(signal.SIGINT)
        if patience is None:
            with pytest.raises(subprocess.TimeoutExpired):
                started.process.wait(1)
            started.process.terminate()
        assert started.process.wait(20) == 128 + (signal.SIGINT if patience else signal.SIGTERM)
        with pytest.raises(Unavailable, match="went away before it had answered"):
            list(events)
    assert not (started.home / note.NOTE).exists()
    with Assistant.open(started.home) as assistant:
        assert list(assistant.unfinished().values()) == ["main"]
        resumed = assistant.resume()
        assert resumed is not None
        assert "2028" in resumed.text


def test_the_client_is_exported() -> None:
    assert sightline.Client is Client


def test_a_turn_under_way_is_finished_before_the_server_ends_and_the_home_is_free(server: Server) -> None:
    with opened(server.home, False) as served, held(server.home) as go_on:
        assert isinstance(served, Client)
        events = served.stream("When does it expire?", [label("EXP 03/2028")], "last")
        next(events)
        server.process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(1)
        go_on()
        *_, reply = events
        assert isinstance(reply, Reply)
        assert "2028" in reply.text
        assert server.process.wait(60) == 0, server.said()
        with pytest.raises(Unavailable, match="nobody answers there"):
            served.threads()
    assert not (server.home / note.NOTE).exists()
    with opened(server.home, False) as alone:
        assert isinstance(alone, Assistant)
        alone.own()
        assert alone.history("last") == [reply]
