"""`sightline eval`: the figures of a labelled set of photos, each with its interval."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from .command import BAD_INPUT, Home, Json, Plain, errors
from .terminal import bar, measured, print_json, say, table

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Measure how well all this works on your own labelled photos.",
    epilog="Paths in both files are relative to the file. Exit codes: 0 measured, 2 bad input, also where a row or a "
    "photo had to be left out, 4 failure, 130 interrupted.",
)

Rows = Annotated[
    Path,
    typer.Option(
        "--catalogue",
        help="The products, as `sightline index` takes them: sku, title, image, a row each.",
        show_default=False,
    ),
]
Labels = Annotated[
    Path,
    typer.Option("--photos", help='The photos, JSON Lines: {"image": …, "sku": what it shows}.', show_default=False),
]
Edits = Annotated[
    Path,
    typer.Option(
        "--photos",
        help='The photos, JSON Lines: {"image": …, "sku": …, "edit": null, or {"kind": …, "box": [x0, y0, x1, y1]} in '
        "pixels}.",
        show_default=False,
    ),
]

NAMES = {
    "r_at_1": "R@1, first answer right",
    "r_at_5": "R@5, right one among five",
    "answered": "answered",
    "r_at_1_answered": "right where answered",
    "ms_median": "ms a photo, median",
    "ms_p90": "ms a photo, 90th percentile",
    "rejected": "rejected",
    "undetermined": "variant undetermined",
    "auroc_sibling": "AUROC against the nearest sibling",
    "auroc_random": "AUROC against a random product",
    "coverage": "decided",
    "accuracy_covered": "right where decided",
    "false_yes_sibling": "siblings taken for it",
    "true_refused": "its own refused",
    "ece": "expected calibration error",
    "auroc": "AUROC, edited or genuine",
    "tpr": "edits marked, where decided",
    "fpr": "genuine ones marked, where decided",
    "iou30": "edits boxed, IoU > 0.3",
    "coverage_genuine": "genuine ones decided",
    "coverage_edited": "edited ones decided",
}
"""What the figures are called where a person reads them."""


@app.command()
def identify(catalogue: Rows, photos: Labels, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Measure how often the right product is named.

    First, among the first five, and where one is named at all. Photos of what the catalogue does not have, of sku null
    among them, are counted apart: how many were rejected, and how many had no answer, undetermined ones too.
    """
    _measure("identify", catalogue, photos, home, as_json, plain)


@app.command()
def verify(catalogue: Rows, photos: Labels, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Measure how well a product is told from others.

    Each photo is held against its own product, against that whose official picture resembles its product's the most,
    and against a random one; pairs are ordered by the probability that it is the product, told or not.
    """
    _measure("verify", catalogue, photos, home, as_json, plain)


@app.command()
def differences(catalogue: Rows, photos: Edits, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Measure how often edits are found, and genuine photos marked.

    A mark is of the edit where its middle lies in it or both overlap (IoU > 0.2). Photos are ordered by their strongest
    mark; those of which nothing can be told are in the coverage alone.
    """
    _measure("differences", catalogue, photos, home, as_json, plain)


def _measure(task: str, catalogue: Path, photos: Path, home: Path | None, as_json: bool, plain: bool) -> None:
    # Read as the libraries load: all but the OCR engine is in one thread.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with errors(as_json), bar(plain) as progress:
        from .evaluation import evaluate

        report = evaluate(task, catalogue, photos, home, progress)
    if as_json:
        print_json(report)
    else:
        _print(report, plain)
    raise typer.Exit(BAD_INPUT if report["problems"] else 0)


def _print(report: dict[str, Any], plain: bool) -> None:
    for problem in report["problems"]:
        say(f"{problem['file']}: line {problem['line']}: {problem['message']}", err=True)
    say(f"photos: {report['n']}, products: {report['products']}, rows left out: {len(report['problems'])}")
    rows = [
        (name, _figure(key, report[key]), _interval(key, report["intervals"].get(key)))
        for key, name in NAMES.items()
        if key in report
    ]
    table(("", "figure", "95% interval"), rows, plain)
    outside = report["outside"]
    if outside["n"] and "rejected" in outside:
        say(f"not of the catalogue: {outside['n']} photos, {outside['undetermined']} of them variant undetermined")
        for key in ("rejected", "unanswered"):
            say(f"{key} of these: {_figure(key, outside[key])} ({_interval(key, outside['intervals'][key])})")
    elif outside["n"]:
        say(f"not of the catalogue, and left out: {outside['n']} photos")
    if "reliability" in report:
        bins = [
            (f"{each['low']:.1f} to {each['high']:.1f}", str(each["n"]), measured(each["said"]), measured(each["true"]))
            for each in report["reliability"]
        ]
        table(("probability", "pairs", "said", "true"), bins, plain)
    for kind in report.get("kinds", ()):
        counts = ", ".join(f"{kind[name]} {name}" for name in ("decided", "found", "boxed"))
        say(f"{kind['kind']}: {kind['n']} photos, {counts}")
    _print_confusion(report["confusion"], plain)


def _print_confusion(confusion: Any, plain: bool) -> None:
    """Which products were taken for which, or which answers were given."""
    if isinstance(confusion, dict):
        rows = [(kind, a.replace("_", " "), str(n)) for kind, counts in confusion.items() for a, n in counts.items()]
        table(("photos or pairs", "answer", "count"), rows, plain)
    elif confusion:
        rows = [(each["sku"], each["taken_for"] or "nothing", str(each["count"])) for each in confusion]
        table(("sku", "taken for", "count"), rows, plain)


def _figure(key: str, value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.0f}" if key.startswith("ms") else f"{value:.3f}"


def _interval(key: str, interval: tuple[float, float] | None) -> str:
    return f"{_figure(key, interval[0])} to {_figure(key, interval[1])}" if interval else ""
