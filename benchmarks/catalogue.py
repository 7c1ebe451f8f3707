"""How fast a catalogue is indexed, against the plain loop; what it weighs; and how fast it answers, by its size.

The plain loop decodes, embeds, extracts features and adds one photo after another to Chroma and to SQLite; it is
timed on at most a thousand photos. Official pictures are drawn on the spot, in a temporary folder. Each run is a
process of its own; memory is its peak. Questions are asked on one core, of a catalogue just opened; `identify` is the
whole of it, barcode, features and geometry. Run:

    python benchmarks/catalogue.py --sizes 31 1000 10000
"""

import argparse
import json
import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from sightline.memory.catalogue import Catalogue
from sightline.memory.embedders import open_embedder
from sightline.memory.photos import PhotoStore
from sightline.memory.readings import Readings
from sightline.memory.records import read
from sightline.tools.features import OFFICIAL, SEEN, extract
from sightline.tools.identify import identify
from sightline.tools.kit import Kit
from sightline.tools.photos import load
from sightline.tools.reader import RapidReader
from sightline.tools.recognise import views

PLAIN_AT_MOST = 1000
QUESTIONS = 40


def pack(seed: int) -> Image.Image:
    """A front with shapes and words on white, 460 x 600; every fourth shares its colours with the one before."""
    dice, colours = random.Random(seed), random.Random(seed // 4)
    image = Image.new("RGB", (460, 600), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 30, 430, 570), tuple(colours.randrange(256) for _ in range(3)))
    palette = [tuple(colours.randrange(256) for _ in range(3)) for _ in range(6)]
    for _ in range(60):
        x, y, wide, high = (
            dice.randrange(30, 400),
            dice.randrange(30, 540),
            dice.randrange(8, 140),
            dice.randrange(8, 140),
        )
        shape = (x, y, min(x + wide, 430), min(y + high, 570))
        dice.choice((draw.rectangle, draw.ellipse))(shape, dice.choice(palette))
    for n in range(14):
        word = "".join(dice.choice("ABCDEFGHIKLMNOPRSTUVWabcdefghiklmnoprstuvw") for _ in range(dice.randrange(6, 16)))
        font = ImageFont.load_default(dice.randrange(14, 40))
        draw.text((dice.randrange(36, 140), 36 + n * 38), word, dice.choice(("white", "black")), font)
    return image


def photo(seed: int) -> NDArray[np.uint8]:
    """A customer's photo of a pack: smaller, turned, darker and yellower, a little soft, on other colours."""
    dice = random.Random(-seed)
    ground = np.asarray(pack(10_000_000 + seed).resize((8, 8)).resize((700, 700)))
    image = Image.fromarray(ground)
    shown = pack(seed).crop((30, 30, 430, 570)).rotate(dice.uniform(-20, 20), expand=True, fillcolor=(90, 80, 70))
    shown = shown.resize((int(shown.width * 0.8), int(shown.height * 0.8))).filter(ImageFilter.GaussianBlur(0.8))
    image.paste(shown, ((700 - shown.width) // 2, (700 - shown.height) // 2))
    return np.asarray(np.asarray(image) * np.array([0.85, 0.78, 0.62]), np.uint8)


def draw(folder: Path, seed: int) -> None:
    """Write a pack's official picture."""
    pack(seed).save(folder / f"{seed}.jpg", quality=88)


def plain(folder: Path, size: int) -> dict[str, Any]:
    """Index one photo after another."""
    import chromadb
    from chromadb.config import Settings

    embedder = open_embedder("descriptor")
    client = chromadb.PersistentClient(str(folder / "plain"), Settings(anonymized_telemetry=False))
    collection = client.create_collection("plain", embedding_function=None)
    manifest = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
    manifest.execute("PRAGMA journal_mode=WAL")
    manifest.execute("CREATE TABLE photos (id TEXT PRIMARY KEY, points BLOB, descriptors BLOB)")
    start = time.perf_counter()
    for seed in range(min(size, PLAIN_AT_MOST)):
        pixels = np.asarray(Image.open(folder / "pictures" / f"{seed}.jpg").convert("RGB"))
        features = extract(pixels, *OFFICIAL)
        collection.add(ids=[str(seed)], embeddings=embedder.images([pixels]))
        row = (str(seed), features.points.tobytes(), features.descriptors.tobytes())
        manifest.execute("INSERT INTO photos VALUES (?, ?, ?)", row)
    return {"rate": min(size, PLAIN_AT_MOST) / (time.perf_counter() - start)}


def ours(folder: Path, size: int) -> dict[str, Any]:
    """Index, and index again with nothing changed."""
    catalogue = Catalogue(folder / "ours", "0")
    times = []
    for _ in range(2):
        start = time.perf_counter()
        report = catalogue.index(read(folder / "catalogue.jsonl"))
        times.append(time.perf_counter() - start)
        assert not report.problems
    catalogue.close()
    weighs = sum(file.stat().st_size for file in (folder / "ours").rglob("*") if file.is_file())
    return {"rate": size / times[0], "again": size / times[1], "megabytes": weighs / 1e6}


def asked(folder: Path, size: int) -> dict[str, Any]:
    """Ask a catalogue that was just opened, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    catalogue = Catalogue(folder / "ours", "0")
    seeds = random.Random(1).sample(range(size), min(size, QUESTIONS))
    questions = []
    for seed in seeds:
        pixels = photo(seed)
        questions.append((f"P{seed}", views(pixels), extract(pixels, *SEEN)))
    out: dict[str, Any] = {}
    start = time.perf_counter()
    catalogue.nearest(questions[0][1], 10)
    catalogue.resembling(questions[0][2], 10)
    out["opening"] = (time.perf_counter() - start) * 1000
    for name, ask in (
        ("nearest", lambda parts, _: catalogue.nearest(parts, 10)),
        ("resembling", lambda _, features: catalogue.resembling(features, 10)),
    ):
        times, right = [], 0
        for sku, parts, features in questions:
            start = time.perf_counter()
            found = ask(parts, features)
            times.append((time.perf_counter() - start) * 1000)
            right += any(product.sku == sku for reference, _ in found for product in catalogue.owners(reference))
        out[name], out[f"{name} right"] = statistics.median(times), right / len(questions)
    kit = Kit(RapidReader(), Readings(Path(":memory:"), "0"), PhotoStore(folder / "photos"), catalogue)
    times, right = [], 0
    for seed in seeds:
        sent = load(Image.fromarray(photo(seed)))
        start = time.perf_counter()
        seen = identify(sent, kit)
        times.append((time.perf_counter() - start) * 1000)
        right += [match.sku for match in seen.matches] == [f"P{seed}"]
    out["identify"], out["identify right"] = statistics.median(times), right / len(seeds)
    start = time.perf_counter()
    catalogue.named(f"pack {seeds[0]}")
    out["words first"] = (time.perf_counter() - start) * 1000
    start = time.perf_counter()
    catalogue.named(f"pack {seeds[0]}")
    out["words"] = (time.perf_counter() - start) * 1000
    return out


def embedding(_folder: Path, size: int) -> dict[str, Any]:
    """Milliseconds a view of our descriptor and of a network of OpenCLIP, whose weights do not matter for that."""
    import open_clip
    import torch

    parts = views(photo(0))
    network = open_clip.create_model("ViT-B-32", pretrained=None).eval()
    batch = torch.zeros(len(parts), 3, 224, 224)
    descriptor = open_embedder("descriptor")

    def encode() -> None:
        with torch.inference_mode():
            network.encode_image(batch)

    out: dict[str, Any] = {}
    for name, call in (("descriptor", lambda: descriptor.images(parts)), ("ViT-B-32", encode)):
        call()
        times = []
        for _ in range(size):
            start = time.perf_counter()
            call()
            times.append((time.perf_counter() - start) * 1000 / len(parts))
        out[name] = statistics.median(times)
    return out


RUNS = {"plain": plain, "ours": ours, "asked": asked, "embedding": embedding}


def run(name: str, folder: Path, size: int) -> dict[str, Any]:
    """One of the runs, in a process of its own."""
    command = [sys.executable, __file__, "--run", name, str(folder), str(size)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> None:
    """Print a block a size."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", type=int, nargs="+", default=[31, 1000])
    options.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.run:
        name, folder, size = given.run
        result = RUNS[name](Path(folder), int(size))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({**result, "peak": peak / (1e6 if sys.platform == "darwin" else 1e3)}))
        return
    cost = run("embedding", Path(), 5)
    print(f"embedding a view: descriptor {cost['descriptor']:.1f} ms, ViT-B-32 {cost['ViT-B-32']:.0f} ms")
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "pictures").mkdir()
            with ProcessPoolExecutor() as pool:
                list(pool.map(partial(draw, folder / "pictures"), range(size), chunksize=50))
            with (folder / "catalogue.jsonl").open("w") as out:
                for n in range(size):
                    row = {"sku": f"P{n}", "title": f"Sample {n} number", "image": f"pictures/{n}.jpg"}
                    out.write(json.dumps(row) + "\n")
            one, many, answers = (run(each, folder, size) for each in ("plain", "ours", "asked"))
        print(f"{size} references, {os.cpu_count()} cores")
        print(f"  plain loop  {one['rate']:7.1f} photos/s                      peak {one['peak']:6.0f} MB")
        print(
            f"  index       {many['rate']:7.1f} photos/s ({many['rate'] / one['rate']:.2f} x)             "
            f"peak {many['peak']:6.0f} MB, {many['megabytes']:.0f} MB on disk"
        )
        print(f"  unchanged   {many['again']:7.0f} rows/s")
        print(f"  opening     {answers['opening']:7.0f} ms                            peak {answers['peak']:6.0f} MB")
        for each in ("nearest", "resembling"):
            print(f"  {each:11} {answers[each]:7.1f} ms, right one among 10: {answers[f'{each} right']:.2f}")
        print(f"  identify    {answers['identify']:7.0f} ms, right: {answers['identify right']:.2f}")
        print(f"  words       {answers['words']:7.2f} ms ({answers['words first']:.0f} ms the first time)", flush=True)


if __name__ == "__main__":
    main()
