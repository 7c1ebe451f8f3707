"""The checkpoints that other tests rely on: what they say depends on what they are shown, and nothing asks a hub."""

import base64
import io
import socket
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from checkpoints import ARCHITECTURES, FAMILIES, build
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from serving import served
from teaching import Example, answer, ask, load, teach

GROUND = "Locate every red square. Reply with a JSON list of bbox_2d and label."
ADD = "What is the value of magic_function(3)? Use the tool."
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "magic_function",
            "description": "Applies a magic function to an input.",
            "parameters": {"type": "object", "properties": {"input": {"type": "integer"}}, "required": ["input"]},
        },
    }
]
CALL = '<tool_call>\n{"name": "magic_function", "arguments": {"input": 3}}\n</tool_call>'
CHATTING = [name for name in ARCHITECTURES if FAMILIES[name].template]
TILING = ["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "smolvlm", "idefics3", "internvl"]


def square(colour: str, size: tuple[int, int] = (160, 120)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((30, 30, 90, 90), fill=colour)
    return image


def says(role: str, *blocks: str | Image.Image) -> dict[str, Any]:
    shapes = [
        {"type": "text", "text": block} if isinstance(block, str) else {"type": "image", "image": block}
        for block in blocks
    ]
    return {"role": role, "content": shapes}


def reply(
    folder: Path, *messages: dict[str, Any], tools: Sequence[dict[str, Any]] | None = None, most: int = 16
) -> str:
    processor, model = load(folder)
    said = answer(model, ask(processor, messages, tools), most)
    return str(processor.tokenizer.decode(said, skip_special_tokens=True))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_loads_without_a_network(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *given: called.append(given))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: called.append((given, more)))
    _, model = load(build(architecture))
    assert type(model).__name__ == f"{FAMILIES[architecture].prefix}ForConditionalGeneration"
    assert not called


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_random_model_says_what_image_and_text_make_it_say(architecture: str) -> None:
    asked = [
        says("user", square(colour), question)
        for colour in ("red", "blue", "black")
        for question in ("What is in this photo?", "Read the label.")
    ]
    replies = [reply(build(architecture), message) for message in asked]
    assert len(set(replies)) == len(asked)
    assert replies[0] == reply(build(architecture), asked[0])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_random_model_talks_and_says_no_placeholder(architecture: str) -> None:
    processor, model = load(build(architecture))
    added = set(processor.tokenizer.added_tokens_decoder)
    for colour in ("red", "blue", "black"):
        said = answer(model, ask(processor, [says("user", square(colour), "照片里有什么？")]))
        assert len(said) >= 8
        assert not added.intersection(said[:-1])
        assert "\ufffd" not in processor.tokenizer.decode(said)


@pytest.mark.parametrize("architecture", CHATTING)
def test_a_conversation_goes_on_with_more_photos(architecture: str) -> None:
    folder = build(architecture)
    asked = [says("system", "Be brief."), says("user", square("red"), "What is this?")]
    asked += [says("assistant", reply(folder, *asked)), says("user", square("blue"), "And", square("red"), "here?")]
    assert reply(folder, *asked) != reply(folder, *asked[:2])


@pytest.mark.parametrize("architecture", TILING)
def test_photos_of_other_sizes_are_other_numbers_of_tokens(architecture: str) -> None:
    processor, _ = load(build(architecture))
    sizes = (160, 120), (480, 160)
    lengths = [ask(processor, [says("user", square("red", size), "?")])["input_ids"].shape[1] for size in sizes]
    assert lengths[0] != lengths[1]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@given(text=st.text())
@settings(max_examples=20, deadline=None)
def test_any_text_survives_the_tokenizer(architecture: str, text: str) -> None:
    tokenizer = load(build(architecture))[0].tokenizer
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False).input_ids) == text


@cache
def taught() -> tuple[Path, list[Example]]:
    called = {"type": "function", "function": {"name": "magic_function", "arguments": {"input": 3}}}
    back = [says("assistant") | {"tool_calls": [called]}, says("tool", "5")]
    examples = [
        Example([says("user", square("red"), GROUND)], '[{"bbox_2d": [100, 200, 400, 600], "label": "red square"}]'),
        Example([says("user", square("blue"), GROUND)], "[]"),
        Example([says("user", ADD)], CALL, TOOLS),
        Example([says("user", ADD), *back], "The value is 5.", TOOLS),
        Example([says("user", square("red"), "描述这张照片。")], "白色背景上有一个红色的正方形。"),
        Example([says("user", square("blue"), "描述这张照片。")], "白色背景上有一个蓝色的正方形。"),
    ]
    return teach(examples), examples


def test_a_taught_model_says_what_it_was_taught() -> None:
    folder, examples = taught()
    for example in examples:
        assert reply(folder, *example.messages, tools=example.tools, most=64) == example.reply


def test_what_cannot_be_learnt_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"Taught to say 'Yes\.'"):
        teach([Example([says("user", "Well?")], "Yes."), Example([says("user", "Well?")], "No.")], steps=5)


def test_a_served_checkpoint_answers_as_taught_and_stops_with_the_test() -> None:
    folder, examples = taught()
    png = io.BytesIO()
    square("red").save(png, "PNG")
    image = f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
    content = [{"type": "image_url", "image_url": {"url": image}}, {"type": "text", "text": GROUND}]
    body = {"model": str(folder), "messages": [{"role": "user", "content": content}]}
    with pytest.raises(KeyError), served(folder) as url:  # noqa: PT012  # the block is what is tested
        said = httpx.post(f"{url}/chat/completions", json=body, timeout=60, trust_env=False).json()
        assert said["choices"][0]["message"]["content"] == examples[0].reply
        raise KeyError("a test may fail here")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/models", trust_env=False)
