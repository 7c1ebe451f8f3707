"""Name the tools a turn needs: exact commands, questions which way something points, the nearest taught examples.

The examples are `prompts/routing/*.jsonl`; a line added there teaches, nothing here is touched. An
utterance is compared with them by character n-grams, which need no word boundaries and so serve
Chinese and English alike. What is not done here: understanding. A request unlike every example is
routed to `describe` as a question, for a model to answer.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from inspect import Parameter, signature
from typing import Any

import numpy as np

from ..prompts import routing
from ..tools.targets import what_points
from .reply import Step

# Below this cosine the nearest example is not near: measured on `tests/fixtures/routing_dev.jsonl`.
NEAR = 0.22
# What follows a comma is more often an aside ("it smells odd, …") than a request: it has to be nearer.
_NEAR_ENOUGH_APART = 0.5
# Between the pieces of a request that asks for several things; its mark stays with a question.
_JOINTS = re.compile(
    r"(?<=[?？!！。；;\n])\s*(?![?？!！。；;\s])"
    r"|,? and (?=(?:what|when|where|how|who|which|is|are|does|do|can|read|find|show|tell|describe|count)\b)"
    r"|还有|還有|以及|并且|並且|顺便|順便|另外",
    re.I,
)
_COMMA = re.compile(r"[,，](?=.{4,})")

# The same between the names of what is wanted: "weight and ingredients", "批号、电话".
_LISTED = re.compile(r",? and (?:the )?|, ?(?:the )?|[，、]|(?:和|与|與|及|跟)", re.I)

# Somebody else's words: what to look for, not what is asked.
_QUOTED = re.compile(r"“[^”]+”|「[^」]+」|『[^』]+』|\"[^\"]+\"|‘[^’]+’")
# Said to be polite; nothing is asked by it.
_COURTESY = re.compile(
    r"^(?:can|could|would) you\b|\b(?:please|pls|kindly|for me)\b|请问|请你|请|帮我|帮忙|麻烦你?|我想知道",
    re.I,
)
# How much to say, by the `detail` that it asks of a description; it is no request of its own.
_MANNER = {
    "brief": re.compile(
        r"\b(?:(?:answer|reply|say it) )?(?:in (?:one|a) sentence|briefly|in short)\b|用?一句[话話](?:回答|概括)?", re.I
    ),
    "full": re.compile(r"\b(?:(?:answer|reply) )?in (?:more )?detail\b|[详詳][细細]", re.I),
}


class Router:
    """A nearest-example router over character n-grams of 1 to 4, weighted by rarity (TF-IDF)."""

    def __init__(
        self, tools: Mapping[str, Callable[..., Any]], examples: Iterable[Mapping[str, Any]] | None = None
    ) -> None:
        """`tools` by name are the exact commands; `examples` default to those of `prompts/routing`."""
        self._tools = {name: _argument(tool) for name, tool in tools.items()}
        taught = list(routing() if examples is None else examples)
        # An example that names a thing teaches twice: as it stands, and by the words around the thing.
        self._rows = taught + [{**row, "text": around} for row in taught if (around := _around(row))]

    def plan(self, text: str, photos: int) -> list[Step]:
        """The tools to run, in order, each once for the same arguments; none that look where there is no photo."""
        plan = self._plan(text)
        return plan if photos else [step for step in plan if step.tool == "chat"]

    def _plan(self, text: str) -> list[Step]:
        if command := self._command(text):
            return [command]
        if not _unadorned(text):
            return _described_once([("", Step("describe"))], text)
        pieces = self._pieces(text)
        pieces = pieces if len(pieces) > 1 else [text.strip()]
        return _described_once([(piece, step) for piece in pieces for step in self._nearest(piece)], text)

    def _command(self, text: str) -> Step | None:
        """`/ocr`, `/ocr expiry`, `/ground the blue one`: a tool's name after a slash, then its argument."""
        match = re.fullmatch(r"\s*/(\w+)\s*(.*?)\s*", text, re.S)
        if not match or match[1] not in self._tools:
            return None
        argument = self._tools[match[1]]
        # Without an argument that it needs, the tool says what it expects.
        wanted = argument and (match[2] or argument.default is argument.empty)
        return Step(match[1], {argument.name: match[2]} if argument and wanted else {})

    def _pieces(self, text: str) -> list[str]:
        """The requests in one utterance; cut only where every piece is near an example of its own."""
        pieces = [text]
        for joints, near in ((_JOINTS, NEAR), (_COMMA, _NEAR_ENOUGH_APART)):
            pieces = [part for piece in pieces for part in self._cut(piece, joints, near)]
        return [part for piece in pieces for part in self._listed(piece)]

    def _cut(self, text: str, joints: re.Pattern[str], near: float) -> list[str]:
        parts = _parts(joints, text)
        apart = all(what_points(_unadorned(part)) is not None or self._best(part)[1] >= near for part in parts)
        return parts if parts and apart else [text]

    def _listed(self, piece: str) -> list[str]:
        """A list of fields as one request each; a list of anything else ("red and white") stays whole."""
        parts = self._cut(piece, _LISTED, NEAR)
        return parts if all("field" in step.args for part in parts for step in self._nearest(part)) else [piece]

    def _nearest(self, text: str) -> list[Step]:
        plain = _unadorned(text)
        if what_points(plain) is not None:
            # What is to be found may be the direction itself, as it is printed.
            named = self._target(text)
            return [Step("ground", {"target": plain if what_points(named) is None else named})]
        index, cosine = self._best(text)
        if cosine < NEAR:
            return [Step("describe", {"question": text})]
        return [
            Step(step["tool"], {name: self._own(name, value, text) for name, value in step.get("args", {}).items()})
            for step in self._rows[index]["plan"]
        ]

    def _own(self, name: str, taught: str, text: str) -> str:
        """An argument of an example; what is to be found or answered, in the person's own words."""
        return self._target(text) if name == "target" else text if name == "question" else taught

    def _target(self, text: str) -> str:
        """What to find, cut out of the utterance by the longest taught words before it and after it."""
        if quoted := _QUOTED.search(text):
            return quoted[0][1:-1].strip()
        plain = _unadorned(text)
        folded = plain.casefold()
        befores, afters = self._frames
        start = next((len(b) for b in befores if folded.startswith(b) and len(b) < len(folded)), 0)
        end = next((len(folded) - len(a) for a in afters if folded.endswith(a) and len(folded) - len(a) > start), start)
        return plain[start:end].strip() or plain

    def _best(self, text: str) -> tuple[int, float]:
        vector = self._vector(text)
        if not vector or not self._rows:
            return 0, 0.0
        scores = np.zeros(len(self._rows))
        for gram, weight in vector.items():
            rows, weights = self._postings.get(gram, (None, None))
            if rows is not None:
                scores[rows] += weight * weights
        best = int(np.argmax(scores))
        return best, float(scores[best])

    def _vector(self, text: str) -> dict[str, float]:
        """Unit-length TF-IDF weights of the n-grams, those that no example has included."""
        counts = _grams(text)
        weights = {g: (1 + np.log(n)) * self._rarity.get(g, self._rarest) for g, n in counts.items()}
        norm = float(np.sqrt(sum(w * w for w in weights.values())))
        return {g: float(w) / norm for g, w in weights.items()} if norm else {}

    @cached_property
    def _rarity(self) -> dict[str, float]:
        seen = Counter(g for row in self._rows for g in _grams(row["text"]))
        return {g: float(np.log((1 + len(self._rows)) / (1 + n))) for g, n in seen.items()}

    @cached_property
    def _rarest(self) -> float:
        # An n-gram that no example has says little: it may be the name of the thing that is asked for.
        return 0.5 * float(np.log(1 + len(self._rows)))

    @cached_property
    def _postings(self) -> dict[str, tuple[Any, Any]]:
        lists: dict[str, list[tuple[int, float]]] = {}
        for index, row in enumerate(self._rows):
            for gram, weight in self._vector(row["text"]).items():
                lists.setdefault(gram, []).append((index, weight))
        return {g: (np.array([i for i, _ in p]), np.array([w for _, w in p])) for g, p in lists.items()}

    @cached_property
    def _frames(self) -> tuple[list[str], list[str]]:
        """What stands before the thing that an example names, and what after it, each the longest first."""
        frames = [frame for row in self._rows if (frame := _frame(row))]
        befores, afters = ({*words} for words in zip(*frames, strict=True)) if frames else (set(), set())
        return sorted({*befores, ""}, key=len, reverse=True), sorted({*afters, ""}, key=len, reverse=True)


def _described_once(asked: Sequence[tuple[str, Step]], text: str) -> list[Step]:
    """The steps that pieces of a text ask for, each once; those that describe as one, with one detail."""
    described = [(piece, step.args) for piece, step in asked if step.tool == "describe"]
    manner = [detail for detail, form in _MANNER.items() if form.search(text)]
    details = manner + [args["detail"] for _, args in described if "detail" in args]
    once = Step("describe", {"detail": details[0]} if details else {})
    if any("question" in args for _, args in described):
        # The model is told how to answer by the question itself.
        once = Step("describe", {"question": " ".join(dict.fromkeys(piece for piece, _ in described))})
    plan: list[Step] = []
    for _, step in asked:
        each = once if step.tool == "describe" else step
        plan += [each] if each not in plan else []
    return plan


def _argument(tool: Callable[..., Any]) -> Parameter | None:
    """What a tool can be told beside the photo and the kit: its first argument by keyword alone."""
    parameters = signature(tool).parameters.values()
    return next((p for p in parameters if p.kind is Parameter.KEYWORD_ONLY), None)


def _parts(joints: re.Pattern[str], text: str) -> list[str]:
    return [part.strip() for part in joints.split(text) if _unadorned(part)]


def _frame(row: Mapping[str, Any]) -> tuple[str, str] | None:
    """The words before and after the thing that an example names; `None` where it names none."""
    targets = [step["args"]["target"] for step in row["plan"] if "target" in step.get("args", {})]
    if not targets:
        return None
    before, named, after = _fold(row["text"]).partition(_fold(targets[0]))
    return (before, after) if named else None


def _around(row: Mapping[str, Any]) -> str:
    return " ".join(_frame(row) or ()).strip()


def _unadorned(text: str) -> str:
    """One line without courtesies, the manner asked for, and closing marks; letters keep their case."""
    plain = unicodedata.normalize("NFKC", text)
    for form in (_COURTESY, *_MANNER.values()):
        plain = form.sub(" ", plain)
    return re.sub(r"\s+", " ", plain).strip(" ?。.!,，")


def _fold(text: str) -> str:
    return _unadorned(text).casefold()


def _grams(text: str) -> Counter[str]:
    folded = f" {_fold(_QUOTED.sub(' ', text))} "
    return Counter(folded[i : i + n] for n in range(1, 5) for i in range(len(folded) - n + 1))
