"""`confirm` and `withdraw` killed with SIGKILL at random moments leave a view whole or not at all."""

import subprocess
import sys
from pathlib import Path

import packs

WORK = """
import json, os, random, signal, sys, time
from pathlib import Path
import chromadb.api.rust, chromadb.telemetry.product.posthog, cv2, faiss, pillow_heif  # heavy, and once
from sightline.memory.catalogue import Catalogue
from sightline.memory.shelf import look_of
from sightline.tools.photos import load
from sightline.tools.types import Box

folder, dice = Path(sys.argv[1]), random.Random(3)
photos = [load(folder / f"pack{n}.png") for n in range(1, 5)]
place = Box(20, 20, 120, 160).corners


def forked(work):
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)


def done(child):
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def index():
    c = Catalogue(folder / "catalogue", "0")
    c.add("A", "a", [folder / "pack0.png"])
    c.close()


def endlessly():
    c = Catalogue(folder / "catalogue", "0")
    while True:
        for photo in photos:
            os.write(told, b".")
            c.confirm(photo, "A", place if photo is photos[0] else None)
        for photo in photos:
            os.write(told, b".")
            c.withdraw(photo.id, "A") if c.view(photo.id, "A") else None


def check():
    c = Catalogue(folder / "catalogue", "0")
    views = list(c.views())
    for view in views:  # before any writer puts it right
        assert len(c.features(view.photo)) and c.photo(view.photo).id == view.photo
        assert c.owners(view.photo)[0].sku == "A"
    c.index([])
    assert list(c.views()) == views, "nothing that was confirmed is lost, or comes back"
    looks = {look_of(v.photo, v.quad) for v in views} | set(c.product("A").references)
    assert set(c._shelf.looks()) == looks == c._vectors.photos(c._shelf.made.collection)
    assert set(c._photos.ids()) == {v.photo for v in views} | set(c.product("A").references)
    c.close()
    print(len(views), flush=True)


done(forked(index))
for _ in range(5):
    hears, told = os.pipe()
    child = forked(endlessly)
    os.read(hears, 1)
    start = time.time()
    for _ in range(dice.randrange(1, 6)):
        os.read(hears, 1)
        took, start = time.time() - start, time.time()
    time.sleep(dice.uniform(0, took))
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, "it came to an end by itself"
    done(forked(check))
"""


def test_a_killed_confirm_or_withdraw_leaves_a_view_whole_or_not_at_all(tmp_path: Path) -> None:
    packs.packs(tmp_path, range(5))
    run = subprocess.run([sys.executable, "-c", WORK, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr[-2000:]
    assert len(set(run.stdout.split())) > 1, "killed at several moments"
