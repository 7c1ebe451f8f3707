"""Load a checkpoint with transformers, and find out what it can do rather than what it is called.

A folder needs no network. A repository of the hub is downloaded once by the hub's own library; no code of a
repository is ever run.
"""

import importlib.util
import inspect
import json
import re
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ..errors import BadInput, SightlineError, Unavailable

Dtype = Literal["auto", "float32", "bfloat16", "float16"]

_PIXELS_KEPT = 256_000_000
"""Bytes of prepared images that are kept: a photo of 1280 x 960 takes 15 to 30 MB."""

_PATIENCE = 5.0  # seconds that the hub may take to say whether it is there
_MARKUP = re.compile("ref|box|quad|poly|loc|seg|phrase|patch_index|grounding|det")
"""What the tokens are called with which the families write of boxes: prompts and replies may hold them."""

_MARK = "sightline"  # where a PIL image carries its hash
_PROBE = "Zq7probe"  # words that no template has of its own


@dataclass(frozen=True)
class Checkpoint:
    """A model and its processor, and what they can do.

    `template`: it has a chat template; without one it takes one image and one text. `system`: the template knows a
    system's words. `tools`: it shows functions to the model, and `call` is what stands before a called one's name.
    `video`: its processor takes films. `keeps`: what it has read can be kept and gone on from. `takes`: the names of
    what it reads. `control` matches the tokens that steer it, which nobody may write but its template. `ends`: the
    ids that end a reply; `silent`: those that stand for no text.
    """

    model: Any
    processor: Any
    images: "Prepared"
    kind: str
    template: bool
    system: bool
    tools: bool
    call: str
    video: bool
    keeps: bool
    takes: frozenset[str]
    control: re.Pattern[str]
    ends: frozenset[int]
    silent: frozenset[int]

    @property
    def tokenizer(self) -> Any:
        """The processor's tokenizer."""
        return self.processor.tokenizer

    def text(self, ids: Sequence[int]) -> str:
        """What ids say. Tokens that only end or fill are left out; those that stand for boxes stay."""
        said = [each for each in ids if each not in self.silent]
        return str(self.tokenizer.decode(said, skip_special_tokens=False, clean_up_tokenization_spaces=False))


class Prepared:
    """A processor's image processor that keeps what it prepared, by the images' hashes.

    A follow-up question about a photo needs its tensors' shapes, and its pixels only where they are not read yet. It
    helps a set of photos that stays as it is: with one more beside them, all of them are prepared anew.
    Not safe under threads: its model's lock guards it.
    """

    def __init__(self, processor: Any) -> None:
        """Stands in for `processor`, an image processor of transformers, and passes on what it is asked beside."""
        self._processor = processor
        self._kept: OrderedDict[Hashable, Mapping[str, Any]] = OrderedDict()
        self._options: dict[str, Any] = {}
        self._nested = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processor, name)

    def __call__(self, images: Any, **options: Any) -> Any:
        """What the image processor makes of the images, as it would give it."""
        from transformers import BatchFeature

        try:
            key = _shape(images), str(options)
        except (AttributeError, KeyError):  # an image that nobody marked
            return self._processor(images, **options)
        self._options, self._nested = options, isinstance(images, list) and isinstance(images[0], list | tuple)
        if key not in self._kept:
            self._kept[key] = dict(self._processor(images, **options))
        self._kept.move_to_end(key)
        while sum(map(_bytes, self._kept.values())) > _PIXELS_KEPT and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return BatchFeature(dict(self._kept[key]))

    def again(self, images: Sequence[Any]) -> Any:
        """What it makes of these images of one text, handed over and with options as it was last called."""
        return self([list(images)] if self._nested else list(images), **self._options)


def marked(image: Any, digest: str) -> Any:
    """The PIL image, known by the hash of what it was decoded from."""
    image.info[_MARK] = digest
    return image


def hash_of(image: Any) -> str:
    """The hash that `marked` gave an image."""
    return str(image.info[_MARK])


def load(
    name: str, device: str | None = None, dtype: Dtype | None = None, bits: Literal[4, 8] | None = None
) -> Checkpoint:
    """The checkpoint in a folder, or of a repository of the hub.

    `device` defaults to a GPU where there is one; `dtype` to 16 bits there, and on a CPU to that of the weights where
    the CPU computes in it, else float32; `bits` loads weights in 4 or 8 bits, which takes bitsandbytes. Raises
    `Unavailable`, naming where it looked and what to do; `BadInput` for a checkpoint that reads no images, and for a
    device or a dtype that nobody knows.
    """
    folder = _folder(name)
    place = _place(device)
    # Asked once and at once: transformers itself asks for every file, six times each where nobody answers.
    unreached = None if folder else _unreached(name)
    try:
        return _examined(*_read(folder or name, folder is None and unreached is None, place, dtype, bits))
    except SightlineError:
        raise
    except Exception as error:  # the libraries raise whatever they like
        raise _missing(name, folder, unreached, error) from error


def _read(source: str, download: bool, place: str, dtype: Dtype | None, bits: Literal[4, 8] | None) -> tuple[Any, Any]:
    """The model, in its place, and its processor."""
    import transformers

    auto: Any = transformers
    where: dict[str, Any] = {"trust_remote_code": False, "local_files_only": not download}
    with nullcontext() if download else _quiet():
        config = auto.AutoConfig.from_pretrained(source, **where)
        cls = _class(config)
        options = {"dtype": _dtype(config, place, dtype), **_placed(place), **_quantised(bits)}
        processor = auto.AutoProcessor.from_pretrained(source, **where)
        model, read = cls.from_pretrained(source, output_loading_info=True, **where, **options)
    if missing := read["missing_keys"]:
        # Left at random, they would give confident nonsense.
        raise OSError(f"it lacks {len(missing)} weights, as {min(missing)}.")
    return (model if bits else model.to(place)).eval(), processor


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars for reading weights from a disk."""
    from transformers.utils import logging

    bars: Any = logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


def _folder(name: str) -> str | None:
    """The folder of this name, `None` for a repository; a path that is not there is not looked for on the hub."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise Unavailable(
                f"Expected a checkpoint, with its config.json, in {folder}; there is none. Name the folder that "
                "save_pretrained or a download wrote."
            )
        return str(folder)
    if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name):
        raise Unavailable(
            f"Expected a folder, or a repository as Qwen/Qwen3-VL-4B-Instruct; there is no folder {folder}."
        )
    return None


def kind_of(name: str) -> str:
    """The `model_type` of the checkpoint in a folder, "" for a repository; nothing is loaded.

    Raises `Unavailable` where neither is named.
    """
    folder = _folder(name)
    if folder is None:
        return ""
    try:
        return str(json.loads((Path(folder) / "config.json").read_text("utf-8"))["model_type"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Unavailable(
            f"Expected a config.json with a model_type in {folder}; it cannot be read: {error!r}"
        ) from error


def _unreached(name: str) -> str | None:
    """Why the hub does not give this repository; `None` where it does."""
    from huggingface_hub import HfApi

    try:
        HfApi().model_info(name, timeout=_PATIENCE)
    except Exception as error:  # of several HTTP libraries
        return " ".join(str(error).split())[:200] or type(error).__name__
    return None


def _place(device: str | None) -> str:
    import torch

    there = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if device is None:
        return next((kind for kind, number in there.items() if number), "cpu")
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise BadInput(f"Expected a device as cpu, cuda, cuda:1 or mps; got {device!r}.") from error
    if (place.index or 0) >= there.get(place.type, 1):
        raise Unavailable(f"Expected a device that torch sees; it sees no {device}. Leave the device out, or try cpu.")
    return device


def _class(config: Any) -> Any:
    from transformers import AutoModelForImageTextToText
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise BadInput(
            f"Expected a model that reads images and writes text; got one of type {config.model_type!r}. "
            "Try Qwen/Qwen3-VL-4B-Instruct, or serve the model and name it as openai:MODEL."
        )
    return AutoModelForImageTextToText


def _dtype(config: Any, place: str, wanted: Dtype | None) -> Any:
    import torch

    if wanted is not None:
        if wanted not in get_args(Dtype):
            raise BadInput(f"Expected a dtype as {', '.join(get_args(Dtype))}; got {wanted!r}.")
        return wanted if wanted == "auto" else getattr(torch, wanted)
    if place.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if place == "mps":
        return torch.float16
    kept = getattr(config, "dtype", None)
    computes = kept == torch.bfloat16 and torch.cpu._is_avx512_bf16_supported()
    return kept if computes else torch.float32


def _placed(place: str) -> dict[str, Any]:
    """Weights are read straight into a GPU where the library for that is there, and else into memory first."""
    straight = place.startswith("cuda") and importlib.util.find_spec("accelerate")
    return {"device_map": place} if straight else {}


def _quantised(bits: Literal[4, 8] | None) -> dict[str, Any]:
    if bits is None:
        return {}
    if bits not in (4, 8):
        raise BadInput(f"Expected weights in 4 or 8 bits; got {bits!r}.")
    if not all(map(importlib.util.find_spec, ("bitsandbytes", "accelerate"))):
        raise Unavailable(
            f"Weights in {bits} bits take bitsandbytes and accelerate. Try: pip install bitsandbytes accelerate"
        )
    import transformers

    libraries: Any = transformers
    config = libraries.BitsAndBytesConfig(load_in_4bit=bits == 4, load_in_8bit=bits == 8)
    return {"quantization_config": config, "device_map": "auto"}


def _missing(name: str, folder: str | None, unreached: str | None, error: Exception) -> Unavailable:
    from huggingface_hub.constants import HF_HUB_CACHE

    said = " ".join(str(error).split())[:300]
    if "custom code" in said or "trust_remote_code" in said:
        return Unavailable(
            f"Expected a model that transformers has; {name} brings code of its own, which is never run here. "
            "Serve it from an environment of its own, and name it as openai:MODEL with its server's address."
        )
    if folder:
        return Unavailable(
            f"Expected a whole checkpoint in {folder}; it cannot be loaded: {said} "
            "Download it again, or name another folder."
        )
    if unreached is None:
        return Unavailable(f"Expected a model that can be loaded; {name} cannot: {said}")
    return Unavailable(
        f"Expected {name} in {HF_HUB_CACHE}, where it is not whole, or a hub that gives it: {unreached} "
        f"Where there is a network, run: hf download {name} --local-dir FOLDER; then name it as transformers:FOLDER."
    )


def _examined(model: Any, processor: Any) -> Checkpoint:
    """What it can do, found out by trying."""
    template = bool(getattr(processor, "chat_template", None))
    call = _call(processor) if template else ""
    images = Prepared(processor.image_processor)
    processor.image_processor = images
    tokenizer, generation = processor.tokenizer, model.generation_config
    ends = _ids(generation.eos_token_id, tokenizer.eos_token_id)
    starts = generation.bos_token_id, tokenizer.bos_token_id, generation.decoder_start_token_id
    return Checkpoint(
        model=model,
        processor=processor,
        images=images,
        kind=model.config.model_type,
        template=template,
        system=template and _PROBE in _render(processor, [_words("system", _PROBE), _words("user", "a")]),
        tools=bool(call),
        call=call,
        video=getattr(processor, "video_processor", None) is not None,
        keeps=template and _grows(model) and _counts(processor, images),
        takes=frozenset(inspect.signature(model.forward).parameters) | {"mm_token_type_ids"},
        control=_control(processor),
        ends=ends,
        silent=ends | _ids(*starts, generation.pad_token_id, tokenizer.pad_token_id),
    )


def _ids(*given: int | Sequence[int] | None) -> frozenset[int]:
    return frozenset(one for each in given if each is not None for one in ([each] if isinstance(each, int) else each))


def _grows(model: Any) -> bool:
    """Whether what it has read stays as it is when more is read, and can be cut anywhere."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    # Those that take these look both ways over the prompt, or at images from aside.
    if {"token_type_ids", "cross_attention_mask"} & set(inspect.signature(model.forward).parameters):
        return False
    layers = DynamicCache(config=model.config.get_text_config(decoder=True)).layers
    return not model.config.is_encoder_decoder and all(type(layer) is DynamicLayer for layer in layers)


def _counts(processor: Any, images: Prepared) -> bool:
    """Whether it can be told which placeholders stand for which image."""
    from PIL import Image

    probe = marked(Image.new("RGB", (224, 224)), _PROBE)
    asked = {"role": "user", "content": [{"type": "image", "image": probe}, {"type": "text", "text": "a"}]}
    try:
        read = processor.apply_chat_template([asked], tokenize=True, return_dict=True, return_tensors="pt")
        counted = sum(placeholders(processor, images, [probe]))
        return bool(counted) and read["input_ids"][0].tolist().count(processor.image_token_id) == counted
    except Exception:  # a processor without these, or with others of its own
        return False


def placeholders(processor: Any, prepared: Prepared, images: Sequence[Any]) -> list[int]:
    """How many ids stand for each of the images of one text, which was the last that was read."""
    made = prepared.again(images)
    texts = [processor.replace_image_token(made, image_idx=n) for n in range(len(images))]
    return [text.count(processor.image_token) for text in texts]


def _control(processor: Any) -> re.Pattern[str]:
    """The special tokens, but for those that stand for boxes, and whatever else its template writes."""
    written = getattr(processor, "chat_template", None) or ""
    added = processor.tokenizer.added_tokens_decoder.values()
    special = {token.content for token in added if token.special and not _MARKUP.search(token.content)}
    tokens = special | {token.content for token in added if token.content.strip() and token.content in written}
    return re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))) or r"(?!)")


def _words(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text}]}


def _tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}


def _render(processor: Any, messages: Sequence[Mapping[str, Any]], **options: Any) -> str:
    """What the template makes of messages; "" where it refuses them."""
    from jinja2 import TemplateError

    try:
        return str(processor.apply_chat_template(list(messages), tokenize=False, **options))
    except (TemplateError, TypeError, ValueError, KeyError):
        return ""


def _call(processor: Any) -> str:
    """What the template writes between the beginning of a reply and the name of a function that is called in it.

    "" where it shows no functions, or calls them in a form that `chat.tool_calls` does not read.
    """
    asked, shown = _words("user", "a"), [_tool(_PROBE)]
    function = {"name": f"{_PROBE}2", "arguments": {}}
    called = {"role": "assistant", "content": [], "tool_calls": [{"type": "function", "function": function}]}
    before = _render(processor, [asked], tools=shown, add_generation_prompt=True)
    whole = _render(processor, [asked, called], tools=shown)
    at = whole.find(f"{_PROBE}2")
    if _PROBE not in before or not whole.startswith(before) or at < 0:
        return ""
    call = whole[len(before) : at]
    return call if re.search(r'\{\s*"name":\s*"$', call) else ""


def _shape(images: Any) -> Hashable:
    """The hashes of images, as they are handed over."""
    return tuple(map(_shape, images)) if isinstance(images, list | tuple) else hash_of(images)


def _bytes(tensors: Mapping[str, Any]) -> int:
    return sum(int(getattr(tensor, "nbytes", 0)) for tensor in tensors.values())
