"""What is said of products: whatever a look comes to has its sentences in every language, and every one holds."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sightline.agent import ledger, products
from sightline.agent.answer import composer
from sightline.prompts import languages, sentences
from sightline.tools.types import (
    Advice,
    Answer,
    Box,
    Difference,
    DifferenceKind,
    Fact,
    Finding,
    Match,
    Outcome,
    Region,
    Size,
    Verdict,
)

PHOTO, OTHER = "sha256:" + "0" * 64, "sha256:" + "1" * 64
SIZE = Size(900, 600)
OAT = Match("OAT", "Oat {drink}", OTHER, ("features",), inliers=40)
RYE = Match("RYE", "黑麦饮", OTHER, ("claimed",))
WORDS = st.none() | st.text("abc配料 {}", min_size=1, max_size=9).filter(str.strip)

# The reasons and views that each verdict comes with.
CANNOT = [(("photo_too_poor",), advice) for advice in get_args(Advice)] + [
    (("covered",), "whole_front"),
    (("too_small",), "closer"),
    (("little_agreement",), "straight_front"),
    (("side_not_seen",), "straight_front"),
    (("not_recognised",), "same_side"),
    (("variant_undetermined",), "closer_label"),
]


@st.composite
def differences(draw: st.DrawFn) -> Difference:
    kind = draw(st.sampled_from(get_args(DifferenceKind)))
    x, y = draw(st.floats(0, 800)), draw(st.floats(0, 500))
    before, now = draw(WORDS), draw(WORDS)
    if kind == "damage":
        before, now = None, draw(st.sampled_from(["dent", "stain"]))
    elif kind == "colour":
        before, now = draw(st.sampled_from([("red", "blue"), (None, None)]))
    elif kind == "text":
        before, now = before or "a", now or "b"
    region = Region(Box(x, y, x + 90, y + 90), now or "", "difference")
    return Difference(kind, region, OTHER, Box(1, 1, 9, 9), before, now)


def hold(language: str, finding: Finding) -> str:
    statements = list(composer(finding.tool)(language, finding, SIZE))
    assert statements
    for n, statement in enumerate(statements):
        assert statement.cites == (finding.id,)
        claims = ledger.check(n, statement, {finding.id: finding}, {PHOTO: SIZE})
        assert ledger.holds(statement, claims), statement
    return "\n".join(statement.text for statement in statements)


def compared(verdict: Verdict, found: tuple[Difference, ...] = (), **more: Any) -> Finding:
    outcome: Outcome = "unreadable" if verdict.answer == "cannot_tell" else "found"
    look = ("compare:0", "compare", outcome, (PHOTO,), "instruments", 1.0)
    return Finding(*look, differences=found, verdict=verdict, **more)


@pytest.mark.parametrize("language", languages())
@settings(max_examples=30)  # of each language
@given(
    answer=st.sampled_from([a for a in get_args(Answer) if a != "cannot_tell"]),
    found=st.lists(differences(), max_size=5).map(tuple),
    dated=st.booleans(),
    small=st.booleans(),
)
def test_every_verdict_has_its_sentences(
    language: str, answer: Answer, found: tuple[Difference, ...], dated: bool, small: bool
) -> None:
    assume((answer == "same") != bool(found) or answer == "other_variant")
    facts = (Fact("expiry", "2027-03-14", "14 MAR 2027"), Fact("lot", "A1", "A1")) if dated else ()
    verdict = Verdict(answer, ("damage_not_judged",) if small else ("agrees",))
    matches = (OAT, RYE) if answer == "other_variant" else (OAT,)
    text = hold(language, compared(verdict, found, facts=facts, matches=matches))
    assert OAT.title in text
    assert "other photo" not in text
    assert "另一张" not in text
    assert (RYE.title in text) == (answer == "other_variant")
    assert text.count("\n") == len(found) + 2 * dated + small
    assert len(products.legend(language, found)) == len(found)


@given(found=st.lists(differences(), min_size=1, max_size=5).map(tuple))
def test_of_two_photos_nothing_is_said_to_be_official(found: tuple[Difference, ...]) -> None:
    facts = (Fact("expiry", "2027-03-14", "14 MAR 2027"),)
    for language in languages():
        plain = compared(Verdict("differs", ("text",)), found, facts=facts)
        text = hold(language, replace(plain, photos=(PHOTO, OTHER)))
        assert "official" not in text
        assert "官方" not in text
        for reason in (
            "covered",
            "little_agreement",
            "official_too_small",
            "not_recognised",
            "too_small",
            "photo_too_poor",
        ):
            verdict = Verdict("cannot_tell", (reason,), "same_side")
            text = hold(language, replace(plain, outcome="unreadable", verdict=verdict))
            pair = hold(language, replace(plain, outcome="unreadable", verdict=verdict, photos=(PHOTO, OTHER)))
            assert text
            assert "official" not in pair
            assert "官方" not in pair


@pytest.mark.parametrize("language", languages())
def test_two_packs_of_one_name_are_each_said_to_be_where_they_are(language: str) -> None:
    left, right = (
        Match(sku, "Oat 1 L", OTHER, ("features",), quad=Box(x, 9, x + 90, 99).corners)
        for sku, x in (("A", 5), ("B", 800))
    )
    finding = Finding("identify:0", "identify", "found", (PHOTO,), "instruments", 1.0, matches=(left, right))
    statements = list(products.identify(language, finding, SIZE))
    assert len({statement.text for statement in statements}) == 2
    claims = [c for n, s in enumerate(statements) for c in ledger.check(n, s, {finding.id: finding}, {PHOTO: SIZE})]
    assert [c.region.box.x0 for c in claims if c.region] == [5, 5, 800, 800]
    hold(language, finding)


@pytest.mark.parametrize("language", languages())
def test_what_came_may_be_either_of_two_twins(language: str) -> None:
    twin = Match("OAT-2", "Oat drink 3%", OTHER, ("features",))
    text = hold(language, compared(Verdict("other_variant", ("other_product",)), matches=(OAT, twin, RYE)))
    assert all(match.title in text for match in (OAT, twin, RYE))


@pytest.mark.parametrize("language", languages())
def test_a_printed_date_that_can_be_read_two_ways_is_given_as_it_is_printed(language: str) -> None:
    fact = Fact("expiry", "2027-04-03", "03/04/27", None, ("2027-03-04",))
    text = hold(language, compared(Verdict("same", ("agrees",)), facts=(fact,), matches=(OAT,)))
    assert "03/04/27" in text


@pytest.mark.parametrize("language", languages())
def test_what_is_missing_is_named_by_what_was_there(language: str) -> None:
    mark = Difference("missing", Region(Box(0, 0, 9, 9), "now", "difference"), OTHER, Box(0, 0, 9, 9), "seal", "now")
    (legend,) = products.legend(language, [mark])
    assert "seal" in legend


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize(("reasons", "view"), CANNOT)
def test_cannot_tell_says_why_and_which_view_would_settle_it(
    language: str, reasons: tuple[str, ...], view: str
) -> None:
    text = hold(language, compared(Verdict("cannot_tell", reasons, view), matches=(OAT, RYE)))
    assert text.count("\n") == 1, "why, and what would help"


@pytest.mark.parametrize("language", languages())
def test_what_is_not_decided_is_not_listed_as_a_difference(language: str) -> None:
    mark = Difference("text", Region(Box(0, 0, 9, 9), "b", "difference"), OTHER, Box(0, 0, 9, 9), "before", "after")
    text = hold(language, compared(Verdict("cannot_tell", ("little_agreement",), "straight_front"), (mark,)))
    assert "after" not in text


def test_nobody_is_accused() -> None:
    for language in languages():
        for words in products_sentences(language):
            assert not any(
                word in words.casefold() for word in ("fake", "counterfeit", "fraud", "假货", "伪造", "欺诈")
            )


def products_sentences(language: str) -> list[str]:

    return [
        text for key, text in sentences(language).items() if key.split(".")[0] in ("compare", "difference", "identify")
    ]


@pytest.mark.parametrize("language", languages())
def test_rivals_are_named_with_what_would_tell_them_apart(language: str) -> None:
    finding = Finding(
        "identify:0", "identify", "unreadable", (PHOTO,), "instruments", 1.0,
        asked="1.5, 3, 100克", matches=(OAT, RYE), reason="variant_undetermined",
    )  # fmt: skip
    text = hold(language, finding)
    assert all(words in text for words in (OAT.title, RYE.title, "1.5", "100克"))


@pytest.mark.parametrize("language", languages())
def test_a_barcode_that_contradicts_the_picture_is_said(language: str) -> None:
    finding = Finding(
        "identify:0", "identify", "unreadable", (PHOTO,), "instruments", 1.0,
        matches=(RYE, OAT), reason="code_conflict",
    )  # fmt: skip
    text = hold(language, finding)
    assert text.index(RYE.title) < text.index(OAT.title)
