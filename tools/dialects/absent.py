"""When a reply in words plainly says that there is none of what was asked for.

English and Chinese, which models reply in. A word for "none" says so, or one clause that denies, with nothing beside
it; a clause that names a thing has to name the thing asked for, since "there is no handle" says nothing of the mug.
A model that cannot, will not or is not sure, and one that says more, is not taken to say "none": a false "there is
none" is worse than an unreadable reply.
"""

import re

_BARE = re.compile(
    r"(?:none|no|nothing|null|n/a|absent|not (?:found|present|visible|detected)|not applicable"
    r"|(?:there (?:are|is) )?none (?:found|detected|visible|present)"
    r"|没有|无|未找到|未发现|未检测到|不存在|没有找到|没有发现|没有检测到)"
)
_EMPTY = re.compile(r"(?:json)?(?:\[\]|\[\[\]\]|\{\})")
_MARKS = re.compile(r"```\w*|^\s*json\b|<[^<>\s]*>|[`*_\"“”]")
"""Fences, tokens of a template and emphasis: what stands around words and says nothing."""

_LEAD = r"(?:(?:no|sorry|i(?:'m| am) sorry|i apologi[sz]e|unfortunately)[,:;]? (?:but )?)?"
_THING = r"(?P<thing>[\w' -]+?)"
_STATE = r" (?:visible|present|found|detected|seen|shown|depicted|pictured)"
_SCENE = (
    r" (?:in|on|within) (?:the|this|that|your) (?:(?:given|provided) )?(?:image|picture|photo|photograph|scene)"
    r"(?: (?:you|that was) (?:sent|provided|uploaded))?"
)
_REST = rf"(?:{_STATE})?(?:{_SCENE})?"
_SCENE_ZH = r"(?:在?[这该此本]?张?(?:图|图片|图像|照片|画面|画)[中里上内]?)"
_DENIALS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_LEAD}there (?:is|are|was|were) (?:no|not an?|not any) {_THING}{_REST}",
        rf"{_LEAD}there (?:is|are|was|were)n't (?:an?|any) {_THING}{_REST}",
        rf"{_LEAD}there (?:is|are|was|were) (?P<thing>)none{_REST}",
        rf"{_LEAD}no {_THING}(?: (?:is|are|was|were|can be|could be))?{_REST}",
        rf"{_LEAD}(?:the|this|that|your) (?:image|picture|photo|photograph|scene) (?:does|do)(?: not|n't) "
        rf"(?:contain|show|include|have|depict) {_THING}",
        rf"{_LEAD}{_THING} (?:is|are|was|were)(?: not|n't)(?:{_STATE}(?:{_SCENE})?|{_SCENE})",
        rf"{_LEAD}(?:i|we) (?:do(?: not|n't)|did(?: not|n't)|can(?: ?not|'t)|could(?: not|n't)) "
        rf"(?:see|find|detect|spot) (?:an?|any) {_THING}{_REST}",
        rf"(?:抱歉|很抱歉|对不起)?,?我?{_SCENE_ZH}?(?:并|都)?"
        r"(?:没有?(?:发现|找到|检测到|看到|出现)|未(?:发现|找到|检测到|看到|出现|见)|没有|不存在|无)"
        r"(?:任何|一个)?(?P<thing>\w*)",
        rf"(?P<thing>\w+?)(?:并?不|没有?出现|未出现)在{_SCENE_ZH}",
    )
)
_IDLE = re.compile(
    r"an?|any|the|th(?:is|ese|ose)|such|it|they|visible|(?:object|item|thing|target|instance)s?"
    r"|目标|物体|对象|东西|这样"
)
"""Words that name no thing of their own."""

_VIEW = re.compile(r"image|picture|photo|photograph|attachment|图|图片|图像|照片")
"""What a model has none of that was sent none."""

_PLURALS = {"people": "person", "men": "man", "women": "woman", "children": "child"}
_RELATION = re.compile(
    r"in|on|at|of|with|without|from|to|by|near|next|under|over|behind|beside|between|above|below|inside|outside"
    r"|who|which|that|whose|wearing|holding|standing|sitting"
)
"""What the name of a thing stands before: "the mug without a handle" is a mug, and no handle is not no mug."""


def says_none(text: str, target: str) -> bool:
    """Whether a text says that there is none of the target and nothing else; an empty list may say it once more."""
    if is_none(_plain(text)):
        return True
    clause = _plain(re.sub(r"\[\s*\]", " ", text)).casefold()
    found = (pattern.fullmatch(clause) or pattern.fullmatch(clause.replace(" ", "")) for pattern in _DENIALS)
    return any(match and names(match["thing"], target) for match in found)


def adds_nothing(text: str, target: str) -> bool:
    """Whether what stands beside an empty list leaves it at that: nothing, fences, or a denial."""
    return not _plain(text) or says_none(text, target)


def is_none(text: str) -> bool:
    """Whether a text is the word for "none" and nothing else."""
    bare = re.sub(r"[\s`*_\"'.!。！，,:：]+", " ", text).strip().casefold()
    return bool(_BARE.fullmatch(bare) or _EMPTY.fullmatch(bare.replace(" ", "")))


def names(thing: str, target: str) -> bool:
    """Whether a thing, where it is one, is the target or a wider word for it: "mug" for "the red mug", not "red"."""
    named, asked = _words(thing), _words(target)
    if all(map(_VIEW.fullmatch, named)):
        return not named
    ends = next((n for n, word in enumerate(asked) if n and _RELATION.fullmatch(word)), len(asked))
    singular = {_singular(word) for word in named}
    return singular <= set(map(_singular, asked)) and _singular(asked[ends - 1]) in singular


def _words(text: str) -> list[str]:
    """The words that name a thing; of Chinese, what stands between 的."""
    return [word for word in re.findall(r"(?:(?!的)\w)+", text.casefold()) if not _IDLE.fullmatch(word)]


def _singular(word: str) -> str:
    """A word without what a plural may have put behind it, and so not always a word."""
    return _PLURALS.get(word) or re.sub(r"(?:e?s)*e?$", "", word) or word


def _plain(text: str) -> str:
    """A text on one line, without marks, a last stop, and the other forms of apostrophe and comma."""
    words = " ".join(_MARKS.sub(" ", text).replace("’", "'").replace("，", ",").split())
    return words.strip(" .!。！")
