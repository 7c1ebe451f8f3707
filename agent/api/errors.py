"""Errors over HTTP: our tree is translated here and nowhere else, into the shape that OpenAI's clients read.

`{"error": {"message", "type", "param", "code"}}`: `code` is the name of our error, `param` the field that is wrong,
where one is. What nobody foresaw says nothing of how we are built, and is logged with the id of its request.
"""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import compile_path

from ...tools.errors import (
    BadField,
    BadInput,
    Busy,
    Contradiction,
    Forbidden,
    Overloaded,
    SightlineError,
    TooLarge,
    TooSlow,
    Unauthorised,
    Unavailable,
    UnknownCorrection,
    UnknownImport,
    UnknownModel,
    UnknownPhoto,
    UnknownProduct,
    UnknownThread,
    UnknownTurn,
)

_log = logging.getLogger("sightline.api")

STATUSES: Mapping[type[SightlineError], int] = {
    UnknownPhoto: 404,
    UnknownThread: 404,
    UnknownProduct: 404,
    UnknownCorrection: 404,
    UnknownModel: 404,
    UnknownTurn: 404,
    UnknownImport: 404,
    Contradiction: 409,
    TooSlow: 408,
    TooLarge: 413,
    Unauthorised: 401,
    Forbidden: 403,
    BadInput: 400,
    Overloaded: 429,
    Busy: 503,
    Unavailable: 503,
}
"""The status of each error; of several that fit, the first."""

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "service_unavailable_error",
}


class Told(BaseModel):
    """What is wrong: a sentence, its kind for a program, the field that it is about, and the name of the error."""

    model_config = ConfigDict(title="ErrorDetail")

    message: str
    type: str
    param: str | None
    code: str


class Failure(BaseModel):
    """The body of every answer that is none."""

    model_config = ConfigDict(title="Error")

    error: Told


def status_of(error: BaseException) -> int:
    """The HTTP status of an error: 4xx where giving something else, or waiting, would help."""
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)


def failure(error: BaseException) -> dict[str, Any]:
    """The JSON of an error, which is logged where nobody foresaw it."""
    if isinstance(error, SightlineError):
        param = error.param if isinstance(error, BadField) else None
        return _body(status_of(error), str(error), error.code, param)
    _log.error("unexpected", exc_info=error)
    return _body(500, "Something went wrong here, and was noted. Try again.", "InternalError")


def answer(error: BaseException) -> JSONResponse:
    """An error as a response."""
    headers = {"Retry-After": str(error.after)} if isinstance(error, Overloaded) else {}
    if isinstance(error, TooLarge | TooSlow):
        headers["Connection"] = "close"  # the rest of the body is not waited for
    if isinstance(error, Unauthorised):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(failure(error), status_of(error), headers)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the schema says of errors: those that any request may meet, and these."""
    return {status: {"model": Failure} for status in (400, 401, 403, 408, 413, 422, 429, 500, 503, *statuses)}


def wrong(problems: ValidationError | RequestValidationError) -> JSONResponse:
    """A request that does not fit its schema: the first thing that is wrong with it, and where."""
    first = problems.errors()[0]
    param = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    # The library says so of what our own checks raise.
    message = first["msg"].removeprefix("Value error, ")
    return JSONResponse(_body(422, f"{param or 'body'}: {message}", "BadInput", param or None), 422)


def install(app: FastAPI) -> None:
    """Translate every error of this app that is foreseen; the others `watch` does."""

    @app.exception_handler(SightlineError)
    async def ours(_: Request, error: SightlineError) -> JSONResponse:
        return answer(error)

    @app.exception_handler(RequestValidationError)
    async def unfit(_: Request, error: RequestValidationError) -> JSONResponse:
        return wrong(error)

    @app.exception_handler(ValidationError)
    async def unfit_body(_: Request, error: ValidationError) -> JSONResponse:
        return wrong(error)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        names = {404: "NotFound", 405: "MethodNotAllowed"}
        body = _body(error.status_code, str(error.detail), names.get(error.status_code, "BadInput"))
        # Each method is a route of its own, and the router names but one.
        allowed = {"Allow": _methods(app, request)} if error.status_code == 405 else error.headers
        return JSONResponse(body, error.status_code, allowed)


def _methods(app: FastAPI, request: Request) -> str:
    """The methods that there are routes for at the path of a request, as the first that fits writes it."""
    routes = list(iter_route_contexts(app.routes))
    paths = [route.path for route in routes if route.path]
    at = next(path for path in paths if compile_path(path)[0].match(request.url.path))
    return ", ".join(sorted({method for route in routes if route.path == at for method in route.methods or ()}))


def _body(status: int, message: str, code: str, param: str | None = None) -> dict[str, Any]:
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
