"""What a person says to a question of ours: whether it is an answer to it, and to which.

Whatever is not clearly one is another question.
"""

import re
import unicodedata
from collections.abc import Sequence

from .reply import Option, Step

_ORDINALS = (
    ("1", "1st", "first", "one", "第一", "一"),
    ("2", "2nd", "second", "two", "第二", "二"),
    ("3", "3rd", "third", "three", "第三", "三"),
    ("4", "4th", "fourth", "four", "第四", "四"),
)
_LAST = ("last", "最后", "最後")
_AROUND = re.compile(
    r"\b(?:it's|its|it is|this is|that is|that's|i (?:think|mean|ordered|bought|have)|the|one|option|number|no|nr"
    r"|please|definitely|answer|choose)\b|是|我(?:要|选|選|买|買)的?|这|這|那|就|选|選|(?:号|號|个|個|款|种|種)",
    re.I,
)
"""What is said around the number or the name of a choice."""

_HANDED_OVER = re.compile(
    r"\b(?:here|there) (?:you (?:go|are)|it is|they are)\b"
    r"|\b(?:this|that|the) (?:is the )?(?:other )?(?:side|one|photo)\b"
    r"|\b(?:ok|okay|done|sent|voil[aà])\b|给你|給你|拍好了|发了|發了|(?:这|這)(?:是|张|張|面|一面)",
    re.I,
)
"""What is said with a photo that was asked for."""

_SHORT = 30
"""Characters up to which such words are all that is said."""


def chosen(text: str, options: Sequence[Option]) -> Option | None:
    """The option that these words name, by its number, its SKU or its title; `None` where they name none, or two."""
    if "?" in text or "？" in text:
        return None
    said = _fold(text)
    named = [option for option in options if said and _names(said, option)]
    if not named and (number := _number(text, len(options))):
        named = [options[number - 1]]
    return named[0] if len(named) == 1 else None


def _names(said: str, option: Option) -> bool:
    """Whether it is said by its SKU, its title, or words of its title and no others."""
    bare = _fold(_AROUND.sub(" ", said))
    own = _fold(option.title), _fold(option.sku)
    if said in own or bare in own or any(name and name in said for name in own):
        return True
    words = bare.split()
    return bool(words) and len(bare) > 1 and all(word in own[0].split() for word in words)


def _number(text: str, most: int) -> int | None:
    """The number that is said and nothing else, from 1; `None` where there is none or it is none of them."""
    said = _fold(text)
    bare = _fold(_AROUND.sub(" ", said)).replace(" ", "")
    for n, words in enumerate(_ORDINALS[:most], 1):
        if said in words or bare in words:
            return n
    return most if bare in _LAST else None


def goes_on(waiting: Sequence[Step], asked: Sequence[Step], text: str) -> bool:
    """Whether words that come with a photo go on with the turn that waits for it, given what each asks for.

    No words do, and so do those that ask for the same, or for nothing.
    """
    if not text.strip():
        return True
    if len(_fold(text)) <= _SHORT and _HANDED_OVER.search(text) and "?" not in text:
        return True
    if "?" in text or "？" in text or text.lstrip().startswith("/"):
        return all(step in waiting for step in asked)
    return all(step in waiting or step.tool in ("describe", "chat") for step in asked)


def _fold(text: str) -> str:
    """Letters and digits in one case and width, with single spaces between."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c if c.isalnum() or c in "'" else " " for c in plain).split())
