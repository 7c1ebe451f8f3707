"""When a reply says that there is none: a plain denial of what was asked for, and nothing else."""

import pytest
from speaking import JSON, every

from sightline.tools.dialects import DIALECTS, Dialect, Heard
from sightline.tools.types import Size


@every
@pytest.mark.parametrize(
    "reply",
    [
        "None", "none.", "No", "没有", "没有。", "无", "There are none.", "There are no mugs in the image.",
        "图中没有杯子。", "Sorry, there is no mug in this picture.", "The image does not contain a mug.",
        "No mugs are visible.", "[]", " [ ] ", "I don't see any mugs.", "未检测到目标", "```json\n[]\n```",
        "<think>a mug? no</think>There are none.", "The mug is not visible.",
    ],
)  # fmt: skip
def test_what_says_that_there_is_none_is_absent(dialect: Dialect, reply: str) -> None:
    heard = dialect.read(reply, dialect.frame(Size(640, 480)), "杯子" if "杯" in reply else "the mug")
    assert heard == Heard("absent")


OF_ELSE = [
    ("mug", "There is no handle on the mug."), ("mug", "There is no handle."), ("mug", "No text is visible."),
    ("mug", "There is no mug on the left."), ("mug", "There is no red mug in the image."),
    ("mug", "There are no other mugs in the image."), ("mug", "There is no mug, but there is a cup."),
    ("mug", "The mug is on the table. There are no labels."), ("mug", "I cannot see any text on the mug."),
    ("mug", "The handle is not visible."), ("mug", "The image does not contain the whole mug."),
    ("mug", "There is no one in the photo."),
    ("mug", "There is no image."), ("image of a dog", "There is no image."), ("mug", "There is no way to tell."),
    ("red mug", "There is no red in the image."), ("mug without a handle", "There is no handle."),
    ("bottle next to the phone", "There is no phone in the image."), ("", "There is no mug in the image."),
    ("mug", "The mug stands at the left, so [] would be wrong."), ("mug", "I checked [] and found one mug."),
    ("mug", "[] is what I would answer if the mug were missing"), ("mug", "Options: [] or {}. It is at the left."),
    ("杯子", "图中没有把手。"), ("杯子", "杯子上没有文字。"), ("杯子", "图中没有杯子，但有一个碗。"),
    ("杯子", "没有图片"), ("人行道", "图中没有人。"), ("机器人", "图中没有人。"), ("杯子", "无法判断。"),
    ("杯子", "图中没有红色的杯子。"),
]  # fmt: skip
OF_IT = [
    ("the red mug", "There is no mug in the image."), ("a red mug", "No red mugs can be seen in this photo"),
    ("person in blue", "I don’t see any person."), ("person in red", "There are no people in the image you sent."),
    ("mugs", "Unfortunately, the mug is not in the image."),
    ("expiry date", "No, there isn't any visible expiry date in the provided image."), ("mug", "No objects found."),
    ("红色的杯子", "抱歉，这张图片中没有红色的杯子。"), ("红色的杯子", "没有找到杯子"), ("杯子", "杯子不在图中。"),
    ("mug", "There are no mugs.\n```json\n[]\n```"), ("mug", "**None**<|im_end|>"),
]  # fmt: skip


@every
def test_a_denial_of_something_else_says_nothing_of_what_was_asked(dialect: Dialect) -> None:
    for target, reply in OF_ELSE:
        heard = dialect.read(reply, dialect.frame(Size(640, 480)), target)
        assert heard.outcome == "unreadable", (target, reply)


@every
def test_a_denial_of_what_was_asked_is_one(dialect: Dialect) -> None:
    for target, reply in OF_IT:
        assert dialect.read(reply, dialect.frame(Size(640, 480)), target) == Heard("absent"), (target, reply)


@pytest.mark.parametrize("name", sorted(JSON))
@pytest.mark.parametrize(
    "reply",
    [
        '{"objects": []}', "null", "[null]", '{"mug": null}', '[{"label": "mug", "bbox_2d": []}]',
        '{"answer": "There are none."}', '{"request_id": "x", "objects": []}', '{"found": false}', "{}",
    ],
)  # fmt: skip
def test_json_can_say_that_there_is_none(name: str, reply: str) -> None:
    assert DIALECTS[name].read(reply, DIALECTS[name].frame(Size(640, 480)), "mug").outcome == "absent"


@pytest.mark.parametrize("name", sorted(JSON))
@pytest.mark.parametrize(
    "reply",
    [
        '{"handle": null}', '{"blurry": false}', '{"error": null}', '[{"label": "handle", "bbox_2d": []}]',
        '{"objects": [], "note": "too dark to tell"}', '{"label": "mug"}', '{"answer": "There is no handle."}',
        'At the left.\n```json\n[]\n```', '{"objects": []} would be wrong: it is at the left', "[0]", '[""]',
    ],
)  # fmt: skip
def test_json_that_says_something_else_does_not_say_that_there_is_none(name: str, reply: str) -> None:
    assert DIALECTS[name].read(reply, DIALECTS[name].frame(Size(640, 480)), "mug").outcome == "unreadable"


@pytest.mark.parametrize("reply", ["<ref>mug</ref><box>null</box>", "<ref>mug</ref><box>[]</box>", "<box></box>"])
def test_tags_around_nothing_say_that_there_is_none(reply: str) -> None:
    assert DIALECTS["internvl"].read(reply, DIALECTS["internvl"].frame(Size(9, 9)), "mug").outcome == "absent"


@pytest.mark.parametrize(
    "reply",
    [
        "<ref>handle</ref><box>[]</box>",
        "It is at the left.<box></box>",
        "<ref>mug</ref><box></box><ref>mug</ref><box>[[1",
    ],
)
def test_tags_around_nothing_do_not_speak_for_what_stands_beside(reply: str) -> None:
    assert DIALECTS["internvl"].read(reply, DIALECTS["internvl"].frame(Size(9, 9)), "mug").outcome == "unreadable"


def test_json_cut_off_never_says_that_there_is_none() -> None:
    dialect = DIALECTS["qwen25_vl"]
    heard = dialect.read('[{"bbox_2d": [], "label": "mu', dialect.frame(Size(9, 9)))
    assert heard == Heard("unreadable", reason="broken")
