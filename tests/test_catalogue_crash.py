"""`index` killed with SIGKILL at random moments, then run again, leaves exactly the catalogue of an undisturbed run.

One process imports everything and forks; its children index, and are killed. What is compared is read by others.
"""

import json
import subprocess
import sys
from pathlib import Path

from packs import packs

WORK = """
import hashlib, json, os, random, shutil, signal, sys, time
from pathlib import Path
import chromadb.api.rust, chromadb.telemetry.product.posthog, cv2, faiss, pillow_heif  # heavy, and once
from sightline.memory import indexing
from sightline.memory.catalogue import Catalogue
from sightline.memory.local_index import LocalIndex
from sightline.memory.records import read

indexing._BATCH = 3  # many moments between two commits
folder = Path(sys.argv[1])
dice = random.Random(7)


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


def index(home, rows):
    catalogue = Catalogue(home, "0")
    catalogue.index(read(folder / rows))
    catalogue.close()


def digest(data):
    return hashlib.sha256(bytes(data)).hexdigest()[:16]


def state(home):
    c = Catalogue(home, "0")
    photos = c._shelf.photos()
    held = c._vectors._of(c._shelf.made.collection).get(include=["embeddings"])
    features = [c.features(photo) for photo in photos]
    print(json.dumps({
        "products": [[p.sku, p.title, p.references, p.attributes] for p in c.products()],
        "photos": sorted(photos),
        "chroma": sorted((i, digest(e.tobytes())) for i, e in zip(held["ids"], held["embeddings"])),
        "features": sorted((p, digest(f.points.tobytes() + f.descriptors.tobytes())) for p, f in zip(photos, features)),
        "store": c._photos.ids(),
        "collections": len(c._vectors.collections("")),
        "index": sorted(c._by_features()._photos),
        "on disk": sorted(LocalIndex.read(home / "features.index")._photos),
        "votes": [[(p, round(v, 2)) for p, v in c.resembling(f, 3)] for f in features[::4]],
    }), flush=True)


def done(child):
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def undisturbed(home, *rows):
    for each in rows:
        start = time.time()
        done(forked(lambda: index(home, each)))
    return time.time() - start


took = undisturbed(folder / "one", "a.jsonl")
took_more = undisturbed(folder / "two", "a.jsonl", "b.jsonl")
done(forked(lambda: state(folder / "one")))
done(forked(lambda: state(folder / "two")))
killed = turn = 0
# Some are done before they are killed: those do not count.
while killed < 30 and turn < 20:
    home = folder / f"home{turn}"
    rows, long = ("a.jsonl", took) if turn % 2 else ("b.jsonl", took_more)
    if turn % 2 == 0:
        shutil.copytree(folder / "one", home)
    for _ in range(10):
        child = forked(lambda: index(home, rows))
        time.sleep(dice.uniform(0.02, long))
        os.kill(child, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    done(forked(lambda: index(home, rows)))
    done(forked(lambda: state(home)))
    turn += 1
print(killed)
"""


def test_a_killed_index_run_again_makes_exactly_the_catalogue(tmp_path: Path) -> None:
    files = [f"pictures/{file.name}" for file in packs(tmp_path / "pictures", range(12))]
    first = [{"sku": f"P{n:02}", "title": f"Pack {n}", "images": files[n : n + 2]} for n in range(10)]
    # Other titles, a reference less, a product that is new, and photo 10, which belongs to nobody any more.
    second = [{"sku": f"P{n:02}", "title": f"Pack {n} new", "image": files[n]} for n in (4, 5, 6, 9)]
    second += [{"sku": "Q", "title": "Other", "image": files[11], "gtin": "4006381333931"}]
    for name, rows in (("a", first), ("b", second)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    run = subprocess.run([sys.executable, "-c", WORK, str(tmp_path)], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    *states, killed = [json.loads(line) for line in run.stdout.splitlines()]
    one, two, *after = states
    assert killed >= 30, f"only {killed} runs were killed before they were done"
    assert (len(one["products"]), len(one["photos"])) == (10, 11)
    assert (len(two["products"]), len(two["photos"])) == (11, 11)
    assert one["photos"] == sorted(one["store"]) == sorted(dict(one["chroma"])) == one["index"] == one["on disk"]
    assert one["collections"] == 1
    for n, state in enumerate(after):
        expected = one if n % 2 else two
        for part, value in expected.items():
            assert state[part] == value, (n, part)
