"""Name the tools a turn needs: exact commands, then linear models over n-grams, then a model where these are not sure.

What people ask is taught by `prompts/routing/*.jsonl`: a line added there and `benchmarks/train_router.py` run
teach, nothing here is touched. What is not done here: understanding. A request unlike every example is routed
to `describe` as a question, for a model to answer.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, NamedTuple

from ..tools.targets import what_points
from . import requests
from .ngrams import Linear, shipped
from .reply import Step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..tools.models.model import Model

OTHER_PHOTO = "other photo"
"""What is named where photos are to be compared with one another."""

TOOLS = ("describe", "identify", "compare", "ocr", "ground", "correct", "chat")
"""What a plan may name, in the order it is asked for where the text does not tell; what more is taught comes after."""

FIELDS = (
    "expiry", "production", "shelf_life", "date", "weight", "volume", "quantity", "lot", "ingredients", "phone",
)  # fmt: skip

THIN = 0.3
"""Below this margin a model is asked, where there is one: of examples left out, less than half are right there."""

# Log odds. What follows a comma or an "and" is more often an aside, or of the same request: it has to be surer. A
# second thing that is asked for without a word between is surer still.
_SURE, _SURER, _SUREST = 0.0, 1.0, 2.0

_WHAT, _EVEN = ("describe", "identify"), 0.5


class Routed(NamedTuple):
    """A plan, and by how much its tools are likelier than the next likely ones, 0..1; `None` for what is exact."""

    plan: tuple[Step, ...]
    margin: float | None


class _Piece(NamedTuple):
    """A part of an utterance, with the log odds of everything that is told of it."""

    text: str
    scores: Mapping[str, float]

    @property
    def tools(self) -> dict[str, float]:
        return {name: score for name, score in self.scores.items() if ":" not in name}

    @property
    def asked(self) -> set[str]:
        """The likely tools, where it may ask for several; else the likeliest."""
        tools = self.tools
        several = {t for t, s in tools.items() if s > 0} if requests.joined(self.text) else set()
        return several or {max(tools, key=tools.__getitem__)}

    def kinds(self, column: str) -> list[str]:
        """What of a column's kinds is likely, such as fields of `ocr:`; the likeliest where none is."""
        kinds = {name.removeprefix(column): s for name, s in self.scores.items() if name.startswith(column)}
        return [k for k, s in kinds.items() if s > 0] or sorted(kinds, key=kinds.__getitem__)[-1:]


class Router:
    """Plans for utterances in eleven languages."""

    def __init__(
        self,
        tools: Mapping[str, Callable[..., Any]] | None = None,
        arrays: "Mapping[str, NDArray[Any]] | None" = None,
    ) -> None:
        """`tools` by name are the exact commands, `arrays` what training gave: by default all, and those shipped."""
        self._given = tools
        self._arrays = arrays
        self._heard = lru_cache(maxsize=512)(self._listen)

    def plan(
        self,
        text: str,
        photos: int,
        *,
        before: Sequence[Step] = (),
        ordered: bool = False,
        model: "Model | None" = None,
    ) -> Routed:
        """The tools to run, in order, each once for the same arguments; none that looks where there is no photo.

        `photos`: how many it is about. `before`: the plan of the thread's last turn, which a follow-up goes on from.
        `ordered`: whether it is known what was ordered. `model` is asked where the margin is thin; what it says is
        taken only where it is a plan. Raises `Cancelled` where nobody waits for it any more.
        """
        if command := self._command(text):
            return Routed((command if photos or command.tool in ("chat", "correct") else Step("chat"),), None)
        if not requests.unadorned(text):
            return Routed((_wordless(text, photos, ordered),), None)
        whole = self._heard(text)
        if photos and (followed := self._followed(whole, before, photos)):
            return followed
        pieces = self._pieces(whole)
        odds = _together(whole, pieces)
        tools, margin = _chosen(odds, len(pieces) > 1 or requests.joined(text))
        if "correct" in tools or not photos:
            # A correction says what is right: that is no request. Without a photo nothing can be looked at.
            person = "chat" in tools and self._of("chat", whole, photos)[0].args.get("topic") == "human"
            tools = ["correct", "chat"][: 1 + person] if "correct" in tools else ["chat"]
        if model and margin < THIN:
            from .planning import planned

            if steps := planned(text, photos, model):
                return Routed(steps, margin)
        return Routed(_once(self._steps(tools, pieces, photos), text), margin)

    def _command(self, text: str) -> Step | None:
        """`/ocr`, `/ocr expiry`, `/ground the blue one`: a tool's name after a slash, then its argument."""
        match = re.fullmatch(r"\s*/(\w+)\s*(.*?)\s*", text, re.S)
        if not match:
            return None
        if match[1] == "chat":
            return Step("chat")
        if match[1] == "correct":
            return Step("correct", {"said": match[2]})
        if match[1] not in self._tools:
            return None
        argument = self._tools[match[1]]
        # Without an argument that it needs, the tool says what it expects.
        wanted = argument and (match[2] or argument.default is argument.empty)
        return Step(match[1], {argument.name: match[2]} if argument and wanted else {})

    def _listen(self, text: str) -> _Piece:
        scores = self._linear(requests.heard(text))
        if what_points(requests.unadorned(text)) is not None:
            # Which way something points is told by the form of the question.
            scores = {**scores, **dict.fromkeys((s for s in scores if ":" not in s), -4.0), "ground": 4.0}
        return _Piece(text, scores)

    def _followed(self, whole: _Piece, before: Sequence[Step], photos: int) -> Routed | None:
        """The last plan again, where that is meant: as it was, of the second photo, or of another thing."""
        follow = whole.kinds("follow:")[0]
        odds = whole.scores[f"follow:{follow}"]
        if not before or odds <= 0:
            return None
        margin = math.tanh(odds / 2)
        if follow == "again" or (follow == "second" and photos < 2):
            return Routed(tuple(before), margin)
        if follow == "second":
            return Routed(tuple(replace(s, args={**s.args, "photo": "2"}) for s in before), margin)
        last = before[-1]
        about = requests.named(whole.text, self._frames["other"])
        if last.tool == "ground":
            return Routed((replace(last, args={**last.args, "target": about}),), margin)
        if last.tool == "describe":
            return Routed((replace(last, args={"question": whole.text}),), margin)
        return None

    def _pieces(self, whole: _Piece) -> list[_Piece]:
        """The requests in one utterance; cut only where every piece is one by itself."""
        pieces = [whole]
        for joints in (requests.ENDS, requests.PERHAPS, requests.LISTED):
            pieces = [part for piece in pieces for part in self._cut(piece, joints)]
        return pieces

    def _cut(self, piece: _Piece, joints: re.Pattern[str]) -> list[_Piece]:
        parts = [self._heard(part) for part in requests.parts(joints, piece.text)]
        if len(parts) < 2:
            return [piece]
        sure = _SURE if joints is requests.ENDS else _SURER
        apart = all(max(part.tools.values()) > sure for part in parts)
        if joints is requests.LISTED:
            apart = all(part.asked == {"ocr"} and part.kinds("ocr:") != ["all"] for part in parts)
        elif joints is requests.PERHAPS:
            # "The red and the white one" is one thing to find; "red cups, blue cups" as well.
            told = [(sorted(part.asked), part.kinds("ocr:") if "ocr" in part.asked else 0) for part in parts]
            apart = apart and (any(t != told[0] for t in told) or all(self._finds(part) for part in parts))
        return parts if apart else [piece]

    def _finds(self, piece: _Piece) -> bool:
        return piece.asked == {"ground"} and self._frames["ground"].cut(piece.text) is not None

    def _steps(self, tools: Sequence[str], pieces: Sequence[_Piece], photos: int) -> list[tuple[str, Step]]:
        """Each tool with its arguments, by the pieces that ask for it, in their order; with the piece's words."""
        asked: list[tuple[int, int, str, Step]] = []
        for order, tool in enumerate(tools):
            ours = [i for i, piece in enumerate(pieces) if tool in piece.asked]
            for i in ours or [max(range(len(pieces)), key=lambda i: pieces[i].scores[tool])]:
                asked += [(i, order, pieces[i].text, step) for step in self._of(tool, pieces[i], photos)]
        return [(text, step) for _, _, text, step in sorted(asked, key=lambda a: a[:2])]

    def _of(self, tool: str, piece: _Piece, photos: int) -> list[Step]:
        """One tool's steps for a piece, in the person's own words where these are what is looked for or answered."""
        text = piece.text
        if tool == "ocr":
            return [Step("ocr", {} if kind == "all" else {"field": kind}) for kind in piece.kinds("ocr:")]
        if tool == "ground":
            plain = requests.unadorned(text)
            target = requests.named(text, self._frames["ground"])
            # What is to be found may be the direction itself, as it is printed.
            asks = what_points(plain) is not None and what_points(target) is None
            return [Step("ground", {"target": plain if asks else target})]
        if tool == "describe":
            kind = max(("all", "question", "brief", "full"), key=lambda k: piece.scores[f"describe:{k}"])
            parts = [self._heard(part) for part in requests.parts(requests.ENDS, text)]
            if kind == "all" and any("describe" in p.asked and p.scores["describe:question"] > 0 for p in parts):
                # What is asked of it is answered, and it is described on the way.
                kind = "question"
            told = {"question": {"question": text}, "all": {}}.get(kind, {"detail": kind})
            return [Step("describe", told)]
        if tool == "compare":
            # Of two photos, one another is meant, unless it is clear that the official picture is.
            other = piece.scores["compare:other"] > (0 if photos < 2 else -1)
            return [Step("compare", {"against": OTHER_PHOTO} if other else {})]
        if tool == "correct":
            return [Step("correct", {"said": text})]
        if tool == "chat":
            topic = max(("hello", "help", "thanks", "human"), key=lambda k: piece.scores[f"chat:{k}"])
            known = piece.scores[f"chat:{topic}"] > 0 and piece.scores["chat"] > 0
            return [Step("chat", {"topic": topic} if known else {})]
        return [Step(tool, json.loads(kind)) for kind in piece.kinds(f"{tool}:")] or [Step(tool)]

    @cached_property
    def _tools(self) -> dict[str, Parameter | None]:
        if self._given is None:
            # The tools are many modules, and only commands need them.
            from ..tools.toolbox import TOOLS as TOOLBOX

            self._given = TOOLBOX
        return {name: _argument(tool) for name, tool in self._given.items()}

    @cached_property
    def _taught(self) -> "Mapping[str, NDArray[Any]]":
        return shipped() if self._arrays is None else self._arrays

    @cached_property
    def _linear(self) -> Linear:
        return Linear(self._taught)

    @cached_property
    def _frames(self) -> dict[str, requests.Frames]:
        """The words around what is to be found, of first questions (`ground`) and of follow-ups (`other`)."""
        return {name: requests.Frames(*words) for name, words in json.loads(str(self._taught["frames"])).items()}


def _wordless(text: str, photos: int, ordered: bool) -> Step:
    """What photos without a question deserve."""
    if not photos:
        return Step("chat")
    if photos > 1:
        return Step("compare", {"against": OTHER_PHOTO})
    if ordered:
        return Step("compare")
    manner = next((detail for detail, form in requests.MANNER.items() if form.search(text)), None)
    return Step("describe", {"detail": manner} if manner else {})


def _together(whole: _Piece, pieces: Sequence[_Piece]) -> dict[str, float]:
    """The log odds of each tool, by the whole and by its pieces."""
    if len(pieces) < 2 or whole.scores["correct"] > 0:
        return whole.tools
    return {tool: (whole.scores[tool] + max(p.scores[tool] for p in pieces)) / 2 for tool in whole.tools}


def _chosen(odds: Mapping[str, float], several: bool) -> tuple[list[str], float]:
    """The likeliest set of tools, and by how much it is likelier than the next; `several` are joined as people do."""
    chosen = {tool for tool, s in odds.items() if s > (_SURE if several else _SUREST)}
    if several and sum(1 / (1 + math.exp(-odds[tool])) for tool in _WHAT) > _EVEN:
        # "What is this" asks for either, and neither may be sure.
        chosen |= {max(_WHAT, key=odds.__getitem__)}
    chosen |= {max(odds, key=odds.__getitem__)}
    likely = {tool: 1 / (1 + math.exp(-s)) for tool, s in odds.items()}
    if len(chosen) > 1:
        best = math.prod(p if tool in chosen else 1 - p for tool, p in likely.items())
        margin = best - max(best * min(p / (1 - p), (1 - p) / p) for p in likely.values())
    else:
        first, second = sorted(likely.values())[-1:-3:-1]
        margin = first - second
    return [tool for tool in odds if tool in chosen], max(margin, 0.0)


def _once(asked: Sequence[tuple[str, Step]], text: str) -> tuple[Step, ...]:
    """The steps that pieces of a text ask for, each once; those that describe as one, with one detail."""
    if any(step.tool != "chat" for _, step in asked):
        # A greeting before a request asks for nothing; a person does.
        asked = [(p, s) for p, s in asked if s.tool != "chat" or s.args.get("topic") == "human"]
    described = [(piece, step.args) for piece, step in asked if step.tool == "describe"]
    manner = [detail for detail, form in requests.MANNER.items() if form.search(text)]
    details = manner + [args["detail"] for _, args in described if "detail" in args]
    once = Step("describe", {"detail": details[0]} if details else {})
    if any("question" in args for _, args in described):
        # The model is told how to answer by the question itself.
        once = Step("describe", {"question": " ".join(dict.fromkeys(piece for piece, _ in described))})
    plan: list[Step] = []
    for _, step in asked:
        each = once if step.tool == "describe" else step
        if each.tool == "correct":
            each = Step("correct", {"said": text})
        plan += [each] if each not in plan else []
    return tuple(plan)


def _argument(tool: Callable[..., Any]) -> Parameter | None:
    """What a tool can be told beside the photo and the kit: its first argument by keyword alone."""
    parameters = signature(tool).parameters.values()
    return next((p for p in parameters if p.kind is Parameter.KEYWORD_ONLY), None)
