"""What a person says when asked: which words are an answer, and which another question."""

import pytest

from sightline.agent.reply import Option, Step
from sightline.agent.told import chosen, goes_on

OPTIONS = (Option("OAT-15", "Oat Drink 1.5%"), Option("OAT-BAR", "Oat Drink Barista"), Option("TEA-2", "龙井 雨前"))


@pytest.mark.parametrize(
    ("text", "sku"),
    [
        ("2", "OAT-BAR"), ("the second one", "OAT-BAR"), ("Number 1.", "OAT-15"), ("第二个", "OAT-BAR"),
        ("是第三款", "TEA-2"), ("oat-15", "OAT-15"), ("It's the barista", "OAT-BAR"), ("龙井 雨前", "TEA-2"),
        ("Oat Drink Barista", "OAT-BAR"), ("the last one", "TEA-2"), ("It is OAT-BAR, I think", "OAT-BAR"),
    ],
)  # fmt: skip
def test_an_option_is_named_by_its_number_its_sku_or_its_title(text: str, sku: str) -> None:
    option = chosen(text, OPTIONS)
    assert option is not None
    assert option.sku == sku


@pytest.mark.parametrize(
    "text",
    [
        "", "4", "the fifth one", "oat drink", "What about the second?", "When does it expire", "is it the barista?",
        "保质期到什么时候", "no", "neither", "two of them are open, when do they expire", "I don't know",
    ],
)  # fmt: skip
def test_what_names_no_option_or_two_is_no_choice(text: str) -> None:
    assert chosen(text, OPTIONS) is None


EXPIRY, LOT = Step("ocr", {"field": "expiry"}), Step("ocr", {"field": "lot"})


@pytest.mark.parametrize(
    ("text", "asked", "on"),
    [
        ("", [Step("describe")], True),
        ("When does it expire?", [EXPIRY], True),
        ("here you go", [Step("describe", {"question": "here you go"})], True),
        ("What is the lot?", [LOT], False),
        ("/describe", [Step("describe")], False),
        ("What is this?", [Step("describe", {"question": "What is this?"})], False),
    ],
)
def test_words_that_come_with_a_photo_go_on_or_ask_for_something_else(text: str, asked: list[Step], on: bool) -> None:
    assert goes_on([EXPIRY], asked, text) is on
