"""Ask a model for the plan of an utterance, in JSON; what is no plan of known tools is as if it had said nothing."""

import json
from dataclasses import replace
from typing import Any, get_args

from ..prompts import instruct, instructs
from ..tools.errors import ModelFailed, Unavailable
from ..tools.models.model import Model, takes_limit
from ..tools.types import FieldName
from .language import DEFAULT, language_of
from .reply import Step

_TOKENS = 200  # a plan of four tools takes half of it
_READ = 2000  # characters of an utterance
_STEPS = 6
_TOPICS = ("hello", "help", "thanks", "human")


def planned(text: str, photos: int, model: Model) -> tuple[Step, ...]:
    """The plan that a model names for an utterance about so many photos; empty where it names none.

    Raises `Cancelled` where nobody waits for it.
    """
    if not model.family.turns:
        return ()
    language = language_of(text)
    key = f"route.{language}" if instructs(f"route.{language}") else f"route.{DEFAULT}"
    # As a JSON string it cannot hold the marks that end it: "<" and ">" are written as numbers.
    request = json.dumps(text[:_READ], ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
    prompt = instruct(key, fields=", ".join(get_args(FieldName)), photos=photos, request=request)
    try:
        said = _in_json(model).send(model.messages(prompt, ()), tokens=_TOKENS).text
    except (ModelFailed, Unavailable):
        return ()
    return read_plan(said, text, photos)


def read_plan(said: str, text: str, photos: int) -> tuple[Step, ...]:
    """The plan that a reply holds, with the person's own words in it; empty for anything else."""
    from ..tools.dialects.json_text import find_json

    named = next((v["plan"] for v in find_json(said).values if isinstance(v, dict) and "plan" in v), None)
    if not isinstance(named, list) or not 0 < len(named) <= _STEPS:
        return ()
    steps = [_step(each, text) for each in named]
    plan = list({repr(step): step for step in steps if step}.values())
    allowed = all(step and (photos or step.tool in ("chat", "correct")) for step in steps)
    return tuple(plan) if allowed else ()


def _step(named: Any, text: str) -> Step | None:
    """One step; `None` for a tool or an argument that there is not."""
    args = named.get("args", {}) if isinstance(named, dict) else None
    args = {} if args is None and isinstance(named, dict) else args
    if not isinstance(args, dict) or not all(isinstance(value, str) for value in args.values()):
        return None
    tool = named.get("tool")
    if tool == "ground":
        target = args.get("target", "").strip()
        # Somebody else's words are not looked for.
        return Step("ground", {"target": target}) if target and target.casefold() in text.casefold() else None
    if tool == "ocr":
        field = args.get("field")
        return Step("ocr", {"field": field} if field else {}) if not field or field in get_args(FieldName) else None
    if tool == "describe":
        detail = args.get("detail")
        told = {"question": text} if "question" in args else {"detail": detail} if detail in ("brief", "full") else {}
        return Step("describe", told)
    if tool == "compare":
        return Step("compare", {"against": "other photo"} if args.get("against") == "other photo" else {})
    if tool == "chat":
        return Step("chat", {"topic": args["topic"]} if args.get("topic") in _TOPICS else {})
    return {"identify": Step("identify"), "correct": Step("correct", {"said": text})}.get(str(tool))


def _in_json(model: Model) -> Model:
    """The same model in the mode its server has for JSON, where calibration found that it works."""
    if not (model.contract and model.contract.json_mode):
        return model

    def opens() -> Any:
        chat = model.chat
        limit = {"max_tokens": _TOKENS} if takes_limit(chat) else {}
        return chat.bind(response_format={"type": "json_object"}, **limit)

    return replace(model, opens=opens)
