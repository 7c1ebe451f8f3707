"""A model that tells the truth about the sample photos but for one planted lie, and keeps to it or does not.

What is true was read off the photos by a person (boxes to about two hundredths of a side). A lie is put into the
sentence and, two times in three, into what the sentence lists of itself. Half of the lies persist: asked again, in
words or for boxes, about the photo or a part of it, the model says the same. An extra thing that it keeps to stands,
one time in two, where another thing is.
"""

import json
import random
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from sightline.tools.dialects import DIALECTS
from sightline.tools.models.families import FAMILIES
from sightline.tools.models.model import Model, Said
from sightline.tools.models.view import View
from sightline.tools.photos import Photos
from sightline.tools.types import Box, PhotoId, Point, Region, Size

Kind = Literal["thing", "count", "colour", "side", "direction", "quote", "number", "product"]
KINDS: tuple[Kind, ...] = ("thing", "count", "colour", "side", "direction", "quote", "number", "product")
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


class Thing(NamedTuple):
    """One kind of thing in a photo: its name in two languages, where each is (shares of the sides), its colour."""

    en: str
    zh: str
    boxes: tuple[tuple[float, float, float, float], ...]
    colour: str | None = None
    points: str | None = None


class Scene(NamedTuple):
    """What is true of one photo: its things, words and numbers printed on it, and the product's name."""

    file: str
    things: tuple[Thing, ...]
    quotes: tuple[str, ...]
    numbers: tuple[str, ...]
    product: str | None = None
    sibling: str | None = None


SCENES: tuple[Scene, ...] = (
    Scene(
        "samples/oat-carton.jpg",
        (
            Thing("carton", "纸盒", ((0.13, 0.13, 0.69, 0.86),), "green"),
            Thing("mug", "马克杯", ((0.86, 0.38, 1.0, 0.67),), "blue"),
        ),
        ("MORNING FIELD", "Oat Drink"),
        ("1 L", "14 MAR 2027"),
        "Morning Field Oat Drink",
        "Morning Field Rice Drink",
    ),
    Scene(
        "samples/oolong-tea-tin.jpg",
        (
            Thing("tin", "茶叶罐", ((0.27, 0.22, 0.81, 0.84),), "green"),
            Thing("cup", "茶杯", ((0.02, 0.47, 0.29, 0.65),), "white"),
        ),
        ("乌龙茶",),
        ("250克",),
        "乌龙茶",
        "铁观音",
    ),
    Scene(
        "samples/yoghurt-ambiguous-date.jpg",
        (
            Thing("pot of yoghurt", "酸奶杯", ((0.19, 0.17, 0.76, 0.83),), "white"),
            Thing("mug", "马克杯", ((0.73, 0.08, 1.0, 0.54),), "green"),
        ),
        ("HILLSIDE DAIRY",),
        ("150 g", "03/04/27"),
        "Strawberry Yoghurt",
        "Cherry Yoghurt",
    ),
    Scene(
        "samples/soy-sauce.jpg",
        (Thing("bottle", "瓶子", ((0.26, 0.11, 0.745, 0.9),)), Thing("cap", "瓶盖", ((0.4, 0.11, 0.61, 0.2),), "red")),
        ("酿造酱油",),
        ("500ml",),
        "酿造酱油",
        "酿造陈醋",
    ),
    Scene(
        "samples/medicine-box.jpg",
        (
            Thing("box of tablets", "药盒", ((0.09, 0.17, 0.76, 0.77),)),
            Thing("mug", "马克杯", ((0.635, 0.03, 0.89, 0.49),), "white"),
        ),
        ("film-coated tablets",),
        ("200 mg", "2027-08"),
        "Sorevane",
        "Sorevin",
    ),
    Scene(
        "samples/door-signs.jpg",
        (
            Thing("exit sign", "出口标志", ((0.162, 0.086, 0.794, 0.377),), "green"),
            Thing("warning sign", "警告牌", ((0.193, 0.452, 0.76, 0.9),), "yellow"),
            Thing("arrow", "箭头", ((0.66, 0.19, 0.775, 0.31),), "white", "right"),
        ),
        ("MIND", "Please hold the handrail"),
        (),
    ),
    Scene(
        "samples/wet-floor-sign.jpg",
        (
            Thing("exit sign", "出口标志", ((0.185, 0.075, 0.667, 0.209),), "green"),
            Thing("floor sign", "地面警示牌", ((0.313, 0.479, 0.63, 0.897),), "yellow"),
            Thing("arrow", "箭头", ((0.56, 0.11, 0.65, 0.17),), "white", "right"),
        ),
        ("WET FLOOR", "小心地滑"),
        (),
    ),
    Scene(
        "samples/shelf-three-teas.jpg",
        (
            Thing(
                "tea boxes", "茶盒", ((0.027, 0.2, 0.31, 0.75), (0.366, 0.2, 0.635, 0.744), (0.68, 0.2, 0.966, 0.76))
            ),
            Thing("red box", "红色茶盒", ((0.027, 0.2, 0.31, 0.75),), "red"),
            Thing("blue box", "蓝色茶盒", ((0.68, 0.2, 0.966, 0.76),), "blue"),
        ),
        ("BLACK TEA", "BLUEBERRY TEA"),
        ("100克",),
    ),
    Scene(
        "samples/held-green-tea.jpg",
        (
            Thing("tea box", "茶盒", ((0.19, 0.17, 0.75, 0.755),), "green"),
            Thing("hand", "手", ((0.51, 0.475, 0.945, 0.95),)),
        ),
        ("GREEN TEA",),
        (),
        "绿茶",
        "白茶",
    ),
    Scene(
        "samples/honey-exif-rotated.jpg",
        (
            Thing("jar", "罐子", ((0.18, 0.16, 0.815, 0.81),)),
            Thing("lid", "盖子", ((0.22, 0.16, 0.785, 0.31),), "orange"),
        ),
        ("WILDFLOWER HONEY",),
        ("500克", "2026-04-20"),
        "百花蜂蜜",
        "枣花蜂蜜",
    ),
    Scene(
        "catalogue/photos/oat-on-table.jpg",
        (Thing("carton", "纸盒", ((0.145, 0.175, 0.713, 0.883),)),),
        ("FERNHILL",),
        ("1.5%",),
        "Fernhill Oat Drink Original",
        "Fernhill Oat Drink Chocolate",
    ),
    Scene(
        "catalogue/photos/jasmine-on-desk.jpg",
        (Thing("box of tea", "茶盒", ((0.145, 0.166, 0.85, 0.754),)),),
        ("茉莉花茶",),
        ("100克",),
        "山月堂 茉莉花茶",
        "山月堂 碧螺春",
    ),
    Scene(
        "catalogue/photos/rose-glare.jpg",
        (Thing("box of masks", "面膜盒", ((0.168, 0.188, 0.80, 0.822),)),),
        (),
        (),
        "花间渡 玫瑰柔润面膜",
        "花间渡 芦荟清润面膜",
    ),
)
"""The colours, sides and numbers are those that a person would say without doubt; the rest is left out."""

_ABSENT = {"en": ("dog", "clock", "kettle", "pair of scissors"), "zh": ("小狗", "闹钟", "水壶", "剪刀")}
_COLOURS = ("red", "yellow", "green", "blue", "purple", "black")
_SAID = {
    "zh": dict(
        zip(
            ("black", "white", "red", "orange", "yellow", "green", "blue", "purple"),
            ("黑色", "白色", "红色", "橙色", "黄色", "绿色", "蓝色", "紫色"),
            strict=True,
        )
    )
}
_SIDES = {"left": "左边", "right": "右边", "up": "上", "down": "下"}
_NUMBERS = ("零", "一", "两", "三", "四", "五")
_WORDS = ("no", "one", "two", "three", "four", "five")


@dataclass(frozen=True)
class Lie:
    """One planted lie: the sentence that holds it, and what in it is false."""

    kind: Kind
    sentence: str
    listed: dict[str, Any]
    false: str
    persists: bool
    thing: Thing | None = None
    extra: tuple[float, float, float, float] | None = None


@dataclass
class Story:
    """What the model says of a photo: true sentences with what they list, and the lie among them."""

    scene: Scene
    language: str
    true: list[tuple[str, dict[str, Any]]]
    lie: Lie | None
    size: Size = field(default=Size(1, 1))

    def reply(self) -> str:
        """The reply in the form that was asked for."""
        told = [{"say": say, **listed} for say, listed in self.true]
        if self.lie:
            told.insert(len(told) // 2, {"say": self.lie.sentence, **self.lie.listed})
        return json.dumps(told, ensure_ascii=False)


def story(scene: Scene, language: str, kind: Kind | None, seed: int, *, persists: bool) -> Story | None:
    """What is told of a scene with a lie of this kind; `None` where the scene has nothing that it could be about."""
    rng = random.Random(f"{scene.file} {language} {kind} {seed} {persists}")
    true = list(_true(scene, language))
    lie = _LIES[kind](scene, language, rng, persists) if kind else None
    if kind and lie is None:
        return None
    if lie and lie.kind in ("colour", "side", "count", "quote", "number") and rng.random() < 1 / 3:
        # It says so and does not list it.
        bare = {"things": [{"name": getattr(lie.thing, language)}]} if lie.thing else {}
        lie = Lie(lie.kind, lie.sentence, bare, lie.false, lie.persists, lie.thing, lie.extra)
    return Story(scene, language, true, lie)


def _true(scene: Scene, language: str) -> Iterator[tuple[str, dict[str, Any]]]:
    english = language == "en"
    for thing in scene.things:
        name, listed = getattr(thing, language), dict[str, Any](name=getattr(thing, language))
        if len(thing.boxes) > 1:
            n = len(thing.boxes)
            listed["count"] = n
            yield (f"There are {_WORDS[n]} {name}." if english else f"有{_NUMBERS[n]}个{name}。"), {"things": [listed]}
            continue
        words = [f"The {name} is" if english else name]
        if thing.colour:
            listed["colour"] = thing.colour
            words.append(thing.colour if english else f"是{_SAID['zh'][thing.colour]}的")
        if side := _side(thing):
            listed["place"] = side
            joint = " and " if thing.colour else " "
            words.append(f"{joint}on the {side}" if english else f"{'，' if thing.colour else ''}在照片{_SIDES[side]}")
        if thing.points:
            listed["points"] = thing.points
            also = len(words) > 1
            words.append(
                (" and" if also else "") + f" points {thing.points}" if english else f"{'，' if also else ''}指向右"
            )
        if len(words) > 1:
            text = " ".join(" ".join(words).split()) + "." if english else "".join(words) + "。"
            yield text, {"things": [listed]}
    for quote in scene.quotes:
        yield (f"It says “{quote}”." if english else f"上面写着“{quote}”。"), {"printed": [quote]}
    for number in scene.numbers:
        yield (f"It is marked {number}." if english else f"标着 {number}。"), {"printed": [number]}
    if scene.product:
        said = f"The product is {scene.product}." if english else f"商品是{scene.product}。"
        yield said, {"product": scene.product}


def _side(thing: Thing) -> str | None:
    """Left or right, where it clearly is."""
    x = (thing.boxes[0][0] + thing.boxes[0][2]) / 2
    return "left" if x < 0.4 else "right" if x > 0.6 else None


def _thing(scene: Scene, language: str, rng: random.Random, persists: bool) -> Lie:
    del scene
    name = rng.choice(_ABSENT[language])
    text = f"A {name} is there too." if language == "en" else f"旁边还有一个{name}。"
    x, y = rng.uniform(0.05, 0.7), rng.uniform(0.05, 0.7)
    return Lie(
        "thing", text, {"things": [{"name": name}]}, name, persists, Thing(name, name, ()), (x, y, x + 0.2, y + 0.2)
    )


def _count(scene: Scene, language: str, rng: random.Random, persists: bool) -> Lie:
    thing = rng.choice(scene.things)
    name, n = getattr(thing, language), len(thing.boxes) + 1
    text = f"There are {_WORDS[n]} of this: {name}." if language == "en" else f"{name}有{_NUMBERS[n]}个。"
    x0, y0, x1, y1 = thing.boxes[0]
    if rng.random() < 0.5:  # the same one twice
        extra = (x0 + 0.03, y0 + 0.02, min(x1 + 0.03, 1.0), min(y1 + 0.02, 1.0))
    else:
        extra = (0.02, 0.02, 0.02 + (x1 - x0) / 2, 0.02 + (y1 - y0) / 2)
    return Lie("count", text, {"things": [{"name": name, "count": n}]}, str(n), persists, thing, extra)


def _colour(scene: Scene, language: str, rng: random.Random, persists: bool) -> Lie | None:
    thing = _one(scene, rng, lambda t: t.colour is not None)
    if thing is None:
        return None
    name = getattr(thing, language)
    near = {"orange": {"yellow", "red"}, "white": set(), "black": set()}.get(str(thing.colour), set())
    colour = rng.choice([c for c in _COLOURS if c != thing.colour and c not in near])
    text = f"The {name} is {colour}." if language == "en" else f"{name}是{_SAID['zh'][colour]}的。"
    return Lie("colour", text, {"things": [{"name": name, "colour": colour}]}, colour, persists, thing)


def _wrong_side(scene: Scene, language: str, rng: random.Random, persists: bool) -> Lie | None:
    thing = _one(scene, rng, lambda t: len(t.boxes) == 1 and _side(t) is not None)
    if thing is None:
        return None
    name, side = getattr(thing, language), "right" if _side(thing) == "left" else "left"
    text = f"The {name} stands on the {side}." if language == "en" else f"{name}在照片{_SIDES[side]}。"
    return Lie("side", text, {"things": [{"name": name, "place": side}]}, side, persists, thing)


def _direction(scene: Scene, language: str, rng: random.Random, persists: bool) -> Lie | None:
    thing = _one(scene, rng, lambda t: t.points is not None)
    if thing is None:
        return None
    name = getattr(thing, language)
    text = f"The {name} points left." if language == "en" else f"{name}指向左。"
    return Lie("direction", text, {"things": [{"name": name, "points": "left"}]}, "left", persists, thing)


def _quote(scene: Scene, language: str, rng: random.Random, persists: bool) -> Lie:
    del scene
    quote = rng.choice(("SUGAR FREE", "KEEP FROZEN", "无糖", "进口商品"))
    text = f"It says “{quote}”." if language == "en" else f"上面写着“{quote}”。"
    return Lie("quote", text, {"printed": [quote]}, quote, persists)


def _number(scene: Scene, language: str, rng: random.Random, persists: bool) -> Lie | None:
    if not scene.numbers:
        return None
    number = rng.choice(scene.numbers)
    digits = [n for n, c in enumerate(number) if c.isdigit()]
    at = rng.choice(digits[-2:])
    other = number[:at] + str((int(number[at]) + rng.randint(1, 8)) % 10) + number[at + 1 :]
    text = f"It is marked {other}." if language == "en" else f"标着 {other}。"
    return Lie("number", text, {"printed": [other]}, other, persists)


def _product(scene: Scene, language: str, rng: random.Random, persists: bool) -> Lie | None:
    del rng
    if not scene.sibling:
        return None
    text = f"The product is {scene.sibling}." if language == "en" else f"商品是{scene.sibling}。"
    return Lie("product", text, {"product": scene.sibling}, scene.sibling, persists)


def _one(scene: Scene, rng: random.Random, fits: Callable[[Thing], bool]) -> Thing | None:
    things = [thing for thing in scene.things if fits(thing)]
    return rng.choice(things) if things else None


_LIES: dict[Kind, Callable[[Scene, str, random.Random, bool], Lie | None]] = {
    "thing": _thing,
    "count": _count,
    "colour": _colour,
    "side": _wrong_side,
    "direction": _direction,
    "quote": _quote,
    "number": _number,
    "product": _product,
}


class Liar(BaseChatModel):
    """Answers about the photos that it was told stories of."""

    _stories: dict[PhotoId, Story] = PrivateAttr(default_factory=dict)
    _reply: str = PrivateAttr(default="")
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "liar"

    def tells(self, photo: PhotoId, told: Story, size: Size) -> None:
        """Tell this of a photo of this size from now on."""
        told.size = size
        self._stories[photo] = told

    def _generate(self, messages: list[BaseMessage], *_: Any, **kwargs: Any) -> ChatResult:
        text = "".join(str(chunk.message.content) for chunk in self._stream(messages, **kwargs))
        return ChatResult(generations=[ChatGeneration(message=AIMessageChunk(content=text))])

    def _stream(self, messages: list[BaseMessage], *_: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        del messages, kwargs
        for n in range(0, len(self._reply), 16):
            yield ChatGenerationChunk(message=AIMessageChunk(content=self._reply[n : n + 16]))


@dataclass(frozen=True)
class LyingModel(Model):
    """A model that knows which part of which photo it is shown, which the chat model behind it does not."""

    def ask(self, prompt: str, views: Sequence[View], photos: Photos, *, tokens: int = 512, system: str = "") -> Said:
        """See `Model.ask`."""
        chat = self.chat
        assert isinstance(chat, Liar)
        with chat._lock:
            chat._reply = answer(chat._stories[views[0].photo], prompt, views[0])
            return super().ask(prompt, views, photos, tokens=tokens, system=system)


def lying() -> tuple[LyingModel, Liar]:
    """The model, of the family of Qwen3-VL, and the chat model behind it."""
    chat = Liar()
    family = next(each for each in FAMILIES if each.name == "qwen3_vl")
    return LyingModel(lambda: chat, "liar", family), chat


def answer(told: Story, prompt: str, seen: View) -> str:
    """What it says to a prompt about a view."""
    if '"say"' in prompt:
        return told.reply()
    if found := re.search(r"“(.*)”", prompt.splitlines()[0]):
        lied = told.lie is not None and found[1].replace("'", "") == re.sub("[“”]", "", told.lie.sentence)
        wrong = lied and not (told.lie and told.lie.persists)
        zh = "照片" in prompt
        return ("有" if wrong else "没有") if zh else "YES" if wrong else "NO"
    dialect = DIALECTS["qwen3_vl"]
    frame = dialect.frame(Size(*seen.size))
    names = {getattr(t, told.language): t for t in told.scene.things}
    lie = told.lie
    kept = lie if lie and lie.persists else None
    if lie and lie.kind == "thing" and lie.thing:
        names[lie.false] = lie.thing
    thing = next(
        (t for name, t in sorted(names.items(), key=lambda pair: -len(pair[0])) if f'"{name}"' in prompt), None
    )
    if thing is None:
        return "NONE"
    if "origin" in prompt:
        way = "left" if kept and kept.kind == "direction" else thing.points
        return dialect.write(_pointing(thing, way, told.size, seen), frame) if way else "[]"
    boxes = list(thing.boxes)
    if kept and kept.extra and kept.thing == thing:
        boxes.append(kept.extra)
    shown = [r for box in boxes if (r := _shown(box, told.size, seen, thing.en))]
    return dialect.write(shown, frame) if shown else "[]"


def _shown(box: tuple[float, float, float, float], size: Size, seen: View, label: str) -> Region | None:
    """A box as it lies in a view, where most of it is to be seen."""
    there = Box(box[0] * size.width, box[1] * size.height, box[2] * size.width, box[3] * size.height)
    if there.shared(seen.box) < 0.5 * there.area:
        return None
    return Region(seen.seen(there).inside(seen.size), label, "thing")


def _pointing(thing: Thing, way: str, size: Size, seen: View) -> list[Region]:
    x0, y0, x1, y1 = thing.boxes[0]
    ends = [Point(x0 * size.width, (y0 + y1) / 2 * size.height), Point(x1 * size.width, (y0 + y1) / 2 * size.height)]
    start, end = ends if way == "right" else ends[::-1]
    marks = []
    for name, place in (("origin", start), ("target", end)):
        marks.append(Region(seen.seen(Box(*place, *place)).inside(seen.size), name, "thing"))
    return marks
