"""An utterance taken apart by its form: courtesies, the manner, quotations, pieces, what is to be found.

Words are tables, for eleven languages; what the pieces mean is told by the classifier of `router`.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

# Between requests, wherever it stands; its mark stays with a question.
ENDS = re.compile(
    r"(?<=[?？!！。；;؟।\n])\s*(?![?？!！。；;؟।\s])|(?<=\w{2}\.)\s+(?=\w)"
    r"|,? and (?=(?:what|when|where|how|who|which|is|are|does|do|can|read|find|show|tell|describe|count)\b)"
    r"|还有|還有|以及|并且|並且|顺便|順便|另外|それと|あと、|그리고",
    re.I,
)
# The same, where it may as well stand within one request: cut there only where the pieces ask for different things.
PERHAPS = re.compile(
    r"(?:,|，|、|،)\s*(?:then |and |再|然后|然後)?(?=.{4,})"
    r"|,? (?:and(?: also)?|then|plus|also|&|y(?: también)?|e(?: também)?|et(?: puis)?|puis|und(?: dann)?|sowie"
    r"|и(?: ещё)?|а также|و|और|तथा|aur) (?=\S)"
    r"| و(?=\S{3,})|(?<=하고) |(?<=이고) |(?<=[가-힣]고) |(?<=하면서) |(?<=[て、])(?=.{4,})|再(?=.{2,})|然后|然後",
    re.I,
)
# Between the names of what is wanted: "weight and ingredients", "批号、电话".
LISTED = re.compile(
    r",? (?:and|y|e|et|und|и|و|और|aur) (?:the |la |el |le |los |les |die |das |der |o |a |os )?|, ?(?:the )?| و(?=\S)"
    r"|[，、،]|(?:和|与|與|及|跟)|と(?=.{2,})|(?:이랑|하고|와|과|랑) ",
    re.I,
)
# Somebody else's words: what to look for, not what is asked.
QUOTED = re.compile(r"“[^”]+”|„[^“”]+[“”]|«[^»]+»|「[^」]+」|『[^』]+』|\"[^\"]+\"|‘[^’]+’")
# Said to be polite; nothing is asked by it.
_COURTESY = re.compile(
    r"^(?:can|could|would) you\b|\b(?:please|pls|plz|kindly|for me)\b|请问|请你|请|帮我|帮忙|麻烦你?|我想知道"
    r"|\bpor favor\b|\bporfa\b|\bs'il (?:vous|te) pla[iî]t\b|\b(?:svp|stp)\b|\bbitte\b|пожалуйста|\bпжл?ст?\b"
    r"|من فضلك|لو سمحت|कृपया|प्लीज़?",
    re.I,
)
# How much to say, by the `detail` that it asks of a description; it is no request of its own.
MANNER = {
    "brief": re.compile(
        r"\b(?:(?:answer|reply|say it) )?(?:in (?:one|a) sentence|briefly|in short)\b|用?一句[话話](?:回答|概括)?", re.I
    ),
    "full": re.compile(r"\b(?:(?:answer|reply) )?in (?:more )?detail\b|[详詳][细細]", re.I),
}
_CLOSING = " ?？。.!！,，؟।、;；"


class Frames(NamedTuple):
    """What stands before a thing that is to be found, and what after it, each the longest first."""

    befores: Sequence[str]
    afters: Sequence[str]

    def cut(self, text: str) -> str | None:
        """What stands between known words; `None` where there are none around it."""
        plain = unadorned(text)
        level = _level(plain)
        start = next((len(b) for b in self.befores if level.startswith(b) and len(b) < len(level)), 0)
        end = len(level)
        end = next((end - len(a) for a in self.afters if level.endswith(a) and end - len(a) > start), end)
        return plain[start:end].strip(_CLOSING) or None if end - start < len(plain) else None


def frames(examples: Iterable[Mapping[str, Any]]) -> Frames:
    """The words around the thing that each example names; one character before it may be of its name."""
    befores, afters = set(), set()
    for row in examples:
        targets = [step["args"]["target"] for step in row["plan"] if "target" in step.get("args", {})]
        target = _level(unadorned(targets[0])) if targets else ""
        before, found, after = _level(unadorned(row["text"])).partition(target) if target else ("", "", "")
        if found:
            befores.add(before if len(before) > 1 else "")
            afters.add(after)
    return Frames(*(sorted(words - {""}, key=lambda w: (-len(w), w)) for words in (befores, afters)))


def parts(joints: re.Pattern[str], text: str) -> list[str]:
    """What stands between joints, without what says nothing."""
    return [part.strip() for part in joints.split(text) if part and unadorned(part)]


def joined(text: str) -> bool:
    """Whether there is anything in a text that stands between two requests."""
    return any(len(parts(joints, text)) > 1 for joints in (ENDS, PERHAPS, LISTED))


def named(text: str, known: Frames) -> str:
    """What to find: the words in quotation marks, else those between known words, else all."""
    if quoted := QUOTED.search(text):
        return quoted[0][1:-1].strip()
    return known.cut(text) or unadorned(text)


def heard(text: str) -> str:
    """What the classifier hears of a text: not the courtesies, and not what is quoted."""
    return unadorned(QUOTED.sub(" ", text)) or unadorned(text)


@lru_cache(maxsize=1024)
def unadorned(text: str) -> str:
    """One line without courtesies, the manner asked for, and closing marks; letters keep their case."""
    plain = unicodedata.normalize("NFKC", text)
    for form in (_COURTESY, *MANNER.values()):
        plain = form.sub(" ", plain)
    return re.sub(r"\s+", " ", plain).strip(_CLOSING).lstrip("¿¡ ")


def _level(text: str) -> str:
    """Each character without case and accent, so that places in it are places in the text."""
    # Beyond Latin, Greek and Cyrillic a letter is not another one with a mark.
    return "".join((unicodedata.normalize("NFD", c)[0] if c < "\u0530" else c).lower()[:1] for c in text)
