"""The words we say are data: every language says the same things with the same slots."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline import prompts
from sightline.agent import answer
from sightline.tools.describe import DETAILS
from sightline.tools.seeing import written_in

HERE = Path(answer.__file__).parent


@pytest.mark.parametrize("language", prompts.languages())
def test_every_language_has_every_sentence_with_the_same_slots(language: str) -> None:
    ours, english = prompts.sentences(language), prompts.sentences("en")
    assert ours.keys() == english.keys()
    assert {k: prompts.slots(v) for k, v in ours.items()} == {k: prompts.slots(v) for k, v in english.items()}
    assert all(ours.values())


def test_every_sentence_named_in_the_code_exists() -> None:
    known = prompts.sentences("en")
    code = "".join(p.read_text("utf-8") for p in HERE.glob("*.py"))
    for key in re.findall(r'say\(language, f?"([\w.]+)[{"]', code):
        assert any(k == key or k.startswith(key) for k in known), key


@given(st.text())
def test_a_value_never_becomes_a_slot(value: str) -> None:
    assert prompts.fill("a {x} b", x=value) == f"a {value} b"


@pytest.mark.parametrize("values", [{}, {"y": 1}, {"x": 1, "y": 2}])
def test_slots_and_values_must_agree(values: dict[str, int]) -> None:
    with pytest.raises(prompts.MissingSlot):
        prompts.fill("a {x} b", **values)


def test_an_unknown_sentence_is_an_error() -> None:
    with pytest.raises(prompts.MissingSlot, match=r"no\.such"):
        prompts.say("en", "no.such")


def test_every_taught_plan_is_one_the_machine_can_run() -> None:
    from typing import get_args

    from sightline.tools.toolbox import TOOLS
    from sightline.tools.types import FieldName

    for row in prompts.routing():
        for step in row["plan"]:
            assert step["tool"] in {*TOOLS, "chat", "correct"}, row
            assert step.get("args", {}).get("field", "expiry") in get_args(FieldName), row
            assert step.get("args", {}).get("target", "").casefold() in row["text"].casefold(), row


@pytest.mark.parametrize("language", prompts.languages())
def test_a_model_is_asked_for_every_task_in_words_for_every_language(language: str) -> None:
    tasks = {"system", *(f"describe.{detail}" for detail in DETAILS), "question", "transcribe", "difference"}
    tasks |= {"form", "assumes", "inventory", "turned", "about"}
    assert all(prompts.instructs(f"{task}.{written_in(language)}") for task in tasks)
    assert prompts.instruct(f"language.{language}")
    assert "{" not in prompts.instruct(f"question.{written_in(language)}", question="?")


def test_what_is_told_to_people_is_asked_for_without_places() -> None:
    assert prompts.instruct("kosmos2.describe") == "Describe this image in detail:"
