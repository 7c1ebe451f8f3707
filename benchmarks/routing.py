"""How often a request goes to exactly the right tools, in how long, against the nearest example. Run:

    python benchmarks/routing.py [--folds N]

The requests are those of `tests/fixtures/routing_dev.jsonl`, none of which is taught, but the examples were added to
with them in view; and those of `routing_apart.jsonl`, by writers who saw neither: the errors of author 1 showed what
was missing, by those of author 2 one number was chosen, author 3 wrote when all was done. `--folds` measures on what is
taught as well, with models that were taught by the other folds; each fold takes as long as teaching does. Beside ours
stands the obvious alternative, taught by the same examples: the plan of the example nearest by TF-IDF of character
n-grams. Intervals are Wilson's, of 95%. Milliseconds are of a whole `Router.plan`, warm and without a model.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer

from sightline.agent.figures import share
from sightline.agent.router import Router
from sightline.benchmarks.train_router import train
from sightline.prompts import routing

FIXTURES = Path(__file__).resolve().parent.parent / "tests" / "fixtures"
COLD = [sys.executable, "-m", "sightline.agent.cli", "route", "when does it expire?", "--photos", "1", "--json"]
Row = Mapping[str, Any]
Route = Callable[[str, int], set[str]]


def tools(row: Row) -> set[str]:
    return {step["tool"] for step in row["plan"]}


def ours(router: Router) -> Route:
    return lambda text, photos: {step.tool for step in router.plan(text, photos).plan}


def nearest(taught: Sequence[Row]) -> Route:
    """The tools of the nearest example; without a photo, chat, unless it is a correction."""
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
    examples = vectors.fit_transform(row["text"] for row in taught)

    def route(text: str, photos: int) -> set[str]:
        named = tools(taught[int((examples @ vectors.transform([text]).T).toarray().argmax())])
        return named if photos or "correct" in named else {"chat"}

    return route


def timed(route: Route, rows: Sequence[Row]) -> tuple[list[bool], list[float]]:
    hits, ms = [], []
    for row in rows:
        start = time.perf_counter()
        named = route(row["text"], row.get("photos", 1))
        ms.append(1000 * (time.perf_counter() - start))
        hits.append(named == tools(row))
    return hits, ms


def show(name: str, rows: Sequence[Row], hits: Sequence[bool]) -> None:
    groups = {"en, zh": {"en", "zh"}, "the other nine": {row["language"] for row in rows} - {"en", "zh"}}
    groups |= {language: {language} for language in sorted({row["language"] for row in rows})}
    for group, languages in groups.items():
        of = [hit for hit, row in zip(hits, rows, strict=True) if row["language"] in languages]
        if figure := share(of):
            low, high = figure.interval or (0.0, 1.0)
            print(f"{name:18} {group:15} {len(of):5} {100 * figure.value:5.1f}% ({100 * low:.1f}-{100 * high:.1f})")


def main(folds: int) -> None:
    """Print how often the set of tools is exact, by language, and the times."""
    written = {
        file: [json.loads(line) for line in (FIXTURES / f"routing_{file}.jsonl").read_text("utf-8").splitlines()]
        for file in ("dev", "apart")
    }
    sets = {"dev": written["dev"]}
    sets |= {f"author {n}": [row for row in written["apart"] if row["author"] == n] for n in (1, 2, 3)}
    taught = list(routing())
    for name, route in (("ours", ours(Router())), ("nearest", nearest(taught))):
        route("warm", 1)
        spent: list[float] = []
        for title, rows in sets.items():
            hits, ms = timed(route, rows)
            show(f"{name}, {title}", rows, hits)
            spent += ms
        p50, p95 = statistics.median(spent), statistics.quantiles(spent, n=20)[-1]
        print(f"{name} {p50:.2f} ms a turn, 95% within {p95:.2f} ms\n")
    cold = []
    for _ in range(6):
        start = time.perf_counter()
        subprocess.run(COLD, check=True, stdout=subprocess.DEVNULL)
        cold.append(1000 * (time.perf_counter() - start))
    print(f"a fresh process: {statistics.median(cold[1:]):.0f} ms for `sightline route`\n")
    held: dict[str, list[bool]] = {"ours": [], "nearest": []}
    order: list[Row] = []
    for fold in range(folds):
        left, rest = taught[fold::folds], [row for i, row in enumerate(taught) if i % folds != fold]
        order += left
        for name, route in (("ours", ours(Router(arrays=train(rest)))), ("nearest", nearest(rest))):
            held[name] += timed(route, left)[0]
    for name, hits in held.items() if folds else ():
        show(f"{name}, left out", order, hits)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=0)
    main(parser.parse_args().folds)
