"""What a machine has for a model, and fetching one: real sockets on loopback, and a hub and an Ollama of our own."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sightline.tools.errors import Unavailable
from sightline.tools.models import fetching, machine
from sightline.tools.models.fetching import Unreachable, Weights, download, pull, weigh

Handle = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(handle: Handle) -> Iterator[int]:
    """A server on loopback that answers every request so; its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            handle(self)

        do_HEAD = do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), "Connection": "close", **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def listing(*models: object) -> Handle:
    body = json.dumps({"object": "list", "data": [{"id": model} for model in models]}).encode()
    return lambda handler: reply(handler, body)


def test_servers_are_found_with_what_they_list_in_the_order_of_the_ports() -> None:
    with serving(listing("llava:7b", "qwen3-vl:4b")) as first, serving(listing()) as second:
        found = machine.servers({second: "B", 9: "nobody", first: "A"})
    assert [(s.program, s.address, s.models) for s in found] == [
        ("B", f"http://127.0.0.1:{second}/v1", ()),
        ("A", f"http://127.0.0.1:{first}/v1", ("llava:7b", "qwen3-vl:4b")),
    ]


def dribble(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        for _ in range(40):
            handler.wfile.write(b" ")
            time.sleep(0.05)


def hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1.5)
    handler.close_connection = True


def not_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n")
    handler.close_connection = True


OTHERS: dict[str, Handle] = {
    "a page": lambda h: reply(h, b"<html>hello</html>"),
    "a list": lambda h: reply(h, b"[1]"),
    "no data": lambda h: reply(h, b"{}"),
    "data of another kind": lambda h: reply(h, b'{"data": 7}'),
    "deep": lambda h: reply(h, b"[" * 200_000),
    "endless": lambda h: reply(h, b" " * 3_000_000),
    "refused": lambda h: reply(h, b'{"data": [{"id": "llava"}]}', 401),
    "moved": lambda h: reply(h, b"", 302, Location="http://127.0.0.1:9/v1/models"),
    "broken": lambda h: reply(h, b"", 500),
    "a byte at a time": dribble,
    "silent": hang,
    "another protocol": not_http,
}


def test_whatever_else_listens_there_is_no_server_and_holds_nothing_up() -> None:
    with ExitStack() as stack:
        ports = {stack.enter_context(serving(handle)): name for name, handle in OTHERS.items()}
        start = time.monotonic()
        assert machine.servers(ports) == ()
        assert time.monotonic() - start < machine.PATIENCE + 0.5, "they are asked side by side"


def test_names_that_are_none_are_left_out() -> None:
    with serving(listing("llava", 3, None, "", "a" * 1000, "x\x1b[2J", "qwen3-vl")) as port:
        assert machine.servers({port: "A"})[0].models == ("llava", "qwen3-vl")


def test_only_loopback_is_asked_and_no_proxy_and_no_key_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def handle(handler: BaseHTTPRequestHandler) -> None:
        seen.append(f"{handler.client_address[0]} {handler.command} {handler.path} {handler.headers}")
        listing("llava")(handler)

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SIGHTLINE_API_KEY", "sk-secret")
    with serving(handle) as port:
        assert machine.servers({port: "A"})
    assert len(seen) == 1
    assert seen[0].startswith("127.0.0.1 GET /v1/models ")
    assert "sk-secret" not in seen[0]
    assert machine.LOOPBACK == "127.0.0.1"


def test_this_machine_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "not" / "there" / "yet"))
    found = machine.look()
    assert 0 < found.memory < 10_000
    assert 0 < found.disk < 1_000_000


@pytest.mark.parametrize("error", [False, True])
def test_a_card_is_measured_by_what_is_free_and_a_broken_one_is_none(
    monkeypatch: pytest.MonkeyPatch, error: bool
) -> None:
    def free() -> tuple[int, int]:
        if error:
            raise RuntimeError("CUDA error: out of memory")
        return 6_000_000_000, 8_000_000_000

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "RTX")
    monkeypatch.setattr("torch.cuda.mem_get_info", free)
    monkeypatch.setattr(machine, "servers", lambda: ())
    assert machine.look().gpu == (None if error else machine.Gpu("RTX", 6.0))


def test_apples_card_has_no_more_than_the_memory_it_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    monkeypatch.setattr("torch.mps.recommended_max_memory", lambda: 12_000_000_000)
    monkeypatch.setattr(machine, "servers", lambda: ())
    for memory, usable in ((30.0, 12.0), (5.0, 5.0)):
        monkeypatch.setattr(machine, "_memory", lambda memory=memory: memory)
        assert machine.look().gpu == machine.Gpu("Apple", usable)


REPOSITORY = "somebody/model"
SHA = "c" * 40
_PIECE = 1_000_000


@dataclass
class Hub:
    """As much of the hub as a download asks for.

    `holds`: megabytes of weights after which it waits for `go`; `status`: that of every answer. `left`: somebody hung
    up in the middle of a file.
    """

    holds: int | None = None
    status: int = 200
    sent: int = 0
    go: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(
        default_factory=lambda: {
            "config.json": b'{"model_type": "smolvlm"}',
            # Its library writes 10 MB at a time.
            "model-1.safetensors": bytes(range(256)) * 90_000,
            "model-2.safetensors": bytes(range(255)) * 90_000,
            "onnx/model.onnx": b"the same weights once more" * 1000,
        }
    )

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        self.asked.append(f"{handler.command} {path} {handler.headers.get('Range', '')}".strip())
        if self.status != 200:
            headers = {"X_Error_Code": "RepoNotFound"} if self.status == 404 else {}
            reply(handler, b"{}", self.status, **headers)
        elif path.startswith("/api/models/") and "/tree/" in path:
            rows = [{"type": "file", "path": name, "oid": "0" * 40, "size": len(d)} for name, d in self.files.items()]
            reply(handler, json.dumps(rows).encode(), Content_Type="application/json")
        elif path.startswith("/api/models/"):
            siblings = [{"rfilename": name} for name in self.files]
            reply(handler, json.dumps({"id": REPOSITORY, "sha": SHA, "siblings": siblings}).encode())
        else:
            self._file(handler, self.files[path.partition(f"/resolve/{SHA}/")[2]])

    def _file(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        start = int((handler.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        handler.send_response(206 if start else 200)
        headers = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
        headers |= {"Content-Length": str(len(data) - start), "Connection": "close"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command == "HEAD":
            return
        for at in range(start, len(data), _PIECE):
            if self.sent == self.holds:
                self.go.wait(10)
            try:
                handler.wfile.write(data[at : at + _PIECE])
            except OSError:
                self.left.set()
                return
            self.sent += len(data) > _PIECE


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    answers = Hub()
    with serving(answers) as port:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr(fetching, "_LOOK", 0.02)
        yield answers


def whole(hub: Hub) -> Weights:
    """All that a download fetches."""
    wanted = sum(len(data) for name, data in hub.files.items() if "onnx" not in name)
    return Weights(str(Path(os.environ["HF_HUB_CACHE"], "models--somebody--model")), wanted / 1e9)


def test_what_is_missing_is_weighed_fetched_once_and_never_asked_for_again(hub: Hub) -> None:
    weights = weigh(REPOSITORY)
    assert weights == whole(hub)
    hub.holds, shares = 12, [0.0]

    def tell(share: float) -> None:
        shares.append(share)
        if share > 0.1:
            hub.go.set()

    download(REPOSITORY, weights, tell)
    assert shares == sorted(shares)
    assert any(0.1 < share < 0.95 for share in shares), "it is told on the way"
    snapshot = Path(weights.folder) / "snapshots" / SHA
    assert (snapshot / "model-2.safetensors").read_bytes() == hub.files["model-2.safetensors"]
    assert not (snapshot / "onnx").exists(), "the same weights in another format are left"
    hub.asked.clear()
    assert weigh(REPOSITORY).missing == 0
    assert hub.asked == [], "what is here takes no network"


def test_an_interrupt_ends_a_download_at_once_and_whole_files_are_not_fetched_again(hub: Hub) -> None:
    weights = whole(hub)
    hub.holds = 36  # the first file, and half of the other
    interrupted = 0.0

    def interrupt(share: float) -> None:
        nonlocal interrupted
        if share > 0.55:
            interrupted = time.monotonic()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(REPOSITORY, weights, interrupt)
    assert time.monotonic() - interrupted < 1.0
    assert list(Path(weights.folder, "blobs").glob("*.incomplete")) == [], "no gigabytes that nobody goes on from"
    hub.holds = None
    rest = weigh(REPOSITORY)
    assert rest.missing == pytest.approx(len(hub.files["model-2.safetensors"]) / 1e9)
    hub.asked.clear()
    download(REPOSITORY, rest, lambda _: None)
    assert [line.rpartition("/")[2] for line in hub.asked if line.startswith("GET /somebody")] == [
        "model-2.safetensors"
    ]
    snapshot = Path(weights.folder) / "snapshots" / SHA
    assert {path.name for path in snapshot.iterdir()} == {name for name in hub.files if "onnx" not in name}


def test_a_file_that_happens_to_lie_in_the_working_directory_is_not_imported(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "huggingface_hub.py").write_text("open('imported', 'w').close()")
    monkeypatch.chdir(tmp_path)
    assert weigh(REPOSITORY) == whole(hub)
    assert not (tmp_path / "imported").exists()


ALONE = """
import sys
from sightline.tools.models.fetching import Weights, download
download("somebody/model", Weights(sys.argv[1], 1.0), lambda share: print(share, flush=True))
"""


def test_a_download_ends_with_the_program_that_began_it(hub: Hub) -> None:
    folder = whole(hub).folder
    hub.holds = 12
    program = subprocess.Popen([sys.executable, "-c", ALONE, folder], stdout=subprocess.PIPE, text=True)
    assert program.stdout
    while float(program.stdout.readline()) < 0.005:  # 5 MB have come
        pass
    program.kill()
    program.communicate()
    hub.go.set()
    assert hub.left.wait(5), "nobody takes what still comes"


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (404, Unavailable, "has no model of this name"),
        (403, Unavailable, "log in with hf auth login"),
        (503, Unreachable, "status 503"),
    ],
    ids=["unknown", "gated", "down"],
)
def test_a_hub_that_refuses_is_not_a_hub_that_is_away_and_it_is_said_in_words(
    hub: Hub, status: int, error: type[Exception], words: str
) -> None:
    hub.status = status
    with pytest.raises(Unavailable, match=words) as raised:
        weigh(REPOSITORY)
    assert type(raised.value) is error


@pytest.mark.parametrize(
    "variable", [("HF_HUB_OFFLINE", "1"), ("HF_ENDPOINT", "http://127.0.0.1:9")], ids=lambda v: v[0]
)
def test_a_hub_that_is_away_is_said_soon(hub: Hub, monkeypatch: pytest.MonkeyPatch, variable: tuple[str, str]) -> None:
    monkeypatch.setenv(*variable)
    start = time.monotonic()
    with pytest.raises(Unreachable):
        weigh(REPOSITORY)
    with pytest.raises(Unreachable):
        download(REPOSITORY, Weights(os.devnull, 1.0), lambda _: None)
    assert time.monotonic() - start < 20
    assert hub.asked == []


def lines(*rows: object) -> Handle:
    def handle(handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers["Content-Length"])
        assert (handler.path, json.loads(handler.rfile.read(length))) == ("/api/pull", {"model": "qwen3-vl:4b"})
        reply(handler, b"".join(json.dumps(row).encode() + b"\n" for row in rows))

    return handle


def layer(digest: str, completed: int, total: int) -> dict[str, object]:
    return {"status": f"pulling {digest}", "digest": digest, "total": total, "completed": completed}


def test_ollama_fetches_and_tells_how_much_has_come() -> None:
    shares: list[float] = []
    start = {"status": "pulling manifest"}
    waiting = {"status": "pulling a", "digest": "a", "total": 900}
    end = [{"status": "verifying sha256 digest"}, {"status": "success"}]
    rows = (start, waiting, layer("a", 450, 900), layer("a", 900, 900), layer("b", 100, 100), *end)
    with serving(lines(*rows)) as port:
        pull(f"http://127.0.0.1:{port}/v1", "qwen3-vl:4b", shares.append)
    assert shares == [0.0, 0.5, 1.0, 1.0]


@pytest.mark.parametrize(
    "rows",
    [
        [{"error": "pull model manifest: file does not exist"}],
        [layer("a", 1, 2), {"error": "no such host"}],
        [layer("a", 1, 2)],
        [],
        ["x"],
        [{"total": 3}],
    ],
    ids=["unknown", "offline", "cut", "nothing", "text", "half"],
)
def test_an_ollama_that_cannot_is_an_error_with_its_words(rows: list[object]) -> None:
    with serving(lines(*rows)) as port, pytest.raises(Unavailable, match=r"qwen3-vl:4b") as raised:
        pull(f"http://127.0.0.1:{port}/v1", "qwen3-vl:4b", lambda _: None)
    said = [row["error"] for row in rows if isinstance(row, dict) and "error" in row]
    assert all(str(each) in str(raised.value) for each in said)


def test_an_ollama_that_is_gone_is_an_error() -> None:
    with pytest.raises(Unavailable):
        pull("http://127.0.0.1:9/v1", "qwen3-vl:4b", lambda _: None)
