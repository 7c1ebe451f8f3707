"""Which language to answer in: told from the script the person writes, or from what they wrote before.

Scripts tell Chinese, Japanese, Korean, Arabic, Russian and Hindi; the languages in Latin letters are told apart by the
models that the router's examples teach. A language that answers do not exist in is answered in English.
"""

import math
import os
import re
import unicodedata
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from ..prompts import languages
from ..tools.errors import BadInput

if TYPE_CHECKING:
    from .ngrams import Linear

DEFAULT = "en"

# Unicode name prefixes of letters, and the language that writes with them.
_SCRIPTS = (
    ("HIRAGANA", "ja"),
    ("KATAKANA", "ja"),
    ("HANGUL", "ko"),
    ("CJK UNIFIED", "zh"),
    ("ARABIC", "ar"),
    ("DEVANAGARI", "hi"),
    ("CYRILLIC", "ru"),
)
# Words that Japanese writes in Han alone, and Chinese does not have.
_JAPANESE = re.compile("賞味|消費期限|原材料|製造元|何[個本枚台人時月日円]|[円込塩変検駅図読売]|写真")
# What stands in quotation marks is somebody else's text, not the person's language.
QUOTED = re.compile(r"“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」|『[^』]*』|\"[^\"]*\"|‘[^’]*’")
# Two languages whose odds are nearer than this are not told apart by so few words.
_APART = math.log(2)


def language_of(text: str, before: str | None = None) -> str:
    """The language to answer `text` in, one of `prompts.languages()`; `before` is that of the last turn.

    Each character of a script without spaces counts as a word does, so that "这个 best before 是什么
    时候" is Chinese and "where is 保质期 on the pack" is not. A text without letters, a photo sent
    without a word, goes on in the language of the turn before; so do a few words that may be of several.
    """
    counts: Counter[str] = Counter()
    said = QUOTED.sub(" ", text)
    words = re.findall(r"[^\W\d_]+", said) or re.findall(r"[^\W\d_]+", text)
    for word in words:
        scripts = [_script(c) for c in word]
        counts.update(s for s in scripts if s in ("zh", "ja"))
        counts.update({s for s in scripts if s not in ("zh", "ja")})
    if not counts:
        return before or DEFAULT
    if counts["ja"] or (counts["zh"] and _JAPANESE.search(said)):  # Japanese is written with Han as well
        counts["ja"] += counts.pop("zh", 0)
    language = counts.most_common(1)[0][0]
    if language == DEFAULT:
        language = _latin(" ".join(w for w in words if _script(w[0]) == DEFAULT), before)
    return language if language in languages() else DEFAULT


def spoken(language: str | None, folder: str = "answers") -> str:
    """The language to speak: the one named, else that of the locale, else English; of those in a folder of `prompts`.

    Raises `BadInput` for one that is not there.
    """
    known = languages(folder)
    if language is not None:
        if language not in known:
            raise BadInput(f"Expected a language, one of {', '.join(known)}; got {language!r}.")
        return language
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return locale[:2] if locale[:2] in known else DEFAULT


def _latin(words: str, before: str | None) -> str:
    """Which language in Latin letters; where two are as likely, that of the turn before, else English."""
    odds = {n.removeprefix("language:"): s for n, s in _linear()(words).items() if n.startswith("language:")}
    # Capitals throughout are how people copy what is printed, which says nothing of their own language.
    (best, first), (_, second) = sorted(odds.items(), key=lambda o: -o[1])[:2]
    if words.isupper() or first < 0 or first - second < _APART:
        return before if before in odds else DEFAULT
    return best


@cache
def _linear() -> "Linear":
    # The command line imports this module for the locale's language alone.
    from .ngrams import Linear, shipped

    return Linear(shipped())


def _script(character: str) -> str:
    name = unicodedata.name(character, "")
    return next((language for prefix, language in _SCRIPTS if name.startswith(prefix)), DEFAULT)
