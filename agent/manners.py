"""How an answer is put, by manner: the order of its statements, what is left out, and how much is said.

Pure functions over statements and findings. No manner changes what a statement cites or asserts. A model's sentence
that says something is safe is passed on in none.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..prompts import say
from ..tools.types import Finding, PhotoId
from .lexicons import folded, named
from .places import PLACES
from .reply import Reply, Slot, Statement
from .speech import speakable, spoken_words

BRIEF, NORMAL = 25, 75
"""Spoken words that a narrator's answer has at most, brief and normal; a full one has no limit."""

_HAZARDS = 3
"""Hazards named in one sentence; more would not be listened to."""

_SENTENCE = re.compile(r".+?(?:[.!?।؟](?=[\s\"'”’]|$)[\"'”’]*|[。！？][”’」』]*|$)\s*", re.S)


@dataclass(frozen=True)
class Asking:
    """What a manner needs to know of the turn: its language, question and detail, and the thread's earlier replies.

    `detail` is brief, normal or full.
    """

    language: str
    question: str = ""
    detail: str = "normal"
    before: Sequence[Reply] = ()


Manner = Callable[[Asking, Sequence[Statement], Sequence[Finding]], list[Statement]]


def put(manner: str, asking: Asking, statements: Sequence[Statement], findings: Sequence[Finding]) -> list[Statement]:
    """The statements as this manner, one of `MANNERS`, puts them."""
    return MANNERS[manner](asking, statements, findings)


def may_say(manner: str, sentence: str) -> bool:
    """Whether a model's sentence may be passed on: none that says something is safe, in service none that accuses."""
    accuses = manner == "service" and named("accusations", "", sentence)
    return not (accuses or named("safety", "said", sentence))


def asks_whether_safe(question: str) -> bool:
    """Whether it is asked if something is safe to do, in any of the languages."""
    return bool(named("safety", "", question))


def plain(asking: Asking, statements: Sequence[Statement], findings: Sequence[Finding]) -> list[Statement]:
    """The verdict first, otherwise as composed."""
    kept = _passed_on("plain", statements, findings)
    return _warned(asking, _verdict_first(kept, findings), findings)


def service(asking: Asking, statements: Sequence[Statement], findings: Sequence[Finding]) -> list[Statement]:
    """Neutral, the verdict first; then the next step, and a person is offered once a thread."""
    kept = _warned(asking, _verdict_first(_passed_on("service", statements, findings), findings), findings)
    return [*kept, *_next_step(asking, kept, findings)]


def narrator(asking: Asking, statements: Sequence[Statement], findings: Sequence[Finding]) -> list[Statement]:
    """Hazards first, then the subject, then the rest, in sentences that can be spoken, as many as the detail allows."""
    language = asking.language
    kept = _verdict_first(_passed_on("narrator", statements, findings), findings)
    kept = [_coarse(language, each) for each in kept]
    dangerous = [each for each in kept if _hazards(language, each, findings)]
    calm = [each for each in kept if each not in dangerous]
    told = _warned(asking, [*_printed(language, findings), *_seen(language, dangerous, findings), *calm], findings)
    # What was said as a hazard is heard once more only where there is time for it.
    told += [each for each in dangerous if each not in told]
    spoken = [replace(each, text=text) for each in told if (text := speakable(language, each.text))]
    return _within(asking, spoken)


MANNERS: Mapping[str, Manner] = {"plain": plain, "service": service, "narrator": narrator}


def more(statements: Sequence[Statement], said_before: Sequence[Reply]) -> list[Statement]:
    """What no earlier reply has said of these photos: no sentence again, and none that asserts only what was said."""
    texts = {folded(each.text) for reply in said_before for each in reply.statements}
    asserted = {(slot.kind, slot.value, slot.finding) for r in said_before for s in r.statements for slot in s.slots}
    told = {folded(s) for reply in said_before for f in reply.findings for s in _words_of(f) if s in reply.text}
    kept: dict[str, Statement] = {}
    for each in statements:
        text = folded(each.text)
        slots = {(slot.kind, slot.value, slot.finding) for slot in each.slots}
        # A model's sentence is the same in whatever words of ours it is hedged.
        repeated = any(sentence in text for sentence in told)
        if text not in texts and not (slots and slots <= asserted) and not repeated:
            kept.setdefault(text, each)
    return list(kept.values())


def _verdict_first(statements: Sequence[Statement], findings: Sequence[Finding]) -> list[Statement]:
    """What people told us, the first statement of each comparison, then of each identification, before all others."""
    tools = {f.id: f.tool for f in findings}
    first: dict[str, Statement] = {}
    for each in statements:
        for cited in each.cites:
            first.setdefault(cited, each)
    # What a person told us is what a verdict was asked for about.
    leading = [each for each in statements if any(tools.get(cited) in ("taught", "told") for cited in each.cites)]
    leading += [each for tool in ("compare", "identify") for cited, each in first.items() if tools.get(cited) == tool]
    leading = list(dict.fromkeys(leading))
    return [*leading, *(each for each in statements if each not in leading)]


def _passed_on(manner: str, statements: Sequence[Statement], findings: Sequence[Finding]) -> list[Statement]:
    """The statements without those that pass on a sentence of a model's that may not be said."""
    return [each for each in statements if all(may_say(manner, said) for said in _models(each, findings))]


def _models(statement: Statement, findings: Sequence[Finding]) -> list[str]:
    """The sentences of models that a statement passes on."""
    cited = [f for f in findings if f.id in statement.cites]
    return [said for f in cited for said in _words_of(f) if said in statement.text]


def _words_of(finding: Finding) -> list[str]:
    """What a model said in a finding, sentence by sentence where that is known."""
    said: list[str | None] = [sentence.text for sentence in finding.sentences] or [finding.said]
    return [text for text in (*said, *(d.said for d in finding.differences)) if text]


def _warned(asking: Asking, statements: Sequence[Statement], findings: Sequence[Finding]) -> list[Statement]:
    """What is said first where somebody asks whether it is safe: that no photo tells."""
    if not statements or not asks_whether_safe(asking.question) or not findings:
        return list(statements)
    return [Statement(say(asking.language, "safety.cannot"), (findings[0].id,)), *statements]


def _next_step(asking: Asking, said: Sequence[Statement], findings: Sequence[Finding]) -> list[Statement]:
    """One step: to a colleague where something differs, to a photo where that would settle it; else a person."""
    if not said:
        return []
    language = asking.language
    earlier = {each.text for reply in asking.before for each in reply.statements}
    pass_on, human = (say(language, key) for key in ("manner.pass_on", "manner.human"))
    if differing := [f for f in findings if f.verdict and f.verdict.answer in ("differs", "other_variant")]:
        return [] if pass_on in earlier else [Statement(pass_on, tuple(f.id for f in differing))]
    steps = []
    # Where a doubt was said without what would settle it: a verdict names its view, other sentences name the photo.
    open_ = [f for f in findings if f.verdict and f.verdict.answer == "cannot_tell" and not f.verdict.view]
    if open_:
        steps.append(Statement(say(language, "manner.next_photo"), tuple(f.id for f in open_)))
    if not {pass_on, human} & earlier:
        steps.append(Statement(human, ()))
    return steps


def _coarse(language: str, statement: Statement) -> Statement:
    """The places of a statement as left, centre or right, where that still tells them apart."""
    where = list(dict.fromkeys(s.value.split(" ", 1)[1] for s in statement.slots if s.kind == "side"))
    columns = [place.partition("_")[2] for place in where]
    if not where or len(set(columns)) < len(columns) or not set(where) <= set(PLACES):
        return statement
    text = statement.text
    for place, column in zip(where, columns, strict=True):
        text = text.replace(say(language, f"place.{place}"), say(language, f"place3.{column}"))
    return replace(statement, text=text)


def _printed(language: str, findings: Sequence[Finding]) -> list[Statement]:
    """The printed warnings, each photo's in one sentence."""
    warnings: dict[PhotoId, tuple[str, dict[str, str]]] = {}
    for finding in findings:
        for line in (finding.text or "").splitlines():
            for phrase in named("hazards", "", line):
                warnings.setdefault(finding.photos[0], (finding.id, {}))[1].setdefault(phrase, line)
    return [_warning(language, finding, words) for finding, words in warnings.values()]


def _warning(language: str, finding: str, words: Mapping[str, str]) -> Statement:
    # The words as they are printed; a line that is short is quoted whole.
    shown = list(dict.fromkeys(_as_printed(phrase, line) for phrase, line in words.items()))[:_HAZARDS]
    quoted = say(language, "list.then").join(say(language, "quote", text=text) for text in shown)
    slots = tuple(Slot("quote", text, finding) for text in shown)
    return Statement(say(language, "hazard.printed", quoted=quoted), (finding,), slots)


def _as_printed(phrase: str, line: str) -> str:
    """The words of a phrase in the letters of the line; the line itself where folding changed its length."""
    plain_line = folded(line)
    if len(plain_line) != len(line) or spoken_words(line) <= 4:
        return line if spoken_words(line) <= 6 else phrase
    at = plain_line.index(phrase)
    return line[at : at + len(phrase)]


def _hazards(language: str, statement: Statement, findings: Sequence[Finding]) -> list[str]:
    """The hazards a statement names as seen, in sentences that do not deny them; quotes and titles name none."""
    cited = [f for f in findings if f.id in statement.cites]
    if not any(f.outcome == "found" and f.tool != "quality" for f in cited):
        return []
    text = statement.text
    others = [m.title for f in cited for m in f.matches] + [s.value for s in statement.slots if s.kind == "quote"]
    for other in sorted(others, key=len, reverse=True):
        text = text.replace(other, " ") if other else text
    told = [s for s in _SENTENCE.findall(text) if not named("hazards", "not", s, language)]
    return list(dict.fromkeys(word for s in told for word in named("hazards", "seen", s, language)))


def _seen(language: str, dangerous: Sequence[Statement], findings: Sequence[Finding]) -> list[Statement]:
    """A short warning for the hazards that a model's words name; those found in a place say so themselves."""
    told: list[Statement] = []
    words: list[str] = []
    cites: list[str] = []
    for each in dangerous:
        if each.hedged and _models(each, findings):
            words += _hazards(language, each, findings)
            cites += each.cites
        else:
            told.append(each)
    if words:
        listed = say(language, "list.then").join(list(dict.fromkeys(words))[:_HAZARDS])
        said = say(language, "hazard.seen", words=listed)
        told.insert(0, Statement(said, tuple(dict.fromkeys(cites)), hedged=True))
    return told


def _within(asking: Asking, statements: Sequence[Statement]) -> list[Statement]:
    """As many whole statements as the detail allows, in their order, and how to hear the others."""
    most = {"brief": BRIEF, "normal": NORMAL}.get(asking.detail)
    if most is None or sum(spoken_words(each.text) for each in statements) <= most:
        return list(statements)
    rest = speakable(asking.language, say(asking.language, "manner.more_follows"))
    room = most - spoken_words(rest)
    kept: list[Statement] = []
    for each in statements:
        if spoken_words(each.text) <= room:
            kept.append(each)
            room -= spoken_words(each.text)
    if not kept:
        long = speakable(asking.language, say(asking.language, "manner.long"))
        return [Statement(long, statements[0].cites)]
    return [*kept, Statement(rest, ())]
