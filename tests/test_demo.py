"""The demo's facts are right: facts, not wording."""

import runpy

import pytest
from fakes import ROOT

from sightline.agent.assistant import Assistant
from sightline.agent.reply import Reply

DEMO = runpy.run_path(str(ROOT / "examples" / "demo.py"))


@pytest.fixture(scope="module")
def replies(tmp_path_factory: pytest.TempPathFactory) -> list[Reply]:
    with Assistant.open(tmp_path_factory.mktemp("demo")) as assistant:
        return list(DEMO["converse"](assistant))


def facts(reply: Reply) -> set[tuple[str, str]]:
    asked = [finding for finding in reply.findings if finding.tool == "ocr" and finding.asked]
    return {(f.name, f.value) for finding in asked for f in finding.facts}


def test_the_oat_drink_keeps_until_14_march_2027(replies: list[Reply]) -> None:
    assert facts(replies[0]) == {("expiry", "2027-03-14")}


def test_it_holds_a_litre_and_its_barcode_is_found(replies: list[Reply]) -> None:
    assert facts(replies[1]) == {("volume", "1 l")}
    (code,) = [f for f in replies[1].findings if f.tool == "ground"]
    assert (code.outcome, len(code.regions), code.regions[0].kind) == ("found", 1, "code")


def test_the_tea_is_read_in_chinese(replies: list[Reply]) -> None:
    assert replies[2].language == "zh"
    assert "净含量250克" in replies[2].text


def test_production_and_expiry_are_kept_apart(replies: list[Reply]) -> None:
    assert facts(replies[3]) == {("production", "2026-05-12"), ("expiry", "2028-05-11")}


def test_an_ambiguous_date_is_said_to_be_ambiguous(replies: list[Reply]) -> None:
    (fact,) = [f for finding in replies[4].findings for f in finding.facts if f.name == "expiry"]
    assert {fact.value, *fact.alternatives} == {"2027-04-03", "2027-03-04"}
    assert all(when in replies[4].text for when in ("3 April 2027", "4 March 2027", "can't tell"))


def test_the_green_pack_is_found_where_it_stands(replies: list[Reply]) -> None:
    import json

    truth = json.loads((ROOT / "examples/samples/truth.json").read_text("utf-8"))["shelf-three-teas.jpg"]
    (x0, y0, x1, y1) = next(c["box"] for c in truth["colours"] if c["colour"] == "green")
    (found,) = [f for f in replies[5].findings if f.tool == "ground"]
    inside = [r for r in found.regions if x0 <= r.box.centre.x <= x1 and y0 <= r.box.centre.y <= y1]
    assert inside


def test_a_blurred_photo_is_asked_for_again(replies: list[Reply]) -> None:
    assert (replies[6].outcome, replies[6].language, replies[6].claims) == ("unreadable", "zh", ())


def test_a_dog_needs_a_model(replies: list[Reply]) -> None:
    assert (replies[7].outcome, replies[7].claims) == ("not_looked", ())


def test_every_claim_of_the_demo_is_supported(replies: list[Reply]) -> None:
    claims = [c for r in replies for c in r.claims]
    assert claims
    assert {c.status for c in claims} == {"supported"}
