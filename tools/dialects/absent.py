"""When a reply in words plainly says that there is none.

English and Chinese, which models reply in. A model that cannot, will not or is not sure has said nothing of the
kind, and no sentence here may take it for "none": a false "there is none" is worse than an unreadable reply.
"""

import re

_BARE = re.compile(
    r"(?:none|no|nothing|null|n/a|absent|not (?:found|present|visible|detected)|not applicable"
    r"|(?:there (?:are|is) )?none (?:found|detected|visible|present)"
    r"|没有|无|未找到|未发现|未检测到|不存在|没有找到|没有发现|没有检测到)"
)
_EMPTY = re.compile(r"(?:json)?(?:\[\]|\[\[\]\]|\{\})")

_ABLE = re.compile(
    r"\b(?:(?:can(?:no|'|’)t|can not|unable|not able|won(?:'|’)t) (?:to )?"
    r"(?:help|assist|process|view|access|open|determine|tell|identify|provide|comply|answer|do|say)"
    r"|(?:too (?:dark|blurr\w*|small|low)|unclear|not (?:sure|certain)|uncertain|as an ai|no (?:image|picture|photo))"
    r"|(?:can(?:no|'|’)t|can not|unable to|don(?:'|’)t|do not) (?:see|view|have) (?:the|an?|any|this|your) "
    r"(?:attached )?(?:images?|pictures?|photos?))\b"
    r"|无法|不能|不确定|看不清|太模糊|没有(?:图|上传|提供|收到|看到图)|未(?:提供|上传|收到)",
    re.IGNORECASE,
)
"""It could not or would not say, or saw no image."""

_NONE = re.compile(
    r"\bthere (?:are|is|were|was) (?:no|none|not any|nothing)\b(?! (?:doubt|way|reason|need|problem|question|issue))"
    r"|\bthere (?:aren(?:'|’)t|isn(?:'|’)t) (?:an?|any)\b"
    r"|\bno (?:[\w'’-]+ ){1,5}(?:(?:is|are|was|were|can be|could be) )?"
    r"(?:visible|present|found|detected|seen|shown|depicted)\b"
    r"|\b(?:image|picture|photo|scene)s? (?:does|do)(?:n(?:'|’)t| not) (?:contain|show|include|have|depict)\b"
    r"|\b(?:is|are) not (?:visible|present|shown|found|depicted|pictured)\b"
    r"|\b(?:is|are)n(?:'|’)t (?:visible|present|shown|found|depicted|pictured) in\b"
    r"|\b(?:do(?:n(?:'|’)t| not)|did(?:n(?:'|’)t| not)|could(?:n(?:'|’)t| not)|can(?:no|'|’)t|can not) "
    r"(?:see|find|detect|spot) any\b"
    r"|(?:图|图片|图像|照片|画面|画)(?:片)?(?:中|里|上)?(?:并)?(?:没有|不存在|未(?:发现|找到|检测到|出现|见))"
    r"|(?:没有|未)(?:发现|找到|检测到|看到)",
    re.IGNORECASE,
)


def says_none(text: str) -> bool:
    """Whether a text plainly says that there is nothing of what was asked for."""
    return is_none(text) or (bool(_NONE.search(text)) and not _ABLE.search(text))


def is_none(text: str) -> bool:
    """Whether a text is the word for "none" and nothing else."""
    bare = re.sub(r"[\s`*_\"'.!。！，,:：]+", " ", text).strip().casefold()
    return bool(_BARE.fullmatch(bare) or _EMPTY.fullmatch(bare.replace(" ", "")))
