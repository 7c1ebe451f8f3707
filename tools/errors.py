"""Every error Sightline raises on purpose, in one tree.

The branches say who must act: `BadInput` the caller, `Unavailable` whoever installed or configured
Sightline, `Busy` and `Overloaded` nobody (wait), `Unauthorised` and `Forbidden` whoever hands out keys.
The CLI and the API each translate the tree in one place.
A message says what was expected, what came, and what to try.
"""

from typing import Literal


class SightlineError(Exception):
    """The root of everything raised on purpose. `code` is what programs on the other end of a wire know it by."""

    code = "SightlineError"

    def __init_subclass__(cls) -> None:
        """Its own name is the code of an error that says nothing else."""
        cls.code = cls.__dict__.get("code", cls.__name__)


class BadInput(SightlineError):
    """What was given cannot be used; giving something else would help."""


class UnreadablePhoto(BadInput):
    """The photo is truncated, empty, too large, not an image, or of a kind we do not read."""


class Contradiction(BadInput):
    """What was to be confirmed of a photo contradicts what is seen in it."""


class UnknownPhoto(BadInput):
    """No photo with this id is in the store."""


class UnknownThread(BadInput):
    """No thread with this name is in the home."""


class UnknownTurn(BadInput):
    """No turn with this id is in the home."""


class UnknownProduct(BadInput):
    """No product with this SKU is in the catalogue."""


class UnknownCorrection(BadInput):
    """No correction with this id is in the home."""


class UnknownModel(BadInput):
    """Sightline is asked for by another name than it has."""

    code = "model_not_found"  # what clients of OpenAI know it by


class BadField(BadInput):
    """A field of a request is wrong, or asks for what is not done here; `param` is where it stands."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class UnknownImport(BadInput):
    """No import with this id is in the home."""


class TooLarge(BadInput):
    """More was sent at once than is taken."""


class TooSlow(BadInput):
    """What was sent came too slowly to wait for."""


class Unauthorised(SightlineError):
    """No key was given, or one that nobody knows."""


class Forbidden(SightlineError):
    """The key that was given does not allow this, or the request comes from a page of somebody else's."""


class Unavailable(SightlineError):
    """An instrument or a model is not installed, not configured or cannot be reached."""


class Busy(SightlineError):
    """Another process is writing this home, or its catalogue is being indexed."""


class Overloaded(SightlineError):
    """More is asked at once than can be done; `after` is in how many seconds to try again."""

    def __init__(self, message: str, after: int = 1) -> None:
        super().__init__(message)
        self.after = after


class ModelFailed(Unavailable):
    """The vision language model gave no answer; `reason` says why in a word, one of `types.Failure`.

    `status`: the HTTP status that its server refused with, 0 where there is none. `passing`: the same request may
    succeed a moment later.
    """

    def __init__(
        self,
        message: str,
        reason: Literal["failing", "late", "empty", "unfit"] = "failing",
        status: int = 0,
        passing: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason: Literal["failing", "late", "empty", "unfit"] = reason
        self.status = status
        self.passing = passing


class Cancelled(SightlineError):
    """Nobody waits for the answer any more."""
