"""Phrases of `prompts/lexicon` in a text: of all languages at once, or of the one that the text is in.

Only whole words count where words stand apart, as "car" does not in "card"; Chinese, Japanese and Korean have no such
bounds.
"""

import re
import unicodedata
from functools import cache

from ..prompts import LETTER, lexicon

_RUN_TOGETHER = re.compile(r"[぀-ヿ㐀-鿿\uf900-\ufaff가-힯]")


_LATIN = ("de", "en", "es", "fr", "pt")


def named(lexicon_name: str, part: str, text: str, language: str | None = None) -> list[str]:
    """The phrases of one part of a lexicon ("" for what stands under a language alone), folded, as the text has them.

    With `language`, its own, and English ones where it is not written in the same letters: a model may fall back to
    English, and "car" is a conjunction in French.
    """
    languages = None if language is None else (language,) if language in _LATIN else (language, "en")
    return list(dict.fromkeys(match[0] for match in _pattern(lexicon_name, part, languages).finditer(folded(text))))


def folded(text: str) -> str:
    """The text in one width, case and form of its apostrophes, so that phrases are found in it."""
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'")


@cache
def _pattern(lexicon_name: str, part: str, languages: tuple[str, ...] | None) -> re.Pattern[str]:
    lines = [
        line
        for section, phrases in lexicon(lexicon_name).items()
        if section.partition(".")[2] == part and (languages is None or section.partition(".")[0] in languages)
        for line in phrases
    ]
    # The longest first, so that "broken glass" is found whole.
    if not lines:
        return re.compile(r"(?!)")
    return re.compile("|".join(map(_expression, sorted(set(lines), key=len, reverse=True))))


def _expression(phrase: str) -> str:
    written = f"{LETTER}*".join(re.escape(part) for part in folded(phrase).split("*"))
    if _RUN_TOGETHER.search(phrase):
        return written
    # An apostrophe joins what stands before it: "n't" is found in "isn't".
    after = f"(?!{LETTER})"
    return f"{written}{after}" if phrase.startswith("n'") else f"(?<!{LETTER}){written}{after}"
