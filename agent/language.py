"""Which language to answer in: told from the script the person writes, or from what they wrote before.

Only languages that answers exist in are told apart; everything else is answered in English.
"""

import os
import re
import unicodedata
from collections import Counter

from ..prompts import languages
from ..tools.errors import BadInput

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
# What stands in quotation marks is somebody else's text, not the person's language.
QUOTED = re.compile(r"“[^”]*”|「[^」]*」|『[^』]*』|\"[^\"]*\"|‘[^’]*’")


def language_of(text: str, before: str | None = None) -> str:
    """The language to answer `text` in, one of `prompts.languages()`; `before` is that of the last turn.

    Each character of a script without spaces counts as a word does, so that "这个 best before 是什么
    时候" is Chinese and "where is 保质期 on the pack" is not. A text without letters, a photo sent
    without a word, goes on in the language of the turn before.
    """
    counts: Counter[str] = Counter()
    for word in re.findall(r"[^\W\d_]+", QUOTED.sub(" ", text)) or re.findall(r"[^\W\d_]+", text):
        scripts = [_script(c) for c in word]
        counts.update(s for s in scripts if s in ("zh", "ja"))
        counts.update({s for s in scripts if s not in ("zh", "ja")})
    if not counts:
        return before or DEFAULT
    if counts["ja"]:  # Japanese is written with Han as well
        counts["ja"] += counts.pop("zh", 0)
    language = counts.most_common(1)[0][0]
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


def _script(character: str) -> str:
    name = unicodedata.name(character, "")
    return next((language for prefix, language in _SCRIPTS if name.startswith(prefix)), DEFAULT)
