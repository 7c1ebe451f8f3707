"""Tiny checkpoints made in this process: a random one of each architecture we drive.

Nothing here comes from a hub. They have the real processors, special tokens and shapes of prompt, and no sense at all;
what they say depends on the image and on the text. `tests/test_checkpoints.py` holds them to that; `teaching.py` makes
one that answers.
"""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

hf: Any = transformers  # whose configurations say nothing of the keywords of their base

# Threads that wait for one another cost these small models more than they give, on a busy machine many times more.
torch.set_num_threads(1)

CORPUS = (
    "What is in this photo? Describe it, read the text on it, and say where the red square is.",
    "The label says: best before 14 March 2027, net weight 250 g. Store in a cool and dry place.",
    "这张照片里有什么？请读出标签上的文字，并说明它在哪里。净含量250克，保质期十二个月。",
    '[{"bbox_2d": [100, 200, 400, 600], "label": "red square"}]',
)

# Shapes of prompt. `say` writes the blocks of a message in their order, `images` and `texts` only those.
MACROS = """\
{% macro say(content, image) %}
{% if content is string %}{{ content }}{% else %}
{% for block in content %}
{% if block.type == 'image' %}{{ image }}{% elif block.type == 'text' %}{{ block.text }}{% endif %}
{% endfor %}
{% endif %}
{% endmacro %}
{% macro images(content, image) %}
{% if content is not string %}
{% for block in content if block.type == 'image' %}{{ image }}{% endfor %}
{% endif %}
{% endmacro %}
{% macro texts(content) %}
{% if content is string %}{{ content }}{% else %}
{% for block in content if block.type == 'text' %}{{ block.text }}{% endfor %}
{% endif %}
{% endmacro %}
"""

QWEN2 = (
    MACROS
    + """\
{% set image = '<|vision_start|><|image_pad|><|vision_end|>' %}
{% if messages[0].role != 'system' %}{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}
{% for message in messages %}
{{ '<|im_start|>' + message.role + '\\n' + say(message.content, image) + '<|im_end|>\\n' }}
{%- endfor %}
{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
)

QWEN3 = (
    MACROS
    + """\
{% set image = '<|vision_start|><|image_pad|><|vision_end|>' %}
{% set system = texts(messages[0].content) if messages[0].role == 'system' else '' %}
{% if tools %}
{{ '<|im_start|>system\\n' + (system + '\\n\\n' if system else '') }}
{{- '# Tools\\n\\nFunctions you may call:\\n<tools>' }}
{%- for tool in tools %}{{ '\\n' + (tool | tojson) }}{% endfor %}
{{ '\\n</tools>\\n\\nTo call one, reply:\\n<tool_call>\\n{"name": ..., "arguments": {...}}\\n</tool_call>' }}
{{- '<|im_end|>\\n' }}
{%- elif system %}{{ '<|im_start|>system\\n' + system + '<|im_end|>\\n' }}{% endif %}
{% for message in messages %}
{% if message.role == 'tool' %}
{% if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{ '<|im_start|>user' }}{% endif %}
{{ '\\n<tool_response>\\n' + say(message.content, image) + '\\n</tool_response>' }}
{%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{ '<|im_end|>\\n' }}{% endif %}
{% elif message.role != 'system' or not loop.first %}
{{ '<|im_start|>' + message.role + '\\n' + say(message.content, image) }}
{%- for call in message.tool_calls or [] %}
{% set function = call.function or call %}
{{ ('' if loop.first and not say(message.content, image) else '\\n') + '<tool_call>\\n{"name": "' + function.name }}
{{- '", "arguments": ' }}
{{- function.arguments if function.arguments is string else function.arguments | tojson }}{{ '}\\n</tool_call>' }}
{%- endfor %}
{{ '<|im_end|>\\n' }}
{%- endif %}
{% endfor %}
{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
)

INTERNVL = (
    MACROS
    + """\
{% for message in messages %}
{{ '<|im_start|>' + message.role + '\\n' + say(message.content, '<IMG_CONTEXT>\\n') + '<|im_end|>\\n' }}
{%- endfor %}
{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
)

LLAVA = (
    MACROS
    + """\
{% for message in messages %}
{% if message.role != 'system' %}{{ message.role | upper + ': ' }}{% endif %}
{{ images(message.content, '<image>\\n') + texts(message.content) + ' ' }}
{%- endfor %}
{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}
"""
)

SMOLVLM = (
    MACROS
    + """\
{{ START }}
{%- for message in messages %}
{% set blocks = [{'type': 'text', 'text': message.content}] if message.content is string else message.content %}
{{ message.role | capitalize + (':' if blocks[0].type == 'image' else ': ') }}
{{- say(blocks, '<image>') + '<end_of_utterance>\\n' }}
{%- endfor %}
{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}
"""
)

PALIGEMMA = (
    MACROS
    + """\
{% for message in messages %}{{ images(message.content, '<image>') }}{% endfor %}
{% for message in messages %}{{ texts(message.content) }}{% if not loop.last %}{{ '\\n' }}{% endif %}{% endfor %}
"""
)


@dataclass(frozen=True)
class Vocabulary:
    """A family's special tokens; `names` are those its processor looks up on the tokenizer, `plain` ones it may say."""

    eos: str
    pad: str
    bos: str | None = None
    names: tuple[tuple[str, str], ...] = ()
    others: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    adds: str = "$A"  # what the tokenizer puts around a text

    @property
    def special(self) -> list[str]:
        found = [self.pad, self.eos, *([self.bos] if self.bos else []), *(token for _, token in self.names)]
        return list(dict.fromkeys([*found, *self.others]))

    def tokenizer(self, corpus: Iterable[str], size: int = 512) -> Any:
        """A byte-level BPE tokenizer of about `size` tokens: any text survives it."""
        bpe = Tokenizer(models.BPE())
        bpe.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        bpe.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=self.special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            max_token_length=8,  # bytes: a sentence without spaces is not one token
            show_progress=False,
        )
        bpe.train_from_iterator(corpus, trainer)
        bpe.add_tokens(list(self.plain))
        if self.adds != "$A":
            ids = [(token, bpe.token_to_id(token)) for token in self.special]
            bpe.post_processor = processors.TemplateProcessing(single=self.adds, special_tokens=ids)
        return hf.PreTrainedTokenizerFast(
            tokenizer_object=bpe,
            bos_token=self.bos,
            eos_token=self.eos,
            pad_token=self.pad,
            model_specific_special_tokens=dict(self.names),
            extra_special_tokens=list(self.others),
            padding_side="left",
        )


QWEN_TOKENS = Vocabulary(
    eos="<|im_end|>",
    pad="<|endoftext|>",
    others=(
        *("<|im_start|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>"),
        *("<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"),
        *("<|image_pad|>", "<|video_pad|>"),
    ),
    plain=("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"),
)
LLAMA_TOKENS = Vocabulary(eos="</s>", pad="<pad>", bos="<s>", names=(("image_token", "<image>"),), adds="<s> $A")
TILES = tuple(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))
IDEFICS_NAMES = (
    ("image_token", "<image>"),
    ("fake_image_token", "<fake_token_around_image>"),
    ("global_image_token", "<global-img>"),
    ("end_of_utterance_token", "<end_of_utterance>"),
)
SMOLVLM_TOKENS = Vocabulary(
    eos="<end_of_utterance>", pad="<|im_end|>", bos="<|im_start|>", names=IDEFICS_NAMES, others=TILES
)
IDEFICS3_TOKENS = Vocabulary(
    eos="<end_of_utterance>",
    pad="<|end_of_text|>",
    bos="<|begin_of_text|>",
    names=IDEFICS_NAMES,
    others=TILES,
    adds="<|begin_of_text|> $A",
)
INTERNVL_TOKENS = Vocabulary(
    eos="<|im_end|>",
    pad="<|endoftext|>",
    names=(
        ("start_image_token", "<img>"),
        ("end_image_token", "</img>"),
        ("context_image_token", "<IMG_CONTEXT>"),
        ("video_token", "<video>"),
    ),
    others=("<|im_start|>", "<box>", "</box>", "<ref>", "</ref>"),
)
GEMMA_TOKENS = Vocabulary(eos="<eos>", pad="<pad>", bos="<bos>", names=(("image_token", "<image>"),))
# Named `image_token`, it would break Blip2Processor, which wants an AddedToken there and gets a str.
OPT_TOKENS = Vocabulary(eos="</s>", pad="<pad>", bos="</s>", others=("<image>",), adds="</s> $A")
T5_TOKENS = Vocabulary(eos="</s>", pad="<pad>", others=("<image>",), adds="$A </s>")
BART_TOKENS = Vocabulary(
    eos="</s>",
    pad="<pad>",
    bos="<s>",
    names=(("image_token", "<image>"),),
    others=("<od>", "</od>", "<ocr>", "</ocr>", "<poly>", "</poly>", "<sep>"),
    plain=tuple(f"<loc_{n}>" for n in range(1000)),
    adds="<s> $A </s>",
)


TEXT: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 32768,
}
SIGHT: dict[str, Any] = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "image_size": 56,
    "patch_size": 14,
}
QWEN_SIGHT: dict[str, Any] = {"depth": 2, "hidden_size": 48, "intermediate_size": 96, "num_heads": 3}


def _ids(tokenizer: Any) -> dict[str, Any]:
    ends = {f"{end}_token_id": getattr(tokenizer, f"{end}_token_id") for end in ("bos", "eos", "pad")}
    return {"vocab_size": len(tokenizer), **ends}


def _image(tokenizer: Any) -> int:
    return int(tokenizer.convert_tokens_to_ids("<image>"))


def qwen(tokenizer: Any, text: dict[str, Any], vision: dict[str, Any], rope: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a Qwen-VL; the sections of its `rope` (time, height, width) share half a head."""
    tokens = {"image": "image_pad", "video": "video_pad", "vision_start": "vision_start", "vision_end": "vision_end"}
    return {
        "text_config": {
            **_ids(tokenizer),
            **text,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, **rope},
        },
        "vision_config": vision,
        **{f"{name}_token_id": tokenizer.convert_tokens_to_ids(f"<|{token}|>") for name, token in tokens.items()},
    }


def qwen3(tokenizer: Any, width: int = 64) -> dict[str, Any]:
    """The configuration of a tiny Qwen3-VL."""
    vision = {"out_hidden_size": width, "deepstack_visual_indexes": [0], "num_position_embeddings": 256}
    text = {**TEXT, "hidden_size": width, "intermediate_size": 2 * width}
    return qwen(tokenizer, text, {**QWEN_SIGHT, **vision}, {"mrope_section": [4, 2, 2], "mrope_interleaved": True})


def qwen3_eyes(fewest: int = 65_536, most: int = 16_777_216) -> dict[str, Any]:
    """What a Qwen3-VL looks through: it resizes an image to a number of pixels in this range."""
    half = [0.5, 0.5, 0.5]
    size = {"shortest_edge": fewest, "longest_edge": most}
    see = hf.Qwen2VLImageProcessor(patch_size=16, size=size, image_mean=half, image_std=half)
    return {"image_processor": see, "video_processor": hf.Qwen3VLVideoProcessor()}


def _qwen2_eyes() -> dict[str, Any]:
    return {"image_processor": hf.Qwen2VLImageProcessor(), "video_processor": hf.Qwen2VLVideoProcessor()}


def _idefics3(tokenizer: Any) -> dict[str, Any]:
    return {
        "text_config": {"model_type": "llama", **TEXT, **_ids(tokenizer)},
        "vision_config": {**SIGHT, "patch_size": 8, "image_size": 64},
        "image_token_id": _image(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "scale_factor": 2,
    }


def _blip2(tokenizer: Any, **text: Any) -> dict[str, Any]:
    return {
        "vision_config": SIGHT,
        "qformer_config": {**SIGHT, "encoder_hidden_size": 48, "vocab_size": len(tokenizer)},
        "text_config": {**_ids(tokenizer), **text, "tie_word_embeddings": False},
        "num_query_tokens": 8,
        "image_token_index": _image(tokenizer),
    }


def _square(see: Any, side: int, tokens: int, **more: Any) -> Any:
    """An image processor that makes every image a square of so many tokens."""
    made = see(size={"height": side, "width": side}, **more)
    made.image_seq_length = tokens
    return made


@dataclass(frozen=True)
class Parts:
    """What makes one architecture: the prefix of its classes, its configuration, what it looks through, its prompt."""

    prefix: str
    vocabulary: Vocabulary
    config: Callable[[Any], dict[str, Any]]
    eyes: Callable[[], dict[str, Any]]
    template: str | None = None


FAMILIES: dict[str, Parts] = {
    "qwen2_vl": Parts(
        "Qwen2VL",
        QWEN_TOKENS,
        lambda tokenizer: qwen(
            tokenizer,
            TEXT,
            {"depth": 2, "embed_dim": 48, "hidden_size": 64, "num_heads": 3, "mlp_ratio": 2},
            {"mrope_section": [2, 3, 3]},
        ),
        _qwen2_eyes,
        QWEN2,
    ),
    "qwen2_5_vl": Parts(
        "Qwen2_5_VL",
        QWEN_TOKENS,
        lambda tokenizer: qwen(
            tokenizer,
            TEXT,
            {**QWEN_SIGHT, "out_hidden_size": 64, "fullatt_block_indexes": [1]},
            {"mrope_section": [2, 3, 3]},
        ),
        _qwen2_eyes,
        QWEN2,
    ),
    "qwen3_vl": Parts("Qwen3VL", QWEN_TOKENS, qwen3, qwen3_eyes, QWEN3),
    "llava": Parts(
        "Llava",
        LLAMA_TOKENS,
        lambda tokenizer: {
            "text_config": {"model_type": "llama", **TEXT, **_ids(tokenizer)},
            "vision_config": {"model_type": "clip_vision_model", **SIGHT},
            "image_token_index": _image(tokenizer),
            "image_seq_length": 16,
        },
        lambda: {
            "image_processor": hf.CLIPImageProcessor(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}),
            "patch_size": 14,
            "vision_feature_select_strategy": "default",
            "num_additional_image_tokens": 1,
        },
        LLAVA,
    ),
    "smolvlm": Parts(
        "SmolVLM",
        SMOLVLM_TOKENS,
        _idefics3,
        lambda: {
            "image_processor": hf.SmolVLMImageProcessor(
                size={"longest_edge": 128}, max_image_size={"longest_edge": 64}
            ),
            "video_processor": hf.SmolVLMVideoProcessor(),
            "image_seq_len": 16,
        },
        SMOLVLM.replace("START", "'<|im_start|>'"),
    ),
    "idefics3": Parts(
        "Idefics3",
        IDEFICS3_TOKENS,
        _idefics3,
        lambda: {
            "image_processor": hf.Idefics3ImageProcessor(
                size={"longest_edge": 128}, max_image_size={"longest_edge": 64}
            ),
            "image_seq_len": 16,
        },
        SMOLVLM.replace("START", "'<|begin_of_text|>'"),
    ),
    "internvl": Parts(
        "InternVL",
        INTERNVL_TOKENS,
        lambda tokenizer: {
            "text_config": {"model_type": "qwen2", **TEXT, **_ids(tokenizer)},
            "vision_config": SIGHT,
            "image_token_id": tokenizer.context_image_token_id,
            "image_seq_length": 4,
        },
        lambda: {
            "image_processor": _square(hf.GotOcr2ImageProcessor, 56, 4, crop_to_patches=True, max_patches=6),
            "video_processor": hf.InternVLVideoProcessor(),
            "image_seq_length": 4,
        },
        INTERNVL,
    ),
    "paligemma": Parts(
        "PaliGemma",
        GEMMA_TOKENS,
        lambda tokenizer: {
            "text_config": {"model_type": "gemma", **TEXT, **_ids(tokenizer)},
            "vision_config": {"model_type": "siglip_vision_model", **SIGHT},
            "image_token_index": _image(tokenizer),
            "projection_dim": 64,
            "hidden_size": 64,
            "vocab_size": len(tokenizer),
        },
        lambda: {"image_processor": _square(hf.SiglipImageProcessor, 56, 16)},
        PALIGEMMA,
    ),
    "blip2_opt": Parts(
        "Blip2",
        OPT_TOKENS,
        lambda tokenizer: _blip2(
            tokenizer,
            model_type="opt",
            hidden_size=64,
            word_embed_proj_dim=64,
            ffn_dim=128,
            num_hidden_layers=2,
            num_attention_heads=4,
        ),
        lambda: {"image_processor": _square(hf.BlipImageProcessor, 56, 8), "num_query_tokens": 8},
    ),
    "blip2_t5": Parts(
        "Blip2",
        T5_TOKENS,
        lambda tokenizer: _blip2(
            tokenizer,
            model_type="t5",
            d_model=64,
            d_kv=16,
            d_ff=128,
            num_layers=2,
            num_heads=4,
            decoder_start_token_id=tokenizer.pad_token_id,
        ),
        lambda: {"image_processor": _square(hf.BlipImageProcessor, 56, 8), "num_query_tokens": 8},
    ),
    "florence2": Parts(
        "Florence2",
        BART_TOKENS,
        lambda tokenizer: {
            "text_config": {
                **_ids(tokenizer),
                "model_type": "bart",
                "d_model": 64,
                **dict.fromkeys(("encoder_layers", "decoder_layers"), 2),
                **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 128),
                **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4),
                "decoder_start_token_id": tokenizer.eos_token_id,
                "forced_eos_token_id": None,
                "tie_word_embeddings": False,
            },
            "vision_config": {
                "depths": (1, 1, 1, 1),
                "embed_dim": (16, 16, 32, 32),
                "num_heads": (2, 2, 4, 4),
                "num_groups": (2, 2, 4, 4),
                "window_size": 4,
                "projection_dim": 64,
                "drop_path_rate": 0.0,
            },
            "image_token_id": _image(tokenizer),
            **_ids(tokenizer),
        },
        lambda: {"image_processor": _square(hf.CLIPImageProcessor, 128, 17, do_center_crop=False)},
    ),
}
ARCHITECTURES: tuple[str, ...] = tuple(FAMILIES)


def make_processor(parts: Parts, tokenizer: Any, **eyes: Any) -> Any:
    prompt = {"chat_template": parts.template} if parts.template else {}
    return getattr(hf, f"{parts.prefix}Processor")(tokenizer=tokenizer, **eyes, **prompt)


def make_model(parts: Parts, config: dict[str, Any], dtype: torch.dtype = torch.float32) -> Any:
    made = getattr(hf, f"{parts.prefix}Config")(**config, tie_word_embeddings=False)
    return getattr(hf, f"{parts.prefix}ForConditionalGeneration")._from_config(made, dtype=dtype).eval()


def save(folder: Path, model: Any, processor: Any) -> Path:
    processor.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def new_folder(name: str) -> Path:
    """A new folder that goes with this process."""
    folder = Path(tempfile.mkdtemp(prefix=f"sightline-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def build(architecture: str) -> Path:
    """A folder with a tiny random checkpoint of this architecture, the same in every run."""
    return write(new_folder(architecture), FAMILIES[architecture])


def write(folder: Path, parts: Parts, dtype: torch.dtype = torch.float32) -> Path:
    """Put a random checkpoint of these parts into this folder."""
    tokenizer = parts.vocabulary.tokenizer(CORPUS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = make_model(parts, parts.config(tokenizer), dtype)
        widen(model)
    hush(model, tokenizer)
    return save(folder, model, make_processor(parts, tokenizer, **parts.eyes()))


def widen(model: Any) -> None:
    """Give random weights room, and attention an aim: as it is, a random model says the same whatever it is shown."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            aim = 3.0 if any(part in name for part in ("q_proj.weight", ".q.weight", "query.weight", "q_norm")) else 1.0
            if weight.dim() > 1:
                table = "patch" not in name and ("embed" in name or "shared" in name)
                weight.normal_(std=aim * (0.1 if table else 1.5 * weight[0].numel() ** -0.5))
            else:
                weight *= aim


def hush(model: Any, tokenizer: Any) -> None:
    """Keep a random model to letters: a placeholder would break the next turn, half a tool call its reader."""
    said = {n: tokenizer.decode([n]) for n in set(range(len(tokenizer))) - set(tokenizer.added_tokens_decoder)}
    letters = {n for n, text in said.items() if text.strip("\n").isprintable() and "\ufffd" not in text}
    head, eos = model.get_output_embeddings().weight, tokenizer.eos_token_id
    kept = sorted(set(range(len(head))) - letters - {eos})
    model.generation_config.update(suppress_tokens=kept, eos_token_id=eos, pad_token_id=tokenizer.pad_token_id)
    with torch.no_grad():
        head[kept] = 0.0  # as well, because BLIP-2 generates without this configuration
        head[eos] *= 0.5  # so that it talks for a while before it stops
