"""What a question takes for granted, held against the findings: words on the pack, and which product it is.

No model is asked. A premise is named only where the findings settle that it does not hold, or, for words, where part
of the print could not be read; a question that takes nothing for granted, or what is so, gets no statement.
"""

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache
from typing import Protocol

from ..prompts import lexicon, say
from ..tools.ground import letters
from ..tools.quality import hides
from ..tools.types import Finding, Match, Product
from .language import QUOTED
from .lexicons import folded, named
from .reply import Slot, Statement

_ALIKE = 0.8
"""Share of matching characters from which on what is read may be what was asked about, misread."""

_STEM = 0.6
"""Share of a word's letters that have to stand in the text for it to be there in another form: storage, store."""

_LONGEST = 40
"""Characters that words taken for granted have at most; what is longer was not meant as a quotation."""

_UNREAD = ("partly_unreadable", "unsupported_script")
_HAN = re.compile(r"[㐀-鿿\uf900-\ufaff]+")


class Catalogue(Protocol):
    """What is needed of the catalogue."""

    def named(self, words: str) -> Sequence[Product]:
        """The products whose title or SKU these words name."""
        ...


def premises(text: str, findings: Sequence[Finding], catalogue: Catalogue, language: str) -> list[Statement]:
    """What the question `text` takes for granted and the findings do not bear out, to be said before the answer."""
    return [*_words(text, findings, language), *_product(text, findings, catalogue, language)]


def taken_for_granted(text: str) -> list[str]:
    """The words that a question says are printed, as it writes them."""
    plain = unicodedata.normalize("NFKC", text).strip()
    found = [m[0][1:-1].strip() for m in QUOTED.finditer(text)] if named("premises", "cue", _unquoted(text)) else []
    for pattern, marked in _patterns():
        for match in pattern.finditer(plain):
            words = match["X"].strip(" \"'“”‘’「」『』?？。.!！")
            generic = all(folded(word) in marked for word in words.split())
            if words and not generic and not found:
                found.append(words)
    return [words for words in dict.fromkeys(found) if len(letters(words)) > 1 and len(words) <= _LONGEST]


def _words(text: str, findings: Sequence[Finding], language: str) -> list[Statement]:
    """The words taken for granted that are not among what was read."""
    readings = [f for f in findings if f.tool in ("ocr", "describe") and f.outcome != "unreadable"]
    looked_for = {letters(f.asked or "") for f in findings if f.tool == "ground"}
    read = "\n".join(f.text or "" for f in readings)
    if not readings or not read:
        return []
    all_read = _all_read(readings, findings)
    told = []
    for words in taken_for_granted(text):
        # What was searched for is answered by the search; what is in other letters may be there by its meaning.
        if letters(words) in looked_for or _has(read, words) or _script(words) - _script(read):
            continue
        key = "premise.words_absent" if all_read else "premise.words_unreadable"
        told.append(Statement(say(language, key, words=words), tuple(f.id for f in readings)))
    return told


def _all_read(readings: Sequence[Finding], findings: Sequence[Finding]) -> bool:
    """Whether nothing of the print can have been missed."""
    lost = any(f.reason in _UNREAD or any(r.kind == "text" and not r.label for r in f.regions) for f in readings)
    return not lost and not any(f.quality and hides(f.quality) for f in findings if f.tool == "quality")


def _product(text: str, findings: Sequence[Finding], catalogue: Catalogue, language: str) -> list[Statement]:
    """The product that a question names, where another one is seen and it is not."""
    # A comparison that found another variant, and a search that missed what it looked for, have said so.
    seeing = [f for f in findings if f.outcome == "found" and f.matches and f.tool in ("identify", "describe", "ocr")]
    seeing += [f for f in findings if f.tool == "compare" and f.verdict and f.verdict.answer in ("same", "differs")]
    seen: dict[str, tuple[Match, Finding]] = {}
    for finding in seeing:
        for match in finding.matches[-1:] if finding.tool == "compare" else finding.matches:
            if match.sku:
                seen.setdefault(match.sku, (match, finding))
    if not seen:
        return []
    asked = _asked_for(text, [match.title for match, _ in seen.values()], catalogue)
    if not asked or {product.sku for product in asked} & seen.keys():
        return []
    titles = say(language, "list.then").join(match.title for match, _ in seen.values())
    wanted = say(language, "list.or").join(product.title for product in asked)
    slots = tuple(Slot("product", sku, finding.id) for sku, (_, finding) in seen.items())
    cites = tuple(dict.fromkeys(finding.id for _, finding in seen.values()))
    return [Statement(say(language, "premise.other_product", asked=wanted, seen=titles), cites, slots)]


def _asked_for(text: str, seen: Sequence[str], catalogue: Catalogue) -> list[Product]:
    """The products that are named by words which none of the seen titles has, and referred to as a thing.

    On the 41 sample and shop photos: of 384 questions about words that are printed and 264 that name the product seen,
    or none, nothing is said.
    """
    asked: dict[str, Product] = {}
    for words in _referred_to(text, seen):
        for product in catalogue.named(words):
            # Of a name of several words each has to be in the title: "the jasmine tea" is not any tea.
            if all(_in_title(word, product.title) for word in words.split()):
                asked.setdefault(product.sku, product)
    # A name that fits many distinguishes none.
    return list(asked.values()) if len(asked) <= 3 else []


def _referred_to(text: str, seen: Sequence[str]) -> list[str]:
    """Words that tell one product from those seen: before a word for its kind, which the seen ones share."""
    told = []
    words = re.findall(r"[^\W_]+", _HAN.sub(" ", folded(text)))
    the, one = ({*lexicon("products")[f"en.{part}"]} for part in ("the", "one"))
    for n, word in enumerate(words):
        if word not in the:
            continue
        for end in range(n + 2, min(n + 6, len(words))):
            head, name = words[end], [w for w in words[n + 1 : end] if not any(_in_title(w, title) for title in seen)]
            if name and (head in one or any(_in_title(head, title) for title in seen)):
                told.append(" ".join(name))
                break
    return told + _referred_to_zh(text, seen)


def _referred_to_zh(text: str, seen: Sequence[str]) -> list[str]:
    """The same in Chinese, whose words have no bounds: two characters and more before a word for the kind."""
    one = lexicon("products")["zh.one"]
    told = []
    for run in _HAN.findall(text):
        for start in range(len(run) - 1):
            for size in (4, 3, 2):
                word, rest = run[start : start + size], run[start + size :]
                if len(word) < size or any(word[i : i + 2] in title for title in seen for i in range(len(word) - 1)):
                    continue
                kinds = any(rest[:2] in title or rest[:1] == title_end for title in seen for title_end in _ends(title))
                if rest and (kinds or rest.startswith(one)):
                    told.append(word)
    return told


def _ends(title: str) -> list[str]:
    """The last characters of a title's words: what kind of thing it is."""
    return [run[-1] for run in _HAN.findall(title)]


def _in_title(word: str, title: str) -> bool:
    if _HAN.search(word):
        return word in title
    stem = word[:-1] if len(word) > 3 and word.endswith("s") else word
    return bool(re.search(rf"(?<!\w){re.escape(stem)}s?(?!\w)", folded(title)))


def _has(read: str, words: str) -> bool:
    """Whether words are in what was read, in any form, or misread there."""
    text, wanted = letters(read), letters(words)
    if wanted in text or all(_stem(word) in text for word in map(letters, words.split())):
        return True
    n = len(wanted)
    places = (text[i : i + n] for i in range(max(len(text) - n, 0) + 1))
    return n > 3 and any(SequenceMatcher(None, wanted, place, autojunk=False).ratio() >= _ALIKE for place in places)


def _stem(word: str) -> str:
    return word[: max(4, round(_STEM * len(word)))]


def _script(text: str) -> set[str]:
    """The kinds of letters in a text; digits are of any."""
    kinds = {unicodedata.name(c, " ").split()[0] for c in text if c.isalpha()}
    return kinds - {"FULLWIDTH", "HALFWIDTH", "FEMININE", "MASCULINE", "MICRO"}


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], frozenset[str]], ...]:
    """Each pattern with the words that name a print and quote nothing of it."""
    known = lexicon("premises")
    return tuple(
        (re.compile(_expression(line), re.I), frozenset(known.get(f"{language}.generic", ())))
        for language, lines in known.items()
        if "." not in language
        for line in lines
    )


def _expression(line: str) -> str:
    # What follows the words, or the end of the question, bounds them.
    before, _, after = line.partition("{X}")
    end = after if after else r"(?=[?？。.!！,，]|$)"
    return rf"{before}(?P<X>[^?？。!！,，]{{1,60}}?){end}"


def _unquoted(text: str) -> str:
    return QUOTED.sub(" ", text)
