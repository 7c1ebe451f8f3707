"""Every embedder keeps the same promises; a real open_clip model, tiny and random, stands in for the large ones."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from packs import pack

from sightline.memory.embedders import EMBEDDERS, Embedder, open_embedder
from sightline.tools.errors import BadInput, Unavailable

MODEL = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
PREPARED = {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7], "interpolation": "bilinear", "resize_mode": "squash"}


def checkpoint(folder: Path, seed: int = 0, prepared: object = PREPARED) -> Path:
    """A folder as the hub has them, with random weights."""
    import open_clip
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_cfg": MODEL} | ({"preprocess_cfg": prepared} if prepared is not None else {})
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(seed)
    model = open_clip.model.CLIP(**json.loads(json.dumps(MODEL)))
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder


NAMES: dict[str, Callable[[Path], str]] = {
    "descriptor": lambda _: "descriptor",
    "open_clip:": lambda folder: f"open_clip:local-dir:{checkpoint(folder / 'clip')}",
}


@pytest.fixture(params=EMBEDDERS)
def embedder(request: pytest.FixtureRequest, tmp_path: Path) -> Embedder:
    return open_embedder(NAMES[request.param](tmp_path))


def pixels(seed: int) -> NDArray[np.uint8]:
    return np.asarray(pack(seed))


def test_rows_have_unit_length_and_do_not_depend_on_their_company(embedder: Embedder) -> None:
    images = [pixels(seed) for seed in range(20)]
    together = embedder.images(images)
    assert together.shape == (20, embedder.dimension)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for n in (0, 7, 19):
        np.testing.assert_allclose(embedder.images([images[n]])[0], together[n], atol=1e-5)
    assert embedder.images([]).shape == (0, embedder.dimension)


def test_other_pictures_are_other_points(embedder: Embedder) -> None:
    rows = embedder.images([pixels(1), pixels(2), pixels(1)])
    np.testing.assert_allclose(rows[0], rows[2], atol=1e-6)
    assert rows[0] @ rows[1] < 0.9999


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.full((64, 64, 3), 255, np.uint8),
        np.zeros((2, 900, 3), np.uint8),
        np.full((900, 1, 3), 7, np.uint8),
    ],
    ids=["one pixel", "white", "ribbon", "thread"],
)
def test_there_is_a_point_for_any_picture(embedder: Embedder, image: NDArray[np.uint8]) -> None:
    (row,) = embedder.images([image])
    assert np.isfinite(row).all()
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-4)


def test_words_are_a_point_of_the_same_space_or_nothing(embedder: Embedder) -> None:
    row = embedder.text("oat milk 燕麦奶")
    if row is not None:
        assert row.shape == (embedder.dimension,)
        assert np.linalg.norm(row) == pytest.approx(1, abs=1e-4)


def test_it_is_the_same_when_it_is_opened_again(embedder: Embedder) -> None:
    again = open_embedder(embedder.name)
    assert (again.name, again.identity, again.dimension) == (embedder.name, embedder.identity, embedder.dimension)
    np.testing.assert_allclose(again.images([pixels(3)]), embedder.images([pixels(3)]), atol=1e-6)


def test_the_descriptor_sees_through_yellow_light() -> None:
    embedder = open_embedder("descriptor")
    here, other = (np.asarray(pack(seed, (300, 400))) for seed in (1, 2))
    warm = (here * np.array([0.9, 0.75, 0.5])).astype(np.uint8)
    rows = embedder.images([warm, here, other])
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2


def test_photos_are_prepared_as_the_weights_say(tmp_path: Path) -> None:
    import open_clip
    import torch
    from PIL import Image

    embedder = open_embedder(f"open_clip:local-dir:{checkpoint(tmp_path)}")
    model = open_clip.create_model(f"local-dir:{tmp_path}")
    image = pixels(5)
    small = np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR), np.float32) / 255
    ready = (small - np.array(PREPARED["mean"])) / np.array(PREPARED["std"])
    with torch.inference_mode():
        point = model.eval().encode_image(
            torch.tensor(ready, dtype=torch.float32).permute(2, 0, 1)[None], normalize=True
        )
    np.testing.assert_allclose(embedder.images([image])[0], point[0].numpy(), atol=2e-3)


@pytest.mark.parametrize("prepared", [None, {}, {"mean": [0.5, 0.5, 0.5]}])
def test_weights_that_do_not_say_how_photos_are_prepared_are_refused(tmp_path: Path, prepared: object) -> None:
    with pytest.raises(Unavailable, match="preprocess_cfg"):
        open_embedder(f"open_clip:local-dir:{checkpoint(tmp_path, prepared=prepared)}")


def test_a_weights_file_of_a_known_model_is_prepared_by_the_configuration_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip

    folder = checkpoint(tmp_path)
    file = folder / "open_clip_pytorch_model.bin"
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", MODEL)
    by_file, by_folder = open_embedder(f"open_clip:tiny@{file}"), open_embedder(f"open_clip:local-dir:{folder}")
    assert by_file.identity == by_folder.identity
    (folder / "open_clip_config.json").unlink()
    with pytest.raises(Unavailable, match=r"open_clip_config\.json"):
        open_embedder(f"open_clip:tiny@{file}")


def test_other_weights_and_other_preparation_are_another_identity(tmp_path: Path) -> None:
    names = [
        checkpoint(tmp_path / "a"),
        checkpoint(tmp_path / "b", seed=1),
        checkpoint(tmp_path / "c", prepared=PREPARED | {"mean": [0.5, 0.5, 0.5]}),
        checkpoint(tmp_path / "d"),
    ]
    first, other, prepared, same = (open_embedder(f"open_clip:local-dir:{folder}").identity for folder in names)
    assert first == same
    assert len({first, other, prepared}) == 3


@pytest.mark.parametrize("name", ["clip", "", "descriptor:x", "open_clip", "open_clip:", "open_clip:ViT-B-32"])
def test_a_name_nobody_knows_is_told_what_there_is(name: str) -> None:
    with pytest.raises(BadInput, match="ViT-B-32/laion2b_s34b_b79k"):
        open_embedder(name)


def test_an_embedder_without_weights_is_one_line_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EMBEDDERS, "plain", type(open_embedder("descriptor")))
    assert open_embedder("plain").dimension
    for name in ("plain:x", "other"):
        with pytest.raises(BadInput, match=r"'descriptor' or 'open_clip:…' or 'plain'; got"):
            open_embedder(name)


@pytest.mark.parametrize(
    "model", ["ViT-B-32/laion2b_s34b_b79k", "hf-hub:nobody/nothing", "local-dir:/nowhere", "No/tag"]
)
def test_weights_that_cannot_be_had_say_what_to_do(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Unavailable, match=r"local-dir|Check both names|Expected /nowhere"):
        open_embedder(f"open_clip:{model}")
