"""What an operator may set, read once at the edge from `SIGHTLINE_…` in the environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one Assistant; an argument wins over the environment, the environment over the default."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", frozen=True)

    home: Path = Field(
        default_factory=lambda: Path("~/.sightline").expanduser(), description="where photos and threads live"
    )
    embedder: str | None = Field(default=None, description="what official photos are embedded with; see the README")
    chroma: str | None = Field(default=None, description="a Chroma server, http://host:port, in place of the home")
