"""Find out what an endpoint makes of images, by asking about drawn scenes whose truth is known.

About sixteen short requests, most with one image; none is made once the endpoint is dead or the time is over.
What was not asked, because this family cannot do it or nobody answered, stays `None` in the contract.
"""

import re
import statistics
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import get_args

from ...prompts import instruct
from ..dialects import DIALECTS
from ..errors import ModelFailed
from ..photos import AtHand
from .asking import BOXES, Asking, Blind, Facts, dead
from .contract import Contract, Problem, key
from .fitting import ENOUGH, Shown, fit
from .model import Model, Said, resolve
from .scenes import ABSENT, COLOURS, FORMS, alone, counted, placed, printed
from .structured import calls_tools, writes_json

SLOW = 10_000.0
"""Milliseconds for a short reply, from which an endpoint is slow: a person who waits longer turns to something else.

Source: J. Nielsen, Usability Engineering (1993), section 5.5; and nine such replies fill the patience of a turn.
"""

_SEED = 4
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_BLIND = {"no_boxes", "few_boxes", "no_count", "no_text", "images_swapped", "images_mixed", "images_fused"}
"""What follows from images that are refused or ignored, and is no further problem."""
_SEEN = {"control", "boxes", "text"}
"""What nobody is right about without seeing."""


def calibrate(model: Model, tell: Callable[[str], None] | None = None) -> Contract:
    """Find out how an endpoint writes boxes and what it can be trusted with; `tell` is told each of `STEPS` it begins.

    Raises `ModelFailed` where it is dead: it cannot be opened or reached, or gives no answer that is one.
    """
    scenes = (*placed(_SEED), *alone(), printed(_SEED), counted(_SEED)[0])
    asking = Asking(replace(model, contract=None), AtHand(*(scene.photo for scene in scenes)))
    facts: Facts = {}
    try:
        for name, step in STEPS.items():
            if tell:
                tell(name)
            facts |= step(asking)
    except Blind:
        asking.found.add("images_refused")
        facts["sees"] = False
    if asking.blank and not asking.right and not any(said.text for said in asking.said):
        raise dead(model, asking.blank)
    if asking.right & _SEEN:
        # Whoever finds or reads sees, also one that knows no colours and no forms.
        asking.found.discard("images_ignored")
        facts["sees"] = True
    first, whole = ([s.first_ms for s in asking.said], [s.ms for s in asking.said])
    if whole and statistics.median(whole) > SLOW:
        asking.found.add("slow")
    contract: Contract = facts.pop("contract", _plain(asking))
    return replace(
        contract,
        **facts,
        images=1 if facts.get("order") is False else model.family.images,
        first_ms=round(statistics.median(first), 1) if first else None,
        ms=round(statistics.median(whole), 1) if whole else None,
        problems=_problems(asking),
    )


def _plain(asking: Asking) -> Contract:
    """What is known before anything is asked."""
    model = asking.model
    return Contract(*key(model.name, model.server), model.family.dialect)


def _problems(asking: Asking) -> tuple[Problem, ...]:
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


def _greeting(asking: Asking) -> Facts:
    """Whether it answers at all, to something that takes no image."""
    if not asking.model.family.turns:
        return {}
    try:
        said = asking.greet()
    except ModelFailed as error:
        raise dead(asking.model, error) from error
    if asking.blank:
        raise dead(asking.model, asking.blank)
    asking.judge("greeting", said, bool(said and "lighthouse" in said.text.lower()))
    return {}


def _control(asking: Asking) -> Facts:
    """Whether what it says depends on the image: one thing after another, no two of one colour or of one form.

    It sees where it knows each colour, or each form; one answer to all of them shows that it does not.
    """
    prompt = instruct("calibration.control" if asking.model.family.turns else "calibration.control_bare")
    replies = [asking.ask(prompt, scene) for scene in alone()]
    heard = [" ".join(re.findall(r"\w+", said.text.lower())) for said in replies if said]
    if len(heard) < len(replies):
        return {}
    colours, forms = zip(*(scene.thing.split() for scene in alone()), strict=True)
    if any(
        [_named(text, words)[:1] for text in heard] == [[word] for word in truth]
        for words, truth in ((COLOURS, colours), (FORMS, forms))
    ):
        asking.right.add("control")
        return {"sees": True}
    if len(set(heard)) > 1:
        return {}
    asking.found.add("images_ignored")
    return {"sees": False}


def _boxes(asking: Asking) -> Facts:
    """Where things are: which dialect, which axis first, and what the numbers span."""
    family, plain = asking.model.family, _plain(asking)
    if not family.grounds:
        return {}
    shown = _shown(asking, family.dialect)
    fitted = fit(plain, shown)
    if not fitted.mostly and len(shown) >= ENOUGH:
        others = (fit(replace(plain, dialect=other), shown) for other in DIALECTS if other != family.dialect)
        other = max(others, key=lambda each: each.agreed)
        if other.found >= ENOUGH:
            # It will be asked in the words of that dialect from now on, and may count otherwise then.
            shown = _shown(asking, other.contract.dialect)
            fitted = fit(replace(plain, dialect=other.contract.dialect), shown)
    if len(shown) < ENOUGH:
        return {}
    whole = not asking.found & {"repeats", "truncated"}
    if not fitted.mostly:
        if whole:
            asking.found.add("no_boxes")
        return {"boxes": False}
    asking.right.add("boxes")
    contract = fitted.contract
    if fitted.found < len(shown) and whole:
        asking.found.add("few_boxes")
    if contract.dialect != family.dialect:
        asking.found.add("other_dialect")
    if contract.swapped:
        asking.found.add("axes_swapped")
    if contract.side:
        asking.found.add("resized")
    elif contract.scale != "dialect":
        asking.found.add("other_scale")
    if _invents(asking, contract):
        asking.found.add("never_absent")
    return {"contract": contract, "boxes": True}


def _shown(asking: Asking, dialect: str) -> list[Shown]:
    """What it says, asked in a dialect, about the thing in each scene; scenes without a reply are left out."""
    shown = []
    for scene in placed(_SEED):
        seen = asking.view(scene)
        said = asking.ask(_where(dialect, scene.thing), scene, tokens=BOXES)
        if said:
            shown.append(Shown(said.text, seen.size, seen.seen(scene.box)))
    return shown


def _invents(asking: Asking, contract: Contract) -> bool:
    """Whether it finds what is not there."""
    scene = min(placed(_SEED), key=lambda each: each.photo.size)
    said = asking.ask(_where(contract.dialect, ABSENT), scene, tokens=BOXES)
    if said is None:
        return False
    frame = contract.frame(asking.view(scene).size)
    return DIALECTS[contract.dialect].read(said.text, frame).outcome == "found"


def _where(name: str, thing: str) -> str:
    """The prompt that asks for a thing in a dialect: for boxes, and in one that has none for points."""
    dialect = DIALECTS[name]
    return dialect.ask(dialect.places, thing)


def _images(asking: Asking) -> Facts:
    """Whether it tells two images apart, also where they are of one size."""
    family = asking.model.family
    if not family.turns or family.images == 1:
        return {}
    first, second, _ = alone()
    said = asking.ask(instruct("calibration.order"), first, second)
    if said is None:
        return {}
    heard, truth = _named(said.text, COLOURS)[:2], [scene.thing.split()[0] for scene in (first, second)]
    problem: Problem = "images_swapped" if heard == truth[::-1] else "images_mixed"
    order = asking.judge("order", said, heard == truth, problem)
    if heard not in (truth, truth[::-1]):
        return {"order": order}
    # Of one size, which `Model.ask` never sends, and the other way round: the same reply as before is a wrong one.
    views = [asking.view(scene) for scene in (second, first)]
    messages = resolve(asking.model.messages(instruct("calibration.order"), views), asking.scenes)
    alike = asking.put(lambda model, limit: model.send(messages, tokens=limit))
    if alike is None:
        return {"order": order}
    apart = _named(alike.text, COLOURS)[:2] == heard[::-1]
    return {"order": order, "fuses": asking.judge("alike", alike, apart, "images_fused") is False}


def _count(asking: Asking) -> Facts:
    if not asking.model.family.turns:
        return {}
    scene, count = counted(_SEED)
    said = asking.ask(instruct("calibration.count", thing=scene.thing), scene)
    words = re.findall(r"\d+|[a-z]+", _told(said).lower())
    numbers = [str(_NUMBERS.index(w)) if w in _NUMBERS else w for w in words if w in _NUMBERS or w.isdigit()]
    # It may count aloud: what it comes to stands last.
    return {"counts": asking.judge("count", said, numbers[-1:] == [str(count)], "no_count")}


def _text(asking: Asking) -> Facts:
    if not asking.model.family.turns:
        return {}
    scene = printed(_SEED)
    said = asking.ask(instruct("calibration.text"), scene)
    numbers = {re.sub(r"\D", "", found) for found in re.findall(r"\d[\d\s,.]*", _told(said))}
    return {"reads": asking.judge("text", said, numbers == {scene.thing}, "no_text")}


def _told(said: Said | None) -> str:
    """What is said, without the number that the image goes by in the request."""
    return re.sub(r"\bimage \d+\b", "", said.text, flags=re.I) if said else ""


STEPS: dict[str, Callable[[Asking], Facts]] = {
    "greeting": _greeting,
    "control": _control,
    "boxes": _boxes,
    "images": _images,
    "count": _count,
    "text": _text,
    "json": writes_json,
    "tools": calls_tools,
}
"""What is found out, in this order; each gives fields of the contract."""


def _named(text: str, words: Iterable[str]) -> list[str]:
    """Those of these words that a text says, in its order."""
    return re.findall(rf"\b({'|'.join(words)})\b", text.lower())
