"""A server killed with SIGKILL at chosen moments, and started again on the same home.

What a client was told is there, is there; nothing is half there; nothing is left that nobody refers to. One process
imports everything and forks the servers, which saves each of them that.
"""

import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import label
from packs import packs

FORKS = """
import importlib, json, os, signal, sys
sys.path.insert(0, sys.argv[1])
import chromadb, cv2, faiss, fakes  # heavy, and once
from sightline.agent import assistant
from sightline.agent.api import serving
from sightline.memory import indexing

indexing._BATCH = 1  # many moments between two commits
assistant.RapidReader = fakes.CountingReader
serving._warm = lambda _: None
signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def die_at(module, name, nth, when):
    place = importlib.import_module(module)
    *owner, name = name.split(".")
    for part in owner:
        place = getattr(place, part)
    plain, calls = getattr(place, name), [0]

    def dying(*args, **kwargs):
        calls[0] += 1
        if when == "before" and calls[0] == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        result = plain(*args, **kwargs)
        if when == "after" and calls[0] == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(place, name, dying)


for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1), os.dup2(out, 2)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if asked["die"]:
            die_at(*asked["die"])
        try:
            serving.serve(asked["home"], "127.0.0.1", 0)
        except BaseException:
            import traceback
            traceback.print_exc()
        os._exit(0)
    print(child, flush=True)
"""

Moment = tuple[str, str, int, str] | None
"""A module, a function of it, and before or after which call of that the server dies."""


@dataclass
class Server:
    """A server in a process of its own, and a client that talks to it."""

    client: httpx.Client
    pid: int

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.gone()

    def gone(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                self.client.close()
                return
            time.sleep(0.01)
        raise AssertionError("it goes on")


class Servers:
    """Starts servers on one home, one after another."""

    def __init__(self, forks: subprocess.Popen[str], home: Path) -> None:
        self._forks, self.home, self._last = forks, home, None
        home.mkdir()

    def start(self, die: Moment = None) -> Server:
        out = self.home.parent / "out"
        out.unlink(missing_ok=True)
        assert self._forks.stdin
        assert self._forks.stdout
        self._forks.stdin.write(json.dumps({"home": str(self.home), "die": die, "out": str(out)}) + "\n")
        self._forks.stdin.flush()
        pid = int(self._forks.stdout.readline())
        until = time.monotonic() + 60
        while not (said := out.read_text() if out.exists() else "").endswith("\n"):
            assert time.monotonic() < until
            time.sleep(0.01)
        assert " at http" in said, said
        return Server(httpx.Client(base_url=said.split()[-1], timeout=60, trust_env=False), pid)

    def settled(self) -> None:
        """Nothing is left that nobody refers to, and the next one can write at once."""
        server = self.start()
        for thread in server.client.get("/api/threads").json():
            if thread["unfinished"]:
                assert server.client.post("/api/turns/resume", json={"thread": thread["name"]}).json()
        threads = server.client.get("/api/threads").json()
        assert not [thread for thread in threads if thread["unfinished"]]
        turns = [t for th in threads for t in server.client.get(f"/api/threads/{th['name']}").json()]
        for turn in turns:
            assert turn["text"]
            for photo in turn["photos"]:
                assert server.client.get(f"/api/photos/{photo}").status_code == 200
            for picture in turn["pictures"]:
                assert server.client.get(picture["path"]).status_code == 200
        os.kill(server.pid, signal.SIGTERM)
        server.gone()
        left = [path for path in self.home.rglob("*") if path.name.startswith((".part", ".server", "server.json"))]
        assert not left
        assert {p.name for p in self.home.glob("pictures/*")} <= {turn["turn"] for turn in turns}
        with sqlite3.connect(self.home / "photos" / "threads.sqlite") as db:
            referred = {photo for (photo,) in db.execute("SELECT photo FROM refers")}
        db.close()
        assert {f"sha256:{p.parent.name}{p.stem}" for p in self.home.glob("photos/*/*.photo")} == referred
        for job in self.home.glob("imports/*"):
            assert [path.name for path in job.iterdir()] == ["job.json"]


@pytest.fixture(scope="module")
def forks() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", FORKS, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def servers(forks: subprocess.Popen[str], tmp_path: Path) -> Servers:
    return Servers(forks, tmp_path / "home")


@pytest.fixture(scope="module")
def photo() -> bytes:
    out = io.BytesIO()
    label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g").save(out, "PNG")
    return out.getvalue()


def half(server: Server, home: Path, path: str, data: bytes) -> None:
    """Send half of a form, and wait a moment: the server has it."""
    host, port = server.client.base_url.host, server.client.base_url.port or 80
    body = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="a.zip"\r\n\r\n' % (
        b"file" if "imports" in path else b"photos"
    )
    with socket.create_connection((host, port)) as sent:
        head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        head += f"Content-Length: {len(body) + len(data) + 9}\r\n\r\n"
        sent.sendall(head.encode() + body + data[: len(data) // 2])
        until = time.monotonic() + 5
        while "imports" in path and not list(home.glob("imports/.part-*/upload.zip")):
            assert time.monotonic() < until
            time.sleep(0.01)
        assert server.client.get("/health").is_success, "whatever came before was taken"
        server.kill()


def ask(server: Server, photo: bytes, until: str) -> list[tuple[str, Any]]:
    """The events of a turn up to the first of a kind, after which the server is killed."""
    events: list[tuple[str, Any]] = []
    form = {"text": "When does it expire?", "thread": "t"}
    with server.client.stream(
        "POST", "/api/turns", data=form, files={"photos": ("a.png", photo)}, headers={"Accept": "text/event-stream"}
    ) as answer:
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                events.append((name, json.loads(line.removeprefix("data: "))))
                if name == until:
                    os.kill(server.pid, signal.SIGKILL)
                    break
    server.gone()
    assert name == until, events
    return events


@pytest.mark.parametrize("path", ["/api/turns", "/api/photos", "/api/imports"])
def test_half_an_upload_leaves_nothing(servers: Servers, path: str, photo: bytes) -> None:
    half(servers.start(), servers.home, path, photo)
    servers.settled()
    again = servers.start()
    assert again.client.get("/api/threads").json() == []
    assert again.client.get("/api/imports").json() == []
    again.kill()


@pytest.mark.parametrize("until", ["status", "sentence", "reply"])
def test_a_turn_is_finished_or_can_be_and_keeps_what_it_said(servers: Servers, until: str, photo: bytes) -> None:
    events = ask(servers.start(), photo, until)
    again = servers.start()
    unfinished = [thread["name"] for thread in again.client.get("/api/threads").json() if thread["unfinished"]]
    if unfinished:
        assert until != "reply", "who has the reply has it for good"
        assert again.client.post("/api/turns/resume", json={"thread": "t"}).json()["outcome"] == "found"
    turns = again.client.get("/api/threads/t")
    if until == "status" and turns.status_code == 404:
        return again.kill()  # it had not begun
    (turn,) = turns.json()
    said = [statement["text"] for statement in turn["statements"]]
    assert all(data["text"] in said for name, data in events if name == "sentence")
    assert "14 March 2027" in turn["text"]
    again.kill()
    return servers.settled()


@pytest.mark.parametrize(
    ("die", "resumable"),
    [
        (("sightline.memory.photos", "PhotoStore.add", 1, "before"), False),
        (("sightline.memory.photos", "PhotoStore.add", 1, "after"), False),
        (("sightline.tools.picture", "save", 1, "after"), True),
        (("sightline.memory.sessions", "Sessions.commit", 1, "before"), True),
        (("sightline.memory.sessions", "Sessions.commit", 1, "after"), True),
    ],
)
def test_a_turn_killed_within_is_whole_or_was_not(servers: Servers, die: Moment, resumable: bool, photo: bytes) -> None:
    server = servers.start(die)
    with pytest.raises(httpx.HTTPError):
        server.client.post("/api/turns", data={"text": "When does it expire?", "thread": "t"}, files={"photos": photo})
    server.gone()
    again = servers.start()
    listed = [(thread["name"], thread["unfinished"]) for thread in again.client.get("/api/threads").json()]
    assert listed == ([("t", True)] if resumable else [])
    again.kill()
    servers.settled()


def test_what_was_acknowledged_of_photos_and_corrections_is_there(servers: Servers, photo: bytes) -> None:
    server = servers.start()
    kept = server.client.post("/api/photos", files={"photo": photo})
    assert kept.status_code == 201
    wrong = {"photo": kept.json()["id"], "about": "thing", "what": "box", "after": "carton"}
    told = server.client.post("/api/corrections", json=wrong)
    assert told.status_code == 201, told.text
    server.kill()
    again = servers.start(("sightline.memory.corrections", "Corrections.undo", 1, "after"))
    assert again.client.get(f"/api/photos/{kept.json()['id']}").status_code == 200
    assert again.client.get("/api/corrections").json() == [told.json()]
    with pytest.raises(httpx.HTTPError):
        again.client.post(f"/api/corrections/{told.json()['id']}/undo")
    again.gone()
    servers.settled()


@pytest.mark.parametrize(
    ("path", "die"),
    [
        ("/api/photos", ("sightline.memory.photos", "PhotoStore.add", 1, "before")),
        ("/api/photos", ("os", "fsync", 1, "before")),
        ("/api/corrections", ("sightline.memory.photos", "PhotoStore.add", 1, "after")),
        ("/api/corrections", ("sightline.memory.corrections", "Corrections.add", 1, "before")),
        ("/api/corrections", ("sightline.memory.corrections", "Corrections.add", 1, "after")),
    ],
)
def test_a_photo_or_a_correction_killed_while_it_is_kept_leaves_no_photo_of_nobody(
    servers: Servers, path: str, die: Moment, photo: bytes
) -> None:
    server = servers.start(die)
    wrong = {"about": "thing", "what": "box", "after": "carton"}
    with pytest.raises(httpx.HTTPError):
        server.client.post(path, data=wrong if "corr" in path else {}, files={"photo": photo})
    server.gone()
    servers.settled()


IMPORTS = "sightline.agent.api.importing"
MOMENTS: dict[str, tuple[Moment, bool]] = {
    "before it is on the disk": ((IMPORTS, "settle", 1, "before"), False),
    "before it is in its place": ((IMPORTS, "settle", 1, "after"), False),
    "before it is acknowledged": ((IMPORTS, "sync", 1, "before"), True),
    "at the first batch": (("sightline.memory.indexing", "Writer._keep", 1, "before"), True),
    "at the third batch": (("sightline.memory.indexing", "Writer._keep", 3, "after"), True),
    "before its end is kept": ((IMPORTS, "sync", 2, "before"), True),
    "after its end is kept": ((IMPORTS, "sync", 3, "after"), True),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_import_goes_on_once_it_is_there_and_is_not_there_before(
    servers: Servers, moment: str, tmp_path: Path
) -> None:
    die, there = MOMENTS[moment]
    files = packs(tmp_path / "packs", range(4))
    rows = [{"sku": f"P{n}", "title": f"Pack {n}", "image": f"p/{file.name}"} for n, file in enumerate(files)]
    sent = io.BytesIO()
    with zipfile.ZipFile(sent, "w") as made:
        made.writestr("list.jsonl", "\n".join(map(json.dumps, rows)))
        for file in files:
            made.write(file, f"p/{file.name}")
    server = servers.start(die)
    acknowledged = None
    try:
        answer = server.client.post("/api/imports", files={"file": ("shop.zip", sent.getvalue())})
        assert answer.status_code == 202
        acknowledged = answer.json()["id"]
    except httpx.HTTPError:
        pass
    server.gone()
    again = servers.start()
    jobs = again.client.get("/api/imports").json()
    assert bool(jobs) == there
    assert acknowledged in (None, *(job["id"] for job in jobs))
    until = time.monotonic() + 60
    while any(job["state"] == "running" for job in jobs):
        assert time.monotonic() < until
        time.sleep(0.02)
        jobs = again.client.get("/api/imports").json()
    for job in jobs:
        assert (job["state"], job["report"]["problems"]) == ("done", [])
        assert job["report"]["added"] + job["report"]["unchanged"] == 4
        products = again.client.get("/api/products").json()
        assert [product["sku"] for product in products] == ["P0", "P1", "P2", "P3"]
        for product in products:
            assert again.client.get(f"/api/references/{product['references'][0]}").status_code == 200
    again.kill()
    servers.settled()
