"""What a model's reply asserts: by its own list, and by its words where the list is silent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.tools.statements import inventory, prose, shown, statements
from sightline.tools.types import Asserted, Sentence

REPLY = """```json
[{"assumes": ["dog"]},
 {"say": "Two red cups stand on the left.", "printed": ["12 OZ"], "cites": ["T1", "T9"],
  "things": [{"name": "red cups", "count": 2, "colour": "crimson", "place": "Left", "points": "sideways"}]}]
```"""


def test_a_reply_in_the_form_is_sentences_with_what_each_asserts() -> None:
    told = statements(REPLY, "en", {"T1": "MORNING FIELD"})
    assert told is not None
    ((sentence,), assumed) = told
    assert assumed == ["dog"]
    assert sentence.text == "Two red cups stand on the left."
    assert set(sentence.asserts) >= {
        Asserted("thing", "red cups"),
        Asserted("colour", "red", "red cups"),
        Asserted("side", "left", "red cups"),
        Asserted("quote", "12 OZ"),
        Asserted("quote", "MORNING FIELD"),
        Asserted("quote", "T9"),
    }
    assert not any(a.kind == "direction" for a in sentence.asserts), "sideways is none"


@pytest.mark.parametrize("reply", ["A cup.", "", "[]", '[{"box": 1}]', '{"say": 3}', "[1, 2]"])
def test_what_is_not_in_the_form_is_not_read_as_if_it_were(reply: str) -> None:
    assert statements(reply, "en", {}) is None


def test_what_a_sentence_says_and_its_list_leaves_out_is_asserted_too() -> None:
    told = statements('[{"say": "The blue tin says “OAT” and costs 4.50.", "things": [{"name": "tin"}]}]', "en", {})
    assert told is not None
    ((sentence,), _) = told
    assert set(sentence.asserts) == {
        Asserted("thing", "tin"),
        Asserted("quote", "OAT"),
        Asserted("number", "4.50"),
        Asserted("colour", "blue"),
    }


def test_an_inventory_is_a_thing_a_line_and_other_lines_are_left_out() -> None:
    listed = inventory("Here you are:\n- cup; 2; red; left\nno form", "en")
    asserts = ("thing", "cup", None), ("count", "2", "cup"), ("colour", "red", "cup"), ("side", "left", "cup")
    assert listed == [Sentence("", tuple(Asserted(*a) for a in asserts))]


@pytest.mark.parametrize(
    ("text", "language", "asserted"),
    [
        ("A green tin on the right.", "en", {("colour", "green"), ("side", "right")}),
        ("The evergreen lies left of it, alright.", "en", set()),
        ("A beige lid.", "en", {("colour", "white|grey|yellow|brown|orange|pink")}),
        ("It says “RED 7”.", "en", {("quote", "RED 7")}),
        ("左边有两个橙红色的杯子", "zh", {("side", "left"), ("count", "2"), ("colour", "orange")}),
        ("罐子的右边是12.5元", "zh", {("number", "12.5")}),
        ("Он опять стоит там", "ru", set()),
        ("인터넷 화면", "ko", set()),
        ("a la izquierda de la taza", "es", set()),
        ("una taza roja", "es", {("colour", "red")}),
    ],
)
def test_words_assert_what_they_say_and_no_more(text: str, language: str, asserted: set[tuple[str, str]]) -> None:
    assert {(a.kind, a.value) for a in shown(text, language)} == asserted


@given(st.text(max_size=80))
def test_prose_keeps_every_letter_of_what_was_said(text: str) -> None:
    kept = "".join("".join(sentence.text.split()) for sentence in prose(text, "en"))
    letters = [c for c in text if c.isalnum()]
    assert [c for c in kept if c.isalnum()] == letters
