"""The files of the page: how they are served, that they load nothing from elsewhere, and that no word is missing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from fakes import ROOT
from starlette.testclient import TestClient

from sightline.agent.api.app import create_app
from sightline.agent.api.gate import Gate
from sightline.agent.assistant import Assistant
from sightline.agent.reply import SlotKind, Status
from sightline.agent.router import Router
from sightline.tools.colour import NAMES
from sightline.tools.toolbox import TOOLS
from sightline.tools.types import Advice, Answer, CorrectionAbout, CorrectionScope, DifferenceKind, FieldName, Outcome

WEB = ROOT / "agent" / "web"
FILES = sorted(path for path in WEB.iterdir() if path.suffix in (".html", ".js", ".css", ".svg", ".json"))
WORDS = {language: json.loads((WEB / f"words.{language}.json").read_text("utf-8")) for language in ("en", "zh")}
CODE = "\n".join(path.read_text("utf-8") for path in FILES if path.suffix in (".html", ".js"))


@pytest.fixture
def client(assistant: Assistant) -> Iterator[TestClient]:
    with TestClient(create_app(Gate(assistant, "secret")), base_url="http://localhost") as opened:
        yield opened


def test_the_page_is_served_under_a_policy_that_lets_nothing_else_in(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    for path in FILES:
        if path.name != "index.html":
            file = client.get(f"/static/{path.name}")
            assert file.content == path.read_bytes()
            assert file.headers["x-content-type-options"] == "nosniff"
            assert file.headers["cache-control"] == "no-cache"
    assert client.get("/static/page.js").headers["content-type"].startswith("text/javascript")


def test_what_a_browser_has_is_not_sent_again(client: TestClient) -> None:
    tag = client.get("/static/page.js").headers["etag"]
    again = client.get("/static/page.js", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "__init__.py", "..%2fapi%2fpage.py", "%2fetc%2fpasswd", "words.en"])
def test_only_files_of_the_page_are_served(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_comes_from_another_host(path: Path) -> None:
    addresses = set(re.findall(r"https?://[^\s\"'`)]+|[\"'(]//\w[^\s\"'`)]*", path.read_text("utf-8")))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_no_text_becomes_markup() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|\son\w+=", CODE)


def test_both_languages_have_the_same_words_with_the_same_slots() -> None:
    assert list(WORDS["en"]) == list(WORDS["zh"])
    for key, sentence in WORDS["en"].items():
        assert sentence.strip()
        assert set(re.findall(r"\{\w+\}", sentence)) == set(re.findall(r"\{\w+\}", WORDS["zh"][key])), key


def test_every_word_is_used_and_none_is_missing() -> None:
    said = set(re.findall(r"[\"'`]([a-z_]+(?:\.[a-z_]+)*)[\"'`]", CODE))
    # `step.${…}` and word("step", …) name every key that begins so.
    kinds = set(re.findall(r"[\"`]([a-z_]+(?:\.[a-z_]+)*[._])\$\{", CODE)) | {
        f"{kind}." for kind in re.findall(r"word\(\"(\w+)\"", CODE)
    }
    kinds |= {f"{kind}." for kind in ("colour", "there", "place", "side", "direction")}
    unused = {key for key in WORDS["en"] if key not in said and not any(key.startswith(kind) for kind in kinds)}
    assert unused == set()
    asked = set(re.findall(r"\bt\(\"([^\"]+)\"", CODE)) | set(re.findall(r"data-t(?:-\w+)?=\"([^\"]+)\"", CODE))
    assert asked <= set(WORDS["en"])


def test_whatever_the_api_may_say_has_words() -> None:
    kinds = {
        "kind": get_args(SlotKind),
        "status": get_args(Status),
        "verdict": get_args(Answer),
        "outcome": get_args(Outcome),
        "difference": get_args(DifferenceKind),
        "advice": get_args(Advice),
        "about": get_args(CorrectionAbout),
        "scope": get_args(CorrectionScope),
        "field": get_args(FieldName),
        "colour": NAMES,
        "step": (*TOOLS, "receive", "route", "correct", "quality", "taught"),
        "side": ("left", "centre", "right", "top", "bottom"),
    }
    missing = [f"{kind}.{value}" for kind, values in kinds.items() for value in values]
    assert set(missing) <= set(WORDS["en"])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("mode", "tool"), [("read", "ocr"), ("product", "identify"), ("colour", "describe"), ("code", "ground")]
)
def test_a_mode_asks_for_what_it_says(language: str, mode: str, tool: str) -> None:
    routed = Router().plan(WORDS[language][f"modes.{mode}.asks"], 1)
    assert [step.tool for step in routed.plan] == [tool]
