"""Answers composed without a model: every finding has its sentence in every language, and every sentence holds."""

from collections.abc import Sequence
from datetime import date
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.agent import ledger
from sightline.agent.answer import COMPOSERS, compose
from sightline.agent.reply import Slot, Statement, Step
from sightline.prompts import languages, sentences
from sightline.tools.types import Advice, Box, Fact, FieldName, Finding, Match, Outcome, Quality, Region, Size

PHOTO = "sha256:" + "0" * 64
TODAY = date(2026, 11, 24)
SIZE = Size(900, 600)
GOOD = Quality(SIZE, 900.0, 0.5, 0.0, 0.0, 0.0, (), "good", None)
GLARING = Quality(SIZE, 900.0, 0.5, 0.0, 0.0, 0.03, (), "poor", "avoid_glare")
MADE = Region(Box(10, 10, 200, 40), "生产日期：20260308", "text", 0.98)
LIFE = Region(Box(10, 50, 200, 80), "保质期：12个月", "text", 0.98)
COUNTED = (
    Fact("production", "2026-03-08", "20260308", MADE),
    Fact("shelf_life", "P12M", "保质期：12个月", LIFE),
    Fact("expiry", "2027-03-07", alternatives=("2027-03-08",)),
)


def said(language: str, *findings: Finding, quality: Quality = GOOD) -> list[Statement]:
    """What is said of one photo; every claim in it is supported and every sentence cites a finding."""
    measured = Finding("quality:0", "quality", "found", (PHOTO,), "photo quality", 1.0, quality=quality)
    plan = [Step(f.tool) for f in findings]
    everything = [measured, *findings]
    statements = compose(language, plan, everything, {PHOTO: quality}, [], None, TODAY)
    for number, statement in enumerate(statements):
        assert statement.cites, statement
        claims = ledger.check(number, statement, {f.id: f for f in everything}, {PHOTO: SIZE})
        assert ledger.holds(statement, claims), claims
    return statements


def text_of(statements: Sequence[Statement]) -> str:
    return "\n".join(s.text for s in statements)


def look(tool: str, outcome: Outcome, reason: str | None = None, **more: object) -> Finding:
    return Finding(f"{tool}:0", tool, outcome, (PHOTO,), "a reader", 1.0, reason=reason, **more)  # type: ignore[arg-type]


# What a look may come to, and why.
ENDS: Sequence[tuple[Outcome, str | None]] = [
    ("found", None),
    ("found", "partly_unreadable"),
    ("found", "unsupported_script"),
    ("absent", None),
    ("unreadable", "partly_unreadable"),
    ("unreadable", "unsupported_script"),
    ("unreadable", "photo_too_poor"),
    ("not_looked", None),
]


@pytest.mark.parametrize(
    ("values", "english", "chinese"),
    [
        (["2026-11-23"], "has passed", "已经过了"),
        (["2026-11-24"], "is today", "就是今天"),
        (["2026-11-25"], "tomorrow", "明天"),
        (["2026-12-04"], "10 days away", "还有10天"),
        (["2026-10"], "has passed", "已经过了"),
        (["2026-11"], "this month", "这个月"),
        (["2026-12"], "month is still to come", "还没到那个月"),
        (["2026-04-03", "2026-03-04"], "every day it may mean has passed", "可能的日期都已经过了"),
        (["2027-04-03", "2027-03-04"], "every day it may mean is still to come", "可能的日期都还没到"),
    ],
)
def test_an_expiry_date_is_held_against_today(values: list[str], english: str, chinese: str) -> None:
    printed = Region(Box(10, 10, 200, 40), "EXP", "text", 0.98)
    fact = Fact("expiry", values[0], "EXP", printed, tuple(values[1:]))
    found = look("ocr", "found", asked="expiry", facts=(fact,), regions=(printed,))
    assert english in text_of(said("en", found))
    assert chinese in text_of(said("zh", found))


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("values", [["2026-12-01", "2026-01-12"], ["2026-11-24", "2026-11-25"]])
def test_where_the_meanings_of_a_date_do_not_agree_nothing_is_said_of_today(language: str, values: list[str]) -> None:
    printed = Region(Box(10, 10, 200, 40), "EXP", "text", 0.98)
    fact = Fact("expiry", values[0], "EXP", printed, tuple(values[1:]))
    assert len(said(language, look("ocr", "found", asked="expiry", facts=(fact,), regions=(printed,)))) == 1


def test_of_two_expiry_dates_and_of_other_dates_nothing_is_said_of_today() -> None:
    printed = Region(Box(10, 10, 200, 40), "EXP", "text", 0.98)
    two = tuple(Fact("expiry", v, "EXP", printed) for v in ("2026-12-01", "2026-12-02"))
    assert len(said("en", look("ocr", "found", asked="expiry", facts=two, regions=(printed,)))) == 2
    made = (Fact("production", "2026-01-01", "EXP", printed),)
    assert len(said("en", look("ocr", "found", asked="production", facts=made, regions=(printed,)))) == 1


def test_many_places_are_counted_and_not_listed_one_by_one() -> None:
    def at(x: float, y: float) -> Region:
        return Region(Box(x, y, x + 50, y + 20), "milk", "text", 0.9)

    found = look("ground", "found", asked="milk", regions=(at(10, 10), at(100, 10), at(800, 500)))
    assert "3 places: 2 at the upper left; 1 at the lower right" in text_of(said("en", found))
    assert "左上方2处；右下方1处" in text_of(said("zh", found))


@pytest.mark.parametrize("n", [1, 2])
def test_a_list_that_broke_off_is_not_counted(n: int) -> None:
    cups = tuple(Region(Box(10, 300 * k, 60, 300 * k + 40), "cup", "thing") for k in range(n))
    found = look("ground", "found", asked="cups", regions=cups, model="a model", cut=True)
    assert {slot.kind for s in said("en", found) for slot in s.slots} == {"side"}
    assert "there may be more" in text_of(said("en", found))
    assert "可能还有" in text_of(said("zh", found))
    counted = Statement("…", (found.id,), (Slot("count", str(n), found.id),))
    assert not ledger.holds(counted, ledger.check(0, counted, {found.id: found}, {PHOTO: SIZE}))


@pytest.mark.parametrize("language", languages())
def test_a_coloured_area_is_not_said_to_be_the_thing_that_was_asked_for(language: str) -> None:
    red = Region(Box(10, 10, 90, 90), "red", "colour")
    text = text_of(said(language, look("ground", "found", asked="red boxes", regions=(red,))))
    assert "red boxes" not in text


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("tool", COMPOSERS)
@settings(max_examples=20)  # of each tool in each language
@given(
    end=st.sampled_from(ENDS),
    asked=st.none() | st.sampled_from(get_args(FieldName)),
    printed=st.lists(st.text("abc配料 \u202e{}", min_size=1, max_size=8), min_size=1, max_size=9),
    advice=st.none() | st.sampled_from(get_args(Advice)),
)
def test_every_finding_has_its_sentences(
    tool: str, language: str, end: tuple[Outcome, str | None], asked: str | None, printed: list[str], advice: Advice
) -> None:
    quality = Quality(SIZE, 9.0, 0.5, 0.0, 0.0, 0.0, (), "poor" if advice else "good", advice)
    regions = tuple(Region(Box(10, 10 * n, 90, 10 * n + 8), t, "text", 0.9) for n, t in enumerate(printed))
    facts = tuple(Fact("lot", t, t, r) for t, r in zip(printed, regions, strict=True))
    if end[0] != "found":
        regions, facts = (), ()
    finding = look(
        tool,
        *end,
        asked=asked or "the dog" if tool == "ground" else None if tool == "describe" else asked,
        text="\n".join(printed) if regions else None,
        regions=regions,
        facts=facts,
        quality=quality if tool == "describe" else None,
        matches=(Match("OAT", "Oat {drink}", PHOTO, ("features",)),)
        if tool == "told" or (tool == "identify" and regions)
        else (),
    )
    assert said(language, finding, quality=quality)


def test_a_counted_expiry_says_what_it_was_counted_from() -> None:
    finding = look("ocr", "found", asked="expiry", regions=(MADE, LIFE), facts=COUNTED)
    statement, _ = said("en", finding)
    for part in ("No expiry date is printed", "8 March 2026", "20260308", "12 months", "7 March 2027 or 8 March 2027"):
        assert part in statement.text
    assert {s.value for s in statement.slots} >= {"2026-03-08", "P12M", "2027-03-07", "2027-03-08", "20260308"}
    chinese, _ = said("zh", finding)
    for part in ("没有印到期日期", "2026年3月8日", "12个月", "2027年3月7日或2027年3月8日"):
        assert part in chinese.text


@pytest.mark.parametrize(("language", "words"), [("en", "14 March 2027"), ("zh", "2027年3月14日")])
def test_a_date_of_no_known_use_is_said_beside_what_cannot_be_told(language: str, words: str) -> None:
    stamp = Region(Box(10, 50, 200, 80), "2027.03.14", "text", 0.98)
    fact = Fact("date", "2027-03-14", "2027.03.14", stamp)
    finding = look("ocr", "unreadable", "role_not_printed", asked="expiry", regions=(stamp,), facts=(fact,))
    cannot, date_ = said(language, finding)
    assert not cannot.slots
    assert words in date_.text


def test_a_shelf_life_alone_is_said_beside_the_missing_date() -> None:
    finding = look("ocr", "absent", asked="expiry", regions=(LIFE,), facts=COUNTED[1:2])
    text = text_of(said("en", finding))
    assert "the expiry date is not there" in text
    assert "12 months" in text


@pytest.mark.parametrize(
    ("period", "words"), [("P1D", "1 day."), ("P6W", "6 weeks."), ("P1M", "1 month."), ("P3Y", "3 years.")]
)
def test_a_period_is_said_in_words(period: str, words: str) -> None:
    finding = look(
        "ocr", "found", asked="shelf_life", regions=(LIFE,), facts=(Fact("shelf_life", period, "保质期", LIFE),)
    )
    assert f"the shelf life as {words}" in text_of(said("en", finding))


def test_what_a_poor_photo_may_hide_is_not_said_to_be_absent() -> None:
    for finding in (
        look("ocr", "unreadable", "photo_too_poor", asked="lot"),
        look("ground", "unreadable", "photo_too_poor", asked="a QR code"),
    ):
        text = text_of(said("en", finding, quality=GLARING))
        assert "may hide it, so I can't tell" in text
        assert "tilt the object" in text, "and what would help"


def test_colours_are_said_by_colour_with_what_prevails_first() -> None:
    def cell(column: int, row: int, colour: str) -> Fact:
        box = Box(300 * column, 200 * row, 300 * column + 300, 200 * row + 200)
        return Fact("colour", colour, None, Region(box, colour, "colour"))

    cells = [cell(c, r, "red" if r == 0 and c < 2 else "grey") for r in range(3) for c in range(3)]
    finding = look("describe", "found", facts=tuple(cells), quality=GOOD)
    assert "Mostly grey; red at the upper left, at the top." in text_of(said("en", finding))
    assert "以灰色为主；左上、上方是红色。" in text_of(said("zh", finding))


def test_no_text_is_said_only_where_none_was_seen() -> None:
    nothing = look("describe", "found", quality=GOOD)
    assert sentences("en")["describe.no_text"] in text_of(said("en", nothing))
    scribble = Region(Box(10, 10, 90, 30), "", "text", None)
    unread = look("describe", "found", "partly_unreadable", regions=(scribble,), quality=GOOD)
    assert sentences("en")["describe.no_text"] not in text_of(said("en", unread))
