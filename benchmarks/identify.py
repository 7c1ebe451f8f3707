"""Identification on real photos: which product, in which time; what is not in the catalogue; views; many products.

    taskset -c 0 python benchmarks/identify.py [PART ...] --grocery FOLDER [--photos N]

FOLDER holds the Grocery Store Dataset (Klasson, Zhang and Kjellström, WACV 2019) as `catalogue.jsonl` and
`photos.jsonl`, with `packaged` in the rows of both and `split`, `train` or `val`, in those of the photos. Its packaged
products are indexed; every packaged photo of `val` and 150 of `train` are asked about.
The weights of `tools/sightings.py` were fitted on `train`: only `val`, and photos of your own, are unseen. Parts:

    vote        the whole of it from decoded pixels, without barcodes and words, beside the bare vote on the same photo:
                RootSIFT of twice its size, matched with every reference, a MAGSAC homography each, most inliers first
    left-out    the product of a photo, or its whole brand, taken out of the catalogue: rejected, or undetermined
    views       three photos a product, drawn from `train`, confirmed; all other photos of `train` and `val` are asked
    distractors 1,000 rendered packs indexed beside: time, and the first answer

Each figure has its 95% interval. Time is the mean of a photo on one core.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sightline.agent.figures import share
from sightline.benchmarks.catalogue import pack
from sightline.memory.catalogue import Catalogue
from sightline.memory.photos import PhotoStore
from sightline.memory.readings import Readings
from sightline.memory.records import Record, read
from sightline.tools import registration
from sightline.tools.confirming import place_of
from sightline.tools.errors import BadInput
from sightline.tools.features import Features, extract
from sightline.tools.identify import ranked
from sightline.tools.kit import Kit
from sightline.tools.photos import load, pixels
from sightline.tools.reader import RapidReader
from sightline.tools.recognise import features_of, recognise
from sightline.tools.types import Photo

TRAIN = 150
VIEWS = 3
DISTRACTORS = 1000
TWICE = (700, 2000, 2.0)
"""Features of the bare vote: long side, how many, and the most by which a photo is enlarged."""

Row = dict[str, Any]


def packaged(folder: Path) -> Iterator[Record]:
    """The rows of the packaged products."""
    rows = [json.loads(line) for line in (folder / "catalogue.jsonl").read_text("utf-8").splitlines()]
    skus = {row["sku"] for row in rows if row["packaged"]}
    for record in read(folder / "catalogue.jsonl"):
        if isinstance(record, Record) and record.sku in skus:
            yield record


def labelled(folder: Path) -> list[Row]:
    """The photos of packaged products."""
    rows = [json.loads(line) for line in (folder / "photos.jsonl").read_text("utf-8").splitlines()]
    return [row for row in rows if row["packaged"]]


def asked(folder: Path, most: int | None) -> list[Row]:
    """The photos: all of `val`, and a fixed sample of `train`."""
    rows = labelled(folder)
    train = [row for row in rows if row["split"] == "train"]
    random.Random(0).shuffle(train)
    chosen = [row for row in rows if row["split"] == "val"] + train[:TRAIN]
    return chosen[:: max(len(chosen) // most, 1)] if most else chosen


def bare(features: Features, catalogue: Catalogue) -> list[str]:
    """SKUs by the inliers of one homography a reference."""
    votes = []
    for product in catalogue.products():
        laid = registration.register(features, catalogue.features(product.references[0]))
        votes.append((-len(laid) if laid else 0, product.sku))
    return [sku for _, sku in sorted(votes)]


def ours(photo: Photo, kit: Kit) -> tuple[list[str], float]:
    """SKUs, the likeliest first, and the seconds it took from decoded pixels."""
    features_of.cache_clear()
    start = time.perf_counter()
    order = list(recognise(photo, kit).scores)
    return order, time.perf_counter() - start


def told(name: str, outcomes: Sequence[bool]) -> None:
    """Print a share with its interval."""
    figure = share(outcomes)
    if figure is not None and figure.interval is not None:
        print(f"{name:58} {figure.value:.3f} ({figure.interval[0]:.3f} to {figure.interval[1]:.3f}) of {len(outcomes)}")


def by_split(name: str, rows: Sequence[Row], outcomes: Sequence[bool]) -> None:
    """Print a share for either split."""
    for split in ("train", "val"):
        told(f"{split}: {name}", [good for row, good in zip(rows, outcomes, strict=True) if row["split"] == split])


def vote(folder: Path, rows: Sequence[Row], kit: Kit, catalogue: Catalogue) -> None:
    """Ours beside the bare vote."""
    orders, votes, spent, voting = [], [], 0.0, 0.0
    for row in rows:
        photo = load(folder / row["image"])
        seen = pixels(photo)
        order, seconds = ours(photo, kit)
        spent += seconds
        start = time.perf_counter()
        votes.append(bare(extract(seen, *TWICE), catalogue))
        voting += time.perf_counter() - start
        orders.append(order)
    for name, found in (("ours", orders), ("bare vote", votes)):
        for n in (1, 5):
            by_split(f"{name}, R@{n}", rows, [row["sku"] in each[:n] for row, each in zip(rows, found, strict=True)])
    each = 1000 / len(rows)
    print(f"time: {each * spent:.0f} ms a photo, bare vote {each * voting:.0f}: {spent / voting:.2f}x")


def left_out(folder: Path, rows: Sequence[Row], kit: Kit, catalogue: Catalogue) -> None:
    """What is said of a product that is not there."""
    records = {record.sku: record for record in packaged(folder)}

    def without(gone: Callable[[str, str], bool]) -> list[str]:
        said: dict[str, str] = {}
        for name in sorted({row["sku"] for row in rows}):
            for sku in records:
                if gone(sku, name):
                    catalogue.remove(sku)
            for row in rows:
                if row["sku"] == name:
                    finding = ranked(load(folder / row["image"]), kit)[0]
                    said[row["image"]] = finding.reason if finding.reason == "variant_undetermined" else finding.outcome
            catalogue.index([record for sku, record in records.items() if gone(sku, name)])
        return [said[row["image"]] for row in rows]

    all_there = [ranked(load(folder / row["image"]), kit)[0] for row in rows]
    by_split("answered", rows, [finding.outcome == "found" for finding in all_there])
    right = [
        (f.matches[0].sku == row["sku"], row) for f, row in zip(all_there, rows, strict=True) if f.outcome == "found"
    ]
    by_split("right, where answered", [row for _, row in right], [good for good, _ in right])
    refused = [f.outcome != "found" and f.reason != "variant_undetermined" for f in all_there]
    by_split("rejected, though it is there", rows, refused)
    brand = without(lambda sku, name: sku.split("-")[0] == name.split("-")[0])
    by_split("whole brand left out: no answer", rows, [outcome != "found" for outcome in brand])
    by_split("whole brand left out: rejected", rows, [o not in ("found", "variant_undetermined") for o in brand])
    product = without(lambda sku, name: sku == name)
    by_split("product left out: rejected or undetermined", rows, [outcome != "found" for outcome in product])


def views(folder: Path, most: int | None, kit: Kit, catalogue: Catalogue) -> None:
    """What three confirmed photos a product teach."""
    rows = labelled(folder)
    taught = set()
    for product in catalogue.products():
        own = [row for row in rows if row["sku"] == product.sku and row["split"] == "train"]
        kept = 0
        for row in random.Random(product.sku).sample(own, len(own)):
            photo = load(folder / row["image"])
            try:
                catalogue.confirm(photo, product.sku, place_of(photo, kit, product.sku))
            except BadInput as error:
                print(f"refused: {row['image']}: {str(error)[:100]}")
                continue
            taught.add(row["image"])
            kept += 1
            if kept == VIEWS:
                break
    rest = [row for row in rows if row["image"] not in taught]
    rest = rest[:: max(len(rest) // most, 1)] if most else rest
    found = [ours(load(folder / row["image"]), kit) for row in rest]
    by_split(
        f"{len(taught)} views, R@1", rest, [order[:1] == [r["sku"]] for (order, _), r in zip(found, rest, strict=True)]
    )
    print(f"time: {1000 * sum(seconds for _, seconds in found) / len(found):.0f} ms a photo")


def distractors(folder: Path, rows: Sequence[Row], kit: Kit, catalogue: Catalogue) -> None:
    """The same among a thousand rendered packs."""
    photos = [load(folder / row["image"]) for row in rows]
    alone = [ours(photo, kit) for photo in photos]
    with tempfile.TemporaryDirectory() as drawn:
        records = []
        for seed in range(DISTRACTORS):
            file = Path(drawn) / f"{seed}.png"
            pack(seed).save(file)
            records.append(Record(seed + 1, f"PACK-{seed}", f"Pack {seed}", (file,), {}))
        start = time.perf_counter()
        catalogue.index(records)
        print(f"indexed {DISTRACTORS} in {time.perf_counter() - start:.0f} s")
    ours(photos[0], kit)  # opens what the writer changed
    among = [ours(photo, kit) for photo in photos]
    for name, found in (("alone", alone), ("among distractors", among)):
        by_split(f"{name}, R@1", rows, [order[:1] == [row["sku"]] for (order, _), row in zip(found, rows, strict=True)])
    before, after = (sum(seconds for _, seconds in found) for found in (alone, among))
    each = 1000 / len(rows)
    print(f"time: {each * before:.0f} ms a photo alone, {each * after:.0f} among them: {after / before:.2f}x")


def main() -> None:
    """Print the parts asked for, or all."""
    parts = ("vote", "left-out", "views", "distractors")
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("parts", nargs="*", metavar="PART", default=parts, choices=(*parts, parts))
    options.add_argument("--grocery", type=Path, required=True, metavar="FOLDER", help="the grocery set")
    options.add_argument("--photos", type=int)
    given = options.parse_args()
    import cv2

    cv2.setNumThreads(1)
    rows = asked(given.grocery, given.photos)
    for part in given.parts:
        print(f"{part}: {len(rows)} photos")
        with tempfile.TemporaryDirectory() as folder:
            catalogue = Catalogue(Path(folder) / "catalogue", "1")
            catalogue.index(packaged(given.grocery))
            readings = Readings(Path(":memory:"), "1")
            kit = Kit(RapidReader(), readings, PhotoStore(Path(folder) / "photos"), catalogue)
            ours(load(given.grocery / rows[0]["image"]), kit)
            if part == "vote":
                vote(given.grocery, rows, kit, catalogue)
            elif part == "left-out":
                left_out(given.grocery, rows, kit, catalogue)
            elif part == "views":
                views(given.grocery, given.photos, kit, catalogue)
            else:
                distractors(given.grocery, rows, kit, catalogue)
            catalogue.close()
            readings.close()


if __name__ == "__main__":
    main()
