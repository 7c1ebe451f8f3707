"""Render the sample photos and their truth: `python examples/render [NAME ...]` from the repository root."""

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    # Run as a folder, this file has no package; its parent makes `render` one.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import_module("render.record").main(sys.argv[1:])
