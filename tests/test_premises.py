"""What a question takes for granted: words that are not there, and a product that is another one."""

import json
from functools import cache
from typing import Any

import pytest
from fakes import SHOP

from sightline.agent.premises import premises, taken_for_granted
from sightline.memory.words import Words
from sightline.prompts import say
from sightline.tools.types import Box, Finding, Match, Product, Quality, Region, Size, Verdict

PHOTO = "sha256:" + "0" * 64


def finding(tool: str = "describe", **told: Any) -> Finding:
    known = {"id": tool, "outcome": "found", "photos": (PHOTO,), "source": "", "ms": 0.0}
    return Finding(tool=tool, **{**known, **told})


@cache
def products() -> dict[str, Product]:
    """The sample products by SKU, without their pictures."""
    rows = map(json.loads, (SHOP / "catalogue.jsonl").read_text("utf-8").splitlines())
    return {row["sku"]: Product(row["sku"], row["title"], (PHOTO,)) for row in rows}


@cache
def catalogue() -> Words:
    return Words(list(products().values()))


def said(text: str, *findings: Finding, language: str = "en") -> list[str]:
    return [s.text for s in premises(text, findings, catalogue(), language)]


def match(sku: str) -> Match:
    return Match(sku, products()[sku].title, PHOTO, ("embedding",))


READ = finding("ocr", text="OAT DRINK\nStore in a cool place\nno added sugar\n保质期至 2028年")


@pytest.mark.parametrize(
    "question",
    [
        'Why does it say "organic"?', "Why does it say organic?", "what does the peanut warning say?",
        "What does “E330” mean?", "为什么写着有机？", "上面的“无糖”是什么意思？", "¿Por qué dice ecológico?",
        "Pourquoi est-ce écrit bio équitable ?", "Was bedeutet glutenfrei?", "¿Qué significa “ecológico”?",
    ],
)  # fmt: skip
def test_words_that_are_not_there_are_named(question: str) -> None:
    (words,) = taken_for_granted(question)
    assert said(question, READ) == [say("en", "premise.words_absent", words=words)]


@pytest.mark.parametrize(
    "question",
    [
        'Why does it say "oat drink"?', "why does it say “No added-sugar”?", "what does the storage label say?",
        "What does the warning label say?", "为什么写着保质期？", "What is written here?", "Is this “the monster”?",
        "What does it say?", "Why is it so small?", 'why does it say "0at drink"?', "Pourquoi est-ce écrit 有机食品 ?",
        "这上面写着什么？", "为什么没有写日期",
    ],
)  # fmt: skip
def test_what_is_there_or_is_not_taken_for_granted_is_not(question: str) -> None:
    latin = finding("ocr", text="OAT DRINK\nStore in a cool place\nno added sugar")
    assert said(question, READ if "有机" not in question else latin) == []


def test_where_part_of_the_print_could_not_be_read_it_cannot_be_told() -> None:
    lost = finding("ocr", text="OAT DRINK", reason="partly_unreadable")
    unread = finding("describe", text="OAT DRINK", regions=(Region(Box(0, 0, 9, 9), "", "text"),))
    shine = Quality(Size(100, 100), 900.0, 0.5, 0.0, 0.0, 0.03, (), "poor", "avoid_glare")
    for seen in ((lost,), (unread,), (finding("ocr", text="OAT DRINK"), finding("quality", quality=shine))):
        told = said('Why does it say "organic"?', *seen)
        assert told == [say("en", "premise.words_unreadable", words="organic")]


def test_of_a_photo_that_nothing_was_read_in_no_premise_is_judged() -> None:
    assert said('Why does it say "organic"?', finding("ocr", outcome="unreadable")) == []
    assert said('Why does it say "organic"?', finding("identify")) == []
    assert said('Where does it say "organic"?', READ, finding("ground", outcome="absent", asked="organic")) == []


def test_words_that_are_not_there_are_no_quote_and_cite_what_was_read() -> None:
    (statement,) = premises("为什么写着有机？", [READ], catalogue(), "zh")
    assert statement.text == say("zh", "premise.words_absent", words="有机")
    assert (statement.cites, statement.slots) == (("ocr",), ())


@pytest.mark.parametrize(
    ("question", "seen", "asked"),
    [
        ("Is this the chocolate one?", "FRN-OAT-15", ["FRN-OAT-CHO"]),
        ("When does the barista drink expire?", "FRN-OAT-15", ["FRN-OAT-BAR"]),
        ("How many bags are in the lemon ginger infusion?", "LRK-TEA-BER20", ["LRK-TEA-LEM20"]),
        ("玫瑰面膜什么时候过期", "HJD-MASK-ALO", ["HJD-MASK-ROS"]),
        ("这是玫瑰的吗", "HJD-MASK-ALO", ["HJD-MASK-ROS"]),
    ],
)
def test_another_product_than_the_one_seen_is_named(question: str, seen: str, asked: list[str]) -> None:
    (statement,) = premises(question, [finding("identify", matches=(match(seen),))], catalogue(), "en")
    titles = " or ".join(products()[sku].title for sku in asked)
    assert statement.text == say("en", "premise.other_product", asked=titles, seen=products()[seen].title)
    assert [(s.kind, s.value) for s in statement.slots] == [("product", seen)]
    assert statement.cites == ("identify",)


@pytest.mark.parametrize(
    ("question", "seen"),
    [
        ("Is this the chocolate one?", "FRN-OAT-CHO"),
        ("Does it contain chocolate?", "FRN-OAT-15"),
        ("Is the drink sweet?", "FRN-OAT-15"),
        ("Is this the original packaging?", "LRK-TEA-BER20"),
        ("这个面膜怎么用", "HJD-MASK-ALO"),
        ("芦荟面膜什么时候过期", "HJD-MASK-ALO"),
        ("这盒茶多少钱", "SYT-MLH"),
        ("里面有蜂蜜吗", "HJD-MASK-ALO"),
    ],
)
def test_a_word_that_titles_share_or_that_is_no_name_is_no_premise(question: str, seen: str) -> None:
    assert said(question, finding("identify", matches=(match(seen),))) == []


def test_where_no_product_was_found_or_the_verdict_says_so_nothing_is_said() -> None:
    other = finding(
        "compare", matches=(match("FRN-OAT-15"), match("FRN-OAT-CHO")), verdict=Verdict("other_variant", ())
    )
    for seen in (finding("identify", outcome="absent"), finding("identify", outcome="unreadable"), other):
        assert said("Is this the chocolate one?", seen) == []
