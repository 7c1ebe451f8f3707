"""The words we say: sentences for people, prompts for models, and the examples that teach the router.

All of it is data beside this module: `answers/<language>.md` holds the sentences an answer without
a model is made of, `setup/<language>.md` those of `sightline setup` and `doctor`,
`routing/<language>.jsonl` what people ask and the plan it deserves, `models/*.md` what we ask of a
model, `lexicon/*.md` words that are understood. A new language is a new file; nothing here knows a
language by name. This module imports nothing of ours.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

LETTER = r"[\w\u0900-\u0903\u093a-\u094f\u0962\u0963]"
"""What words are made of, as a regular expression: Hindi writes vowels as signs that `\\w` does not know."""


class MissingSlot(LookupError):
    """A text has a named slot that was not filled, or was handed one that it does not have."""


@cache
def languages(folder: str = "answers") -> tuple[str, ...]:
    """The languages answers can be given in, or those of another `folder`, as ISO 639-1 codes, sorted."""
    return tuple(sorted(f.name[:-3] for f in (files(__name__) / folder).iterdir() if f.name.endswith(".md")))


@cache
def sentences(language: str) -> Mapping[str, str]:
    """Every sentence of a language by key: in the file a `## key` line, then the sentence.

    What nobody has written in it yet of `setup/` is there in English.
    """
    set_up = language if language in languages("setup") else "en"
    return {key: text for folder, name in (("answers", language), ("setup", set_up)) for key, text in _of(folder, name)}


def _of(folder: str, language: str) -> Iterable[tuple[str, str]]:
    return _sections((files(__name__) / folder / f"{language}.md").read_text("utf-8")).items()


@cache
def _prompts() -> Mapping[str, str]:
    """Every prompt for a model by key, of all files of `models/`."""
    known: dict[str, str] = {}
    for file in sorted((files(__name__) / "models").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".md"):
            known |= _sections(file.read_text("utf-8"))
    return known


def _sections(text: str) -> dict[str, str]:
    """What stands under each `## key` line."""
    parts = re.split(r"^## (\S+)\n", text, flags=re.M)[1:]
    return {key: body.strip("\n") for key, body in zip(parts[::2], parts[1::2], strict=True)}


def slots(template: str) -> frozenset[str]:
    """The names of a template's slots."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


def fill(template: str, **values: object) -> str:
    """Put values into a template's named slots; a value's own braces stay as they are.

    Raises `MissingSlot` where slots and values do not agree exactly.
    """
    wanted = slots(template)
    if wanted != values.keys():
        raise MissingSlot(f"{template!r} has the slots {sorted(wanted)}; got {sorted(values)}.")
    return template.format(**values)


def say(language: str, key: str, **values: object) -> str:
    """The sentence `key` in a language, filled. Raises `MissingSlot`, also for a key that is not there."""
    try:
        template = sentences(language)[key]
    except KeyError:
        raise MissingSlot(f"prompts/answers/{language}.md has no sentence {key!r}.") from None
    return fill(template, **values)


def instruct(key: str, **values: object) -> str:
    """The prompt `key` of `models/*.md`, filled. Raises `MissingSlot`, also for a key that is not there."""
    try:
        template = _prompts()[key]
    except KeyError:
        raise MissingSlot(f"prompts/models/ has no prompt {key!r}.") from None
    return fill(template, **values)


def instructs(key: str) -> bool:
    """Whether there is a prompt of this key."""
    return key in _prompts()


@cache
def lexicon(name: str) -> Mapping[str, tuple[str, ...]]:
    """The phrases of `lexicon/<name>.md` by section, a language or a language and a part: "en", "en.seen"."""
    known = _sections((files(__name__) / "lexicon" / f"{name}.md").read_text("utf-8"))
    return {key: tuple(line for line in text.splitlines() if line.strip()) for key, text in known.items()}


def version() -> str:
    """The version of the prompts for models, 12 hexadecimal digits: another as soon as a letter of them is."""
    return hashlib.sha256(json.dumps(_prompts(), sort_keys=True).encode()).hexdigest()[:12]


def routing() -> Iterator[dict[str, Any]]:
    """The examples that teach the router: `text`, its `language`, and the `plan` it deserves (`tool` and `args`).

    `follows`, where there, says what it means after another turn: `again`, `second` (the same of the second photo) or
    `other` (the same of what is named in it).
    """
    for file in sorted((files(__name__) / "routing").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".jsonl"):
            for line in file.read_text("utf-8").splitlines():
                if line.strip():
                    yield {**json.loads(line), "language": file.name[: -len(".jsonl")]}
