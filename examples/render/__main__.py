"""Render the samples or the catalogue and its photos: `python examples/render [samples|catalogue] [NAME ...]`."""

import sys
from importlib import import_module
from pathlib import Path

# Each set is a module that knows its photos by name.
SETS = {"samples": "render.record", "catalogue": "render.shop"}

if __name__ == "__main__":
    # Run as a folder, this file has no package; its parent makes `render` one.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    names = sys.argv[1:]
    chosen = names.pop(0) if names and names[0] in SETS else "samples"
    import_module(SETS[chosen]).main(names)
