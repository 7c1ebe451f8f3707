"""Identification on real photos: which product, from which source, in how many milliseconds.

    taskset -c 0 python benchmarks/identify.py [--grocery ../shared/grocery] [--photos N]

The packaged products of the grocery set are indexed; every packaged photo of `val` and 150 of `train` are asked
about. Beside our ranking stands the bare vote on the same photos: RootSIFT of the photo matched with every reference,
a MAGSAC homography each, the most inliers first. Features of photos and references are the same for both. Ours is
timed without the words on the pack, which are read only where two products cannot be told apart.
"""

import argparse
import json
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sightline.memory.catalogue import Catalogue
from sightline.memory.photos import PhotoStore
from sightline.memory.readings import Readings
from sightline.memory.records import Record, read
from sightline.tools import registration
from sightline.tools.identify import DECIDED
from sightline.tools.kit import Kit
from sightline.tools.photos import load, pixels
from sightline.tools.reader import RapidReader
from sightline.tools.recognise import NEAREST, features_of, recognise, views
from sightline.tools.types import Photo

TRAIN = 150


def packaged(folder: Path) -> Iterator[Record]:
    """The rows of the packaged products."""
    rows = [json.loads(line) for line in (folder / "catalogue.jsonl").read_text("utf-8").splitlines()]
    skus = {row["sku"] for row in rows if row["packaged"]}
    for record in read(folder / "catalogue.jsonl"):
        if isinstance(record, Record) and record.sku in skus:
            yield record


def asked(folder: Path, most: int | None) -> list[dict[str, Any]]:
    """The photos: all of `val`, and a fixed sample of `train`."""
    rows = [json.loads(line) for line in (folder / "photos.jsonl").read_text("utf-8").splitlines()]
    rows = [row for row in rows if row["packaged"]]
    train = [row for row in rows if row["split"] == "train"]
    random.Random(0).shuffle(train)
    chosen = [row for row in rows if row["split"] == "val"] + train[:TRAIN]
    return chosen[:: max(len(chosen) // most, 1)] if most else chosen


def bare(photo: Photo, catalogue: Catalogue) -> list[str]:
    """SKUs by the inliers of one homography a reference."""
    seen = features_of(photo, False)
    votes = []
    for product in catalogue.products():
        laid = registration.register(seen, catalogue.features(product.references[0]))
        votes.append((-len(laid) if laid else 0, product.sku))
    return [sku for _, sku in sorted(votes)]


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--grocery", type=Path, default=Path("../shared/grocery"))
    options.add_argument("--photos", type=int)
    given = options.parse_args()
    import cv2

    cv2.setNumThreads(1)
    hits: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    spent: defaultdict[str, float] = defaultdict(float)
    decided: list[bool] = []
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Catalogue(Path(folder) / "catalogue", "1")
        catalogue.index(packaged(given.grocery))
        readings = Readings(Path(":memory:"), "1")
        kit = Kit(RapidReader(), readings, PhotoStore(Path(folder) / "photos"), catalogue)
        catalogue.resembling(catalogue.features(catalogue.products()[0].references[0]), 1)
        rows = asked(given.grocery, given.photos)
        for row in rows:
            photo = load(given.grocery / row["image"])
            seen = pixels(photo)
            start = time.perf_counter()
            features = features_of(photo, False)
            spent["features of the photo (both)"] += time.perf_counter() - start

            start = time.perf_counter()
            sightings = recognise(photo, kit)
            spent["ours"] += time.perf_counter() - start
            ours = [sighting.product.sku for sighting in sightings]

            start = time.perf_counter()
            vote = bare(photo, catalogue)
            spent["bare vote"] += time.perf_counter() - start

            def skus(found: Sequence[tuple[str, float]]) -> list[str]:
                return [owner.sku for reference, _ in found for owner in catalogue.owners(reference)]

            by_embedding = skus(catalogue.nearest(views(seen), NEAREST))
            by_features = skus(catalogue.resembling(features, NEAREST))
            for name, ranked, at in (
                ("ours", ours, 1), ("ours", ours, 5), ("bare vote", vote, 1), ("bare vote", vote, 5),
                ("embedding", by_embedding, 10), ("local features", by_features, 10),
                ("both sources", [*by_embedding, *by_features], 2 * NEAREST),
            ):  # fmt: skip
                for split in (row["split"], "all"):
                    hits[split, f"{name} R@{at}"].append(row["sku"] in ranked[:at])
            strong = [s for s in sightings if s.strong]
            if strong and (len(strong) < 2 or strong[0].score - strong[1].score >= DECIDED):
                decided.append(ours[0] == row["sku"])
        catalogue.close()
        readings.close()
    print(f"{len(rows)} photos, {sum(r['split'] == 'val' for r in rows)} of them of val")
    for split in ("val", "train", "all"):
        figures = "   ".join(f"{name} {sum(h) / len(h):.3f}" for (part, name), h in hits.items() if part == split)
        print(f"{split:5} {figures}")
    share, right = len(decided) / len(rows), sum(decided) / len(decided)
    print(f"decided without reading: {share:.2f} of the photos, right {right:.3f}")
    for name, seconds in spent.items():
        print(f"{name}: {1000 * seconds / len(rows):.0f} ms a photo")


if __name__ == "__main__":
    main()
