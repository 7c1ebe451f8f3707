"""Embedders by name: what turns a photo, and where it can a text, into a point that likeness can be measured from.

`descriptor` needs no weights. `open_clip:` takes any model of OpenCLIP:

    open_clip:ViT-B-32/laion2b_s34b_b79k    a model and a tag that the library knows
    open_clip:hf-hub:laion/CLIP-ViT-B-32-…  a repository on the hub
    open_clip:local-dir:/models/clip        a folder with open_clip_config.json and weights
    open_clip:ViT-B-32@/models/clip.pt      a weights file, with open_clip_config.json beside it

How a photo is prepared comes from the weights' own configuration. Where there is none the embedder is refused:
the library would fall back to another model's mean and size without a word.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..tools.errors import BadInput, Unavailable
from .descriptor import Descriptor, Floats, Pixels

_AT_ONCE = 16  # photos a pass through the network; more gain nothing on a CPU and cost memory


class Embedder(Protocol):
    """Photos and texts as points; near means alike."""

    name: str
    """What it was opened by."""
    identity: str
    """What it computes: differs where its vectors cannot be compared."""
    dimension: int

    def images(self, images: Sequence[Pixels]) -> Floats:
        """RGB images `(h, w, 3)` to rows of unit length, `(n, dimension)`."""
        ...

    def text(self, words: str) -> Floats | None:
        """Words to a row of unit length, `(dimension,)`; `None` where it has no words."""
        ...


class OpenClip:
    """A model of OpenCLIP with its weights."""

    def __init__(self, model: str) -> None:
        """Load what follows `open_clip:`; takes seconds. Raises `Unavailable`."""
        import open_clip
        import torch

        self.name = f"open_clip:{model}"
        known, weights = _parts(model)
        settings = _preparation(known, weights)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self._model, self._prepare = open_clip.create_model_from_pretrained(
                known,
                weights,
                device=device,
                image_mean=settings["mean"],
                image_std=settings["std"],
                image_interpolation=settings.get("interpolation"),
                image_resize_mode=settings.get("resize_mode"),
            )
        except Exception as error:  # the library raises whatever its parts do
            raise _unavailable(self.name, error) from error
        self._model.eval()
        self._known, self._device = known, device
        self._words: Callable[[str], Any] | None = None
        self.identity = _identity(self._model)
        self.dimension = int(self.images([np.zeros((8, 8, 3), np.uint8)]).shape[1])

    def images(self, images: Sequence[Pixels]) -> Floats:
        """RGB images `(h, w, 3)` to rows of unit length, `(n, dimension)`."""
        import torch
        from PIL import Image

        rows = []
        with torch.inference_mode():
            for start in range(0, len(images), _AT_ONCE):
                batch = [self._prepare(Image.fromarray(image)) for image in images[start : start + _AT_ONCE]]
                points = self._model.encode_image(torch.stack(batch).to(self._device), normalize=True)
                rows.append(points.float().cpu().numpy())
        return np.concatenate(rows) if rows else np.zeros((0, self.dimension), np.float32)

    def text(self, words: str) -> Floats:
        """Words to a row of unit length, `(dimension,)`. Raises `Unavailable` where its tokenizer cannot be had."""
        import open_clip
        import torch

        if self._words is None:
            try:
                self._words = open_clip.get_tokenizer(self._known)
            except Exception as error:
                raise _unavailable(self.name, error) from error
        with torch.inference_mode():
            point = self._model.encode_text(self._words(words).to(self._device), normalize=True)
        row: Floats = point[0].float().cpu().numpy()
        return row


EMBEDDERS: dict[str, Callable[..., Embedder]] = {
    "descriptor": Descriptor,
    "open_clip:": OpenClip,
}
"""What opens an embedder, by its name; one that ends in a colon is given what follows it."""


def open_embedder(name: str) -> Embedder:
    """The embedder of this name. Raises `BadInput` for a name nobody knows, `Unavailable` where it cannot be had."""
    kind, colon, rest = name.partition(":")
    opens = EMBEDDERS.get(kind + colon)
    if opens is None or bool(colon) != bool(rest):
        known = " or ".join(repr(f"{each}…" if each.endswith(":") else each) for each in EMBEDDERS)
        raise BadInput(
            f"Expected an embedder, {known}; got {name!r}. "
            "Try open_clip:ViT-B-32/laion2b_s34b_b79k, or open_clip:local-dir:FOLDER."
        )
    return opens(rest) if rest else opens()


class SharedEmbedders:
    """Opens embedders for several catalogues, each once; safe under threads."""

    def __init__(self) -> None:
        """None is open."""
        self._open: dict[str, Embedder] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str) -> Embedder:
        """See `open_embedder`."""
        with self._lock:
            if name not in self._open:
                self._open[name] = open_embedder(name)
            return self._open[name]


def _parts(model: str) -> tuple[str, str | None]:
    """What OpenCLIP calls the model, and the tag or the file of its weights."""
    if model.startswith(("hf-hub:", "local-dir:")):
        return model, None
    if "@" in model:
        known, _, file = model.partition("@")
        return known, file
    known, slash, tag = model.rpartition("/")
    if not slash:
        raise BadInput(f"Expected a model and its weights, as ViT-B-32/laion2b_s34b_b79k; got {model!r}.")
    return known, tag


def _preparation(known: str, weights: str | None) -> dict[str, Any]:
    """How the weights want a photo prepared, from their own configuration: at least `mean` and `std`."""
    from open_clip.pretrained import download_pretrained_from_hf, get_pretrained_cfg

    name = f"open_clip:{known}" + (f"/{weights}" if weights else "")
    file = None
    if known.startswith("local-dir:"):
        file = Path(known.removeprefix("local-dir:")) / "open_clip_config.json"
    elif known.startswith("hf-hub:"):
        try:
            file = Path(download_pretrained_from_hf(known.removeprefix("hf-hub:"), filename="open_clip_config.json"))
        except Exception as error:
            raise _unavailable(name, error) from error
    elif weights and Path(weights).is_file():
        file = Path(weights).with_name("open_clip_config.json")
    try:
        found = get_pretrained_cfg(known, weights or "") if file is None else _settings(file)
    except (OSError, ValueError) as error:
        raise Unavailable(f"Expected {file}, which says how {name} wants a photo prepared: {error}.") from error
    if not found:
        raise Unavailable(
            f"Expected weights that OpenCLIP knows, or a file of them; {name} is neither. Check both names."
        )
    if not (found.get("mean") and found.get("std")):
        raise Unavailable(
            f"Expected preprocess_cfg with mean and std for {name}, so that photos are prepared as in its training; "
            f"{file or 'its entry in OpenCLIP'} has none. Add what its authors used."
        )
    return found


def _settings(file: Path) -> dict[str, Any]:
    """The `preprocess_cfg` of an open_clip_config.json; never empty, so that it is known to be there."""
    config = json.loads(file.read_text("utf-8"))
    return {"file": str(file), **(config.get("preprocess_cfg") or {})}


def _identity(model: Any) -> str:
    """A hash of the weights and of how photos are prepared for them, wherever they were loaded from."""
    digest = hashlib.sha256(json.dumps(model.visual.preprocess_cfg, sort_keys=True, default=str).encode())
    for name, tensor in sorted(model.state_dict().items()):
        values: NDArray[np.generic] = tensor.detach().float().cpu().contiguous().numpy()
        digest.update(f"{name} {values.shape}".encode())
        digest.update(values.tobytes())
    return f"open_clip {digest.hexdigest()[:32]}"


def _unavailable(name: str, error: Exception) -> Unavailable:
    return Unavailable(
        f"Expected the weights of {name}; they cannot be loaded: {' '.join(str(error).split())[:300]} "
        "Where the hub cannot be reached, download them elsewhere and name the folder: open_clip:local-dir:FOLDER."
    )
