"""What a model says of a photo, in sentences that can be checked, with second looks for what they name.

A model that writes JSON is asked for statements with citations; one that does not is asked for an inventory, where it
can show what it names; what is left of free prose is kept as it is, and only its words show what it asserts.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..prompts import instruct
from .dialects.absent import is_none
from .dialects.dialect import without
from .errors import ModelFailed
from .models.model import Model
from .second_look import glances, turned_round
from .seeing import tell, whole, written_in
from .statements import inventory, prose, statements
from .types import Glance, Photo, Sentence

_SHOWN = 24
"""Lines of what instruments found that a model is shown, and how long each may be."""
_LONG = 80


@dataclass(frozen=True)
class Telling:
    """What a model says: as one text, sentence by sentence, and what second looks came to. `cut`: it broke off."""

    said: str
    sentences: tuple[Sentence, ...]
    glances: tuple[Glance, ...] = ()
    assumed: tuple[str, ...] = ()
    cut: bool = False


def describing(model: Model, photo: Photo, detail: str, language: str, evidence: Sequence[tuple[str, str]]) -> Telling:
    """A description of a photo; `evidence` is what instruments found, each with a letter for its kind.

    Raises `ModelFailed` where it gives none.
    """
    told = _told(model, photo, f"describe.{detail}", language, _marked(evidence, model.dialect.special), {})
    if not told.structured and model.family.turns and model.grounds:
        try:
            listed = inventory(
                tell(model, photo, "inventory", language, spoken=_name(language)).text, written_in(language)
            )
        except ModelFailed:
            listed = []
        told = replace(told, sentences=tuple(listed) or told.sentences)
    return _looked(model, photo, told, language)


def answering(model: Model, photo: Photo, question: str, language: str, evidence: Sequence[tuple[str, str]]) -> Telling:
    """The answer to a question about a photo, with what the question takes for granted; raises as `describing` does."""
    told = _told(model, photo, "question", language, _marked(evidence, model.dialect.special), {"question": question})
    if not told.assumed and not told.cut and model.family.turns and model.grounds and told.said and not told.structured:
        try:
            about = tell(model, photo, "about", language, question=question, spoken=_name(language)).text
        except ModelFailed:
            about = ""
        name = about.strip(" \n.。\"'“”")
        # More than a name is no name.
        if name and len(name) <= _LONG // 2 and "\n" not in name and not is_none(name):
            told = replace(told, assumed=(name,))
    return _looked(model, photo, told, language)


@dataclass(frozen=True)
class _Told:
    said: str
    sentences: tuple[Sentence, ...]
    assumed: tuple[str, ...] = ()
    cut: bool = False
    structured: bool = False


def _told(
    model: Model, photo: Photo, task: str, language: str, marked: Mapping[str, str], slots: Mapping[str, str]
) -> _Told:
    kind, written = task.partition(".")[0], written_in(language)
    if not model.family.turns or (model.contract and model.contract.json is False):
        said = tell(model, photo, task, language, None, (), **slots)
        return _Told(said.text, tuple(prose(said.text, language)), cut=said.ended != "end")
    shown = "\n".join(f"{mark}: “{text}”" for mark, text in marked.items()) or "-"
    form = [instruct(f"form.{written}", language=_name(language), evidence=shown)]
    if kind == "question":
        form.append(instruct(f"assumes.{written}"))
    said = tell(model, photo, task, language, None, form, **slots)
    cut = said.ended != "end"
    if parsed := statements(said.text, language, marked):
        sentences, assumed = parsed
        return _Told(" ".join(s.text for s in sentences), tuple(sentences), tuple(assumed), cut, structured=True)
    text = whole(said.text, kind) if cut else said.text
    if not text:
        raise ModelFailed(f"{model.name} said nothing.", "empty")
    return _Told(text, tuple(prose(text, language)), cut=cut)


def _looked(model: Model, photo: Photo, told: _Told, language: str) -> Telling:
    looks = glances(model, photo, told.sentences, told.assumed, language)
    # What rests on nothing that could be looked for stays a guess, whatever is said of it a second time.
    checkable = any(glance.outcome != "not_looked" for glance in looks) or any(
        a.kind in ("quote", "number", "product", "date") for s in told.sentences for a in s.asserts
    )
    sentences = turned_round(model, photo, told.sentences, language) if checkable else told.sentences
    return Telling(told.said, sentences, looks, told.assumed, told.cut)


def _marked(evidence: Sequence[tuple[str, str]], special: re.Pattern[str]) -> dict[str, str]:
    """What instruments found under marks, T1, T2, K1: a line each, which cannot end the part that is data.

    `special` is what has a meaning of its own in a prompt: it is taken out.
    """
    marked: dict[str, str] = {}
    for letter, text in evidence[:_SHOWN]:
        plain = " ".join("".join(c if c.isprintable() else " " for c in without(text, special)).split())[:_LONG]
        if plain.strip("-— "):
            n = sum(mark.startswith(letter) for mark in marked) + 1
            marked[f"{letter}{n}"] = plain.replace("“", "'").replace("”", "'")
    return marked


def _name(language: str) -> str:
    """What a language is called in the prompts."""
    return instruct(f"language.{language}")
