"""Law 7: a correction applies to what its scope says and nothing else, survives a restart, and is undone exactly."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import SHOP, CountingReader, label, shop_home
from PIL import Image
from typer.testing import CliRunner

from sightline.agent import nodes
from sightline.agent.assistant import Assistant
from sightline.agent.cli import app
from sightline.agent.correcting import is_no, is_yes
from sightline.agent.reply import Offer, Reply, to_json
from sightline.agent.state import Said
from sightline.tools.errors import BadInput, UnknownCorrection, UnknownPhoto, UnknownProduct
from sightline.tools.types import Correction

TOLD = Correction(
    "0123456789ab", "photo", "other", None, None, "odd", "sha256:" + "0" * 64, None, None, None,
    "2026-05-03T10:00:00+00:00", None,
)  # fmt: skip


Open = Callable[[], Assistant]


@pytest.fixture
def open_(tmp_path: Path, reader: CountingReader) -> Open:
    """Opens one home, with the sample products, again and again."""
    del reader
    home = Path(shutil.copytree(shop_home(), tmp_path / "home"))
    return lambda: Assistant.open(home)


@pytest.fixture
def shop_assistant(open_: Open) -> Iterator[Assistant]:
    with open_() as opened:
        yield opened


@pytest.fixture
def plain(tmp_path: Path, reader: CountingReader) -> Iterator[Assistant]:
    """An Assistant without a catalogue."""
    del reader
    with Assistant.open(tmp_path / "home") as opened:
        yield opened


OAT, BARISTA = SHOP / "photos" / "oat-on-table.jpg", SHOP / "photos" / "barista-warm-light.jpg"


def said(reply: Reply) -> tuple[str, ...]:
    return tuple(s.text for s in reply.statements)


def test_law_7_a_corrected_identity_is_said_after_a_restart_and_undone_exactly(open_: Open) -> None:
    with open_() as first:
        before = first.ask("/identify", [OAT], thread="a")
        assert "1.5% fat" in before.text
        kept = first.ask("/correct no, that's the barista one", thread="a")
        assert "Fernhill Oat Drink Barista" in said(kept)[0]
        assert "I had said: this is Fernhill Oat Drink Original 1.5%" in said(kept)[1]
        assert kept.outcome == "found"
    with open_() as second:
        after = second.ask("/identify", [OAT], thread="b")
        assert said(after)[0].startswith("You told me on ")
        assert "this is Fernhill Oat Drink Barista" in said(after)[0]
        assert "I would have said: this is Fernhill Oat Drink Original 1.5%" in said(after)[0]
        assert not any(c.kind == "product" and c.value == "FRN-OAT-15" for c in after.claims)
        (told,) = second.corrections()
        assert (told.about, told.before, told.after, told.thread) == ("product", "FRN-OAT-15", "FRN-OAT-BAR", "a")
        # A sibling's photo is untouched.
        assert said(second.ask("/identify", [BARISTA], thread="c"))[0].startswith("This is")
        undone = second.ask("/correct undo that", thread="a")
        assert "undone" in undone.text
        assert second.corrections() == []
        assert said(second.ask("/identify", [OAT], thread="d")) == said(before)


def test_a_corrected_identity_is_what_a_photo_is_compared_with(shop_assistant: Assistant) -> None:
    photo = shop_assistant.load(OAT)
    shop_assistant.correct(photo, "product", "FRN-OAT-30")
    reply = shop_assistant.ask("/compare", [photo])
    (compared,) = [f for f in reply.findings if f.tool == "compare"]
    assert compared.asked == "FRN-OAT-30"
    assert reply.claimed is None, "it was not ordered"
    assert "You told me on" in said(reply)[0]


def test_a_yes_makes_a_corrected_identity_a_confirmed_view(shop_assistant: Assistant) -> None:
    wrong = shop_assistant.load(SHOP / "photos" / "back-only.jpg")
    shop_assistant.ask("/identify", [wrong])
    kept = shop_assistant.ask("/correct FRN-OAT-BAR")
    assert kept.offer == Offer(wrong.id, "FRN-OAT-BAR")
    assert said(kept)[-1].startswith("Shall I keep this photo")
    yes = shop_assistant.ask("Yes, please!")
    assert "recognise" in yes.text
    assert yes.offer is None
    (view,) = shop_assistant.views("FRN-OAT-BAR")
    assert view.photo == wrong.id
    assert said(shop_assistant.ask("/identify"))[0].startswith("This is Fernhill Oat Drink Barista")


def test_a_no_keeps_the_correction_alone(shop_assistant: Assistant) -> None:
    shop_assistant.ask("/identify", [SHOP / "photos" / "back-only.jpg"])
    shop_assistant.ask("/correct FRN-OAT-BAR")
    assert said(shop_assistant.ask("不用了")) == ("好的，只保留这条更正。",)
    assert shop_assistant.views() == []
    assert len(shop_assistant.corrections()) == 1


def test_what_may_be_several_products_is_asked(shop_assistant: Assistant) -> None:
    shop_assistant.ask("/identify", [OAT])
    reply = shop_assistant.ask("/correct it's the Fernhill oat drink")
    assert said(reply)[0].startswith("Which of these is it: ")
    assert reply.outcome == "not_looked"
    assert shop_assistant.corrections() == []


def test_a_corrected_date_is_said_in_place_of_what_was_read(plain: Assistant, photo: Image.Image) -> None:
    before = plain.ask("/ocr expiry", [photo])
    kept = plain.ask("/correct you misread it, the expiry is 14 March 2028")
    assert said(kept)[0] == "Thank you. I will remember of this photo: the expiry date is 14 March 2028."
    assert said(kept)[1] == "I had said: the expiry date is 14 March 2027."
    after = plain.ask("/ocr expiry")
    assert "the expiry date is 14 March 2028. I would have said: the expiry date is 14 March 2027." in said(after)[0]
    assert "14 March 2028" not in said(before)[0]
    assert not any(s.text.startswith("I read") for s in after.statements)
    # Nothing else of the photo, and no other photo, is touched.
    assert "250 g" in plain.ask("/ocr weight").text
    other = plain.ask("/ocr expiry", [label("BEST BEFORE 14 MAR 2027")], thread="other")
    assert said(other)[0].startswith("I read the expiry date as 14 March 2027")


def test_a_correction_in_chinese_is_answered_in_chinese(plain: Assistant, photo: Image.Image) -> None:
    plain.ask("什么时候过期？", [photo])
    reply = plain.ask("/correct 你读错了，保质期到2027年5月")
    assert "2027年5月" in said(reply)[0]
    assert plain.corrections()[0].after == "2027-05"


def test_what_agrees_with_the_instruments_changes_nothing(plain: Assistant, photo: Image.Image) -> None:
    before = plain.ask("/ocr expiry", [photo])
    plain.correct(before.photos[0], "field", "2027-03-14", what="expiry")
    assert said(plain.ask("/ocr expiry")) == said(before)


def test_a_conflict_is_shown_and_not_resolved_until_it_is_said_which_holds(
    plain: Assistant, photo: Image.Image
) -> None:
    before = plain.ask("/ocr expiry", [photo])
    plain.ask("/correct the expiry is 14 March 2028")
    reply = plain.ask("/correct the expiry is 14 March 2029")
    assert "Which of them holds?" in said(reply)[-1]
    assert len(plain.conflicting_corrections()) == 1
    shown = plain.ask("/ocr expiry")
    assert "14 March 2028" in said(shown)[0]
    assert "14 March 2029" in said(shown)[0]
    assert said(before)[0] in said(shown), "neither takes the place of what was read"
    plain.ask("/correct the expiry is 14 March 2029")
    assert [c.after for c in plain.corrections()] == ["2029-03-14"]
    assert plain.conflicting_corrections() == []


def test_a_correction_of_a_product_holds_for_its_photos_and_for_no_sibling(shop_assistant: Assistant) -> None:
    kept = shop_assistant.correct(None, "field", "P9M", what="shelf_life", scope="product", sku="FRN-OAT-15")
    assert kept.photo is None
    shop_assistant.correct(None, "other", "Its cap is glued.", scope="product", sku="FRN-OAT-15")
    # A photo says what it shows by what was told of it, so that nothing large need be read.
    oat, barista = (label(words) for words in ("OAT DRINK", "BARISTA"))
    shop_assistant.correct(oat, "product", "FRN-OAT-15")
    shop_assistant.correct(barista, "product", "FRN-OAT-BAR")
    assert any("Its cap is glued." in s for s in said(shop_assistant.ask("/describe", [oat], thread="a")))
    assert "Its cap is glued." not in shop_assistant.ask("/describe", [barista], thread="b").text


def test_a_corrected_photo_outlives_its_thread_and_goes_with_the_correction(
    plain: Assistant, photo: Image.Image
) -> None:
    reply = plain.ask("/ocr expiry", [photo])
    plain.ask("/correct the expiry is 14 March 2028")
    plain.forget("main")
    assert plain.load(reply.photos[0]).id == reply.photos[0]
    (told,) = plain.corrections()
    plain.undo_correction(told.id)
    with pytest.raises(UnknownPhoto):
        plain.load(reply.photos[0])


def test_what_was_told_in_a_thread_is_undone_in_it_by_its_new_name(plain: Assistant, photo: Image.Image) -> None:
    plain.ask("/ocr expiry", [photo], thread="a")
    plain.ask("/correct the expiry is 14 March 2028", thread="a")
    plain.rename("a", "b")
    (told,) = plain.corrections()
    assert (told.thread, told.after) == ("b", "2028-03-14")
    assert "undone" in plain.ask("/correct undo that", thread="b").text
    assert plain.corrections() == []


def test_a_correction_is_kept_once_however_often_its_turn_is_run(
    plain: Assistant, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = plain.ask("/ocr expiry", [photo])
    kit = plain._kit
    sent = Said(
        step={"tool": "correct", "args": {}},
        text="/correct the expiry is 14 March 2028",
        photos=list(reply.photos),
        thread="main",
        turn="t",
        language="en",
    )
    monkeypatch.setattr(nodes, "tell_step", lambda *_: None)
    monkeypatch.setattr(nodes, "tell_finding", to_json)
    first, second = nodes.correct(kit, sent), nodes.correct(kit, sent)
    assert [f["corrections"] for f in first["findings"]] == [f["corrections"] for f in second["findings"]]
    assert len(plain.corrections()) == 1
    kit.corrections.add(replace(TOLD, thread="main"))
    sent["text"], sent["turn"] = "/correct undo that", "u"
    first, second = nodes.correct(kit, sent), nodes.correct(kit, sent)
    assert first["findings"][0]["corrections"] == second["findings"][0]["corrections"]
    assert len(plain.corrections()) == 1, "of two, one is undone"


def test_nothing_to_correct_is_said(plain: Assistant, photo: Image.Image) -> None:
    assert "Ask me about a photo first" in plain.ask("/correct that is silly", [photo]).text
    assert "no correction" in plain.ask("/correct undo that").text
    assert plain.corrections() == []


@pytest.mark.parametrize(
    "text", ["yes", "Yes!", "OK", "好的。", "是", "sí", "oui", "ja", "はい", "네", "sim", "да", "نعم", "हाँ"]
)
def test_a_plain_yes_is_one_in_every_language(text: str) -> None:
    assert is_yes(text)
    assert not is_no(text)


@pytest.mark.parametrize("text", ["no", "不用", "non", "nein", "いいえ", "아니요", "não", "нет", "لا", "नहीं"])
def test_a_plain_no_is_one_in_every_language(text: str) -> None:
    assert is_no(text)
    assert not is_yes(text)


@pytest.mark.parametrize("text", ["", "yes, and what does it cost?", "is it the same?", "不对，这是乳糖零的"])
def test_more_than_a_yes_or_no_is_neither(text: str) -> None:
    assert not is_yes(text)
    assert not is_no(text)


def test_a_product_nobody_knows_and_a_box_outside_are_refused(shop_assistant: Assistant) -> None:
    with pytest.raises(UnknownProduct):
        shop_assistant.correct(OAT, "product", "NOBODY")
    with pytest.raises(BadInput, match="box"):
        shop_assistant.correct(OAT, "place", "1,1,9999,9999", what="cap", box=(1, 1, 9999, 9999))
    with pytest.raises(UnknownCorrection):
        shop_assistant.undo_correction("0" * 12)
    assert shop_assistant.corrections() == []


def test_the_command_line_keeps_edits_undoes_and_passes_on(tmp_path: Path, photo: Image.Image) -> None:
    file, out = tmp_path / "p.png", tmp_path / "c.jsonl"
    photo.save(file)

    def run(*args: str, home: str = "a") -> dict[str, object]:
        env = {"SIGHTLINE_HOME": str(tmp_path / home)}
        result = CliRunner().invoke(app, ["corrections", *args, "--json"], env=env)
        assert result.exit_code == 0, result.output
        parsed: dict[str, object] = json.loads(result.stdout)
        return parsed

    kept = run("add", str(file), "--about", "field", "--what", "weight", "--after", "260 g", "--by", "Ann")
    name = str(kept["id"])
    before = run("list")
    assert run("edit", name, "270 g")["after"] == "270 g"
    assert len(run("show", name)["versions"]) == 2  # type: ignore[arg-type]
    run("undo", name)
    assert run("list") == before
    assert run("export", str(out)) == {"exported": 1}
    assert [run("import", str(out), home="b")["imported"] for _ in range(2)] == [1, 0]
    assert run("list", home="b") == before
    run("undo", name)
    assert run() == {"corrections": [], "conflicts": []}
    bad = CliRunner().invoke(app, ["corrections", "undo", "0" * 12], env={"SIGHTLINE_HOME": str(tmp_path / "a")})
    assert bad.exit_code == 2
