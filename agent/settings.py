"""What an operator may set: `SIGHTLINE_…` in the environment, and what `sightline setup` wrote into the home."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ..tools.errors import BadInput

FILE = "settings.json"


class Settings(BaseSettings):
    """Settings of one Assistant.

    An argument wins over the environment, the environment over the home's `settings.json`, that over the default;
    but a `server` in the environment is nothing to a model of the file that has none.
    Keys are never among them: what a server wants to see is `SIGHTLINE_API_KEY` in the environment, what
    tickets are signed with is `SIGHTLINE_DESK_SECRET`, and both stay there.
    """

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", frozen=True)

    home: Path = Field(
        default_factory=lambda: Path("~/.sightline").expanduser(), description="where photos and threads live"
    )
    embedder: str | None = Field(default=None, description="what official photos are embedded with; see the README")
    chroma: str | None = Field(default=None, description="a Chroma server, http://host:port, in place of the home")
    model: str | None = Field(default=None, description="the vision language model; see the README")
    server: str | None = Field(default=None, description="the OpenAI-compatible server of the model")
    desk: str | None = Field(default=None, description="where tickets for people go: a folder, or an https:// address")

    @classmethod
    def of(cls, home: Path | str | None) -> Self:
        """The settings of a home. Raises `BadInput` where its `settings.json` holds anything else."""
        set_ = cls()
        folder = Path(home if home is not None else set_.home).expanduser()
        kept = read(folder)
        given = {name: getattr(set_, name) for name in set_.model_fields_set}
        if "model" in given:
            # The address in the file is that of the model in the file.
            kept.pop("server", None)
        elif not (kept.get("model") or "openai:").startswith("openai:"):
            # And one in the environment is that of models that are served.
            given["server"] = None
        set_to = {**kept, **given, "home": folder}
        # A variable that is set to nothing switches off.
        return cls(**set_to | {name: set_to.get(name) or None for name in ("model", "server", "desk")})


def writable(home: Path) -> bool:
    """Whether a home can be written, or made where it is not there yet."""
    nearest = next(p for p in (home.absolute(), *home.absolute().parents) if p.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK)


def read(home: Path) -> dict[str, Any]:
    """What the file of a home sets, and nothing where there is none. Raises `BadInput` where it holds anything else."""
    file = home / FILE
    try:
        kept = json.loads(file.read_text("utf-8-sig"))  # some editors put a mark in front
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(file, str(error)) from error
    if not isinstance(kept, dict):
        raise _unreadable(file, "it holds no object")
    strange = sorted(kept.keys() - (Settings.model_fields.keys() - {"home"}))
    if strange:
        raise _unreadable(file, f"nothing is called {', '.join(strange)}")
    try:
        Settings(**kept)
    except ValidationError as error:
        # Not the library's own words, which repeat the values: somebody may have put a key there.
        raise _unreadable(file, "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())) from None
    return kept


def write(home: Path, model: str | None, server: str | None) -> Path:
    """Set the model of a home and its server, all at once or not at all; `None` unsets. What else is set stays.

    The file. Raises `BadInput` where what is there cannot be read, `OSError` where nothing can be written.
    """
    changed = {**read(home), "model": model, "server": server}
    kept = {name: value for name, value in changed.items() if value is not None}
    home.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=".settings-", dir=home)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(json.dumps(kept, ensure_ascii=False, indent=2) + "\n")
            out.flush()
            os.fsync(out.fileno())
        return Path(part).replace(home / FILE)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _unreadable(file: Path, why: str) -> BadInput:
    return BadInput(
        f"Expected the settings that `sightline setup` writes; {file} cannot be read ({why}). "
        "Mend it, or delete it and run `sightline setup` again."
    )
