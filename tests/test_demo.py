"""The demo's facts are right: facts, not wording."""

import runpy
from pathlib import Path

import pytest
from fakes import ROOT, CountingReader

from sightline.agent.reply import Reply
from sightline.tools.types import Finding

DEMO = runpy.run_path(str(ROOT / "examples" / "demo.py"))


@pytest.fixture(scope="module")
def replies(tmp_path_factory: pytest.TempPathFactory) -> list[Reply]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sightline.agent.assistant.RapidReader", CountingReader)
        return list(DEMO["converse"](tmp_path_factory.mktemp("demo")))


def look(reply: Reply, tool: str) -> Finding:
    (found,) = [f for f in reply.findings if f.tool == tool]
    return found


def test_the_oat_drink_is_named(replies: list[Reply]) -> None:
    assert [m.sku for m in look(replies[0], "identify").matches] == ["FRN-OAT-15"]
    assert "Fernhill Oat Drink Original 1.5% fat, 1 L" in replies[0].text


def test_it_is_like_its_official_picture_and_shown_beside_it(replies: list[Reply]) -> None:
    verdict = look(replies[1], "compare").verdict
    assert verdict is not None
    assert verdict.answer == "same"
    assert [Path(p.path).name.endswith("-compared-1.jpg") for p in replies[1].pictures] == [True]


def test_the_sticker_is_found_and_said_in_chinese(replies: list[Reply]) -> None:
    (sticker,) = look(replies[2], "compare").differences
    assert (sticker.kind, sticker.before, sticker.now) == ("text", "5片装", "10片装")
    assert replies[2].language == "zh"
    assert replies[2].pictures[0].legend == ("文字： 10片装",)
    assert all(words in replies[2].text for words in ("5片装", "10片装"))


def test_its_expiry_date_is_read(replies: list[Reply]) -> None:
    facts = look(replies[3], "ocr").facts
    assert [(f.name, f.value) for f in facts] == [("expiry", "2027-12-01")]


def test_the_wrong_variant_is_named(replies: list[Reply]) -> None:
    found = look(replies[4], "compare")
    assert found.verdict is not None
    assert found.verdict.answer == "other_variant"
    assert [m.sku for m in found.matches] == ["FRN-OAT-CHO", "FRN-OAT-15"]
    assert ("Original", "Chocolate") in {(d.before, d.now) for d in found.differences}


def test_a_blurred_photo_is_asked_for_again(replies: list[Reply]) -> None:
    assert (replies[5].outcome, replies[5].language, replies[5].claims) == ("unreadable", "zh", ())
    assert "请重新拍摄" in replies[5].text


def test_another_product_than_the_one_asked_about_is_named(replies: list[Reply]) -> None:
    assert "You asked about Fernhill Oat Drink Chocolate" in replies[6].text
    assert ("product", "FRN-OAT-15", "supported") in {(c.kind, c.value, c.status) for c in replies[6].claims}


def test_a_photo_is_asked_for_and_the_same_turn_goes_on_with_it(replies: list[Reply]) -> None:
    first, second = replies[7:9]
    assert first.asks
    assert (first.asks.kind, first.asks.view, first.outcome) == ("photo", "whole_front", "unreadable")
    assert (second.turn, second.asks, len(second.photos)) == (first.turn, None, 2)
    assert "matches the official picture of Fernhill Oat Drink Barista" in second.text


def test_a_correction_is_remembered_after_a_restart(replies: list[Reply]) -> None:
    read, told, later = replies[9:12]
    assert "Orinal OatDrink" in read.text
    assert "I will remember" in told.text
    assert later.text.startswith("You told me on ")
    assert "Original Oat Drink" in later.text.splitlines()


def test_a_person_is_handed_a_ticket(replies: list[Reply]) -> None:
    assert replies[12].ticket
    assert replies[12].ticket in replies[12].text


def test_the_demo_says_what_it_rests_on_and_ends_with_the_folder_of_the_pictures(
    replies: list[Reply], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = DEMO["main"].__globals__
    monkeypatch.setitem(variables, "ROOT", Path(replies[0].pictures[0].path).parents[2])
    monkeypatch.setitem(variables, "HOME", variables["ROOT"])
    monkeypatch.setitem(variables, "converse", lambda _: iter(replies))
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    DEMO["main"]()
    said = capsys.readouterr().out
    assert said.rstrip().endswith("pictures/")
    assert "claim     supported: verdict same" in said
    assert "10片装" in said


def test_every_claim_of_the_demo_is_supported(replies: list[Reply]) -> None:
    claims = [c for r in replies for c in r.claims]
    assert claims
    assert {c.status for c in claims} == {"supported"}
