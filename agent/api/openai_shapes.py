"""What OpenAI's clients send and read, as far as it means something here.

Fields that nobody here knows are let through: those clients send new ones all the time. Those of our own extension are
not, so that a slip in one is noticed.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ...tools.errors import BadField
from ..reply import Reply

MODEL = "sightline"
"""What we are called."""

_MOST_PHOTOS = 16
_MOST_TEXT = 20_000


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class ImageUrl(_Open):
    """A photo as a data URI, the id of a kept one, or an https address whose host is allowed; `detail` says nothing."""

    url: str


def _url(value: object) -> object:
    """Some clients write the address where OpenAI has an object with it."""
    return {"url": value} if isinstance(value, str) else value


class Part(_Open):
    """A part of a message: `text` or `image_url`; others are refused in the turn, and mean nothing before it."""

    type: str
    text: str | None = None
    image_url: Annotated[ImageUrl, BeforeValidator(_url)] | None = None


class Message(_Open):
    """A message; those of system, developer and tools say nothing to us."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    def text(self) -> str:
        """Its words; those of several parts on lines of their own."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.text is not None)
        return self.content or ""

    def images(self) -> list[str]:
        """Its photos, in order."""
        parts = self.content if isinstance(self.content, list) else []
        return [part.image_url.url for part in parts if part.image_url is not None]


class Extension(BaseModel):
    """What a turn can be told beside OpenAI's fields, as in the native API; `evidence`: the reply is sent along."""

    model_config = ConfigDict(extra="forbid")

    claimed: str | None = None
    manner: Literal["plain", "service", "narrator"] = "plain"
    strict: bool = False
    thread: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    evidence: bool = True


class StreamOptions(_Open):
    """`include_usage`: a last chunk says what was counted."""

    include_usage: bool | None = None


class Chat(_Open):
    """A conversation so far; its last message of the user is the turn."""

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    metadata: dict[str, Any] | None = None
    sightline: Extension = Field(default_factory=Extension)
    n: int | None = None
    response_format: dict[str, Any] | None = None
    tool_choice: str | dict[str, Any] | None = None
    function_call: str | dict[str, Any] | None = None
    logprobs: bool | None = None
    modalities: list[str] | None = None
    audio: dict[str, Any] | None = None

    def until_turn(self) -> list[Message]:
        """The messages up to the last one of the user, and with it.

        Raises `BadField` where there is none, where it holds what is neither text nor a photo, or holds too much.
        """
        turn = max((n for n, message in enumerate(self.messages) if message.role == "user"), default=None)
        if turn is None:
            raise BadField("Expected a message of the role user; got none.", "messages")
        told = self.messages[turn]
        for n, part in enumerate(told.content if isinstance(told.content, list) else ()):
            if (part.text if part.type == "text" else part.image_url if part.type == "image_url" else None) is None:
                raise BadField(
                    f"Expected a part with its text, or with its image_url; got {part.type!r:.100} that is neither.",
                    f"messages[{turn}].content[{n}]",
                )
        if len(told.text()) > _MOST_TEXT or len(told.images()) > _MOST_PHOTOS:
            raise BadField(
                f"Expected {_MOST_TEXT:,} characters and {_MOST_PHOTOS} photos at most; got {len(told.text()):,} and "
                f"{len(told.images())}. Send less at once.",
                f"messages[{turn}].content",
            )
        return self.messages[: turn + 1]

    def must_be_honoured(self) -> None:
        """Raise `BadField` for what would change the answer's meaning and is not done here; the rest is harmless."""
        choice = self.tool_choice
        allowed = choice.get("allowed_tools") if isinstance(choice, dict) else None
        offered = isinstance(allowed, dict) and allowed.get("mode") == "auto"
        refused = {
            "n": (self.n not in (None, 1), "one answer (n = 1)"),
            "response_format": (
                (self.response_format or {}).get("type", "text") != "text",
                "response_format text: what an answer rests on is in `sightline`",
            ),
            "tool_choice": (
                not (offered or choice in (None, "auto", "none")),
                "tool_choice auto or none: no tool is called here",
            ),
            "function_call": (isinstance(self.function_call, dict), "function_call auto or none: none is called here"),
            "logprobs": (bool(self.logprobs), "no logprobs: nobody measured any"),
            "modalities": ("audio" in (self.modalities or ()), "text alone"),
            "audio": (self.audio is not None, "text alone"),
        }
        for param, (wanted, instead) in refused.items():
            if wanted:
                raise BadField(f"Expected {instead}; {param} asks for something else. Leave it out.", param)


class Usage(BaseModel):
    """What was counted: UTF-8 bytes of text, by four, rounded up. No tokenizer is at work here, and photos count as 0.

    Clients want whole numbers called tokens, and these grow with the text as tokens do. Nobody is billed by them.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Answer(BaseModel):
    """The message of an answer; `id` is that of the answer, which LangChain makes the id of its message."""

    id: str
    role: Literal["assistant"]
    content: str
    refusal: None


class Choice(BaseModel):
    """The one choice of an answer."""

    index: int
    message: Answer
    logprobs: None
    finish_reason: Literal["stop"]


class Completion(BaseModel):
    """An answer; `sightline` is the native reply with all that it rests on, absent where it was turned off."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    sightline: Reply | None = None


class ModelCard(BaseModel):
    """A model that can be asked."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelCards(BaseModel):
    """All of them."""

    object: Literal["list"]
    data: list[ModelCard]


def usage(asked: list[Message], answer: str) -> dict[str, int]:
    """See `Usage`."""
    said, answered = -(-sum(len(_bytes(m.text())) for m in asked) // 4), -(-len(_bytes(answer)) // 4)
    return {"prompt_tokens": said, "completion_tokens": answered, "total_tokens": said + answered}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def body() -> dict[str, Any]:
    """The request's body for the schema."""
    schema = Chat.model_json_schema()
    inline = _inlined(schema, schema.pop("$defs"))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": inline}}}}


def _inlined(schema: Any, defs: Mapping[str, Any]) -> Any:
    """A schema that refers to nothing: FastAPI puts only what it binds itself where it could be referred to."""
    if isinstance(schema, list):
        return [_inlined(each, defs) for each in schema]
    if not isinstance(schema, dict):
        return schema
    ref = schema.get("$ref")
    if isinstance(ref, str):
        return {**_inlined(defs[ref.rpartition("/")[2]], defs), **{k: v for k, v in schema.items() if k != "$ref"}}
    return {key: _inlined(value, defs) for key, value in schema.items()}
