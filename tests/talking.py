"""Talking to tiny checkpoints in this process: photos as content blocks, and models that remember nothing yet."""

import base64
import io
import threading
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import checkpoints
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from PIL import Image, ImageDraw

from sightline.tools.models.chat import conversation
from sightline.tools.models.local import TransformersChatModel

SINGLE = ("paligemma", "blip2_opt", "blip2_t5", "florence2")
CHATS = tuple(name for name in checkpoints.ARCHITECTURES if name not in SINGLE)
QWENS = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
TOKENS = 8


def block(colour: str, size: tuple[int, int] = (320, 240), form: str = "PNG", **more: Any) -> dict[str, Any]:
    """A photo of a rectangle, as a content block."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((size[0] // 8, size[1] // 5, size[0] // 2, size[1] // 2), fill=colour)
    out = io.BytesIO()
    image.save(out, form, **more)
    return {"type": "image", "base64": base64.b64encode(out.getvalue()).decode(), "mime_type": f"image/{form.lower()}"}


RED, BLUE, TALL = block("red"), block("blue"), block("green", (200, 330))


def asked(text: str, *photos: dict[str, Any]) -> HumanMessage:
    return HumanMessage([*photos, {"type": "text", "text": text}])


@cache
def _opened(architecture: str) -> TransformersChatModel:
    folder = str(checkpoints.build(architecture))
    return TransformersChatModel.load(folder, device="cpu", dtype="float32", max_tokens=TOKENS)


def opened(architecture: str) -> TransformersChatModel:
    """A model that remembers nothing yet."""
    model = _opened(architecture)
    model.kept.clear()
    return model


def afresh(model: TransformersChatModel, messages: Sequence[BaseMessage], **options: Any) -> str:
    """What it says where nothing is kept."""
    model.kept.clear()
    return said(model, messages, **options)


def said(model: TransformersChatModel, messages: Sequence[BaseMessage], **options: Any) -> str:
    return str(model.invoke(list(messages), **options).content)


def placeholders(model: TransformersChatModel, messages: Sequence[BaseMessage]) -> int:
    """How many ids stand for images."""
    processor = model.can.processor
    read = processor.apply_chat_template(
        conversation(messages, model.can), tokenize=True, return_dict=True, return_tensors="pt"
    )
    return int((read["input_ids"] == processor.image_token_id).sum())


def kept_of(message: BaseMessage) -> int:
    assert isinstance(message, AIMessage)
    assert message.usage_metadata is not None
    return message.usage_metadata["input_token_details"]["cache_read"]


MESSAGES = [asked("What is in this photo?", RED)]


class Slow:
    """Makes each reading of a model take a while, and counts them."""

    def __init__(self, model: TransformersChatModel, seconds: float) -> None:
        self.count = 0
        self._seconds = seconds
        self._hook = model.can.model.register_forward_hook(self._wait)

    def _wait(self, *_: Any) -> None:
        self.count += 1
        time.sleep(self._seconds)

    def __enter__(self) -> "Slow":
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


def writing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sightline-transformers"]


def ended() -> None:
    """Wait until nobody writes."""
    for thread in writing():
        thread.join(5)
    assert not writing()
