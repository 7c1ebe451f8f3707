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
)
"""What a unit measures, how we write it, and how packs do, in small letters and without spaces."""

UNITS = {word: (name, unit) for name, unit, words in _PRINTED for word in words.split()}

_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True)).replace("floz", r"fl\.?\s?oz")
QUANTITY = re.compile(
    r"(?<![0-9A-Za-z.,/-])(?:(?P<times>\d{1,3})\s?[x×*]\s?)?(?P<number>\d{1,3}(?:,\d{3})+|\d+(?:[.,]\d+)?)"
    rf"\s?(?P<unit>{_UNIT})(?![^\W\d_])(?!/)",
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
    # "1,000 g" groups thousands, "0,500 kg" and "1,5 l" write a decimal comma.
    if re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3})+", number):
        number = number.replace(",", "")
    number = number.replace(",", ".")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    name, unit = UNITS[re.sub(r"[\s.]", "", match["unit"].lower())]
    times = f"{int(match['times'])} x " if match["times"] else ""
    return name, f"{times}{number} {unit}"


def needs_label(match: re.Match[str]) -> bool:
    """Whether an amount says what a pack holds only where a label says so: 5G is a network, 200 mg a dose."""
    return match["unit"].lower() in ("mg", "毫克") or (match["unit"] == "G" and len(match["number"]) == 1)
