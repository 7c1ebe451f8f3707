"""Catalogues sent over HTTP: indexed in the background with progress, and hostile ones refused or reported."""

import errno
import io
import json
import shutil
import stat
import struct
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packs import packs
from starlette.testclient import TestClient

from sightline.agent.api import arriving, unpacking
from sightline.agent.api.app import create_app
from sightline.agent.api.gate import Gate
from sightline.agent.api.importing import Imports
from sightline.agent.assistant import Assistant


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return [file.read_bytes() for file in packs(tmp_path_factory.mktemp("packs"), range(3))]


@pytest.fixture
def client(assistant: Assistant) -> Iterator[TestClient]:
    with TestClient(
        create_app(Gate(assistant, "secret")), base_url="http://localhost", raise_server_exceptions=False
    ) as opened:
        yield opened


def rows(*images: str) -> bytes:
    return "\n".join(
        json.dumps({"sku": f"P{n}", "title": f"Pack {n}", "image": i}) for n, i in enumerate(images)
    ).encode()


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


def send(client: TestClient, name: str, data: bytes, images: dict[str, bytes] | None = None) -> Any:
    files = [("file", (name, data)), *(("images", (n, d)) for n, d in (images or {}).items())]
    return client.post("/api/imports", files=files)


def ended(client: TestClient, answer: Any) -> Any:
    assert answer.status_code == 202, answer.text
    for _ in range(1000):
        job = client.get(answer.headers["location"]).json()
        if job["state"] != "running":
            return job
        time.sleep(0.02)
    raise AssertionError(job)


def left(assistant: Assistant) -> list[str]:
    return sorted(str(p.relative_to(assistant.home / "imports")) for p in (assistant.home / "imports").rglob("*"))


def test_a_zip_is_indexed_and_what_it_brought_is_deleted(
    client: TestClient, assistant: Assistant, pictures: list[bytes]
) -> None:
    files = {"shop/list.jsonl": rows("photos/a.png", "photos/deep/b.png", "photos/none.png")}
    files |= {"shop/photos/a.png": pictures[0], "shop/photos/deep/b.png": pictures[1], "__MACOSX/._list.jsonl": b"x"}
    answer = send(client, "shop.zip", zipped(files))
    job = ended(client, answer)
    assert (job["state"], job["error"], job["catalogue"]) == ("done", None, "shop/list.jsonl")
    problem = {
        "line": 3,
        "message": "Expected an image that was sent with the catalogue; got 'photos/none.png', and none was.",
    }
    assert job["report"] == {"added": 2, "updated": 0, "unchanged": 0, "problems": [problem]}
    assert (job["done"], job["total"]) == (3, 3)
    assert [p.sku for p in assistant.products()] == ["P0", "P1"]
    assert left(assistant) == [job["id"], f"{job['id']}/job.json"]
    assert client.get("/api/imports").json() == [job]
    assert client.delete(f"/api/imports/{job['id']}").status_code == 204
    assert client.get(f"/api/imports/{job['id']}").status_code == 404
    assert client.delete(f"/api/imports/{job['id']}").status_code == 404
    assert left(assistant) == []


def test_a_file_is_indexed_with_the_images_beside_it(client: TestClient, pictures: list[bytes]) -> None:
    sheet = "sku,title,image\nA,Tee 茶,茶.png\nB,Other,b.png\n".encode()
    job = ended(client, send(client, "C:\\shop\\list.csv", sheet, {"茶.png": pictures[0], "x/b.png": pictures[1]}))
    assert job["report"] == {"added": 2, "updated": 0, "unchanged": 0, "problems": []}
    again = ended(client, send(client, "list.csv", sheet, {"茶.png": pictures[0], "b.png": pictures[2]}))
    assert again["report"] == {"added": 0, "updated": 1, "unchanged": 1, "problems": []}
    assert [job["id"] for job in client.get("/api/imports").json()] == [again["id"], job["id"]], "the latest first"


def test_a_row_that_names_an_image_outside_is_a_problem_and_the_image_is_never_opened(
    client: TestClient, assistant: Assistant, pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.png").write_bytes(pictures[1])
    (assistant.home / "imports").mkdir()
    (assistant.home / "imports" / "x.png").write_bytes(pictures[1])
    opened: list[str] = []

    def noted(plain: Any) -> Any:
        def call(self: Path, *args: Any, **options: Any) -> Any:
            opened.append(str(self))
            return plain(self, *args, **options)

        return call

    for name in ("read_bytes", "open"):
        monkeypatch.setattr(Path, name, noted(getattr(Path, name)))
    outside = (
        "/etc/passwd",
        str(tmp_path / "secret.png"),
        "../../x.png",
        "a/../../../x.png",
        "~/x",
        "a\0b",
        "x" * 5000,
    )
    job = ended(client, send(client, "list.jsonl", rows("a.png", *outside), {"a.png": pictures[0]}))
    assert job["state"] == "done"
    assert (job["report"]["added"], [p["line"] for p in job["report"]["problems"]]) == (1, list(range(2, 9)))
    told = json.dumps(job)
    assert str(assistant.home) not in told
    assert not [path for path in opened if path.endswith(("passwd", "secret.png", "x.png"))]


def test_a_photo_that_cannot_be_read_is_told_by_its_name_and_not_by_where_we_keep_it(
    client: TestClient, assistant: Assistant
) -> None:
    long = "n" * 150 + ".png"
    job = ended(client, send(client, "list.jsonl", rows("a.png", long), {"a.png": b"no photo", long: b"nor this"}))
    first, second = (problem["message"] for problem in job["report"]["problems"])
    assert "a.png" in first
    assert long in second
    for message in (first, second):
        assert str(assistant.home) not in message
        assert job["id"] not in message


def lying(data: bytes, name: str, size: int) -> bytes:
    """The zip, whose list of files says another size of one."""
    at = data.rindex(name.encode()) - 46
    return data[: at + 24] + struct.pack("<I", size) + data[at + 28 :]


def linked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("list.jsonl", rows("a.png"))
        link = zipfile.ZipInfo("a.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
    return out.getvalue()


def twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("list.jsonl", rows("a.png"))
        made.writestr("a.png", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            made.writestr("a.png", b"2")
    return out.getvalue()


def encrypted() -> bytes:
    data = bytearray(zipped({"list.jsonl": rows("a.png")}))
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(start) + flags] |= 1
    return bytes(data)


BOMB = zipped({"list.jsonl": rows("a.png"), "a.png": bytes(3_000_000)})
HOSTILE = {
    "a file over the limit": (413, "unpacks to more", BOMB),
    "a file that lies about its size": (400, "damaged", lying(BOMB, "a.png", 10)),
    "two dots": (400, "stay within", zipped({"list.jsonl": rows("a"), "../../x.png": b""})),
    "two dots as Windows has them": (400, "stay within", zipped({"list.jsonl": rows("a"), "..\\x.png": b""})),
    "an absolute path": (400, "stay within", zipped({"list.jsonl": rows("a"), "/tmp/x.png": b""})),
    "a drive": (400, "stay within", zipped({"list.jsonl": rows("a"), "C:/x.png": b""})),
    "a link": (400, "a link", linked()),
    "one name twice": (400, "comes twice", twice()),
    "a file that is a folder too": (400, "comes twice", zipped({"list.jsonl": b"", "a": b"", "a/b": b""})),
    "a password": (400, "password", encrypted()),
    "half a zip": (400, "damaged", BOMB[: len(BOMB) // 2]),
    "no zip": (400, "damaged", b"no zip at all"),
    "nothing": (400, "damaged", b""),
    "no catalogue": (400, "holds none", zipped({"a.png": b""})),
    "two catalogues": (400, "'a.csv', 'b.jsonl'", zipped({"a.csv": b"", "b.jsonl": b""})),
    "too many files": (413, "files at most", zipped({"list.jsonl": b"", **{f"{n}.png": b"" for n in range(9)}})),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_zip_is_refused_and_leaves_nothing(
    client: TestClient, assistant: Assistant, hostile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "MOST_BYTES_EACH", 2_000_000)
    monkeypatch.setattr(unpacking, "MOST_FILES", 8)
    status, says, data = HOSTILE[hostile]
    answer = send(client, "shop.zip", data)
    assert (answer.status_code, says in answer.json()["error"]["message"]) == (status, True), answer.text
    assert left(assistant) == []
    assert client.get("/api/imports").json() == []
    assert not (assistant.home.parent / "x.png").exists()


def test_what_comes_out_of_a_zip_is_counted_whatever_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_BYTES", 5_000_000)
    monkeypatch.setattr(unpacking, "_check", lambda _: None)
    (tmp_path / "bomb.zip").write_bytes(
        zipped({"list.jsonl": b"", "a.png": bytes(3_000_000), "b.png": bytes(3_000_000)})
    )
    with pytest.raises(Exception, match="unpacks to more"):
        unpacking.unpack(tmp_path / "bomb.zip", tmp_path / "out")


def test_a_list_of_files_that_would_fill_the_memory_is_not_read(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "_DIRECTORY", 1000)
    many = zipped({"list.jsonl": b"", **{f"{n}.png": b"" for n in range(100)}})
    assert "damaged" in send(client, "shop.zip", many).json()["error"]["message"]


FORMS: dict[str, tuple[int, dict[str, Any]]] = {
    "no file": (400, {"files": [("images", ("a.png", b""))]}),
    "two files": (400, {"files": [("file", ("a.csv", b"")), ("file", ("b.csv", b""))]}),
    "another kind of file": (400, {"files": [("file", ("a.exe", b""))]}),
    "images beside a zip": (400, {"files": [("file", ("a.zip", b"")), ("images", ("a.png", b""))]}),
    "an image twice": (400, {"files": [("file", ("a.csv", b"")), *2 * [("images", ("a.png", b""))]]}),
    "a name that is none": (400, {"files": [("file", ("a.csv", b"")), ("images", ("..", b""))]}),
    "another field": (400, {"files": [("file", ("a.csv", b"")), ("more", ("a.png", b""))]}),
    "JSON": (400, {"json": {}}),
    "nothing": (400, {}),
    "no boundary": (400, {"content": b"x", "headers": {"content-type": "multipart/form-data"}}),
    "no form": (400, {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b"}}),
    "an end too early": (
        400,
        {
            "content": b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nsku,ti',
            "headers": {"content-type": "multipart/form-data; boundary=b"},
        },
    ),
    "a large image": (413, {"files": [("file", ("a.csv", b"")), ("images", ("a.png", bytes(1001)))]}),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_is_none_is_refused_and_leaves_nothing(
    client: TestClient, assistant: Assistant, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "MOST_BYTES_EACH", 1000)
    status, sent = FORMS[form]
    answer = client.post("/api/imports", **sent)
    assert (answer.status_code, "Expected" in answer.json()["error"]["message"]) == (status, True), answer.text
    assert left(assistant) == []


@pytest.mark.parametrize("name", ["list.jsonl", "list.csv"])
def test_a_file_that_is_no_catalogue_fails_with_a_sentence(client: TestClient, assistant: Assistant, name: str) -> None:
    job = ended(client, send(client, name, b"\x89PNG\r\n\x1a\n\0\0\0"))
    assert (job["state"], job["report"], job["error"]["code"]) == ("failed", None, "BadInput")
    assert job["error"]["message"].startswith("Expected a catalogue")
    assert name in job["error"]["message"]
    assert str(assistant.home) not in job["error"]["message"]
    assert left(assistant) == [job["id"], f"{job['id']}/job.json"]


def test_a_full_disk_is_said(
    client: TestClient, assistant: Assistant, pictures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(arriving, "_SPARED", 1 << 62)
        answer = send(client, "list.csv", b"sku,title,image\n")
    assert (answer.status_code, "disk" in answer.json()["error"]["message"]) == (413, True)
    assert left(assistant) == []

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(assistant._catalogue, "index", fail)
    job = ended(client, send(client, "list.jsonl", rows("a.png"), {"a.png": pictures[0]}))
    assert (job["state"], "disk" in job["error"]["message"]) == ("failed", True)


@pytest.mark.usefixtures("reader")
def test_an_import_goes_on_where_the_server_stopped_and_others_wait_their_turn(
    tmp_path: Path, pictures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.memory.indexing._BATCH", 1)
    going, come = threading.Event(), threading.Event()
    with Assistant.open(tmp_path / "home") as assistant:
        index = assistant.index

        def slow(file: Path, progress: Any, within: Path) -> Any:
            def told(step: str, done: int, total: int) -> None:
                if done == 1:
                    come.set()
                    going.wait()
                progress(step, done, total)

            return index(file, told, within)

        monkeypatch.setattr(assistant, "index", slow)
        with TestClient(create_app(Gate(assistant, "secret")), base_url="http://localhost") as client:
            images = {f"{n}.png": data for n, data in enumerate(pictures)}
            first = send(client, "list.jsonl", rows(*images), images).json()
            second = send(client, "list.jsonl", rows("0.png"), {"0.png": pictures[0]}).json()
            come.wait()
            states = {job["id"]: (job["state"], job["step"], job["total"]) for job in client.get("/api/imports").json()}
            assert states == {first["id"]: ("running", "indexing", 3), second["id"]: ("running", None, 0)}
            refused = client.delete(f"/api/imports/{first['id']}")
            assert (refused.status_code, "Wait" in refused.json()["error"]["message"]) == (400, True)
            monkeypatch.setattr("sightline.memory.catalogue._PATIENCE", 0.1)
            assert client.delete("/api/products/P0").status_code == 503, "nothing waits for it for long"
            for _ in range(6):
                assert send(client, "list.jsonl", b"").status_code == 202
            assert send(client, "list.jsonl", b"").status_code == 429
            threading.Timer(0.1, going.set).start()
        assert [p.sku for p in assistant.products()] != ["P0", "P1", "P2"], "it was stopped between batches"
    (tmp_path / "home" / "imports" / ".part-half").mkdir()
    with Assistant.open(tmp_path / "home") as again:
        imports = Imports(again)
        while any(job.state == "running" for job in imports.all()):
            time.sleep(0.02)
        assert [p.sku for p in again.products()] == ["P0", "P1", "P2"]
        *_, two, one = imports.all()
        assert (one.id, two.id) == (first["id"], second["id"])
        assert one.report is not None
        assert not one.report.problems
        assert not list((tmp_path / "home" / "imports").glob(".part*"))
        imports.close()
    with Assistant.open(tmp_path / "home") as third:
        assert Imports(third).get(one.id) == one.model_copy(update={"step": None}), "its report is kept"
    shutil.rmtree(tmp_path / "home")
