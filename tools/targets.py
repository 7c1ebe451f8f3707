"""What a person asks to have found, turned into what the instruments can look for.

Codes, text as such, colours, the fields of a pack, and literal words; everything else is a `thing`, or the
`direction` in which one points, which need a model. The words are tables, in English and Chinese.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from .colour import NAMES
from .dialects.dialect import SPECIAL, without
from .errors import BadInput
from .types import FieldName

Kind = Literal["code", "text", "colour", "field", "direction", "thing"]


@dataclass(frozen=True)
class Target:
    """What to look for: `value` is the colour, the field or the kind of code; `literal` the person's own words.

    Where it is asked which way something points, `literal` is what points, "the arrow" or "her gaze", and `value` the
    person's own words: "direction of travel" may be printed.
    """

    kind: Kind
    value: str
    literal: str
    quoted: bool = False
    """Whether the words were named as words, so that where they are not printed there is nothing more to look for."""

    @property
    def words(self) -> str:
        """What may be printed: the person's own words."""
        return self.value if self.kind == "direction" else self.literal


_CLOSING = " ?？。.!！"
_MARKED = re.compile(rf"{SPECIAL}|\\")
_QUOTES = " \t\n\"'“”‘’「」『』《》"
_CODES = {
    "barcode": "linear", "bar code": "linear", "barcode number": "linear", "ean code": "linear", "ean number": "linear",
    "条形码": "linear", "条码": "linear",
    "條碼": "linear", "條形碼": "linear", "qr code": "QR", "qr": "QR", "二维码": "QR", "二維碼": "QR",
    "code": "", "码": "", "碼": "", "扫码": "",
}  # fmt: skip
_TEXT = ("text", "writing", "word", "letter", "printing", "文字", "字", "文本")
_COLOURS = {
    **{name: name for name in NAMES},
    "gray": "grey", "violet": "purple", "黑": "black", "白": "white", "灰": "grey", "红": "red", "橙": "orange",
    "橘": "orange", "黄": "yellow", "绿": "green", "蓝": "blue", "紫": "purple", "粉": "pink", "棕": "brown",
    "褐": "brown", "咖啡": "brown", "紅": "red", "黃": "yellow", "綠": "green", "藍": "blue",
}  # fmt: skip
_FIELDS: dict[FieldName, tuple[str, ...]] = {
    "expiry": (
        "expiry date",
        "expiration date",
        "best before date",
        "use by date",
        "expiry",
        "有效期",
        "到期日期",
        "过期日期",
        "有效日期",
        "保存期限",
        "過期日期",
    ),
    "production": (
        "production date",
        "manufacturing date",
        "date of manufacture",
        "生产日期",
        "制造日期",
        "生產日期",
        "製造日期",
    ),
    "date": ("date", "日期"),
    "shelf_life": ("shelf life", "保质期限"),
    "quantity": ("net content", "net contents", "净含量", "规格", "淨含量"),
    "weight": ("weight", "net weight", "重量", "净重", "淨重"),
    "volume": ("volume", "容量"),
    "lot": ("lot number", "lot code", "batch number", "lot", "批号", "批次", "批號"),
    "ingredients": ("ingredients", "ingredient list", "list of ingredients", "配料", "配料表", "成分"),
    "phone": ("phone number", "telephone number", "phone", "电话", "电话号码", "電話", "電話號碼"),
}
# A question for a direction ends with the verb, so that "where is the man pointing at the sign" asks for the man.
_WHO = r"(?P<who>(?:(?!\b(?:i|we|you|should|can)\b).)+?)(?<!\bthe)(?<!\ba)(?<!\ban)"
_POINTS = "point|aim|lean|turn|look|gaz|star|fac"
_LEADS = (
    ("(?:which|what) (?:way|direction)|(?:direction|way) (?:that|in which)", f"{_POINTS}|head|mov|go|fly|driv|open"),
    ("where", _POINTS),
)
_ENGLISH = tuple(
    re.compile(rf"\b(?:{lead}) {shape}(?: at| to| towards?| in)?(?: in (?:the|this) (?:photo|picture|image))?$", re.I)
    for lead, how in _LEADS
    for shape in (
        rf"(?:is|are|was|were) {_WHO} (?P<how>{how})ing",
        rf"(?:does|do|did) {_WHO} (?P<how>{how})e?",
        rf"{_WHO} (?:is|are|was|were) (?P<how>{how})ing",
        rf"{_WHO} (?P<how>{how})e?s",
    )
)
_DIRECTION_OF = re.compile(r"\bdirection of (?P<who>.+)(?P<how>)$", re.I)
_CHINESE = (
    re.compile(
        r"^(?P<who>.*?)(?:正|在|是|都)*"
        r"(?P<how>(?:[指朝看面望飞飛走开開往向]|[对對盯](?=[着著准準]))(?:[着著准準向往看]|的是)*"
        r"(?:哪(?:[里裡儿兒边邊方]|一?[个個边邊面头頭]方?向?)?|什么方向|什麼方向|何方)(?:[看望指走飞飛开開]?[的呢]?))$"
    ),
    re.compile(r"^(?P<who>.+?)(?<![哪么麼个個])(?P<how>)的?(?:方向|朝向)$"),
)
_TOLD = re.compile(r"^(?:请问?|告[诉訴]我|说[说一下]*|看看|(?:照片|图片?|圖片?)[里裡中]的?)+")
_ASKED = 200  # letters: no question for a direction is longer, and the patterns take the square of them
_THEIR = {"she": "her", "he": "his", "they": "their", "it": "its", "this": "its", "that": "its"}
# Words that may stand around a colour and name nothing that the colour itself would not show.
_EMPTY = (
    r"the|a|an|any|anything|something|some|one|ones|area|areas|part|parts|region|regions|thing|things|colou?red?|colou?r"
    r"|box|boxes|pack|packs|package|packages|carton|cartons|side|patch|patches|item|items|of|all"
)
_EMPTY_ZH = r"[的色]|颜色|顏色|部分|地方|区域|區域|东西|東西|盒子|包装|包裝|盒|袋|那个|这个|那個|這個|所有|任何|个|個"


def parse_target(text: str) -> Target:
    """What `text` asks for. Quotation marks and the word "word" make it literal text; empty text raises `BadInput`."""
    plain = unicodedata.normalize("NFKC", "".join(c if c.isprintable() else " " for c in text)).strip()
    if not without(plain, _MARKED):
        # <mug>, as a usage line writes it; a model is sent nothing in such brackets.
        plain = " ".join(re.sub(r"[<>|\[\]\\/]", " ", plain).split())
    literal = plain.strip(_QUOTES)
    if not literal:
        raise BadInput("Expected what to find: printed words, a code or a colour; got nothing. Try: barcode")
    if literal != plain and plain[0] in _QUOTES:
        return Target("thing", "", literal, quoted=True)
    folded = re.sub(r"\s+", " ", literal.casefold())
    if match := re.fullmatch(
        r"(?:the )?(?:words?|text|letters?|number)s? (.+)|(.+?)(?:这[几个两]*字|字样|一词)", folded
    ):
        at = match.start(1) if match[1] else match.start(2)
        return Target("thing", "", literal[at : at + len(match[1] or match[2])].strip(_QUOTES), quoted=True)
    if (points := what_points(literal)) and not _as_printed(literal):
        return Target("direction", literal, points)
    bare = re.sub(r"^(?:the|a|an|any|all|some|every)\b ?", "", folded)
    singular = re.sub(r"s$", "", bare)
    for word in (bare, singular):
        if word in _CODES:
            return Target("code", _CODES[word], literal)
        if word in _TEXT:
            return Target("text", "", literal)
        for field, words in _FIELDS.items():
            if word in words:
                return Target("field", field, literal)
    if colour := _colour(folded):
        return Target("colour", colour, literal)
    return Target("thing", "", literal, quoted=_as_printed(literal))


def what_points(text: str) -> str | None:
    """What points, of a question which way it does: "the arrow", "her gaze"; `None` where nothing of the kind is asked.

    A question without a subject, as one may ask in Chinese, is about "it".
    """
    plain = " ".join(text.split()).rstrip(_CLOSING)
    if len(plain) > _ASKED:
        return None
    if found := next((match for form in (*_ENGLISH, _DIRECTION_OF) if (match := form.search(plain))), None):
        who = found["who"]
        part = {"look": "gaze", "gaz": "gaze", "star": "gaze", "fac": "front"}.get(found["how"].lower())
        whose = _THEIR.get(who.lower()) or (f"{who}'" if who.endswith("s") else f"{who}'s")
        return f"{whose} {part}" if part else who
    if found := next((match for form in _CHINESE if (match := form.search(plain))), None):
        who = _TOLD.sub("", found["who"]).strip()
        if who[:1] in ("我", "咱"):
            return None
        return f"{who}的视线" if who and re.search("[看望盯]", found["how"]) else who or "它"
    return None


def _as_printed(literal: str) -> bool:
    """Capitals throughout are how people copy what is printed: BEST BEFORE, EXP, NET WT."""
    return literal.isupper() and len(literal) > 1


def _colour(folded: str) -> str | None:
    """The colour that is all that is asked for: "the red one", "蓝色的部分"; not "the red dog"."""
    for word, colour in _COLOURS.items():
        if word.isascii():
            rest, found = re.subn(rf"\b{word}\b", " ", folded)
            left = re.sub(rf"\b(?:{_EMPTY})\b", " ", rest)
        else:
            rest, found = re.subn(word, "", folded)
            left = re.sub(_EMPTY_ZH, "", rest)
        if found and not left.strip():
            return colour
    return None
