"""A report of how well products are identified, verified and compared, with plots, beside the obvious alternatives.

    taskset -c 0 python benchmarks/report.py [FOLDER] --grocery FOLDER [--photos N]

Writes `report.md`, its plots and the figures as JSON into FOLDER, `build/report` without one. Ours are the figures of
`sightline eval`, on the packaged products of the grocery set: every packaged photo of `val` and 150 of `train`. It is
the Grocery Store Dataset (Klasson, Zhang and Kjellström, WACV 2019) as `catalogue.jsonl` and `photos.jsonl`, with
`packaged` in the rows of both and `split` in those of the photos. The alternatives for identification rank the same
products for the same photos in the same run, each alone, from decoded pixels (`benchmarks/alternatives.py`):

- embedding: nearest neighbour of the whole photo, by the catalogue's embedder
- colour histogram: Bhattacharyya distance of hue, saturation and value, 8 bins each
- perceptual hash: Hamming distance of 64 bits of the DCT
- SSIM, unaligned: the photo stretched to each official picture's size
- SSIM, aligned: the photo laid onto each official picture by our registration; what cannot be laid comes last
- bare inlier vote: RootSIFT, a MAGSAC homography for every official picture, the most inliers first

What official pictures need is worked out before the clock starts, as it is for ours. Differences are measured on the
sample shop, whose edits are known; `benchmarks/differences.py` measures them on many edits beside its alternatives.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.agent.cli_eval import NAMES
from sightline.agent.evaluation import evaluate
from sightline.agent.figures import Figure, median, share
from sightline.benchmarks.alternatives import (
    hash_distance,
    histogram,
    histogram_distance,
    perceptual_hash,
    similarity,
)
from sightline.benchmarks.identify import TWICE, asked, bare, packaged
from sightline.memory.catalogue import Catalogue
from sightline.memory.records import read
from sightline.tools.features import SEEN, extract
from sightline.tools.photos import load, pixels
from sightline.tools.registration import centred, register
from sightline.tools.types import Photo

Pixels = NDArray[np.uint8]
Ranking = Callable[[Photo], list[str]]
"""SKUs for a photo, the likeliest first."""

SHOP = Path(__file__).resolve().parent.parent / "examples" / "catalogue"


@dataclass(frozen=True)
class Row:
    """One way to identify, as it is told: shares 0..1 and milliseconds a photo, each with its interval."""

    name: str
    first: Figure
    five: Figure
    ms: Figure


def alternatives(catalogue: Catalogue) -> dict[str, Ranking]:
    """Every way to identify but ours."""
    official = [
        (product.sku, reference, pixels(catalogue.photo(reference)))
        for product in catalogue.products()
        for reference in product.references
    ]
    histograms = [(sku, histogram(seen)) for sku, _, seen in official]
    hashes = [(sku, perceptual_hash(seen)) for sku, _, seen in official]

    def by(scores: Sequence[tuple[str, float]]) -> list[str]:
        return list(dict.fromkeys(sku for sku, _ in sorted(scores, key=lambda pair: -pair[1])))

    def embedding(photo: Photo) -> list[str]:
        found = catalogue.nearest([pixels(photo)], len(official))
        return by([(owner.sku, cosine) for reference, cosine in found for owner in catalogue.owners(reference)])

    def colour(photo: Photo) -> list[str]:
        seen = histogram(pixels(photo))
        return by([(sku, -histogram_distance(seen, there)) for sku, there in histograms])

    def hashed(photo: Photo) -> list[str]:
        seen = perceptual_hash(pixels(photo))
        return by([(sku, -hash_distance(seen, there)) for sku, there in hashes])

    def stretched(photo: Photo) -> list[str]:
        return by([(sku, similarity(pixels(photo), there)) for sku, _, there in official])

    def aligned(photo: Photo) -> list[str]:
        seen, scores = extract(pixels(photo), *SEEN), []
        for sku, reference, there in official:
            laid = register(seen, catalogue.features(reference))
            if laid is None:
                scores.append((sku, -1.0))
                continue
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            flat = cv2.warpPerspective(pixels(photo), centred(laid.homography), there.shape[1::-1], flags=flags)
            scores.append((sku, similarity(np.asarray(flat, np.uint8), there)))
        return by(scores)

    return {
        "embedding": embedding,
        "colour histogram": colour,
        "perceptual hash": hashed,
        "SSIM, unaligned": stretched,
        "SSIM, aligned": aligned,
        "bare inlier vote": lambda photo: bare(extract(pixels(photo), *TWICE), catalogue),
    }


def measured(name: str, ranking: Ranking, photos: Sequence[tuple[str, Photo]]) -> Row:
    """How often a ranking is right, and how long it takes."""
    first, five, ms = [], [], []
    for sku, photo in photos:
        pixels(photo)
        start = time.perf_counter()
        order = ranking(photo)
        ms.append(1000 * (time.perf_counter() - start))
        first.append(order[:1] == [sku])
        five.append(sku in order[:5])
    found = share(first), share(five), median(ms)
    assert found[0]
    assert found[1]
    assert found[2]
    return Row(name, found[0], found[1], found[2])


def identification(catalogue: Path, labels: Path, report: dict[str, Any]) -> list[Row]:
    """Every alternative, and ours as `report` has it, the worst first answer first."""
    rows = [json.loads(line) for line in labels.read_text("utf-8").splitlines()]
    photos = [(row["sku"], load(Path(row["image"]))) for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        kept = Catalogue(Path(folder) / "catalogue", "1")
        kept.index(read(catalogue))
        # What is opened at the first question is no alternative's own time.
        ways = alternatives(kept)
        ways["embedding"](photos[0][1])
        out = [measured(name, ranking, photos) for name, ranking in ways.items()]
        kept.close()
    ours = [Figure(report[name], report["intervals"][name]) for name in ("r_at_1", "r_at_5", "ms_median")]
    return sorted([*out, Row("ours", ours[0], ours[1], ours[2])], key=lambda row: row.first.value)


def written(folder: Path, grocery: Path, most: int | None) -> tuple[Path, Path]:
    """The labelled set that is asked about, as `sightline eval` reads it: the catalogue and the photos."""
    rows = [{"image": str((grocery / row["image"]).absolute()), "sku": row["sku"]} for row in asked(grocery, most)]
    products = [
        {"sku": each.sku, "title": each.title, "images": [str(image.absolute()) for image in each.images]}
        | each.attributes
        for each in packaged(grocery)
    ]
    files = folder / "catalogue.jsonl", folder / "photos.jsonl"
    for file, lines in zip(files, (products, rows), strict=True):
        file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    return files


def tell(step: str, done: int, total: int) -> None:
    """A line now and then."""
    if done == total or done % 25 == 0:
        print(f"{step}: {done} of {total}", flush=True)


def figures(report: dict[str, Any]) -> list[str]:
    """The table of what `sightline eval` measured."""
    lines = ["| figure | value | 95% interval |", "|---|---|---|"]
    for key, name in NAMES.items():
        if key in report:
            interval = report["intervals"].get(key)
            between = f"{number(key, interval[0])} to {number(key, interval[1])}" if interval else ""
            lines.append(f"| {name} | {number(key, report[key])} | {between} |")
    return lines


def number(key: str, value: float | None) -> str:
    """A share with three decimals; a count, and milliseconds, with none."""
    if value is None:
        return "not measured"
    return f"{value:.0f}" if key.startswith("ms") or isinstance(value, int) else f"{value:.3f}"


def of(figure: Figure, digits: int = 3) -> str:
    """A figure with its interval, each with so many decimals."""
    value, *edges = (f"{each:.{digits}f}" for each in (figure.value, *(figure.interval or ())))
    return f"{value} ({' to '.join(edges)})" if edges else value


def plot_rows(rows: Sequence[Row], file: Path) -> None:
    """First answers and first five, with their intervals; and times, on a logarithmic scale."""
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(9, 3.6), layout="constrained")
    shares, times = drawing.subplots(1, 2, sharey=True)
    places = np.arange(len(rows))
    for shift, label, found in (
        (-0.18, "R@5", [row.five for row in rows]),
        (0.18, "R@1", [row.first for row in rows]),
    ):
        values = [each.value for each in found]
        shares.barh(places - shift, values, 0.34, xerr=_whiskers(found), label=label, ecolor="#444444", capsize=2)
    shares.set(xlim=(0, 1), xlabel="share of the photos", yticks=places, yticklabels=[row.name for row in rows])
    shares.legend(loc="lower right")
    spent = [row.ms for row in rows]
    times.barh(places, [each.value for each in spent], 0.6, xerr=_whiskers(spent), color="#888888", capsize=2)
    times.set(xscale="log", xlabel="ms a photo, median, one core")
    drawing.savefig(file, dpi=120)


def _whiskers(found: Sequence[Figure]) -> NDArray[np.float64]:
    """How far each interval reaches below and above, `(2, n)`."""
    between = [each.interval or (each.value, each.value) for each in found]
    return np.array([[f.value - b[0], b[1] - f.value] for f, b in zip(found, between, strict=True)]).T


def plot_reliability(report: dict[str, Any], file: Path) -> None:
    """What was said to be so likely, and what share of it was true, with its interval."""
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(4.2, 4.2), layout="constrained")
    axes = drawing.subplots()
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1)
    for each in report["reliability"]:
        if each["n"]:
            axes.plot([each["said"]] * 2, each["interval"], color="#1f5a3a", linewidth=1)
            axes.plot(each["said"], each["true"], "o", color="#1f5a3a", markersize=4)
            axes.annotate(str(each["n"]), (each["said"], each["true"]), (5, -9), textcoords="offset points", fontsize=7)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="probability said", ylabel="share that is this product")
    drawing.savefig(file, dpi=120)


def plot_kinds(report: dict[str, Any], file: Path) -> None:
    """Of each kind of edit: photos, those decided, those found, those boxed."""
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(6, 3), layout="constrained")
    axes = drawing.subplots()
    places = np.arange(len(report["kinds"]))
    for n, name in enumerate(("n", "decided", "found", "boxed")):
        label = "photos" if name == "n" else name
        axes.bar(places + 0.2 * (n - 1.5), [kind[name] for kind in report["kinds"]], 0.19, label=label)
    axes.set(xticks=places, xticklabels=[kind["kind"] for kind in report["kinds"]], ylabel="photos")
    axes.legend(fontsize=8)
    drawing.savefig(file, dpi=120)


def text(identify: dict[str, Any], rows: Sequence[Row], verify: dict[str, Any], differences: dict[str, Any]) -> str:
    """The report in Markdown."""
    first = ", ".join(
        f"{each['sku']} for {each['taken_for'] or 'nothing'}: {each['count']}" for each in identify["confusion"][:8]
    )
    answers = [
        f"| {kind} | "
        + " | ".join(str(counts.get(a, 0)) for a in ("same", "differs", "other_variant", "cannot_tell"))
        + " |"
        for kind, counts in verify["confusion"].items()
    ]
    kinds = [
        f"| {each['kind']} | {each['n']} | {each['decided']} | {each['found']} | {each['boxed']} |"
        for each in differences["kinds"]
    ]
    return "\n".join([
        "# Identification, verification, differences", "",
        "Every figure stands with its 95% interval. Times are of one core.", "",
        f"## Identification: {identify['n']} photos, {identify['products']} products", "",
        "| | R@1 | R@5 | ms a photo |", "|---|---|---|---|",
        *(f"| {row.name} | {of(row.first)} | {of(row.five)} | {of(row.ms, 1)} |" for row in reversed(rows)), "",
        "![R@1, R@5 and time of each](identify.png)", "", *figures(identify), "",
        f"Taken for another the most often: {first or 'none'}.", "",
        f"## Verification: {verify['n']} photos, each with its own product, its nearest sibling and a random one", "",
        *figures(verify), "", "| pairs | same | differs | other variant | cannot tell |", "|---|---|---|---|---|",
        *answers, "", "![Probability said, and share that is true; numbers are pairs](verify.png)", "",
        f"## Differences: {differences['n']} photos of the sample shop", "", *figures(differences), "",
        "| edit | photos | decided | found | boxed |", "|---|---|---|---|---|", *kinds, "",
        "![Photos of each kind of edit](differences.png)", "",
    ])  # fmt: skip


def main() -> None:
    """Measure, draw, write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path, nargs="?", default=Path("build/report"))
    options.add_argument("--grocery", type=Path, required=True, metavar="FOLDER", help="the grocery set")
    options.add_argument("--photos", type=int, help="about so many of the grocery photos, and of the sample shop's all")
    given = options.parse_args()
    cv2.setNumThreads(1)
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        files = written(Path(folder), given.grocery, given.photos)
        identify, verify = (evaluate(task, *files, progress=tell) for task in ("identify", "verify"))
        rows = identification(*files, identify)
    differences = evaluate("differences", SHOP / "catalogue.jsonl", SHOP / "photos.jsonl", progress=tell)
    for name, report in (("identify", identify), ("verify", verify), ("differences", differences)):
        (given.folder / f"{name}.json").write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", "utf-8")
    plot_rows(rows, given.folder / "identify.png")
    plot_reliability(verify, given.folder / "verify.png")
    plot_kinds(differences, given.folder / "differences.png")
    (given.folder / "report.md").write_text(text(identify, rows, verify, differences), "utf-8")
    print(f"written: {given.folder / 'report.md'}")


if __name__ == "__main__":
    main()
