"""The three manners: what comes first, what is never said, and what a listener can take in."""

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline import prompts
from sightline.agent.lexicons import named
from sightline.agent.manners import BRIEF, MANNERS, Asking, asks_whether_safe, may_say, more, put
from sightline.agent.reply import Reply, Slot, Statement
from sightline.agent.speech import speakable, spoken_words
from sightline.tools.types import Box, Finding, Match, Region, Sentence, Verdict

PHOTO = "sha256:" + "0" * 64
EN = Asking("en")


def finding(tool: str = "describe", **told: Any) -> Finding:
    known = {"id": tool, "outcome": "found", "photos": (PHOTO,), "source": "", "ms": 0.0}
    return Finding(tool=tool, **{**known, **told})


def reply(*statements: Statement, language: str = "en") -> Reply:
    text = "\n".join(s.text for s in statements)
    return Reply(text, language, (), statements, (), (), (), "t", "u", "", (PHOTO,), "found")


COMPARED = finding("compare", verdict=Verdict("differs", ("differences",)))
READ = finding("ocr", text="Mind your head\nWET FLOOR")


@pytest.mark.parametrize("manner", MANNERS)
def test_a_verdict_comes_before_all_else(manner: str) -> None:
    said = [
        Statement("It says: “12 oz”", ("ocr",)),
        Statement("This is Oat Drink.", ("identify",)),
        Statement("It differs.", ("compare",), (Slot("verdict", "differs", "compare"),)),
        Statement("1. On the left: a stain.", ("compare",)),
    ]
    put_ = put(manner, EN, said, [finding("ocr", text="12 oz"), finding("identify"), COMPARED])
    assert [s.cites for s in put_][:3] == [("compare",), ("identify",), ("ocr",)]


@pytest.mark.parametrize("language", prompts.languages())
def test_no_sentence_of_ours_accuses_or_says_that_something_is_safe(language: str) -> None:
    for key, sentence in prompts.sentences(language).items():
        assert not named("accusations", "", sentence), key
        assert not named("safety", "said", sentence), key
        assert not named("hazards", "seen", sentence, language), key


@pytest.mark.parametrize(
    "sentence",
    [
        "This is a fake.", "It looks counterfeit.", "The seal was tampered with.", "这是假货。", "有人伪造了标签。",
        "Es una estafa.", "C'est une contrefaçon.", "Das ist gefälscht.", "これは偽物です。", "이것은 가짜입니다.",
        "É uma fraude.", "Это подделка.", "هذا المنتج مزيف.", "यह नकली है।",
    ],
)  # fmt: skip
def test_service_passes_on_no_accusation_of_a_model_in_any_language(sentence: str) -> None:
    seen = finding(said=f"A box. {sentence}", sentences=(Sentence("A box."), Sentence(sentence)), model="m")
    said = [Statement(f"Unchecked: {text}", ("describe",), hedged=True) for text in ("A box.", sentence)]
    assert not may_say("service", sentence)
    assert sentence not in "".join(s.text for s in put("service", EN, said, [seen]))
    assert "A box." in put("service", EN, said, [seen])[0].text


@pytest.mark.parametrize(
    "sentence",
    [
        "It is safe to cross.", "You can cross now.", "现在可以过马路。", "Es seguro cruzar.",
        "Vous pouvez traverser.", "Sie können sicher überqueren.", "渡っても大丈夫です。", "건너도 됩니다.",
        "É seguro atravessar.", "Можно переходить дорогу.", "يمكنك العبور الآن.", "आप सड़क पार कर सकते हैं।",
    ],
)  # fmt: skip
@pytest.mark.parametrize("manner", MANNERS)
def test_no_manner_says_that_something_is_safe(manner: str, sentence: str) -> None:
    assert not may_say(manner, sentence)
    seen = finding(said=sentence, model="m")
    assert sentence not in "".join(
        s.text for s in put(manner, EN, [Statement(f"It says: {sentence}", ("describe",))], [seen])
    )


@pytest.mark.parametrize("question", ["Is it safe to cross?", "可以过马路吗", "¿Es seguro cruzar?", "渡っても大丈夫？"])
def test_asked_whether_it_is_safe_that_cannot_be_judged_and_the_rest_is_told(question: str) -> None:
    assert asks_whether_safe(question)
    for manner in MANNERS:
        first, second, *_ = put(
            manner, Asking("en", question), [Statement("I see a car.", ("ground",))], [finding("ground")]
        )
        assert {prompts.say("en", "safety.cannot"), "I see a car."} == {first.text, second.text}
    assert not asks_whether_safe("Is this the safest colour?")


def test_service_offers_a_colleague_where_something_differs_and_a_person_once_a_thread() -> None:
    said = [Statement("It differs.", ("compare",))]
    first = put("service", EN, said, [COMPARED])
    assert first[-1].text == prompts.say("en", "manner.pass_on")
    assert put("service", replace(EN, before=[reply(*first)]), said, [COMPARED]) == said
    absent = [Statement("I see no text.", ("ocr",))]
    once = put("service", EN, absent, [finding("ocr", outcome="absent")])
    assert once[-1].text == prompts.say("en", "manner.human")
    assert put("service", replace(EN, before=[reply(*once)]), absent, [finding("ocr", outcome="absent")]) == absent


def test_service_does_not_say_twice_which_photo_would_settle_it() -> None:
    with_view = finding("compare", outcome="unreadable", verdict=Verdict("cannot_tell", ("covered",), "whole_front"))
    without = replace(with_view, verdict=Verdict("cannot_tell", ("covered",)))
    said = [Statement("I can't tell.", ("compare",))]
    photo = prompts.say("en", "manner.next_photo")
    assert [photo in [s.text for s in put("service", EN, said, [f])] for f in (with_view, without)] == [False, True]


@pytest.mark.parametrize(
    ("line", "language"), [("WET FLOOR", "en"), ("小心地滑", "zh"), ("高压危险", "zh"), ("DANGER", "en")]
)
def test_a_printed_warning_is_heard_first(line: str, language: str) -> None:
    seen = finding("ocr", text=f"Tom's shop\n{line}")
    put_ = put("narrator", Asking(language), [Statement("Tom's shop", ("ocr",))], [seen])
    assert line in put_[0].text
    assert put_[0].slots == (Slot("quote", line, "ocr"),)
    assert len(put_) == 2


def test_what_a_model_saw_of_hazards_is_heard_first_and_as_unchecked() -> None:
    said = ("A hall with plants.", "There are stairs on the left.", "There is no knife.", "It is bright.")
    seen = finding(said=" ".join(said), sentences=tuple(map(Sentence, said)), model="m")
    told = [Statement(f"Unchecked: {text}", ("describe",), hedged=True) for text in said]
    put_ = put("narrator", replace(EN, detail="full"), told, [seen])
    assert "stairs" in put_[0].text
    assert "knife" not in put_[0].text
    assert all(s.hedged for s in put_)
    assert put_[1].text.endswith("A hall with plants.")


def test_a_product_named_after_a_hazard_is_none() -> None:
    seen = finding("identify", matches=(Match("S", "Fire Knife Sauce", PHOTO, ("embedding",)),))
    said = [Statement("I see a mug.", ("identify",)), Statement("This is Fire Knife Sauce.", ("identify",))]
    assert [s.text for s in put("narrator", EN, said, [seen])] == [s.text for s in said]


def test_a_narrator_says_left_centre_or_right_where_that_tells_places_apart() -> None:
    region = Region(Box(0, 0, 10, 10), "mug", "thing")
    one = Statement(
        "I found “mug” in one place: at the upper left.", ("ground",), (Slot("side", "1 upper_left", "ground"),)
    )
    assert put("narrator", EN, [one], [finding("ground", regions=(region,))])[0].text.endswith("on the left.")
    two = Statement(
        "I found “mug” in 2 places: at the upper left; at the lower left.",
        ("ground",),
        (Slot("side", "1 upper_left", "ground"), Slot("side", "2 lower_left", "ground")),
    )
    assert put("narrator", EN, [two], [finding("ground", regions=(region,))]) == [two]


def test_brief_still_tells_the_hazard_and_the_subject() -> None:
    said = [
        Statement("This is Oat Drink Original (SKU 4), recognised by its official picture.", ("identify",)),
        Statement("It says " + "many words " * 30, ("ocr",)),
        Statement("The photo is sharp.", ("ocr",)),
    ]
    put_ = put("narrator", replace(EN, detail="brief"), said, [finding("identify"), READ])
    text = " ".join(s.text for s in put_)
    assert spoken_words(text) <= BRIEF
    assert "WET FLOOR" in put_[0].text
    assert "Oat Drink" in put_[1].text
    assert put_[-1].text == prompts.say("en", "manner.more_follows")


def test_what_is_too_long_to_be_brief_is_offered() -> None:
    long = [Statement("word " * 40, ("ocr",))]
    put_ = put("narrator", replace(EN, detail="brief"), long, [finding("ocr")])
    assert [s.text for s in put_] == [prompts.say("en", "manner.long")]


TEXTS = st.text(st.sampled_from("ab 一二.!*#|•–😀%&\n“”→°1"), min_size=1, max_size=80) | st.text(
    min_size=1, max_size=60
)
STATEMENTS = st.lists(
    st.builds(
        Statement,
        TEXTS,
        st.just(("ocr",)),
        st.just(()) | st.sampled_from([(Slot("quote", "a", "ocr"),), (Slot("count", "2", "ocr"),)]),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(STATEMENTS, st.sampled_from(prompts.languages()), TEXTS)
def test_brief_has_25_words_at_most_whatever_comes(said: list[Statement], language: str, text: str) -> None:
    seen = finding("ocr", text=f"{text}\nDANGER\nwet floor\n小心地滑")
    put_ = put("narrator", Asking(language, "is it safe to go?", "brief"), said, [seen])
    assert sum(spoken_words(s.text) for s in put_) <= BRIEF
    assert bool(put_) >= bool(said)


@settings(max_examples=150, deadline=None)
@given(STATEMENTS, st.sampled_from(prompts.languages()), st.sampled_from(["brief", "normal", "full"]))
def test_a_narrator_says_nothing_that_cannot_be_spoken(said: list[Statement], language: str, detail: str) -> None:
    for each in put("narrator", Asking(language, detail=detail), said, [finding("ocr", text="a")]):
        assert each.text.strip()
        assert "\n" not in each.text
        assert not [c for c in each.text if unicodedata.category(c)[0] in "SC" or c in "*#|_`~<>[]{}•"]
        assert "http" not in each.text


def test_addresses_markup_and_tables_are_not_read_out() -> None:
    text = "**Hi** 😀 see https://x.y/z?a=1\n- one\n| a | b |\n50% of 20 °C, 1 × 2 & “it’s”"
    assert speakable("en", text) == "Hi see a link; one; a b ; 50 percent of 20 degrees C, 1 times 2 and “it’s”"


@settings(max_examples=100, deadline=None)
@given(STATEMENTS, st.sampled_from(sorted(MANNERS)))
def test_no_statement_loses_what_it_cites_or_asserts(said: list[Statement], manner: str) -> None:
    put_ = put(manner, replace(EN, detail="full"), said, [finding("ocr", text="a")])
    kept = [(s.cites, s.slots) for s in put_]
    spoken = [s for s in said if manner != "narrator" or speakable("en", s.text)]
    assert all(
        kept.count((s.cites, s.slots)) >= sum((o.cites, o.slots) == (s.cites, s.slots) for o in set(spoken))
        for s in spoken
    )


@settings(max_examples=100, deadline=None)
@given(STATEMENTS, STATEMENTS)
def test_more_never_repeats(earlier: list[Statement], now: list[Statement]) -> None:
    added = more([*now, *earlier], [reply(*earlier)])
    assert not {s.text for s in added} & {s.text for s in earlier}
    assert len({s.text for s in added}) == len(added)
    assert not more(added, [reply(*earlier), reply(*added)])


def test_more_leaves_out_a_models_sentence_that_was_heard_in_other_words_of_ours() -> None:
    said = ("A mug stands here.", "It is red.", "A lamp hangs above.")
    before = finding(said=" ".join(said[:2]), sentences=tuple(map(Sentence, said[:2])), model="m")
    heard = replace(reply(Statement("In the words of m: A mug stands here.", ("describe",))), findings=(before,))
    again, new = (Statement(f"Not checked: {text}", ("describe",)) for text in (said[0], said[2]))
    assert more([again, new], [heard]) == [new]
