"""A random Qwen3-VL of 0.49 billion parameters, with realistic proportions, for benchmarks of the local model.

`python benchmarks/checkpoint.py DIR` writes it in bfloat16 (1 GB). What it says is nonsense and costs what sense
would: 20 layers of text, 12 of sight, 16,000 words to choose from. It measures no quality: nobody has taught it.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sightline.tests.checkpoints import FAMILIES, qwen, write

TEXT: dict[str, Any] = {
    "vocab_size": 16_000,  # most of them without a token, but in the head
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 20,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 32_768,
}
SIGHT: dict[str, Any] = {
    "depth": 12,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_heads": 12,
    "out_hidden_size": 1024,
    "num_position_embeddings": 2304,
    "deepstack_visual_indexes": [3, 6, 9],
}
ROPE: dict[str, Any] = {"mrope_section": [24, 20, 20], "mrope_interleaved": True, "rope_theta": 5e6}


def random_model(folder: Path) -> Path:
    """Write it into this folder."""
    parts = replace(FAMILIES["qwen3_vl"], config=lambda tokenizer: qwen(tokenizer, TEXT, SIGHT, ROPE))
    return write(folder, parts, torch.bfloat16)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    folder = random_model(arguments.parse_args().folder)
    print(f"{folder}: {sum(file.stat().st_size for file in folder.iterdir()) / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
