"""The photo store: by content, whole or not at all, and only as long as something refers to it."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from images import encoded, scene

from sightline.memory.photos import PhotoStore
from sightline.tools.errors import UnknownPhoto, UnreadablePhoto
from sightline.tools.photos import load


@pytest.fixture
def store(tmp_path: Path) -> PhotoStore:
    return PhotoStore(tmp_path / "photos")


def test_a_photo_comes_back_as_it_was(store: PhotoStore) -> None:
    photo = load(encoded("JPEG", 6))
    assert store.get(store.add(photo)) == photo
    assert store.add(photo) == photo.id
    assert store.ids() == (photo.id,)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "sha256:",
        "sha256:../../etc/passwd",
        "sha256:" + "g" * 64,
        "sha256:" + "A" * 64,
        "/etc/passwd",
        "sha256:" + "0" * 64,
    ],
)
def test_an_id_that_is_not_there_is_unknown_and_cannot_leave_the_folder(store: PhotoStore, name: str) -> None:
    with pytest.raises(UnknownPhoto):
        store.get(name)


def test_a_damaged_file_is_noticed(store: PhotoStore) -> None:
    photo = load(encoded("PNG"))
    store.add(photo)
    (file,) = store.folder.glob("??/*.photo")
    file.write_bytes(photo.data[:-1] + b"!")
    with pytest.raises(UnreadablePhoto, match="damaged"):
        store.get(photo.id)


def test_a_photo_lives_as_long_as_a_thread_refers_to_it(store: PhotoStore) -> None:
    mine, shared = load(scene(10, 10)), load(scene(20, 10))
    for photo in (mine, shared):
        store.add(photo)
    store.refer("a", [mine.id, shared.id])
    store.refer("b", [shared.id])
    assert store.threads(shared.id) == ("a", "b")
    assert store.forget("a") == (mine.id,)
    assert store.ids() == (shared.id,)
    assert store.forget("a") == ()
    assert store.forget("b") == (shared.id,)
    assert store.ids() == ()


def test_what_a_killed_writer_left_is_cleared_after_an_hour(store: PhotoStore) -> None:
    folder = store.folder / "ab"
    folder.mkdir()
    old, new = folder / ".part-old", folder / ".part-new"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    PhotoStore(store.folder)
    assert (old.exists(), new.exists()) == (False, True)
    assert store.ids() == ()


def test_many_threads_and_processes_may_add_at_once(store: PhotoStore) -> None:
    here, folder = str(Path(__file__).parent), str(store.folder)
    code = (
        f"import sys; sys.path.insert(0, {here!r}); from pathlib import Path; from images import scene;"
        "from sightline.memory.photos import PhotoStore; from sightline.tools.photos import load;"
        f"s = PhotoStore(Path({folder!r})); [s.refer('p', [s.add(load(scene(8 + n, 9)))]) for n in range(20)]"
    )
    other = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]

    def work() -> None:
        for n in range(20):
            store.refer("t", [store.add(load(scene(8 + n, 9)))])

    workers = [threading.Thread(target=work) for _ in range(3)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert [p.wait() for p in other] == [0, 0]
    assert len(store.ids()) == 20
    assert all(store.get(photo).id == photo for photo in store.ids())
    assert all(store.threads(photo) == ("p", "t") for photo in store.ids())
    assert not list(store.folder.glob("*/.part-*"))
