"""The API keeps to its own schema, whatever is sent to it."""

import base64
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import schemathesis
from fakes import CountingReader, label
from hypothesis import HealthCheck, settings
from running import running
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

from sightline.agent.api.app import create_app
from sightline.agent.api.gate import Gate
from sightline.agent.api.keys import ALL, Keys
from sightline.agent.assistant import Assistant


def small() -> str:
    out = BytesIO()
    label("NET WEIGHT 250 g").resize((120, 80)).save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


PHOTO = small()
# What fits the schema may still be no photo, no thread, no product, and no file that is ours to name: such requests are
# refused with a sentence.
CONFIG = SchemathesisConfig.from_dict(
    {
        "request-timeout": 120,
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "403", "404", "409"]}},
    }
)

nobody: Any = SimpleNamespace(home=Path("nowhere"))  # what describes the routes calls nobody
schema = schemathesis.openapi.from_dict(create_app(Gate(nobody, "secret")).openapi(), config=CONFIG)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a server, and a key for it that allows everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sightline.agent.assistant.RapidReader", CountingReader)
        with Assistant.open(tmp_path_factory.mktemp("api")) as assistant:
            key = Keys(assistant.home).add("everyone", sorted(ALL), "everyone")
            with running(create_app(Gate(assistant, "secret"))) as url:
                yield url, key


def seen(body: Any) -> Any:
    """A photo that can be looked at, in place of a data URI of nothing."""
    if isinstance(body, dict):
        return {name: seen(value) for name, value in body.items()}
    if isinstance(body, list):
        return [seen(value) for value in body]
    return PHOTO if isinstance(body, str) and body.startswith("data:image/") else body


@schema.parametrize()
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_the_schema(case: Case[Any], served: tuple[str, str]) -> None:
    url, key = served
    case.body = seen(case.body)
    case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {key}"})
