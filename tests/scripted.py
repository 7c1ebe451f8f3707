"""A chat model that says what a test has it say, or what it sees of a red block, and notes what it was asked."""

import base64
import io
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from PIL import Image, ImageDraw
from pydantic import PrivateAttr

from sightline.tools.dialects import DIALECTS
from sightline.tools.models.families import FAMILIES, OTHER, Family
from sightline.tools.models.model import Model
from sightline.tools.types import Box, Region, Size

Script = Callable[[str, list[Image.Image]], str | Exception]


class Cut(str):
    """A reply that comes to a limit; `told` is how its provider says so."""

    told: dict[str, str]

    def __new__(cls, text: str, **told: str) -> "Cut":
        """Without `told`, as OpenAI says it of its limit of tokens."""
        made = super().__new__(cls, text)
        made.told = told or {"finish_reason": "length"}
        return made


class Scripted(BaseChatModel):
    """Answers each request by a function of its words and its images; an error is raised.

    `wait` seconds pass before each piece of three letters.
    """

    script: Any
    wait: float = 0.0
    max_tokens: int | None = None
    _asked: list[tuple[str, list[Image.Image]]] = PrivateAttr(default_factory=list)
    _running: list[int] = PrivateAttr(default_factory=lambda: [0])

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def asked(self) -> list[tuple[str, list[Image.Image]]]:
        """The words and the images of each request so far."""
        return self._asked

    @property
    def running(self) -> int:
        """Replies being written."""
        return self._running[0]

    def _generate(self, messages: list[BaseMessage], *_: Any, **kwargs: Any) -> ChatResult:
        text = "".join(str(chunk.message.content) for chunk in self._stream(messages, **kwargs))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

    def _stream(self, messages: list[BaseMessage], *_: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        del kwargs
        words, images = _read(messages)
        self._asked.append((words, images))
        said = self.script(words, images)
        if isinstance(said, Exception):
            raise said
        self._running[0] += 1
        try:
            for n in range(0, len(said), 3):
                time.sleep(self.wait)
                yield ChatGenerationChunk(message=AIMessageChunk(content=said[n : n + 3]))
            if isinstance(said, Cut):
                yield ChatGenerationChunk(message=AIMessageChunk(content="", response_metadata=said.told))
        finally:
            self._running[0] -= 1


def scripted(script: Script | str, family: str = "qwen3_vl", wait: float = 0.0) -> tuple[Model, Scripted]:
    """A model of this family that says this, and the chat model behind it."""
    chat = Scripted(script=(lambda *_: script) if isinstance(script, str) else script, wait=wait)
    return Model(lambda: chat, "scripted", known(family)), chat


def known(family: str) -> Family:
    """The family of this name."""
    return next(each for each in (*FAMILIES, OTHER) if each.name == family)


def steps(*replies: str | Exception) -> Script:
    """These replies, one a request; the last again and again."""
    lock, left = threading.Lock(), list(replies)

    def script(*_: Any) -> str | Exception:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return script


def _read(messages: Sequence[BaseMessage]) -> tuple[str, list[Image.Image]]:
    words: list[str] = []
    images: list[Image.Image] = []
    for message in messages:
        blocks = [{"type": "text", "text": message.content}] if isinstance(message.content, str) else message.content
        for block in blocks:
            assert isinstance(block, dict)
            if block["type"] == "text" and isinstance(message, HumanMessage):
                words.append(block["text"])
            elif block["type"] == "image":
                images.append(Image.open(io.BytesIO(base64.b64decode(block["base64"]))))
    return "\n".join(words), images


def dotted(
    size: tuple[int, int] = (1200, 900), at: tuple[int, int, int, int] | None = (700, 100, 900, 400)
) -> Image.Image:
    """A grey photo, with a red block where it is said."""
    grains = np.random.default_rng(0).integers(90, 140, (size[1] // 10, size[0] // 10, 3), np.uint8)
    image = Image.fromarray(grains).resize(size, Image.Resampling.NEAREST)
    if at:
        ImageDraw.Draw(image).rectangle(at, fill=(230, 20, 20))
    return image


def looking(dialect: str, smallest: float = 0.0) -> Script:
    """Finds the red block in the pixels that it is sent, where it takes this share of them, and says where."""

    def script(words: str, images: list[Image.Image]) -> str:
        pixels = np.asarray(images[0].convert("RGB")).astype(int)
        red = (pixels[..., 0] > 180) & (pixels[..., 1] < 80)
        ys, xs = np.nonzero(red)
        spoken = DIALECTS[dialect]
        frame = spoken.frame(Size(*images[0].size))
        if len(xs) < max(smallest * red.size, 4):
            return "None" if spoken.labelled else ""
        box = Box(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
        if "origin" in words:
            # It points from its inner lower corner to its outer upper one.
            inner, outer = sorted((box.x0, box.x1), key=lambda x: abs(x - images[0].width / 2))
            start, end = Box(inner, box.y1, inner, box.y1), Box(outer, box.y0, outer, box.y0)
            ends = [Region(start, "origin", "thing"), Region(end, "target", "thing")]
            return spoken.write(ends, frame)
        box = box if spoken.places == "boxes" else Box(*box.centre, *box.centre)
        return spoken.write([Region(box, "red block", "thing")], frame)

    return script


def near(a: Box, b: Box, within: float) -> bool:
    return all(abs(x - y) <= within for x, y in zip(a, b, strict=True))
