"""Photos that show nothing: whatever the model says, none of it is passed on, and nothing is made up beside it."""

from collections.abc import Iterator

import numpy as np
import pytest
from fakes import SAMPLES, CountingReader, label
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scripted import scripted

from sightline import prompts
from sightline.agent.assistant import Assistant
from sightline.agent.reply import Reply
from sightline.tools.types import Finding

LIE = {"zh": "沙发上有一只猫"}
ALWAYS = "a cat on a sofa"

QUESTIONS = {
    "describe": {"en": "Describe this", "zh": "描述一下这张照片"},
    "question": {"en": "What is she wearing?", "zh": "她穿着什么？"},
    "ocr": {"en": "/ocr", "zh": "上面写着什么？"},
    "expiry": {"en": "When does it expire?", "zh": "什么时候过期？"},
    "ground": {"en": "Where is the cat?", "zh": "猫在哪里？"},
    "direction": {"en": "Which way does she point?", "zh": "她指向哪里？"},
    "identify": {"en": "Which product is this?", "zh": "这是什么产品？"},
    "compare": {"en": "/compare", "zh": "和官方图片一样吗？"},
}
ELSEWHERE = {
    "es": "¿Qué se ve en esta foto?", "fr": "Que montre cette photo ?", "de": "Was ist auf dem Foto zu sehen?",
    "ja": "この写真には何が写っていますか？", "ko": "이 사진에 무엇이 보이나요?", "pt": "O que aparece nesta foto?",
    "ru": "Что на этой фотографии?", "ar": "ماذا يوجد في هذه الصورة؟", "hi": "इस तस्वीर में क्या है?",
}  # fmt: skip
"""One question in each of the other languages."""

INVENTED = ("a cat", "sofa", "on a", "沙发", "有一只")
"""What the model's sentence would leave behind; the name of what was looked for is the person's own."""


def _noise(size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), np.uint8))


def _blurred() -> Image.Image:
    with Image.open(SAMPLES / "oat-carton.jpg") as image:
        return image.convert("RGB").resize((300, 400)).filter(ImageFilter.GaussianBlur(8))


NOTHING = {
    "black": Image.new("RGB", (240, 180)),
    "white": Image.new("RGB", (240, 180), "white"),
    "noise": _noise((240, 180)),
    "blurred": _blurred(),
    "8x8": _noise((8, 8)),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Assistant]]:
    """An Assistant for each language, whose model says the same of everything; readings are shared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sightline.agent.assistant.RapidReader", CountingReader)
        opened = {}
        for said in {LIE.get(language, ALWAYS) for language in prompts.languages()}:
            model, chat = scripted(said)
            assistant = Assistant.open(tmp_path_factory.mktemp("nothing"), model=chat)
            object.__setattr__(assistant._kit, "model", model)
            opened[said] = assistant
        yield opened
        for assistant in opened.values():
            assistant.close()


def _questions(language: str) -> list[str]:
    return [asked[language] for asked in QUESTIONS.values() if language in asked] or [ELSEWHERE[language]]


def _tells(reply: Reply) -> list[str]:
    """Everything in a reply that tells what is in the photo."""
    found: list[Finding] = [f for f in reply.findings if f.tool != "quality"]
    assert not any(f.said or f.text or f.matches or f.differences or f.directions for f in found)
    assert not any(f.facts or [r for r in f.regions if r.label] for f in found)
    return [reply.text, *(claim.value for claim in reply.claims)]


@pytest.mark.parametrize("kind", NOTHING)
def test_of_a_photo_that_shows_nothing_nothing_is_said(home: dict[str, Assistant], kind: str) -> None:
    for language in prompts.languages():
        said = LIE.get(language, ALWAYS)
        for what in _questions(language):
            reply = home[said].ask(what, [NOTHING[kind]], thread=language)
            assert reply.outcome in ("unreadable", "not_looked", "absent"), (language, what, reply)
            assert not [w for w in INVENTED for t in _tells(reply) if w in t], (language, what, reply.text)
            assert not reply.claims
            assert len(reply.text.splitlines()) <= 2, "how to take it again, and no more"


@pytest.mark.parametrize("kind", ["black", "noise", "blurred"])
def test_no_model_is_asked_about_it(home: dict[str, Assistant], kind: str) -> None:
    model, chat = scripted(ALWAYS)
    assistant = home[ALWAYS]
    kept = assistant._kit.model
    object.__setattr__(assistant._kit, "model", model)
    try:
        looks = [
            assistant.describe(NOTHING[kind]),
            assistant.describe(NOTHING[kind], question="What is it?"),
            assistant.ocr(NOTHING[kind]),
            assistant.ground(NOTHING[kind], "the cat"),
            assistant.ground(NOTHING[kind], "which way she points"),
            assistant.compare(NOTHING[kind], other=NOTHING["white"]),
        ]
    finally:
        object.__setattr__(assistant._kit, "model", kept)
    assert not chat.asked
    assert {look.outcome for look in looks} <= {"unreadable"}, [(f.tool, f.outcome, f.reason) for f in looks]


def test_a_photo_that_shows_something_is_still_asked_about(home: dict[str, Assistant]) -> None:
    reply = home[ALWAYS].ask("Describe this", [label("BEST BEFORE 14 MAR 2027")], thread="something")
    assert ALWAYS in reply.text


def test_two_photos_that_show_nothing_are_not_compared(home: dict[str, Assistant]) -> None:
    for language in ("en", "zh"):
        said = LIE.get(language, ALWAYS)
        asked = {"en": "Are these two the same?", "zh": "这两张一样吗？"}[language]
        reply = home[said].ask(asked, [NOTHING["black"], NOTHING["noise"]], thread=f"pair {language}")
        assert not [w for w in INVENTED for t in _tells(reply) if w in t]
        assert not any(f.verdict and f.verdict.answer != "cannot_tell" for f in reply.findings)


def test_of_print_that_a_poor_photo_still_shows_only_the_print_is_said(home: dict[str, Assistant]) -> None:
    soft = Image.new("RGB", (480, 240), "white")
    ImageDraw.Draw(soft).text((40, 80), "Oat Drink", "black", font=ImageFont.load_default(size=90))
    soft = soft.filter(ImageFilter.GaussianBlur(6))
    reply = home[ALWAYS].ask("Describe this", [soft], thread="soft")
    assert "Oat Drink" in reply.text
    assert ALWAYS not in reply.text
    assert "none is configured" not in reply.text, "a model is there, and was not asked"
    assert "too poor" in home[ALWAYS].ask("What is she wearing?", [soft], thread="soft").text
