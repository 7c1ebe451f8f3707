"""A model that lies: what it says against the photo does not reach a person as fact, and what is true does."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from fakes import CountingReader
from scripted import dotted, looking, scripted

from sightline.agent.assistant import Assistant
from sightline.agent.reply import Reply
from sightline.benchmarks.liar import EXAMPLES, KINDS, SCENES, Kind, Liar, Scene, Story, lying, story
from sightline.benchmarks.lying import judged
from sightline.tools.photos import load

ASKED = {"en": "Describe this", "zh": "描述一下这张照片"}
BY_FILE = {Path(scene.file).stem: scene for scene in SCENES}
TRIED = (("oat-carton", "en"), ("door-signs", "zh"))
LIES = [  # of each photo those that there is something in it to lie about in that way
    (name, language, kind)
    for name, language in TRIED
    for kind in KINDS
    if story(BY_FILE[name], language, kind, 0, persists=True)
]

CHECKED = ("quote", "number", "product", "colour", "side")

Told = tuple[Assistant, Liar]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    model, chat = lying()
    with Assistant.open(tmp_path_factory.mktemp("home")) as assistant:
        object.__setattr__(assistant._kit, "model", model)
        object.__setattr__(assistant._kit, "reader", CountingReader())
        yield assistant, chat


def describe(told: Told, scene: Scene, kind: Kind | None, language: str, *, persists: bool) -> tuple[Reply, Story]:
    assistant, chat = told
    said = story(scene, language, kind, 0, persists=persists)
    assert said
    photo = load(EXAMPLES / scene.file)
    chat.tells(photo.id, said, photo.size)
    return assistant.ask(ASKED[language], [photo]), said


@pytest.mark.parametrize(("name", "language", "kind"), LIES)
def test_a_lie_that_does_not_persist_is_not_said(told: Told, name: str, kind: Kind, language: str) -> None:
    reply, said = describe(told, BY_FILE[name], kind, language, persists=False)
    assert judged(reply, said)[0] == "not said", reply.text


@pytest.mark.parametrize(("name", "language", "kind"), [lie for lie in LIES if lie[2] in CHECKED])
def test_a_lie_that_an_instrument_can_check_is_no_fact_however_it_persists(
    told: Told, name: str, kind: Kind, language: str
) -> None:
    reply, said = describe(told, BY_FILE[name], kind, language, persists=True)
    assert judged(reply, said)[0] != "fact", reply.text
    for statement in reply.statements:
        assert said.lie
        if said.lie.sentence in statement.text:
            assert statement.hedged
            assert statement.text != said.lie.sentence


@pytest.mark.parametrize(("name", "language"), TRIED)
def test_what_is_true_is_said_as_it_was_said(told: Told, name: str, language: str) -> None:
    reply, said = describe(told, BY_FILE[name], None, language, persists=False)
    for sentence, _ in said.true:
        (statement,) = [s for s in reply.statements if s.text == sentence]
        assert not statement.hedged
        assert statement.cites
    assert not any(claim.status == "contradicted" for claim in reply.claims)


def test_a_contradicted_claim_is_in_the_ledger_and_what_was_seen_is_said_in_its_place(told: Told) -> None:
    reply, said = describe(told, BY_FILE["door-signs"], "colour", "en", persists=True)
    assert said.lie
    assert said.lie.thing
    (claim,) = [c for c in reply.claims if c.status == "contradicted"]
    assert (claim.statement, claim.kind, claim.value) == (None, "colour", said.lie.false)
    assert any(c.kind == "thing" and c.value == said.lie.thing.en and c.region for c in reply.claims)


def test_every_statement_says_what_it_rests_on_and_claims_point_into_the_photo(told: Told) -> None:
    reply, _ = describe(told, BY_FILE["shelf-three-teas"], "count", "en", persists=False)
    ids = {f.id for f in reply.findings}
    (finding,) = [f for f in reply.findings if f.tool == "describe"]
    regions = {*finding.regions, *(r for glance in finding.glances for r in glance.regions)}
    assert all(set(s.cites) <= ids for s in reply.statements)
    for claim in reply.claims:
        if claim.status == "supported" and claim.region and claim.finding == finding.id and claim.kind != "colour":
            assert claim.region in regions


@pytest.mark.parametrize("mode", ["values", "updates", "messages", "custom"])
def test_nothing_unchecked_is_streamed(told: Told, mode: Literal["values", "updates", "messages", "custom"]) -> None:
    assistant, chat = told
    scene = BY_FILE["oat-carton"]
    said = story(scene, "en", "quote", 1, persists=False)
    assert said
    assert said.lie
    photo = load(EXAMPLES / scene.file)
    chat.tells(photo.id, said, photo.size)
    assistant.ask("hello")  # the home is ours to write
    ids = [assistant._photos.add(photo)]
    asked: Any = {"text": "Describe this", "photos": ids, "thread": "t", "turn": f"streamed-{mode}"}
    config: Any = {"configurable": {"thread_id": f"streamed-{mode}"}}
    for chunk in assistant._graph.stream(asked, config, stream_mode=mode, durability="sync"):
        # What a model said is kept as evidence in its finding, under its name.
        assert said.lie.sentence not in json.dumps(_but_findings(chunk), ensure_ascii=False, default=str), mode


def _but_findings(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _but_findings(each) for key, each in value.items() if key != "findings"}
    return [_but_findings(each) for each in value] if isinstance(value, list | tuple) else value


def test_strict_says_only_what_is_supported(told: Told) -> None:
    assistant, chat = told
    scene = BY_FILE["oat-carton"]
    said = story(scene, "en", "product", 0, persists=True)
    assert said
    photo = load(EXAMPLES / scene.file)
    chat.tells(photo.id, said, photo.size)
    loose = assistant.ask("Describe this", [photo])
    strict = assistant.ask("Describe this", [photo], strict=True)
    assert any(s.hedged for s in loose.statements)
    assert not any(s.hedged for s in strict.statements)
    assert {c.status for c in strict.claims if c.statement is not None} == {"supported"}
    assert strict.statements


def test_a_false_premise_is_named_and_not_answered(tmp_path: Path, reader: CountingReader) -> None:
    del reader

    def script(words: str, images: list[Any]) -> str | Exception:
        if '"say"' in words:
            return (
                '[{"assumes": ["dog"]}, {"say": "The dog is brown.", "things": [{"name": "dog", "colour": "brown"}]}]'
            )
        return "[]" if '"dog"' in words else looking("qwen3_vl")(words, images)

    model, chat = scripted(script)
    with Assistant.open(tmp_path / "home", model=chat) as assistant:
        object.__setattr__(assistant._kit, "model", model)
        reply = assistant.ask("What colour is the dog?", [dotted()])
    assert "looked for “dog” and sees none" in reply.text
    assert "brown" not in reply.text


def test_a_model_without_json_is_asked_for_an_inventory_which_is_worded_as_it_was_seen(
    tmp_path: Path, reader: CountingReader
) -> None:
    del reader

    def script(words: str, images: list[Any]) -> str | Exception:
        if "name; how many" in words:
            return "red block; 3; blue; left\nunicorn; 1; white; right"
        if '"say"' in words or "describe" in words.lower():
            return "A block lies there."
        return "[]" if '"unicorn"' in words else looking("qwen3_vl")(words, images)

    model, chat = scripted(script)
    with Assistant.open(tmp_path / "home", model=chat) as assistant:
        object.__setattr__(assistant._kit, "model", model)
        reply = assistant.ask("Describe this", [dotted()])
    assert "Red block: red, at the upper right." in reply.text
    assert "unicorn" not in reply.text
    assert {(c.kind, c.value) for c in reply.claims if c.status == "contradicted"} >= {
        ("count", "3"),
        ("colour", "blue"),
        ("side", "left"),
        ("thing", "unicorn"),
    }


def test_a_model_that_shows_nothing_is_hedged_sentence_by_sentence(tmp_path: Path, reader: CountingReader) -> None:
    del reader
    model, chat = scripted("A dog sits there. It costs 4999.", family="blip2")
    with Assistant.open(tmp_path / "home", model=chat) as assistant:
        object.__setattr__(assistant._kit, "model", replace(model, name="blip"))
        reply = assistant.ask("Describe this", [dotted()])
    said = [s for s in reply.statements if "dog" in s.text]
    assert all(s.hedged and "blip" in s.text for s in said)
    assert said
    assert "4999" not in reply.text, "a number that is printed nowhere is not said at all"
