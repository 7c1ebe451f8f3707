"""Find out whether an endpoint writes JSON and calls tools: asked in words, and by the means its server has for it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from ...prompts import instruct
from ..dialects.json_text import find_json
from ..errors import ModelFailed, Unavailable
from .asking import Asking, Facts, unreached
from .contract import Problem
from .model import Model, Said, takes_limit
from .scenes import alone

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk
    from langchain_core.runnables import Runnable


def writes_json(asking: Asking) -> Facts:
    """Whether it writes JSON, asked in words, and by the mode that OpenAI-compatible servers have for it."""
    if not asking.model.family.turns:
        return {}
    prompt = instruct("calibration.json")
    said = asking.ask(prompt, alone()[0])
    facts = {"json": asking.judge("json", said, bool(said and _described(said.text)), "no_json")}
    chat = asking.model.chat
    if not chat._llm_type.startswith("openai"):
        return facts
    bound = chat.bind(response_format={"type": "json_object"})
    mode = _by_means(asking, prompt, bound, lambda text: isinstance(_loaded(text), dict), "json_mode")
    return {**facts, "json_mode": mode}


def calls_tools(asking: Asking) -> Facts:
    """Whether it calls a tool; not asked of a chat model that knows of none."""
    from langchain_core.runnables import RunnableGenerator

    if not asking.model.family.turns:
        return {}
    argument = {"type": "string", "description": instruct("calibration.tool_argument")}
    parameters = {"type": "object", "properties": {"colour": argument}, "required": ["colour"]}
    tool = {"name": "report_colour", "description": instruct("calibration.tool"), "parameters": parameters}
    chat = asking.model.chat
    try:
        bound = chat.bind_tools([{"type": "function", "function": tool}])
    except (NotImplementedError, Unavailable):  # the first is how LangChain's `BaseChatModel` says that it knows none
        return {}

    def called(text: str) -> bool:
        return isinstance(arguments := _loaded(text), dict) and "colour" in arguments

    calls = bound | RunnableGenerator(cast("Callable[[Iterator[Any]], Iterator[Any]]", _calls))
    return {"tools": _by_means(asking, instruct("calibration.call"), calls, called, "tools")}


def _by_means(
    asking: Asking,
    prompt: str,
    chat: "Runnable[Any, Any]",
    right: Callable[[str], bool],
    means: Literal["json_mode", "tools"],
) -> bool | None:
    """Whether something works that many servers refuse; that they do is no failure of theirs."""
    views = [asking.view(alone()[0])]
    problem: Problem = "no_tools" if means == "tools" else "no_json_mode"
    limited = takes_limit(asking.model.chat)

    def put(model: Model, limit: int) -> Said:
        # No chat model any more; it streams as one does, and nothing else is asked of it.
        bound: Any = chat.bind(max_tokens=limit) if limited else chat
        return replace(model, opens=lambda: bound).ask(prompt, views, asking.scenes, tokens=limit)

    try:
        said = asking.once(put)
    except ModelFailed as error:
        if error.reason == "late":
            return None
        if unreached(error):
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
