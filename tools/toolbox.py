"""The tools, by name. A new one is a module beside this one and a line here.

A tool takes a photo and the kit, and leaves one finding: `tool(photo, kit, **arguments) -> Finding`.
The first line of its docstring is what the CLI and every schema show.
"""

from collections.abc import Callable, Mapping

from .compare import compare
from .describe import describe
from .ground import ground
from .identify import identify
from .ocr import ocr
from .types import Finding

Tool = Callable[..., Finding]

TOOLS: Mapping[str, Tool] = {tool.__name__: tool for tool in (describe, ocr, ground, identify, compare)}
