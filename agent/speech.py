"""Text that can be spoken: without markup, emoji, tables or addresses, its symbols said as words, on one line."""

import re
import unicodedata

from ..prompts import say

_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.I)
_IMAGE_OR_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_BULLET = re.compile(r"^\s*(?:[-*+•·▪◦‣–—]|#{1,6}|>)\s+", re.M)
_PERCENT = re.compile(r"(\d+(?:[.,]\d+)?)\s?[%％]")
_DEGREES = re.compile(r"(\d+(?:[.,]\d+)?)\s?°")
_BREAK = re.compile(r"\s*\n\s*")
_WORDS = {"&": "and", "＆": "and", "+": "plus", "=": "equals", "×": "times", "@": "at"}

_KEPT = frozenset(".,;:?!'\"’‘“”()/-–…。，；：？！、（）《》「」『』·．؟،؛।'")
"""Marks that a voice reads as a pause, or as nothing."""

_TWO_A_WORD = re.compile(r"[぀-ヿ㐀-鿿\uf900-\ufaff가-힯฀-๿]")


def speakable(language: str, text: str) -> str:
    """The text as one line that a voice can read; quotes stay quotes."""
    plain = _IMAGE_OR_LINK.sub(r"\1", text)
    plain = _ADDRESS.sub(say(language, "manner.link"), plain)
    plain = _BULLET.sub("", plain)
    plain = _PERCENT.sub(lambda m: say(language, "manner.percent", n=m[1]), plain)
    plain = _DEGREES.sub(lambda m: say(language, "manner.degrees", n=m[1]) + " ", plain)
    plain = _BREAK.sub(say(language, "list.and"), plain.strip())
    for symbol, word in _WORDS.items():
        plain = plain.replace(symbol, f" {say(language, f'manner.{word}')} ")
    plain = "".join(c if _is_spoken(c) else " " for c in plain)
    return re.sub(r"^(?:[–-]?\s+|–)+", "", re.sub(r"\s+", " ", plain)).strip()


def spoken_words(text: str) -> int:
    """How many words a listener hears: of scripts without spaces, two characters are one."""
    joined = _TWO_A_WORD.findall(text)
    apart = [word for word in _TWO_A_WORD.sub(" ", text).split() if any(c.isalnum() for c in word)]
    return len(apart) + (len(joined) + 1) // 2


def _is_spoken(character: str) -> bool:
    # Letters, the marks that belong to them, and numbers; all else is dropped but for pauses.
    category = unicodedata.category(character)
    return character in _KEPT or character == " " or category[0] in "LN" or category in ("Mn", "Mc")
