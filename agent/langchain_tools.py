"""Sightline's tools for an agent of LangChain or LangGraph: each gives text to the model, and beside it what it found.

A model names photos by text. It reaches photos of the home by their ids, which nobody guesses, and images as data
URIs; files only under folders that the developer allows.
"""

import re
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from inspect import Parameter, cleandoc, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NewType, get_args, get_type_hints

from ..tools.errors import SightlineError
from .roots import Roots

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from langchain_core.tools import BaseTool
    from pydantic import BaseModel, ValidationError

    from ..tools.types import Finding
    from .assistant import Assistant

_Named = NewType("_Named", str)
"""A photo as a model names it."""


def langchain_tools(assistant: "Assistant", roots: Iterable[Path | str] = ()) -> "list[BaseTool]":
    """The tools of an Assistant for an agent: each look, `ask` for a whole turn, and `search_catalogue`.

    A call gives back text for the model and, as its artifact, the `Finding`, the `Reply` or the hits. An error of ours
    comes back as a message of status "error". `roots` are the folders whose files a model may name; without any it
    names none. `ask` speaks in the host's own thread (`thread_id`), where there is none in a new one each time. Raises
    `BadInput` for a root that is no folder.
    """
    from langchain_core.runnables import RunnableConfig

    from ..tools.toolbox import TOOLS
    from .as_text import products_text, reply_text

    allowed = Roots(roots)

    def ask(
        config: RunnableConfig,
        text: Annotated[str, "what the person says, in their own words"] = "",
        photos: Annotated[list[str], f"each {allowed}; none: those of the last turn"] = [],  # noqa: B006  # it is only read
        claimed: Annotated[str | None, "the SKU of what was ordered"] = None,
    ) -> tuple[str, Any]:
        """Take a whole turn about photos: look with whatever it needs, and answer from what was seen."""
        thread = str(config.get("configurable", {}).get("thread_id") or uuid.uuid4().hex)
        reply = assistant.ask(text, [allowed.source(named) for named in photos], thread, claimed)
        return reply_text(reply), reply

    def search_catalogue(words: str, n: int = 10) -> tuple[str, Any]:
        """Find the products of the catalogue that words describe best."""
        hits = list(assistant.search(words, n))
        return products_text(hit.product for hit in hits), hits

    return [*(_look(assistant, name, allowed) for name in TOOLS), _tool(ask), _tool(search_catalogue)]


def keep_photos(assistant: "Assistant", messages: "Iterable[BaseMessage]") -> "list[BaseMessage]":
    """The messages with the images that people sent kept in the home, and their ids in their places.

    A message keeps its own id, so that a state of messages puts it in place of the earlier one. A photo is kept until
    it is dropped. Raises `BadInput` for an image that is an address, which is not fetched, `UnreadablePhoto`, `Busy`.
    """
    from langchain_core.messages import HumanMessage

    from .messages import without_pixels

    return [without_pixels(m, assistant.keep) if isinstance(m, HumanMessage) else m for m in messages]


def _look(assistant: "Assistant", name: str, roots: Roots) -> "BaseTool":
    """A tool whose name, description and arguments are those of the Assistant's method."""
    from pydantic import Field, create_model

    from ..tools.toolbox import TOOLS
    from .as_text import finding_text

    # A tool that the Assistant has no method for is described by itself.
    described = getattr(type(assistant), name, TOOLS[name])
    method: Callable[..., Finding] = getattr(assistant, name, partial(assistant.look, name))
    hints = get_type_hints(described, localns={"Source": _Named}) | {"photo": _Named}
    photos = {argument for argument, hint in hints.items() if _Named in (hint, *get_args(hint))}
    fields: dict[str, Any] = {}
    for argument, parameter in signature(described).parameters.items():
        if argument in ("self", "kit"):
            continue
        told = [f"{roots}."] if argument in photos else []
        default = ... if parameter.default is Parameter.empty else parameter.default
        said = " ".join([*told, *_said_of(argument, described.__doc__ or "")])
        fields[argument] = (hints[argument], Field(default, description=said or None))

    def look(**given: Any) -> tuple[str, Any]:
        named: dict[str, Any] = {n: roots.source(v) if n in photos and v is not None else v for n, v in given.items()}
        found = method(**named)
        return finding_text(found), found

    look.__name__, look.__doc__ = name, described.__doc__
    return _tool(look, create_model(name, **fields))


def _said_of(argument: str, doc: str) -> list[str]:
    """The sentences of a docstring that name an argument."""
    return [sentence for sentence in re.split(r"(?<=\.) ", " ".join(doc.split())) if f"`{argument}`" in sentence]


def _tool(call: Callable[..., tuple[str, Any]], schema: "type[BaseModel] | None" = None) -> "BaseTool":
    """A tool that says what our errors say and does not end its host's agent with them."""
    from functools import wraps

    from langchain_core.tools import StructuredTool, ToolException

    @wraps(call)
    def run(*args: Any, **given: Any) -> tuple[str, Any]:
        try:
            return call(*args, **given)
        except SightlineError as error:
            raise ToolException(str(error)) from error

    return StructuredTool.from_function(
        run,
        name=call.__name__,
        description=cleandoc(call.__doc__ or "").splitlines()[0],
        args_schema=schema,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=_misused,
    )


def _misused(error: "ValidationError") -> str:
    """What is wrong with the arguments, without repeating a whole data URI."""
    wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    return f"Expected the arguments of the tool's schema; got {wrong}."
