"""A tiny checkpoint that is taught to answer, and what any of them says; see `checkpoints.py`."""

import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from checkpoints import CORPUS, FAMILIES, hf, make_model, make_processor, new_folder, qwen3, qwen3_eyes, save
from torch import Tensor, nn


@cache
def load(folder: Path) -> tuple[Any, Any]:
    """The processor and the model in this folder, shared by all tests: leave them as they are."""
    return hf.AutoProcessor.from_pretrained(folder), hf.AutoModelForImageTextToText.from_pretrained(folder)


def ask(processor: Any, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]] | None = None) -> Any:
    """What a model is given for these messages; a family without a shape of prompt takes one image and one text."""
    if processor.chat_template:
        with warnings.catch_warnings():  # of PaliGemma's processor, which copies tensors to make labels
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            given = processor.apply_chat_template(
                messages, tools=tools, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
            )
    else:
        blocks = {block["type"]: block for message in messages for block in message["content"]}
        given = processor(images=blocks["image"]["image"], text=blocks["text"]["text"], return_tensors="pt")
    given.pop("labels", None)  # PaliGemma's processor adds them
    return given


def answer(model: Any, given: Any, tokens: int = 24) -> list[int]:
    """The ids it says, greedily, without what it was given."""
    with torch.inference_mode():
        said: list[int] = model.generate(**given, max_new_tokens=tokens, do_sample=False)[0].tolist()
    return said[1 if model.config.is_encoder_decoder else given["input_ids"].shape[1] :]


@dataclass(frozen=True)
class Example:
    """What to say to these messages, in the shape that `apply_chat_template` takes, images as PIL images."""

    messages: Sequence[dict[str, Any]]
    reply: str
    tools: Sequence[dict[str, Any]] | None = None


def teach(examples: Sequence[Example], *, steps: int = 400, seed: int = 0) -> Path:
    """A folder with a tiny Qwen3-VL that says these replies, word for word, to these messages."""
    words = [*CORPUS, *(words for example in examples for words in _words(example))]
    parts = FAMILIES["qwen3_vl"]
    tokenizer = parts.vocabulary.tokenizer(words, 1024)
    # Few pixels: an image of any size is at most 36 tokens.
    processor = make_processor(parts, tokenizer, **qwen3_eyes(64 * 64, 192 * 192))
    given = [ask(processor, example.messages, example.tools) for example in examples]
    replies = [tokenizer(example.reply + tokenizer.eos_token, return_tensors="pt").input_ids for example in examples]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = make_model(parts, qwen3(tokenizer, width=128))
        _fit(model, *_batch(given, replies, tokenizer.pad_token_id), steps)
    model.generation_config.update(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    for example, asked in zip(examples, given, strict=True):
        said = tokenizer.decode(answer(model, asked, 512), skip_special_tokens=True)
        if said != example.reply:
            raise RuntimeError(f"Taught to say {example.reply!r}, it says {said!r}. Try more steps or another seed.")
    return save(new_folder("taught"), model, processor)


def _words(example: Example) -> Iterator[str]:
    yield example.reply
    yield json.dumps(example.tools)
    for message in example.messages:
        content = message.get("content") or ""
        yield from [content] if isinstance(content, str) else [block["text"] for block in content if "text" in block]


def _batch(given: Sequence[Any], replies: Sequence[Tensor], pad: int) -> tuple[dict[str, Tensor], Tensor]:
    """All examples side by side, and what is to be learnt of them: the replies, -100 elsewhere."""

    def beside(before: Sequence[Tensor], after: Sequence[Tensor], padding: int) -> Tensor:
        rows = [torch.cat([*pair], 1)[0] for pair in zip(before, after, strict=True)]
        return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=padding)

    asked = [one["input_ids"] for one in given]
    inputs = {
        "input_ids": beside(asked, replies, pad),
        "attention_mask": beside([one["attention_mask"] for one in given], [reply**0 for reply in replies], 0),
        "mm_token_type_ids": beside([one["mm_token_type_ids"] for one in given], [0 * reply for reply in replies], 0),
    }
    for key in ("pixel_values", "image_grid_thw"):
        if seen := [one[key] for one in given if key in one]:
            inputs[key] = torch.cat(seen)
    return inputs, beside([0 * ids - 100 for ids in asked], replies, -100)


def _fit(model: Any, inputs: dict[str, Tensor], labels: Tensor, steps: int) -> None:
    """Learn until each next token has a probability of 0.99, in at most so many steps."""
    learnt = labels[:, 1:] != -100
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    for _ in range(steps):
        states = model.model(**inputs).last_hidden_state[:, :-1]
        loss: Any = nn.functional.cross_entropy(model.lm_head(states[learnt]), labels[:, 1:][learnt], reduction="none")
        optimizer.zero_grad()
        loss.mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if loss.max() < 0.01:
            break
    model.eval()
