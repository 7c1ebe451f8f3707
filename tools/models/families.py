"""What is known of each family of vision language models, as data: how it writes boxes, and what it does to an image.

A family is recognised by a model's name, or by the `model_type` of its checkpoint. What a server does beside is found
out by calibration and kept as a `Contract`.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Facts about one family.

    `patterns`: regular expressions, any of which names it (searched without case). `dialect`: how it writes boxes.
    `patch`: sides of an image, in pixels, that are multiples of this are left as they are by its own processing; 1
    where it resizes whatever comes to a fixed grid. `min_pixels`, `max_pixels`: of an image, beyond which it resizes;
    of a fixed grid, all that it sees of one (`None` where that is more than it is sent).
    `images`: how many it takes in one request, `None` for no limit of its own. `square`: it sees only the middle
    square of an image. `turns`: it holds a conversation; else each request is one instruction, in its own words.
    `grounds`: it says where things are. `served`: transformers does not run it without code of its own, so it is
    served and named as `openai:`. `example`: a repository of the hub; `gigabytes`: what that takes in 16 bits, its
    weights and a photo (an estimate).
    """

    name: str
    patterns: tuple[str, ...]
    dialect: str
    source: str
    patch: int = 1
    min_pixels: int | None = None
    max_pixels: int | None = None
    images: int | None = None
    square: bool = False
    turns: bool = True
    served: bool = False
    grounds: bool = True
    example: str = ""
    gigabytes: float | None = None


_CARDS = "preprocessor_config.json and the model card of "

FAMILIES: tuple[Family, ...] = (
    Family(
        "qwen3_vl", (r"qwen3[-_.]?vl",), "qwen3_vl",
        _CARDS + "Qwen/Qwen3-VL-4B-Instruct; cookbooks/2d_grounding.ipynb of QwenLM/Qwen3-VL",
        patch=32, min_pixels=65_536, max_pixels=16_777_216, example="Qwen/Qwen3-VL-4B-Instruct", gigabytes=9.0,
    ),
    Family(
        "qwen2_5_vl", (r"qwen2[-_.]?5[-_.]?vl",), "qwen25_vl",
        _CARDS + "Qwen/Qwen2.5-VL-3B-Instruct; arXiv:2502.13923, section 2.1",
        patch=28, min_pixels=3_136, max_pixels=12_845_056, example="Qwen/Qwen2.5-VL-3B-Instruct", gigabytes=7.5,
    ),
    Family(
        "qwen2_vl", (r"qwen2[-_.]?vl",), "qwen2_vl",
        _CARDS + "Qwen/Qwen2-VL-2B-Instruct; arXiv:2409.12191, section 2.2",
        patch=28, min_pixels=3_136, max_pixels=12_845_056, example="Qwen/Qwen2-VL-2B-Instruct", gigabytes=4.5,
    ),
    Family(
        "qwen_vl", (r"qwen[-_.]?vl(?!-(?:max|plus|ocr))",), "qwen_vl",
        "README and visual_memo of QwenLM/Qwen-VL; arXiv:2308.12966, section 3: every image to 448 x 448",
        max_pixels=448 * 448, served=True, example="Qwen/Qwen-VL-Chat", gigabytes=20.0,
    ),
    Family(
        "llava", (r"llava",), "plain_json",
        _CARDS + "llava-hf/llava-1.5-7b-hf: the shorter side to 336, then the middle 336 x 336 (later ones see more)",
        max_pixels=336 * 336, images=1, square=True, example="llava-hf/llava-1.5-7b-hf", gigabytes=14.5,
    ),
    Family(
        "smolvlm", (r"smolvlm",), "plain_json",
        _CARDS + "HuggingFaceTB/SmolVLM2-2.2B-Instruct: tiles of 384 x 384, the longer side to 1536",
        example="HuggingFaceTB/SmolVLM2-2.2B-Instruct", gigabytes=5.2,
    ),
    Family(
        "idefics3", (r"idefics",), "plain_json",
        _CARDS + "HuggingFaceM4/Idefics3-8B-Llama3: tiles of 364 x 364, the longer side to 1456",
        example="HuggingFaceM4/Idefics3-8B-Llama3", gigabytes=17.0,
    ),
    Family(
        "internvl", (r"internvl",), "internvl",
        _CARDS + "OpenGVLab/InternVL3-2B-hf; arXiv:2404.16821, section 3: up to 12 tiles of 448 x 448",
        example="OpenGVLab/InternVL3-2B-hf", gigabytes=4.5,
    ),
    Family(
        "paligemma", (r"paligemma",), "paligemma",
        "big_vision/configs/proj/paligemma/README.md of google-research/big_vision; arXiv:2407.07726, section 3.2.5; "
        + _CARDS + "google/paligemma2-3b-mix-448: every image to 448 x 448 (there are others of 224 and 896)",
        max_pixels=448 * 448, images=1, turns=False, example="google/paligemma2-3b-mix-448", gigabytes=6.5,
    ),
    Family(
        "blip2", (r"blip[-_.]?2",), "plain_json",
        "arXiv:2301.12597; " + _CARDS + "Salesforce/blip2-opt-2.7b: every image to 224 x 224",
        max_pixels=224 * 224, images=1, turns=False, grounds=False, example="Salesforce/blip2-opt-2.7b", gigabytes=8.0,
    ),
    Family(
        "florence2", (r"florence[-_.]?2",), "florence2",
        "arXiv:2311.06242; " + _CARDS + "microsoft/Florence-2-large: every image to 768 x 768",
        max_pixels=768 * 768, images=1, turns=False, example="florence-community/Florence-2-large", gigabytes=1.7,
    ),
    Family(
        "moondream", (r"moondream",), "moondream", "docs.moondream.ai, object detection",
        images=1, served=True, example="vikhyatk/moondream2", gigabytes=4.0,
    ),
    Family("gemini", (r"gemini",), "gemini", "ai.google.dev, image understanding: object detection", served=True),
    Family(
        "deepseek_vl2", (r"deepseek[-_.]?vl",), "deepseek_vl2", "README of deepseek-ai/DeepSeek-VL2; arXiv:2412.10302",
        served=True, example="deepseek-ai/deepseek-vl2-tiny", gigabytes=7.0,
    ),
    Family(
        "kosmos2", (r"kosmos[-_.]?2(?![-_.]?5)",), "kosmos2", "arXiv:2306.14824, section 2.1; " + _CARDS
        + "microsoft/kosmos-2-patch14-224: every image to 224 x 224",
        max_pixels=224 * 224, images=1, turns=False, example="microsoft/kosmos-2-patch14-224", gigabytes=3.5,
    ),
    Family(
        "molmo", (r"molmo",), "molmo", "arXiv:2409.17146; the model card of allenai/Molmo-7B-D-0924",
        served=True, example="allenai/Molmo-7B-D-0924", gigabytes=16.5,
    ),
    Family(
        "glm_v", (r"glm[-_.]?4\.?[0-9.]*v", r"cogvlm", r"cogagent"), "glm_v",
        "the model card of zai-org/GLM-4.1V-9B-Thinking", patch=28, example="zai-org/GLM-4.1V-9B-Thinking",
        gigabytes=20.5,
    ),
)  # fmt: skip
"""The first whose pattern matches is it: the more particular stands before the more general."""

OTHER = Family("other", (), "plain_json", "nothing is known of it")
"""A model of no known family is asked for plain JSON and counts in thousandths, until it is calibrated."""


def family_of(*names: str) -> Family:
    """The family that any of these names (of a model, of a `model_type`) belongs to; `OTHER` where none does."""
    for family in FAMILIES:
        if any(re.search(pattern, name, re.I) for name in names for pattern in family.patterns):
            return family
    return OTHER
