"""The dialects that a test runs over."""

from operator import attrgetter

import pytest

from sightline.tools.dialects import DIALECTS, Kind

JSON = {"qwen25_vl", "qwen3_vl", "gemini", "glm_v", "moondream", "plain_json", "points"}

every = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=attrgetter("name"))


def those(kind: Kind) -> pytest.MarkDecorator:
    """Every dialect that can be asked for it."""
    asked = [dialect for dialect in DIALECTS.values() if kind in dialect.kinds]
    return pytest.mark.parametrize("dialect", asked, ids=attrgetter("name"))
