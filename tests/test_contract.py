"""What every tool in the table keeps to. Its arguments are those that `prompts/routing` teaches for it."""

from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from fakes import SAMPLES, SHOP, CountingReader, label, shop
from PIL import Image

from sightline.agent import ledger
from sightline.agent.answer import composer
from sightline.agent.assistant import Assistant
from sightline.agent.reply import Step, from_json, to_json
from sightline.agent.router import OTHER_PHOTO
from sightline.memory.readings import Readings
from sightline.prompts import languages, routing, sentences
from sightline.tools.kit import Kit
from sightline.tools.photos import load
from sightline.tools.toolbox import TOOLS
from sightline.tools.types import Box, Fact, Finding, Outcome, Photo, PhotoId, Region

PHOTOS: dict[str, Path | Image.Image] = {
    "label": label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g", "LOT A12B"),
    "blank": Image.new("RGB", (640, 480), (90, 120, 160)),
    "black": Image.new("RGB", (640, 480)),
    "noise": Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)),
    "tiny": Image.new("RGB", (1, 1), "red"),
    "tall": Image.new("RGB", (3, 4000), "green"),
    "wide": Image.new("RGB", (9000, 9), "blue"),
    "chinese": SAMPLES / "soy-sauce.jpg",
    "mirrored": SAMPLES / "medicine-mirrored.jpg",
    "turned": SAMPLES / "honey-exif-rotated.jpg",
    "product": SHOP / "photos" / "recoloured.jpg",
    "variant": SHOP / "photos" / "wrong-variant-subtle.jpg",
}


class Loaded:
    """Photos by id."""

    def get(self, photo: PhotoId) -> Photo:
        return next(p for p in map(loaded, PHOTOS) if p.id == photo)


KIT = Kit(reader=CountingReader(), readings=Readings(Path(":memory:"), "1"), photos=Loaded(), catalogue=shop())


@cache
def loaded(name: str) -> Photo:
    return load(PHOTOS[name])


@cache
def taught(tool: str) -> list[Step]:
    """Some different ways to call a tool, from what the router is taught."""
    called = [s for row in routing() for s in row["plan"] if s["tool"] == tool]
    # Without a model, one question or detail is like another.
    told = ({k: v for k, v in s.get("args", {}).items() if k not in ("question", "detail")} for s in called)
    steps = {repr(args): Step(tool, args) for args in told}
    return list(steps.values())[:: max(len(steps) // 4, 1)][:6]


@cache
def finding(tool: str, name: str, number: int) -> Finding:
    args = dict(taught(tool)[number].args)
    if args.get("against") == OTHER_PHOTO:
        args["against"] = loaded("variant").id
    return TOOLS[tool](loaded(name), KIT, **args)


# Those that people are understood in; answers may be in fewer.
LANGUAGES = {"ar", "de", "en", "es", "fr", "hi", "ja", "ko", "pt", "ru", "zh"}
CASES = [(tool, name, n) for tool in TOOLS for name in PHOTOS for n in range(len(taught(tool)))]


def test_every_tool_is_taught_to_the_router_in_every_language() -> None:
    for tool in TOOLS:
        assert taught(tool), tool
        asked = {row["language"] for row in routing() if any(s["tool"] == tool for s in row["plan"])}
        assert asked == LANGUAGES


@pytest.mark.parametrize(("tool", "name", "number"), CASES)
def test_a_finding_says_who_looked_at_what_and_how_it_ended(tool: str, name: str, number: int) -> None:
    found, photo = finding(tool, name, number), loaded(name)
    assert (found.tool, found.photos[0]) == (tool, photo.id)
    assert found.outcome in get_args(Outcome)
    assert found.source
    assert found.ms >= 0
    assert found.outcome != "not_looked" or found.reason
    assert found.outcome == "found" or not found.text or found.asked
    assert from_json(Finding, to_json(found)) == found, "plain JSON and back"


@pytest.mark.parametrize(("tool", "name", "number"), CASES)
def test_its_boxes_are_in_the_photo_and_its_scores_were_measured(tool: str, name: str, number: int) -> None:
    found, (width, height) = finding(tool, name, number), loaded(name).size
    for region in (*found.regions, *(f.region for f in found.facts if f.region)):
        assert 0 <= region.box.x0 <= region.box.x1 <= width
        assert 0 <= region.box.y0 <= region.box.y1 <= height
        assert all(0 <= x <= width and 0 <= y <= height for x, y in region.quad or ())
        assert region.score is None or 0 <= region.score <= 1


@pytest.mark.parametrize(("tool", "name", "number"), CASES)
def test_it_has_words_for_whatever_it_found_and_they_hold(tool: str, name: str, number: int) -> None:
    found, size = finding(tool, name, number), loaded(name).size
    for language in languages():
        statements = list(composer(tool)(language, found, size))
        assert statements, language
        for n, statement in enumerate(statements):
            assert statement.cites == (found.id,)
            claims = ledger.check(n, statement, {found.id: found}, {loaded(name).id: size})
            assert ledger.holds(statement, claims), statement


def test_no_two_findings_of_a_turn_share_an_id() -> None:
    asked: list[dict[str, str]] = [{}, {"detail": "brief"}, {"detail": "full"}, {"question": "brief"}]
    steps = [("ocr", {}), ("ocr", {"field": "lot"}), *(("describe", args) for args in asked)]
    steps.append(("describe", {"question": "brief", "detail": "brief"}))
    ids = [TOOLS[tool](loaded("tiny"), KIT, **args).id for tool, args in steps]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("tool", TOOLS)
def test_its_first_line_says_what_it_does(tool: str) -> None:
    first = (TOOLS[tool].__doc__ or "").splitlines()[0]
    assert first.endswith((".", ","))
    assert len(first) > 20


def shout(photo: Photo, kit: Kit, *, times: str = "1") -> Finding:
    """Say how loud a photo is, in made-up units."""
    del kit
    region = Region(Box(0, 0, photo.size.width, photo.size.height), "all of it", "thing")
    loud = (Fact("loudness", times, "LOUD", region),)
    return Finding("shout:1", "shout", "found" if times != "0" else "absent", (photo.id,), "ears", 1, times, facts=loud)


@cache
def taught_to_shout() -> dict[str, Any]:
    """What training comes to with a line for this tool, and few others: all of them take a minute."""
    from sightline.benchmarks.train_router import train  # with scikit-learn, which no other test wants

    few = [row for row in routing() if row["language"] == "en" and "follows" not in row][::8]
    step = {"tool": "shout", "args": {"times": "3"}}
    lines = [{"text": text, "plan": [step], "language": "en"} for text in ("how loud is it", "is it loud?")]
    return train([*few, *lines])


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("how loud is this?", "I listened, 3 times. I read the loudness as “3”."),
        ("/shout 7", "I listened, 7 times. I read the loudness as “7”."),
        ("/shout", "I listened, 1 times. I read the loudness as “1”."),
        ("/shout 0", "It is silent. I read the loudness as “0”."),
    ],
)
def test_law_8_a_tool_is_added_with_a_function_a_line_and_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str, answer: str
) -> None:
    monkeypatch.setitem(TOOLS, "shout", shout)
    for key, words in (
        ("shout.found", "I listened, {asked} times."),
        ("shout.absent", "It is silent."),
        ("field.loudness", "the loudness"),
    ):
        monkeypatch.setitem(sentences("en"), key, words)
    monkeypatch.setattr("sightline.agent.router.shipped", taught_to_shout)
    with Assistant.open(tmp_path / "home") as assistant:
        reply = assistant.ask(question, [PHOTOS["label"]])
    assert reply.text.replace("\n", " ") == answer
    assert [f.tool for f in reply.findings] == ["quality", "shout"]


def test_nothing_is_found_in_the_dark() -> None:
    for tool in TOOLS:
        for n in range(len(taught(tool))):
            assert finding(tool, "black", n).outcome in ("unreadable", "not_looked")
