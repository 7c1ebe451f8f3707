"""The language of the answer follows the person's words."""

import pytest

from sightline.agent.language import language_of
from sightline.prompts import languages


@pytest.mark.parametrize(
    ("text", "before", "language"),
    [
        ("When does it expire?", None, "en"),
        ("什么时候过期？", None, "zh"),
        ("这个 best before date 是什么时候", None, "zh"),
        ("EXP 是多少", None, "zh"),
        ("Where is “保质期” on the pack?", None, "en"),
        ("where is 保质期 on this pack", "zh", "en"),
        ("找 “BEST BEFORE USE BY DATE”", None, "zh"),
        ("", "zh", "zh"),
        ("???", "zh", "zh"),
        ("", None, "en"),
        ("賞味期限はいつですか", "zh", "ja"),
        ("“保质期”", None, "zh"),
    ],
)
def test_language(text: str, before: str | None, language: str) -> None:
    assert language_of(text, before) == language


def test_only_languages_that_answers_exist_in_are_given() -> None:
    for text in ("Привет, что здесь написано", "ما هذا", "यह क्या है", "이게 뭐야", "これは何", "c'est quoi", "¿qué es?"):
        assert language_of(text) in languages()
