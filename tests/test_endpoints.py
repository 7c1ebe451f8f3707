"""A whole turn with a real model: a checkpoint in this process, and the same behind an OpenAI-compatible server.

The checkpoint was taught what to reply to the very prompts and pixels that Sightline sends; it knows nothing else.
"""

import io
import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fakes import CountingReader, label
from PIL import Image, ImageDraw
from serving import served
from teaching import Example, teach

from sightline.agent.assistant import Assistant
from sightline.prompts import instruct
from sightline.tools.dialects import DIALECTS
from sightline.tools.models.families import family_of
from sightline.tools.models.local import TransformersChatModel
from sightline.tools.models.view import encode, view
from sightline.tools.models.writing import Writer
from sightline.tools.photos import load
from sightline.tools.types import Box

FAMILY = family_of("qwen3_vl")
SAID = '[{"say": "A red square.", "things": [{"name": "red square", "colour": "red"}]}]'


@cache
def scene(colour: str) -> Image.Image:
    image = label("SQUARES LTD", size=(800, 600))
    ImageDraw.Draw(image).rectangle((400, 150, 599, 449), fill=colour)
    return image


def seen(image: Image.Image) -> Image.Image:
    """The pixels that the model is sent of it."""
    photo = load(image)
    return Image.open(io.BytesIO(encode(view(photo, FAMILY), photo))).convert("RGB")


def example(image: Image.Image, prompt: str, reply: str, language: str) -> Example:
    asked = [
        {"type": "text", "text": "Image 1:"},
        {"type": "image", "image": seen(image)},
        {"type": "text", "text": prompt},
    ]
    told = [{"type": "text", "text": instruct(f"system.{language}")}]
    return Example([{"role": "system", "content": told}, {"role": "user", "content": asked}], reply)


def described(language: str) -> str:
    """The prompt for a description: the task, and the form of the reply with what was read in the photo."""
    form = instruct(f"form.{language}", language=instruct(f"language.{language}"), evidence="T1: “SQUARES LTD”")
    return instruct(f"describe.normal.{language}") + "\n\n" + form


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = DIALECTS["qwen3_vl"].ask("boxes", "red square")
    way = DIALECTS["qwen3_vl"].ask("direction", "the red square")
    red, blue = scene("red"), scene("blue")
    ends = '[{"point_2d": [500, 500], "label": "origin"}, {"point_2d": [900, 100], "label": "target"}]'
    taught = teach(
        [
            example(red, where, '[{"bbox_2d": [500, 250, 750, 750], "label": "red square"}]', "en"),
            example(blue, where, "[]", "en"),
            example(red, way, ends, "en"),
            example(red, described("en"), SAID, "en"),
            example(red, instruct("turned.en", said="A red square."), "NO", "en"),
            example(blue, described("zh"), "一个蓝色方块。", "zh"),
        ]
    )
    # A server knows it by the name of its folder, and so does the table of families.
    named = tmp_path_factory.mktemp("models") / "Qwen3-VL-tiny"
    shutil.copytree(taught, named)
    return named


@pytest.fixture(scope="module", params=["transformers", "openai"])
def opened(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Assistant]:
    home = tmp_path_factory.mktemp("home")
    patched = pytest.MonkeyPatch()
    patched.setattr("sightline.agent.assistant.RapidReader", CountingReader)
    try:
        if request.param == "transformers":
            with Assistant.open(home, model=f"transformers:{folder}") as assistant:
                yield assistant
        else:
            with served(folder) as url, Assistant.open(home, model=f"openai:{folder}", server=url) as assistant:
                yield assistant
    finally:
        patched.undo()


def test_a_thing_is_found_in_pixels_of_the_photo(opened: Assistant) -> None:
    reply = opened.ask("/ground red square", [scene("red")])
    assert reply.outcome == "found", reply.text
    (region,) = [r for f in reply.findings if f.tool == "ground" for r in f.regions]
    assert region.box == pytest.approx(Box(400, 150, 600, 450), abs=0.5)
    assert region.score is None
    assert {(c.kind, c.status) for c in reply.claims} == {("count", "supported"), ("side", "supported")}


def test_where_there_is_none_it_is_absent(opened: Assistant) -> None:
    assert opened.ask("/ground red square", [scene("blue")]).outcome == "absent"


def test_a_direction_is_found(opened: Assistant) -> None:
    (way,) = opened.ground(scene("red"), "Which way does the red square point").directions
    assert way.origin == pytest.approx((400, 300), abs=1)
    assert way.heading == pytest.approx(53.1, abs=0.5)


@pytest.mark.parametrize(("question", "target"), [("What is this?", "red square"), ("这是什么？", "红色方块")])
def test_a_photo_is_read_once_by_whatever_tools_look_at_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str, target: str
) -> None:
    read: list[tuple[int, int]] = []
    write = TransformersChatModel._kept_and_written

    def noting(self: TransformersChatModel, inputs: dict[str, Any], images: Sequence[Any], writer: Writer) -> int:
        kept = write(self, inputs, images, writer)
        read.append((kept, int((inputs["input_ids"] == self.can.processor.image_token_id).sum())))
        return kept

    monkeypatch.setattr("sightline.agent.assistant.RapidReader", CountingReader)
    monkeypatch.setattr(TransformersChatModel, "_kept_and_written", noting)
    with Assistant.open(tmp_path, model=f"transformers:{folder}") as assistant:
        assistant.describe(scene("red"), question)
        assistant.ground(scene("red"), target)
    (first, _), (kept, image) = read[:2]
    assert first == 0
    assert kept > image > 0


def test_it_describes_in_the_language_of_the_question(opened: Assistant) -> None:
    reply = opened.ask("Describe this", [scene("red")])
    assert reply.text.startswith("A red square.\n"), "it was looked for, and is red where it was found"
    assert {("thing", "red square"), ("colour", "red")} <= {
        (c.kind, c.value) for c in reply.claims if c.status == "supported" and c.region
    }
    (finding,) = [f for f in opened.ask("描述一下", [scene("blue")]).findings if f.tool == "describe"]
    assert finding.said == "一个蓝色方块。"
