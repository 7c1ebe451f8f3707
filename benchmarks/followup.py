"""Follow-up questions about one photo: what was read of it is kept, against the loop that reads it again each turn.

    taskset -c 0 python benchmarks/followup.py [--dtype float32 bfloat16] [--folder DIR] [--threads N]

Five turns about a photo of 1280 x 960, 12 tokens each, on a random Qwen3-VL of half a billion parameters (made in a
temporary folder, or found in DIR); then the fourth turn again, with a second photo; then what the tools `describe` and
`ground` ask about a third. Beside ours stands the obvious loop on the same model in the same run, turn by turn:
`apply_chat_template` on the whole conversation and `generate`, with the photo decoded once. Time to first token runs
from the question until the first piece of text (ours) or until the first id is handed to the streamer (the loop). The
loop is given our replies, and has to say the same: in float32 word for word, while in bfloat16 sums of another order
may tip a random model.
"""

import argparse
import base64
import io
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from PIL import Image
from transformers import AutoProcessor, TextIteratorStreamer

from sightline.benchmarks.checkpoint import random_model
from sightline.prompts import instruct
from sightline.tools.models import chat
from sightline.tools.models.families import family_of
from sightline.tools.models.local import TransformersChatModel
from sightline.tools.models.model import Model, resolve
from sightline.tools.models.view import view
from sightline.tools.photos import AtHand, load

TOKENS = 12
QUESTIONS = (
    "What is in this photo?",
    "Where is the red square?",
    "Is anything written on it?",
    "When is it best before?",
    "And how much does it weigh?",
)
ANOTHER = "And what is in this one?"
WANTED = {"first token": 20, "whole turn": 4}

Times = tuple[float, float, str]
"""Seconds to the first token and to the last, and the text."""


def photo(seed: int) -> bytes:
    """A JPEG of 1280 x 960 with something everywhere."""
    coarse = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize((1280, 960), Image.Resampling.BICUBIC).save(out, "JPEG", quality=92)
    return out.getvalue()


class First(TextIteratorStreamer):
    """Notes when the first id came; the text itself waits for the end of a word."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True, timeout=3600)
        self.puts: list[float] = []

    def put(self, value: Any) -> None:
        self.puts.append(time.perf_counter())
        forward: Any = super().put
        forward(value)


def ours(model: TransformersChatModel, messages: list[BaseMessage]) -> tuple[Times, AIMessageChunk]:
    """One turn of our model."""
    start = time.perf_counter()
    first, whole = 0.0, None
    for piece in model.stream(messages):
        first = first or (time.perf_counter() - start if piece.content else 0.0)
        whole = piece if whole is None else whole + piece
    assert whole is not None
    return (first, time.perf_counter() - start, str(whole.content)), whole


def loop(model: Any, processor: Any, messages: list[dict[str, Any]]) -> Times:
    """One turn of the obvious loop."""
    start = time.perf_counter()
    inputs = processor.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    ).to(model.device, model.dtype)
    streamer = First(processor.tokenizer)
    options = {"max_new_tokens": TOKENS, "do_sample": False, "streamer": streamer}
    thread = threading.Thread(target=model.generate, kwargs={**inputs, **options})
    thread.start()
    text = "".join(streamer)
    thread.join()
    return streamer.puts[1] - start, time.perf_counter() - start, text


def turn(question: str, *photos: bytes) -> tuple[HumanMessage, dict[str, Any]]:
    """A question for each of the two."""
    blocks = [
        {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": "image/jpeg"} for data in photos
    ]
    images = [{"type": "image", "image": Image.open(io.BytesIO(data)).convert("RGB")} for data in photos]
    text = {"type": "text", "text": question}
    return HumanMessage([*blocks, text]), {"role": "user", "content": [*images, text]}


def looks(model: TransformersChatModel, data: bytes) -> Iterator[tuple[str, list[BaseMessage]]]:
    """What two tools ask about one photo, as they ask it."""
    seeing = Model(lambda: model, "random", family_of("qwen3-vl"))
    seen = load(data)
    shown = view(seen, seeing.family)
    prompts = {"describe": instruct("describe.normal.en"), "ground": seeing.dialect.ask("boxes", "red square")}
    for tool, prompt in prompts.items():
        yield tool, resolve(seeing.messages(prompt, (shown,), instruct("system.en")), AtHand(seen))


def row(name: str, mine: Times, theirs: Times, whole: AIMessageChunk) -> tuple[float, float]:
    """Print a line of the table; the two quotients."""
    usage = whole.usage_metadata
    assert usage is not None
    times = theirs[0] / mine[0], theirs[1] / mine[1]
    print(
        f"{name:26} {usage['input_tokens']:6} {usage['input_token_details']['cache_read']:6} "
        f"{mine[0]:8.2f} {theirs[0]:8.2f} {times[0]:6.1f}x {mine[1]:8.2f} {theirs[1]:8.2f} {times[1]:6.1f}x  "
        f"{'same' if mine[2] == theirs[2] else 'other'} text",
        flush=True,
    )
    return times


def conversation(folder: Path, dtype: str) -> None:
    """All turns in one dtype."""
    model = TransformersChatModel.load(str(folder), dtype=dtype, max_tokens=TOKENS)
    plain: Any = AutoProcessor
    processor = plain.from_pretrained(folder)
    able = model.can
    able.model.generation_config.suppress_tokens += sorted(able.ends)  # so that every turn has all its tokens
    size = sum(weight.numel() for weight in able.model.parameters()) / 1e9
    print(f"\n{size:.2f} B parameters, {dtype}, {able.model.device}, {torch.get_num_threads()} threads")
    print(f"{'':26} {'read':>6} {'kept':>6} {'first token, s':>17} {'':7} {'whole turn, s':>17}")
    print(f"{'':26} {'':13} {'ours':>8} {'loop':>8} {'':7} {'ours':>8} {'loop':>8}")
    messages: list[BaseMessage] = []
    plainly: list[dict[str, Any]] = []
    quotients = []
    for n, question in enumerate(QUESTIONS):
        asked = turn(question, *([photo(0)] if n == 0 else []))
        messages, plainly = [*messages, asked[0]], [*plainly, asked[1]]
        mine, whole = ours(model, messages)
        times = row(f"turn {n + 1}", mine, loop(able.model, processor, plainly), whole)
        if n:
            quotients.append(times)
        messages.append(AIMessage(mine[2]))
        plainly.append({"role": "assistant", "content": [{"type": "text", "text": mine[2]}]})
    kept = model.kept.bytes
    asked = turn(ANOTHER, photo(1))
    mine, whole = ours(model, [*messages[:6], asked[0]])
    row("turn 4, with a new photo", mine, loop(able.model, processor, [*plainly[:6], asked[1]]), whole)
    for tool, sent in looks(model, photo(2)):
        mine, whole = ours(model, sent)
        row(f"{tool}, a third photo", mine, loop(able.model, processor, chat.conversation(sent, able)), whole)
    for (name, wanted), found in zip(WANTED.items(), zip(*quotients, strict=True), strict=True):
        print(
            f"{name}, turns 2 to 5: {min(found):.1f} to {max(found):.1f} times sooner, "
            f"median {statistics.median(found):.1f} (at least {wanted} wanted)"
        )
    print(
        f"kept after five turns: {kept / 1e6:.0f} MB; with the other photo {model.kept.bytes / 1e6:.0f} MB in "
        f"{len(model.kept)} conversations; at most {model.kept_bytes / 1e6:.0f} MB"
    )


def main() -> None:
    """Print a table for each dtype."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--dtype", nargs="+", default=["float32", "bfloat16"], choices=["float32", "bfloat16"])
    options.add_argument("--folder", type=Path)
    options.add_argument("--threads", type=int, default=1)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or random_model(Path(scratch))
        for dtype in given.dtype:
            conversation(folder, dtype)


if __name__ == "__main__":
    main()
