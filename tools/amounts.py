"""Weights and volumes as packs print them, read from a piece of text. Nothing here knows of photos."""

import re

from .types import FieldName

_PRINTED: tuple[tuple[FieldName, str, str], ...] = (
    ("weight", "mg", "mg 毫克"),
    ("weight", "g", "g gr gram grams gramm 克 公克"),
    ("weight", "kg", "kg kilo 千克 公斤"),
    ("weight", "斤", "斤"),
    ("weight", "oz", "oz ounces"),
    ("weight", "lb", "lb lbs pounds"),
    ("volume", "ml", "ml 毫升"),
    ("volume", "cl", "cl"),
    ("volume", "dl", "dl"),
    ("volume", "l", "l ltr liter litre liters litres 升 公升 リットル"),
    ("volume", "fl oz", "floz"),
    ("volume", "pt", "pt pint pints"),
    ("volume", "qt", "qt quart quarts"),
    ("volume", "gal", "gal gallon gallons"),
)
"""What a unit measures, how we write it, and how packs do, in small letters and without spaces."""

_LARGE = ("kg", "lb", "l", "gal")

UNITS = {word: (name, unit) for name, unit, words in _PRINTED for word in words.split()}

_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True)).replace("floz", r"fl\.?\s?oz")
_TIMES = r"\s?[x×*]\s?"
QUANTITY = re.compile(
    rf"(?<![0-9A-Za-z.,/-])(?<!\d:)(?:(?P<times>\d{{1,3}}){_TIMES})?"
    r"(?P<number>[1-9]\d{0,2}(?:[.,]\d{3}|\s000)+|(?!0\d)\d+(?:[.,]\d+)?)"
    rf"\s?(?P<unit>{_UNIT})(?!(?![\u3040-\u9fff])[^\W_]|[级級拉隆])(?!/)"
    # 1 LB 2 OZ is one weight; 250ml×12 is twelve of them, and 250 ml x 3 cm is not three.
    r"(?:(?<=lb|bs|ds)[\s,.]{1,2}(?P<ounces>\d{1,2}(?:\.\d+)?)\s?(?:oz|ounces)(?![^\W\d_]))?"
    rf"(?:{_TIMES}(?P<after>\d{{1,3}})(?![\d.,])(?!\s?(?:[cm]?m\b|{_UNIT})))?",
    re.IGNORECASE,
)
PER_PORTION = re.compile(
    r"\b(?:per|serving|portion|fat|fats|saturates?|protein|carbohydrates?|carbs|sugars?|salt|sodium|fibre|fiber|energy|"
    r"calcium|iron|vitamin|cholesterol|fett|eiweiß|zucker|salz|kohlenhydrate|matières|protéines|glucides|sel|dose|tablets?)\b|"
    r"每|脂肪|蛋白|碳水|钠|鈉|糖|能量|膳食|营养|營養|一份|たんぱく|脂質|炭水化物|食塩",
    re.IGNORECASE,
)
"""Lines with these words give amounts of something in the pack or of a portion, not what the pack holds."""


def quantity(match: re.Match[str]) -> tuple[FieldName, str]:
    """What a match of `QUANTITY` measures, and its value as "500 g", "1.5 l" or "6 x 330 ml"."""
    number = match["number"]
    name, unit = UNITS[re.sub(r"[\s.]", "", match["unit"].lower())]
    # Three digits after a mark are thousands of small units ("1,000 g", "1.500 ml") and decimals of large
    # ones ("1,500 kg"), of which no pack holds a thousand.
    number = re.sub(r"\s", "", number)
    if unit not in _LARGE and re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", number):
        number = re.sub(r"[.,]", "", number)
    number = number.replace(",", ".")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    times = match["times"] or match["after"]
    ounces = f" {match['ounces']} oz" if match["ounces"] else ""
    return name, f"{int(times)} x {number} {unit}{ounces}" if times else f"{number} {unit}{ounces}"


def needs_label(match: re.Match[str]) -> bool:
    """Whether an amount says what a pack holds only where a label says so: 5G is a network, 200 mg a dose."""
    return match["unit"].lower() in ("mg", "毫克") or (match["unit"] == "G" and len(match["number"]) == 1)
