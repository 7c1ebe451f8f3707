"""How each family of vision language models writes boxes and points, and how it is asked for them.

A dialect is added with one module, one line in `DIALECTS`, and its lines in `prompts/models/dialects.md`.

supervision's parsers (`Detections.from_vlm`) are the second opinion that the tests hold these to wherever both read
a reply; none is used to read one. They give the same empty result for "there is none", for a refusal and for what
they cannot read; know one frame a family; raise on not-a-numbers, on lists of three numbers (Qwen, Gemini), on
replies cut off (DeepSeek-VL2) and on objects that are none (Moondream); and cut names at an apostrophe (PaliGemma).
Confidence is 1.0 where they have none.
"""

from .dialect import Dialect, Frame, Heard, Kind, Place, read_direction
from .florence2 import FLORENCE2
from .json_forms import GEMINI, GLM_V, MOONDREAM, PLAIN_JSON, POINTS, QWEN3_VL, QWEN25_VL
from .kosmos2 import KOSMOS2
from .molmo import MOLMO
from .paligemma import PALIGEMMA
from .tagged import DEEPSEEK_VL2, INTERNVL, QWEN2_VL, QWEN_VL

DIALECTS = {
    dialect.name: dialect
    for dialect in (
        QWEN_VL,
        QWEN2_VL,
        QWEN25_VL,
        QWEN3_VL,
        PALIGEMMA,
        FLORENCE2,
        MOONDREAM,
        GEMINI,
        INTERNVL,
        DEEPSEEK_VL2,
        KOSMOS2,
        MOLMO,
        GLM_V,
        PLAIN_JSON,
        POINTS,
    )
}

__all__ = ["DIALECTS", "Dialect", "Frame", "Heard", "Kind", "Place", "read_direction"]
