"""Routing: which tools, with which arguments, taught by data and the same in both languages."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.agent.reply import Step
from sightline.agent.router import Router
from sightline.prompts import routing
from sightline.tools.targets import parse_target, what_points
from sightline.tools.toolbox import TOOLS

# What customers say for each tool and field. None of it is taught word for word, but the examples have been added to
# with it in view: it guards against getting worse, and does not measure how well strangers are understood.
DEV = [
    json.loads(line) for line in (Path(__file__).parent / "fixtures/routing_dev.jsonl").read_text("utf-8").splitlines()
]
ROUTER = Router(TOOLS)


def steps(row: dict[str, Any]) -> list[Step]:
    return [Step(s["tool"], s.get("args", {})) for s in row["plan"]]


def test_utterances_that_were_not_taught_get_their_plan() -> None:
    assert not {r["text"] for r in DEV} & {r["text"] for r in routing()}
    wrong = [row["text"] for row in DEV if ROUTER.plan(row["text"], 1) != steps(row)]
    assert len(wrong) <= 0.05 * len(DEV), wrong


def test_what_was_taught_is_known() -> None:
    wrong = [
        r["text"] for r in routing() if [s.tool for s in ROUTER.plan(r["text"], 1)] != [s["tool"] for s in r["plan"]]
    ]
    assert len(wrong) <= 0.02 * len(list(routing())), wrong


def test_a_line_added_teaches() -> None:
    taught = [
        *routing(),
        {"text": "gib mir das Haltbarkeitsdatum", "plan": [{"tool": "ocr", "args": {"field": "expiry"}}]},
    ]
    before, after = ROUTER, Router(TOOLS, taught)
    wanted = [Step("ocr", {"field": "expiry"})]
    assert before.plan("das Haltbarkeitsdatum bitte", 1) != wanted
    assert after.plan("das Haltbarkeitsdatum bitte", 1) == wanted


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("/ocr", [Step("ocr")]),
        ("/ocr expiry", [Step("ocr", {"field": "expiry"})]),
        ("/ground the blue one", [Step("ground", {"target": "the blue one"})]),
        ("/describe", [Step("describe")]),
        ("", [Step("describe")]),
    ],
)
def test_exact_commands_win(text: str, plan: list[Step]) -> None:
    assert ROUTER.plan(text, 1) == plan


@pytest.mark.parametrize("text", ["What does it say?", "什么时候过期?", "/ocr", ""])
def test_without_a_photo_nothing_is_looked_at(text: str) -> None:
    assert ROUTER.plan(text, 0) == []


def test_what_stands_in_quotation_marks_is_what_is_looked_for() -> None:
    assert ROUTER.plan("where is “Oat Drink” on this pack?", 1) == [Step("ground", {"target": "Oat Drink"})]
    assert ROUTER.plan("“保质期”这几个字在哪里？", 1) == [Step("ground", {"target": "保质期"})]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("where is the QR code?", "the QR code"),
        ("where is the man?", "the man"),
        ("Which way does the arrow point?", "Which way does the arrow point"),
        ("箭头指向哪里？", "箭头指向哪里"),
    ],
)
def test_only_who_asks_which_way_is_asked_for_a_direction(text: str, target: str) -> None:
    (step,) = ROUTER.plan(text, 1)
    assert step.tool == "ground"
    assert step.args["target"].removeprefix("the ") == target.removeprefix("the ")


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("Read everything you can see", [Step("ocr")]),
        ("in one sentence, is it the same as ordered", [Step("compare")]),
        ("In one sentence, what is in the picture?", [Step("describe", {"detail": "brief"})]),
        ("Which way is the door?", [Step("ground", {"target": "the door"})]),
        *(
            (text, [Step("describe", {"question": text})])
            for text in ("is the box facing the right way", "盒子放的方向对吗")
        ),
    ],
)
def test_what_is_asked_for_decides_and_not_the_words_it_shares_with_something_else(text: str, plan: list[Step]) -> None:
    assert ROUTER.plan(text, 1) == plan


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        (
            "What colour is the lid and what brand is it?",
            [Step("describe", {"question": "What colour is the lid what brand is it?"})],
        ),
        (
            "What is this? What colour is it? When does it expire?",
            [Step("describe", {"question": "What is this? What colour is it?"}), Step("ocr", {"field": "expiry"})],
        ),
        ("盖子是什么颜色？这是什么牌子", [Step("describe", {"question": "盖子是什么颜色？ 这是什么牌子"})]),
        ("What is in this photo? Briefly.", [Step("describe", {"detail": "brief"})]),
        ("What is this, in detail, please?", [Step("describe", {"detail": "full"})]),
        ("用一句话回答，这是什么", [Step("describe", {"detail": "brief"})]),
        ("When does it expire? Answer in one sentence.", [Step("ocr", {"field": "expiry"})]),
        ("什么时候过期？请用一句话回答。", [Step("ocr", {"field": "expiry"})]),
        (
            "What is this and when does it expire, briefly",
            [
                Step("describe", {"detail": "brief"}),
                Step("ocr", {"field": "expiry"}),
            ],
        ),
        ("What is she wearing? Briefly.", [Step("describe", {"question": "What is she wearing? Briefly."})]),
    ],
)
def test_a_photo_is_described_once_and_in_the_manner_that_was_asked_for(text: str, plan: list[Step]) -> None:
    assert ROUTER.plan(text, 1) == plan


@pytest.mark.parametrize(
    "text",
    [
        "这个人在做什么",
        "What is the man doing?",
        "who is in the photo",
        "What is she looking at?",
        "is it safe to cross",
        "这条路安全吗",
    ],
)
def test_what_only_a_model_can_tell_is_put_as_a_question(text: str) -> None:
    assert ROUTER.plan(text, 1) == [Step("describe", {"question": text})]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Where is the sign pointing?", "Where is the sign pointing"),
        ("请问她朝哪边看？", "她朝哪边看"),
        ("找一下开启方向", "开启方向"),
        ("开启方向在哪里", "开启方向"),
        ("Find the direction of travel", "the direction of travel"),
    ],
)
def test_which_way_something_points_is_looked_for_at_once(text: str, target: str) -> None:
    assert ROUTER.plan(text, 1) == [Step("ground", {"target": target})]


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("Which way does she point?", "she"),
        ("What direction is the arrow pointing in?", "the arrow"),
        ("tell me where Anna is looking", "Anna's gaze"),
        ("where are they looking", "their gaze"),
        ("which way is the car facing", "the car's front"),
        ("the direction of the arrow", "the arrow"),
        ("箭头指向哪里？", "箭头"),
        ("他朝哪边看", "他的视线"),
        ("告訴我車頭朝哪邊", "車頭"),
        ("指向哪里？", "它"),
        ("where is the man pointing at the sign", None),
        ("where is the opening", None),
        ("is the box facing the right way", None),
        ("which way should I go", None),
        ("这个对哪些人有害", None),
        ("门在哪个方向", None),
    ],
)
def test_what_points_is_taken_out_of_the_question(text: str, points: str | None) -> None:
    assert what_points(text) == points
    target = parse_target(text)
    assert (target.kind == "direction") == (points is not None)
    assert points in (target.literal, None)


def test_what_repeats_itself_takes_no_longer() -> None:
    start = time.monotonic()
    ROUTER.plan("which way " * 1000, 1)
    assert time.monotonic() - start < 2


@given(st.text(max_size=300), st.integers(0, 3))
def test_every_text_has_a_plan_of_known_tools(text: str, photos: int) -> None:
    plan = ROUTER.plan(text, photos)
    assert plan or not photos
    assert {s.tool for s in plan} <= ({*TOOLS, "chat"} if photos else {"chat"})
    assert len({json.dumps([s.tool, s.args]) for s in plan}) == len(plan)
