"""Teach the router: `prompts/routing/weights.npz` from the examples beside it. Run:

    python benchmarks/train_router.py

One logistic regression a column, over the hashed n-grams of `agent/ngrams.py`: which tools, then which field, kind,
topic and follow-up, and which language of those in Latin script. From the examples others are made, with a fixed
seed: two requests joined as people join them, one after a greeting, and what is to be found in the words for
another thing. The same examples give the same arrays. About a minute on one core; `benchmarks/routing.py` measures.
"""

import json
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from sightline.agent.ngrams import BUCKETS, digest, features
from sightline.agent.requests import frames, heard
from sightline.agent.router import FIELDS, TOOLS
from sightline.prompts import routing

OUT = Path(__file__).resolve().parent.parent / "prompts" / "routing" / "weights.npz"
JOINTS = {
    "ar": (" و", "، ", "، و"), "de": (" und ", ", ", ", und ", " und dann "), "en": (" and ", ", ", "? ", " and then "),
    "es": (" y ", ", ", " y luego ", ", y "), "fr": (" et ", ", ", " puis ", ", et "), "hi": (" और ", ", ", " और फिर "),
    "ja": ("、", "。", "、それと", "、あと"), "ko": (", ", " 그리고 ", ". "), "pt": (" e ", ", ", " e depois "),
    "ru": (" и ", ", ", ", и ", " а также "), "zh": ("，", "，再", "，顺便", "还有", "？"),
}  # fmt: skip
LATIN = ("en", "es", "fr", "de", "pt")
PAIRS = 1000  # of each language
Row = Mapping[str, Any]


def columns(rows: Sequence[Row]) -> list[str]:
    """What is told of a text: its tools, those that only examples name last, and what each is told."""
    kinds = [f"ocr:{f}" for f in ("all", *FIELDS)] + [f"describe:{k}" for k in ("all", "question", "brief", "full")]
    topics = [f"chat:{t}" for t in ("hello", "help", "thanks", "human")]
    follows = [f"follow:{f}" for f in ("again", "second", "other")]
    more = sorted({step["tool"] for row in rows for step in row["plan"]} - {*TOOLS})
    kinds += sorted({name for row in rows for name in told(row) if name.partition(":")[0] in more and ":" in name})
    return [*TOOLS, *more, *kinds, "compare:other", *topics, *follows, *(f"language:{x}" for x in LATIN)]


def told(row: Row) -> set[str]:
    """The columns that hold for an example."""
    names = {f"language:{row['language']}", f"follow:{row.get('follows')}"}
    for step in row["plan"]:
        tool, args = step["tool"], step.get("args", {})
        names.add(tool)
        if tool == "ocr":
            names.add(f"ocr:{args.get('field', 'all')}")
        if tool == "describe":
            names.add(f"describe:{'question' if 'question' in args else args.get('detail', 'all')}")
        if tool == "compare" and args:
            names.add("compare:other")
        if tool == "chat":
            names.add(f"chat:{args.get('topic')}")
        if tool not in TOOLS and args:
            names.add(f"{tool}:{json.dumps(args, sort_keys=True, ensure_ascii=False)}")
    return names


def made(rows: Sequence[Row]) -> list[Row]:
    """More examples out of those of one language."""
    dice = random.Random(rows[0]["language"])
    joints = JOINTS.get(rows[0]["language"], (", ",))
    single = [r for r in rows if len(r["plan"]) == 1 and "follows" not in r]
    asks = {t: [r for r in single if r["plan"][0]["tool"] == t] for t in TOOLS}
    greetings = [r["text"] for r in asks["chat"] if r["plan"][0].get("args", {}).get("topic") == "hello"]
    looks = [t for t in TOOLS[:5] if asks[t]]
    more: list[Row] = []

    def join(*parts: str) -> str:
        first, *rest = (part.rstrip("?？。.!؟।") for part in parts)
        return first + "".join(dice.choice(joints) + part for part in rest)

    for _ in range(PAIRS if len(looks) > 1 else 0):
        tools = dice.choices(looks, k=2) if dice.random() < 0.15 else dice.sample(looks, 2)
        one, two = (dice.choice(asks[t]) for t in tools)
        plan = one["plan"] + [s for s in two["plan"] if s not in one["plan"]]
        more.append({"text": join(one["text"], two["text"]), "plan": plan, "language": one["language"]})
    for row in dice.sample(single, len(single) // 5):
        if greetings and row["plan"][0]["tool"] in looks:
            hello = dice.choice(greetings).rstrip("?？!！")
            more.append({**row, "text": f"{hello}{dice.choice((', ', ' ', '! '))}{row['text']}"})
    things = [r["plan"][0]["args"]["target"] for r in asks["ground"]]
    for row in asks["ground"]:
        target = row["plan"][0]["args"]["target"]
        more += [{**row, "text": row["text"].replace(target, dice.choice(things))} for _ in range(2)]
    return more


def train(examples: Iterable[Row]) -> dict[str, NDArray[Any]]:
    """The arrays that `Linear` scores with, and the digest of what they were taught by."""
    taught = list(examples)
    rows = list(taught)
    for language in sorted({row["language"] for row in taught}):
        rows += made([row for row in taught if row["language"] == language])
    seen = [features(heard(row["text"])) for row in rows]
    starts = np.cumsum([0, *(len(places) for places, _ in seen)])
    x = csr_matrix(
        (np.concatenate([v for _, v in seen]), np.concatenate([p for p, _ in seen]), starts), (len(rows), BUCKETS)
    )
    holds = [told(row) for row in rows]
    names = columns(rows)
    weights = np.zeros((BUCKETS, len(names)), np.float32)
    bias = np.full(len(names), -9.0, np.float32)
    for i, name in enumerate(names):
        # A field is told only of what is read, a topic only of what is chat, a language of Latin letters.
        tool = name.partition(":")[0]
        among = [n for n, row in enumerate(rows) if ":" not in name or tool == "follow" or tool in holds[n]]
        if tool == "language":
            # Hindi in Latin letters is none of them.
            among = [n for n, row in enumerate(rows) if row["language"] in LATIN or row["text"].isascii()]
        wanted = np.array([name in holds[n] for n in among])
        if wanted.all() or not wanted.any():
            bias[i] = 9.0 if wanted.any() else -9.0
            continue
        fitted = LogisticRegression(C=C, solver="liblinear", random_state=0).fit(x[among], wanted)
        weights[:, i], bias[i] = fitted.coef_[0], fitted.intercept_[0]
    # Of a request for several things, the words around one of them are no form of asking for it.
    alone = [row for row in taught if len(row["plan"]) == 1]
    around = {
        "ground": frames(row for row in alone if "follows" not in row),
        "other": frames(row for row in alone if row.get("follows") == "other"),
    }
    scale = np.abs(weights).max(0) / 127 + 1e-12
    return {
        "names": np.array(names),
        "weights": np.round(weights / scale).astype(np.int8),
        "scale": scale.astype(np.float32),
        "bias": bias,
        "frames": np.array(json.dumps(around, ensure_ascii=False)),
        "digest": np.array(digest(taught)),
    }


C = 30.0  # how little the weights are held back; chosen on examples left out


if __name__ == "__main__":
    arrays = train(routing())
    np.savez_compressed(OUT, allow_pickle=False, **arrays)
    sys.stdout.write(f"{OUT.name}: {OUT.stat().st_size / 1e6:.2f} MB\n")
