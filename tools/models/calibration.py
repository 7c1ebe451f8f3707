"""Find out what an endpoint makes of images, by asking about drawn scenes whose truth is known.

About fifteen short requests, most with one image; none is made once the endpoint is dead or the time is over.
What was not asked, because this family cannot do it or nobody answered, stays `None` in the contract.
"""

import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from ...prompts import instruct
from ..dialects import DIALECTS
from ..dialects.json_text import find_json
from ..errors import ModelFailed, Unavailable
from ..types import Box
from .contract import Contract, Problem, key
from .fitting import FITS, Shown, fit
from .model import Model, Said, Turn, reference, resolve
from .scenes import COLOURS, Drawn, Scene, counted, pair, placed, printed
from .view import View, view

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk

WHOLE = 1200.0
"""Seconds after which no further question is asked: a dozen questions to a server that takes all the patience of a
turn for each. One question may take as long as a whole turn of this model."""

SLOW = 10_000.0
"""Milliseconds for a short reply, from which an endpoint is slow: a person who waits longer turns to something else.

Source: J. Nielsen, Usability Engineering (1993), section 5.5; and nine such replies fill the patience of a turn.
"""

_SEED = 4
_ENOUGH = 3  # scenes: of fewer, several readings explain the same numbers
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"))
_BLIND = {"no_boxes", "no_count", "no_text", "images_swapped", "images_mixed", "images_fused"}
"""What follows from images that are refused or ignored, and is no further problem."""


class _Blind(Exception):
    """The endpoint answers, and takes no images."""


class _Asking:
    """The questions put to one endpoint, and what came of them."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.plain = Contract(*key(model.name, model.server), model.family.dialect)
        self.placed, self.pair, self.printed = placed(_SEED), pair(), printed(_SEED)
        self.counted, self.count = counted(_SEED)
        self.scenes = Drawn((*self.placed, *self.pair, self.printed, self.counted))
        self.found: set[Problem] = set()
        self.said: list[Said] = []
        self.right: set[str] = set()
        self._until = time.monotonic() + WHOLE
        self._in_a_row = 0

    def view(self, scene: Scene) -> View:
        """A scene as this family is shown it."""
        return view(scene.photo, self.model.family)

    def ask(self, prompt: str, *scenes: Scene) -> Said | None:
        """What it says to a prompt about some scenes; `None` where it does not."""
        return self.put(lambda model: model.ask(prompt, [self.view(scene) for scene in scenes], self.scenes))

    def put(self, question: Callable[[Model], Said]) -> Said | None:
        """What it says to a question, which gets a turn of its own; `None` where it does not.

        Raises `ModelFailed` where the endpoint is dead, `_Blind` where it takes no images.
        """
        try:
            said = self.once(question)
        except ModelFailed as error:
            self.found.add("failing")
            self._in_a_row += 1
            if self._in_a_row > 1:
                self._look_after(error)
            return None
        self._in_a_row = 0
        if said:
            self.said.append(said)
            self._look_at(said)
        return said

    def once(self, question: Callable[[Model], Said]) -> Said | None:
        """A question as it is, `None` where there is no time for it. Raises `ModelFailed`."""
        now = time.monotonic()
        if now > self._until:
            self.found.add("slow")
            return None
        return question(self.model.during(Turn(deadline=min(now + self.model.patience, self._until))))

    def judge(self, what: str, said: Said | None, right: bool, problem: Problem | None = None) -> bool | None:
        """Whether a reply is right, `None` where there is none; a problem where it is wrong and came whole."""
        if said is None:
            return None
        if right:
            self.right.add(what)
        elif problem and said.ended == "end" and not _cut(said.text):
            self.found.add(problem)
        return right

    def greet(self) -> Said | None:
        """A word without an image. Raises `ModelFailed`."""
        return self.once(lambda model: model.ask(instruct("calibration.greeting"), (), self.scenes))

    def _look_at(self, said: Said) -> None:
        if said.ended == "repeats":
            self.found.add("repeats")
        elif said.ended == "length" or _cut(said.text):
            self.found.add("truncated")

    def _look_after(self, error: ModelFailed) -> None:
        """Nothing came twice: it is dead unless it still answers, and blind where it then refuses every image."""
        if not self.model.family.turns:
            raise dead(self.model, error) from error
        try:
            self.greet()
        except ModelFailed as again:
            raise dead(self.model, again) from again
        if not self.said:
            if _status(error) not in (0, 429):
                raise _Blind from error
            raise dead(self.model, error) from error


def calibrate(model: Model, tell: Callable[[str], None] | None = None) -> Contract:
    """Find out how an endpoint writes boxes and what it can be trusted with; `tell` is told each of `STEPS` it begins.

    Raises `ModelFailed` where it is dead: it cannot be reached, or gives no answer that is one;
    `Unavailable` where it cannot be opened.
    """
    asking = _Asking(replace(model, contract=None))
    facts: dict[str, Any] = {}
    try:
        for name, step in STEPS.items():
            if tell:
                tell(name)
            facts |= step(asking)
    except _Blind:
        asking.found.add("images_refused")
        facts["sees"] = False
    first, whole = ([s.first_ms for s in asking.said], [s.ms for s in asking.said])
    if whole and statistics.median(whole) > SLOW:
        asking.found.add("slow")
    contract: Contract = facts.pop("contract", asking.plain)
    return replace(
        contract,
        **facts,
        images=1 if facts.get("order") is False else model.family.images,
        first_ms=round(statistics.median(first), 1) if first else None,
        ms=round(statistics.median(whole), 1) if whole else None,
        problems=_problems(asking),
    )


def _problems(asking: _Asking) -> tuple[Problem, ...]:
    """What was found, without what only follows from it, in the order of `Problem`."""
    found = set(asking.found)
    if found & {"images_refused", "images_ignored"}:
        found -= _BLIND
    if "images_refused" in found:
        found -= {"failing"}
    # JSON mode and tools force a form upon whatever a model says.
    if asking.model.family.turns and not asking.right - {"json_mode", "tools"}:
        found = found & {"repeats", "truncated", "slow", "failing", "images_refused"} | {"garbage"}
    return tuple(problem for problem in get_args(Problem) if problem in found)


def _greeting(asking: _Asking) -> dict[str, Any]:
    """Whether it answers at all, to something that takes no image."""
    if not asking.model.family.turns:
        return {}
    try:
        said = asking.greet()
    except ModelFailed as error:
        raise dead(asking.model, error) from error
    asking.judge("greeting", said, bool(said and "lighthouse" in said.text.lower()))
    return {}


def _boxes(asking: _Asking) -> dict[str, Any]:
    """Where things are: which dialect, which axis first, and what the numbers span."""
    family = asking.model.family
    if not family.turns and family.dialect == "plain_json":
        return {}  # a model of bare instructions and without a dialect of its own writes no boxes
    shown = _shown(asking, family.dialect)
    contract, agreed = fit(asking.plain, shown)
    if agreed < FITS and len(shown) >= _ENOUGH:
        others = (fit(replace(asking.plain, dialect=other), shown) for other in DIALECTS if other != family.dialect)
        other, reached = max(others, key=lambda o: o[1])
        if reached >= FITS:
            # It will be asked in the words of that dialect from now on, and may count otherwise then.
            shown = _shown(asking, other.dialect)
            contract, agreed = fit(replace(asking.plain, dialect=other.dialect), shown)
    if len(shown) < _ENOUGH:
        return {}
    if agreed < FITS:
        if not asking.found & {"repeats", "truncated"}:
            asking.found.add("no_boxes")
        return {"boxes": False}
    asking.right.add("boxes")
    if contract.dialect != family.dialect:
        asking.found.add("other_dialect")
    if contract.swapped:
        asking.found.add("axes_swapped")
    if contract.side:
        asking.found.add("resized")
    elif contract.scale != "dialect":
        asking.found.add("other_scale")
    return {"contract": contract, "boxes": True}


def _shown(asking: _Asking, name: str) -> list[Shown]:
    """What it says, asked in a dialect, about the thing in each scene; scenes without a reply are left out."""
    dialect = DIALECTS[name]
    shown = []
    for scene in asking.placed:
        seen = asking.view(scene)
        said = asking.ask(dialect.ask("boxes" if "boxes" in dialect.kinds else "points", scene.thing), scene)
        if said:
            across, down = seen.size.width / seen.box.width, seen.size.height / seen.box.height
            x0, x1 = ((x - seen.box.x0) * across for x in (scene.box.x0, scene.box.x1))
            y0, y1 = ((y - seen.box.y0) * down for y in (scene.box.y0, scene.box.y1))
            shown.append(Shown(said.text, seen.size, Box(x0, y0, x1, y1)))
    return shown


def _images(asking: _Asking) -> dict[str, Any]:
    """Whether it tells two images apart, also where they are of one size."""
    family = asking.model.family
    if not family.turns or family.images == 1:
        return {}
    first, second = asking.pair
    said = asking.ask(instruct("calibration.order"), first, second)
    if said is None:
        return {}
    heard, truth = _colours(said.text)[:2], _truth(asking.pair)
    problem: Problem = "images_swapped" if heard == truth[::-1] else "images_mixed"
    order = asking.judge("order", said, heard == truth, problem)
    if heard not in (truth, truth[::-1]):
        return {"order": order}
    # The other way round, so that the same reply as before is a wrong one.
    alike = asking.put(lambda model: model.send(_alike(asking, second, first)))
    if alike is None:
        return {"order": order}
    apart = _colours(alike.text)[:2] == heard[::-1]
    return {"order": order, "fuses": asking.judge("alike", alike, apart, "images_fused") is False}


def _alike(asking: _Asking, *scenes: Scene) -> Any:
    """The same question about images of one size, which `Model.ask` never sends."""
    from langchain_core.messages import HumanMessage

    content: list[str | dict[str, Any]] = []
    for number, scene in enumerate(scenes, 1):
        content += [{"type": "text", "text": f"Image {number}:"}, reference(asking.view(scene))]
    content.append({"type": "text", "text": instruct("calibration.order")})
    return resolve([HumanMessage(content)], asking.scenes)


def _count(asking: _Asking) -> dict[str, Any]:
    if not asking.model.family.turns:
        return {}
    said = asking.ask(instruct("calibration.count", thing=asking.counted.thing), asking.counted)
    words = set(re.findall(r"\d+|[a-z]+", said.text.lower())) if said else set()
    numbers = {word for word in words if word.isdigit()} | {str(_NUMBERS.index(w)) for w in words if w in _NUMBERS}
    return {"counts": asking.judge("count", said, numbers == {str(asking.count)}, "no_count")}


def _text(asking: _Asking) -> dict[str, Any]:
    if not asking.model.family.turns:
        return {}
    said = asking.ask(instruct("calibration.text"), asking.printed)
    numbers = {re.sub(r"\D", "", found) for found in re.findall(r"\d[\d\s,.]*", said.text)} if said else set()
    return {"reads": asking.judge("text", said, numbers == {asking.printed.thing}, "no_text")}


def _json(asking: _Asking) -> dict[str, Any]:
    """Whether it writes JSON, asked in words, and by the mode that OpenAI-compatible servers have for it."""
    if not asking.model.family.turns:
        return {}
    prompt, scene = instruct("calibration.json"), asking.pair[0]
    said = asking.ask(prompt, scene)
    facts = {"json": asking.judge("json", said, bool(said and _described(said.text)), "no_json")}
    if not asking.model.chat._llm_type.startswith("openai"):
        return facts
    bound = asking.model.chat.bind(response_format={"type": "json_object"}, max_tokens=512)
    mode = _by_means(asking, prompt, bound, lambda text: isinstance(_loaded(text), dict), "json_mode")
    return {**facts, "json_mode": mode}


def _tools(asking: _Asking) -> dict[str, Any]:
    """Whether it calls a tool; not asked of a chat model that knows of none."""
    from langchain_core.runnables import RunnableGenerator

    if not asking.model.family.turns:
        return {}
    argument = {"type": "string", "description": instruct("calibration.tool_argument")}
    parameters = {"type": "object", "properties": {"colour": argument}, "required": ["colour"]}
    tool = {"name": "report_colour", "description": instruct("calibration.tool"), "parameters": parameters}
    try:
        bound = asking.model.chat.bind_tools([{"type": "function", "function": tool}])
    except (NotImplementedError, Unavailable):
        return {}

    def called(text: str) -> bool:
        return isinstance(arguments := _loaded(text), dict) and "colour" in arguments

    calls = bound | RunnableGenerator(cast("Callable[[Iterator[Any]], Iterator[Any]]", _calls))
    return {"tools": _by_means(asking, instruct("calibration.call"), calls, called, "tools")}


def _by_means(
    asking: _Asking, prompt: str, chat: object, right: Callable[[str], bool], means: Literal["json_mode", "tools"]
) -> bool | None:
    """Whether something works that many servers refuse; that they do is no failure of theirs."""
    views = [asking.view(asking.pair[0])]
    problem: Problem = "no_tools" if means == "tools" else "no_json_mode"
    try:
        said = asking.once(
            lambda model: replace(model, opens=lambda: cast("BaseChatModel", chat)).ask(prompt, views, asking.scenes)
        )
    except ModelFailed as error:
        if _unreached(error):
            asking.found.add("failing")
            return None
        asking.found.add(problem)
        return False
    return asking.judge(means, said, bool(said and right(said.text)), problem)


def _calls(chunks: "Iterator[AIMessageChunk]") -> "Iterator[AIMessageChunk]":
    """The arguments of tool calls as if they were the text; what else is said is no call."""
    for chunk in chunks:
        arguments = "".join(call["args"] or "" for call in chunk.tool_call_chunks)
        yield type(chunk)(content=arguments, response_metadata=chunk.response_metadata)


def _control(asking: _Asking) -> dict[str, Any]:
    """Whether anything it says depends on the image, where no reply has shown that yet."""
    if asking.right & {"boxes", "order", "text"}:
        return {"sees": True}
    prompt = instruct("calibration.control" if asking.model.family.turns else "calibration.control_bare")
    replies = [asking.ask(prompt, scene) for scene in asking.pair]
    heard = [" ".join(said.text.split()).lower() for said in replies if said]
    if len(heard) < 2:
        return {}
    if heard[0] == heard[1]:
        asking.found.add("images_ignored")
    elif [_colours(text)[:1] for text in heard] == [[colour] for colour in _truth(asking.pair)]:
        asking.right.add("control")
    return {"sees": heard[0] != heard[1]}


STEPS: dict[str, Callable[[_Asking], dict[str, Any]]] = {
    "greeting": _greeting,
    "boxes": _boxes,
    "images": _images,
    "count": _count,
    "text": _text,
    "json": _json,
    "tools": _tools,
    "control": _control,
}
"""What is found out, in this order; each gives fields of the contract."""


def dead(model: Model, error: ModelFailed) -> ModelFailed:
    """The error of an endpoint that gives no answer, with what to try."""
    where = f" at {model.server}" if model.server else ""
    status = _status(error)
    if error.reason == "late":
        advice = f"Look whether the server{where} is still loading the model, or has hung."
    elif status in (401, 403):
        advice = "Give its key in SIGHTLINE_API_KEY."
    elif status == 404:
        advice = f"Check the model's name and the server's address{where}, which mostly ends in /v1."
    elif status == 429:
        advice = "It takes no more requests for now: wait, or look at its limits."
    elif status:
        advice = f"The server{where} is there and reports an error: look into its log."
    elif _unreached(error):
        advice = f"Look whether the server{where} is running."
    elif model.server:
        advice = f"What came is no chat completion: check the address {model.server}, which mostly ends in /v1."
    else:
        return error
    return ModelFailed(f"{str(error).rstrip('.')}. {advice}", error.reason)


def _unreached(error: ModelFailed) -> bool:
    """Whether nothing came at all, not even a refusal."""
    cause = error.__cause__
    lost = isinstance(cause, ConnectionError) or getattr(cause, "is_retryable", False)
    return error.reason == "late" or bool(lost and not _status(error))


def _status(error: ModelFailed) -> int:
    """The HTTP status behind a failure, 0 where there is none."""
    status = getattr(error.__cause__, "status_code", None)
    return status if isinstance(status, int) else 0


def _cut(text: str) -> bool:
    """Whether a reply ends inside brackets that it opened."""
    return any(text.count(opening) > text.count(closing) for opening, closing in _BRACKETS)


def _colours(text: str) -> list[str]:
    """The colours that a text names, in its order."""
    return re.findall(rf"\b({'|'.join(COLOURS)})\b", text.lower())


def _truth(scenes: Sequence[Scene]) -> list[str]:
    return [scene.thing.split()[0] for scene in scenes]


def _described(text: str) -> bool:
    written = find_json(text)
    return not written.repaired and any(
        isinstance(value, dict) and value.keys() >= {"colour", "shape"} for value in written.values
    )


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
