"""Errors as RFC 9457 problem details: the one function that turns them into HTTP."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web
from pydantic import ValidationError

from bot.domain.errors import BadInput, Conflict, KeyReused, NotFound, Refused, SaysoError, TooMuch, Unavailable

log = structlog.get_logger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_STATUS: dict[type[SaysoError], int] = {
    KeyReused: 409,
    Conflict: 409,
    NotFound: 404,
    Refused: 403,
    TooMuch: 429,
    Unavailable: 503,
    BadInput: 422,
}


class Unauthorized(SaysoError):
    """No token, or one that is not known."""


def problem(status: int, detail: str, *, errors: list[dict[str, str]] | None = None) -> web.Response:
    """A problem document."""
    title = _TITLES.get(status, "Error")
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if errors:
        body["errors"] = errors
    return web.json_response(body, status=status, content_type="application/problem+json")


_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


_PATTERNS: Final = {
    "string_pattern_mismatch": "use letters, digits and . _ - only (in a category small letters), at most 80, "
    "and begin with a letter or a digit"
}


def invalid(error: ValidationError) -> web.Response:
    """Each wrong field with a sentence."""
    errors = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False)[:20]:
        where = ".".join(str(part) for part in fault["loc"])[:120] or "the body"
        errors.append(
            {"field": where, "detail": _PATTERNS.get(fault["type"], fault["msg"]).removeprefix("Value error, ")}
        )
    first = errors[0]
    return problem(422, f"{first['field']}: {first['detail']}.", errors=errors)


def _refusal(error: SaysoError) -> web.Response:
    if isinstance(error, Unauthorized):
        response = problem(401, error.sentence)
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    response = problem(status, error.sentence)
    if isinstance(error, TooMuch):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _http(error: web.HTTPException) -> web.Response:
    response = problem(error.status, _sentence(error))
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    if error.keep_alive is False:
        response.force_close()
    return response


def _sentence(error: web.HTTPException) -> str:
    match error:
        case web.HTTPNotFound():
            return "There is nothing at this address; /openapi.json says which addresses there are."
        case web.HTTPMethodNotAllowed(method=method, allowed_methods=allowed):
            return f"This address takes {' and '.join(sorted(set(allowed) - {'HEAD'}))}, not {method[:20]}."
        case _:
            return error.text or error.reason


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error of the HTTP interface into a problem document; Slack's door speaks its own way."""
    slack = request.path.startswith("/slack")
    try:
        return await handler(request)
    except ValidationError as error:
        return invalid(error)
    except SaysoError as error:
        return _refusal(error)
    except web.HTTPException as error:
        if error.status < 400 or slack:
            raise
        return _http(error)
    except Exception as error:
        if slack or isinstance(error, ConnectionError):
            raise
        # The door of the house: whatever goes wrong behind it is ours, and the caller gets the same form of answer.
        log.exception("request_failed", method=request.method, path=request.path)
        return problem(500, "Something went wrong in Sayso; send the same request again with the same Idempotency-Key.")
