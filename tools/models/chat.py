"""LangChain messages as the chat templates of transformers take them, and tool calls as LangChain takes them."""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolCall, ToolMessage
from PIL import Image

from ..errors import BadInput
from ..photos import LIMITS, pixels, reopen
from .checkpoint import Checkpoint, marked

_CALL = re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|$)", re.S)


def conversation(messages: Sequence[BaseMessage], able: Checkpoint) -> list[dict[str, Any]]:
    """The messages as a template takes them; images as PIL images known by their hash.

    Where the template knows no system, its words stand before the next question. Two messages of one person in a row
    become one. A token that steers the model is broken up wherever it stands in a message: only the template writes
    it. Raises `BadInput` for a block that is neither text nor an image given with its bytes.
    """
    turned: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    for message in messages:
        role, content = _role(message), _blocks(message)
        if role == "system" and not able.system:
            waiting += content
            continue
        if role == "user":
            content, waiting = [*waiting, *content], []
        if turned and role == "user" == turned[-1]["role"]:
            turned[-1]["content"] += content
            continue
        entry: dict[str, Any] = {"role": role, "content": content}
        if isinstance(message, AIMessage) and message.tool_calls:
            entry["tool_calls"] = [_called(call) for call in message.tool_calls]
        if isinstance(message, ToolMessage):
            entry["name"] = message.name or ""
        turned.append(entry)
    if waiting:
        turned.append({"role": "user", "content": waiting})
    return [
        {name: _joined(value, able) if name == "content" else harmless(value, able) for name, value in entry.items()}
        for entry in turned
    ]


def harmless(value: Any, able: Checkpoint) -> Any:
    """Plain JSON with the tokens that steer the model broken up, in every text and in every name."""
    if isinstance(value, str):
        return able.control.sub(lambda found: f"{found[0][0]} {found[0][1:]}", value)
    if isinstance(value, Mapping):
        return {harmless(name, able): harmless(each, able) for name, each in value.items()}
    return [harmless(each, able) for each in value] if isinstance(value, list | tuple) else value


def images_of(turned: Sequence[Mapping[str, Any]]) -> list[Image.Image]:
    """The images of a conversation, in their order."""
    return [block["image"] for message in turned for block in message["content"] if block["type"] == "image"]


def texts_of(turned: Sequence[Mapping[str, Any]]) -> str:
    """The words of a conversation, for a model that takes one text."""
    return "\n".join(block["text"] for message in turned for block in message["content"] if block["type"] == "text")


def tool_calls(text: str, names: Sequence[str]) -> tuple[str, list[ToolCall]]:
    """A reply without its calls of functions, and the calls; one that cannot be read, or of no such name, is text."""
    calls: list[ToolCall] = []

    def take(found: re.Match[str]) -> str:
        call = _call(found[1], names)
        if call is None:
            return found[0]
        calls.append(call)
        return ""

    rest = _CALL.sub(take, text)
    if not calls and (call := _call(text, names)):
        return "", [call]
    return rest.strip() if calls else text, calls


def _call(text: str, names: Sequence[str]) -> ToolCall | None:
    try:
        said = json.loads(text)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("name") not in names:
        return None
    arguments = said.get("arguments", said.get("parameters", {}))
    if not isinstance(arguments, dict):
        return None
    return ToolCall(name=said["name"], args=arguments, id=f"call_{uuid.uuid4().hex[:12]}", type="tool_call")


def _joined(content: Sequence[dict[str, Any]], able: Checkpoint) -> list[dict[str, Any]]:
    """The content with texts side by side as one, a line each.

    A template puts them together as they are, and a token that steers the model might come of its halves.
    """
    joined: list[dict[str, Any]] = []
    for block in content:
        if block["type"] == "text" and joined and joined[-1]["type"] == "text":
            joined[-1] = {"type": "text", "text": f"{joined[-1]['text']}\n{block['text']}"}
        else:
            joined.append(block)
    return [block if block["type"] == "image" else harmless(block, able) for block in joined]


def _role(message: BaseMessage) -> str:
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, ToolMessage):
        return "tool"
    if isinstance(message, SystemMessage):
        return "system"
    return str(getattr(message, "role", "user"))


def _called(call: ToolCall) -> dict[str, Any]:
    return {"type": "function", "id": call["id"], "function": {"name": call["name"], "arguments": call["args"]}}


def _blocks(message: BaseMessage) -> list[dict[str, Any]]:
    if isinstance(message.content, str):
        return [{"type": "text", "text": message.content}] if message.content else []
    return [block for each in message.content for block in _block(each)]


def _block(block: str | Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if isinstance(block, str):
        yield {"type": "text", "text": block}
        return
    kind = block.get("type")
    if kind == "text":
        yield {"type": "text", "text": str(block["text"])}
    elif kind in ("image", "image_url"):
        yield {"type": "image", "image": _image(block)}
    elif kind not in ("tool_use", "tool_call", "reasoning", "thinking", "non_standard", "function_call"):
        raise BadInput(f"Expected text and images in a message; got a block of type {kind!r}. Send frames as images.")


def _image(block: Mapping[str, Any]) -> Image.Image:
    """The image of a block in LangChain's form, its older one, OpenAI's or Anthropic's; addresses are not fetched."""
    data = block.get("base64") or block.get("data") or (block.get("source") or {}).get("data")
    if data is None:
        url = block.get("url") or block.get("image_url") or ""
        url = str(url.get("url", "")) if isinstance(url, Mapping) else str(url)
        if not url.startswith("data:"):
            raise BadInput(f"Expected an image given with its bytes, as base64; got {url[:80] or sorted(block)}.")
        data = url.partition(",")[2]
    try:
        raw = base64.b64decode(data)
    except ValueError as error:
        raise BadInput(f"Expected an image as base64; it does not decode ({error}).") from error
    photo = reopen(raw, f"sha256:{hashlib.sha256(raw).hexdigest()}")
    if photo.size.width * photo.size.height > LIMITS.pixels:
        size = f"{photo.size.width} x {photo.size.height}"
        raise BadInput(f"Expected an image of at most {LIMITS.pixels:,} pixels; got {size}.")
    return marked(Image.fromarray(pixels(photo)), photo.id)  # type: ignore[no-any-return]
