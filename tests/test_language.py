"""The language of the answer follows the person's words."""

import json
from pathlib import Path

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


ALL = ("ar", "de", "en", "es", "fr", "hi", "ja", "ko", "pt", "ru", "zh")


@pytest.mark.parametrize(
    ("text", "before", "language"),
    [
        ("賞味期限はいつですか", "zh", "ja"),
        ("賞味期限", None, "ja"),
        ("什么时候过期", "ja", "zh"),
        ("유통기한이 언제예요", None, "ko"),
        ("что здесь написано", None, "ru"),
        ("متى تنتهي الصلاحية", None, "ar"),
        ("यह क्या है", None, "hi"),
        ("donde esta la puerta", None, "es"),
        ("c'est quoi ce truc", None, "fr"),
        ("wo ist die tuer", None, "de"),
        ("o que está escrito aqui", None, "pt"),
        ("where is the door", "fr", "en"),
        ("ok", "de", "de"),
        ("ok", None, "en"),
        ("où est “BEST BEFORE”", "en", "fr"),
        ("EXP LOT", "es", "es"),
    ],
)
def test_eleven_languages_are_told_apart(
    text: str, before: str | None, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.agent.language.languages", lambda: ALL)
    assert language_of(text, before) == language


def test_requests_are_answered_in_their_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.agent.language.languages", lambda: ALL)
    file = Path(__file__).parent / "fixtures/routing_dev.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    wrong = [row["text"] for row in rows if language_of(row["text"]) != row["language"]]
    assert len(wrong) <= 0.02 * len(rows), wrong


def test_only_languages_that_answers_exist_in_are_given() -> None:
    for text in ("Привет, что здесь написано", "ما هذا", "यह क्या है", "이게 뭐야", "これは何", "c'est quoi", "¿qué es?"):
        assert language_of(text) in languages()
