"""OpenAPI 3.1, generated from the models that validate."""

from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.domain.lifecycle import State
from handlers.api_models import CURSOR, PageOut, ProblemOut, ProposalIn, ProposalOut, TicketIn, TicketOut

_REF = "#/components/schemas/{model}"


@cache
def document() -> dict[str, Any]:
    """The whole description."""
    models: list[tuple[type[BaseModel], Any]] = [
        (ProposalIn, "validation"),
        (ProposalOut, "serialization"),
        (PageOut, "serialization"),
        (TicketIn, "validation"),
        (TicketOut, "serialization"),
        (ProblemOut, "serialization"),
    ]
    _, schemas = models_json_schema(models, ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sayso",
            "version": "1",
            "description": "Propose replies and actions; a policy or a named person decides.",
        },
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _paths() -> dict[str, Any]:
    one = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    }
    return {
        "/v1/proposals": {
            "post": {
                "operationId": "submitProposal",
                "summary": "Propose a reply or an action.",
                "parameters": [key],
                "requestBody": {"required": True, "content": _json("ProposalIn")},
                "responses": {
                    "201": _response("The new proposal.", "ProposalOut"),
                    "200": _response("The earlier proposal of the same key.", "ProposalOut"),
                    **_problems(401, 403, 408, 409, 413, 415, 422, 429, 503),
                },
            },
            "get": {
                "operationId": "listProposals",
                "summary": "List proposals, newest first.",
                "parameters": [
                    _query("state", {"type": "array", "items": {"type": "string", "enum": [*State]}}),
                    _query("category", {"type": "string"}),
                    _query("cursor", {"type": "string", "pattern": CURSOR}),
                    _query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
                ],
                "responses": {"200": _response("A page.", "PageOut"), **_problems(401, 422)},
            },
        },
        "/v1/proposals/{id}": {
            "get": {
                "operationId": "readProposal",
                "summary": "Read a proposal; with `wait`, return as soon as it is closed.",
                "parameters": [one, _query("wait", {"type": "number", "minimum": 0, "maximum": 60, "default": 0})],
                "responses": {"200": _response("The proposal.", "ProposalOut"), **_problems(401, 404, 422)},
            }
        },
        "/v1/proposals/{id}/withdraw": {
            "post": {
                "operationId": "withdrawProposal",
                "summary": "Take a proposal back while it waits.",
                "parameters": [one],
                "responses": {
                    "200": _response("The cancelled proposal.", "ProposalOut"),
                    **_problems(401, 403, 404, 409),
                },
            }
        },
        **_tickets(one, key),
    }


def _tickets(one: dict[str, Any], key: dict[str, Any]) -> dict[str, Any]:
    name = {**one, "name": "name", "description": "The helpdesk's name in the policy file."}
    wait = _query("wait", {"type": "number", "minimum": 0, "maximum": 60, "default": 0})
    kept = {"state": {"type": "string"}, "id": {"type": "string"}}
    return {
        "/v1/tickets": {
            "post": {
                "operationId": "submitTicket",
                "summary": "Hand over a conversation: Sayso drafts the answer and proposes it.",
                "parameters": [key],
                "requestBody": {"required": True, "content": _json("TicketIn")},
                "responses": {
                    "202": _response("The ticket, kept; the same key gives the same ticket.", "TicketOut"),
                    **_problems(401, 403, 408, 409, 413, 415, 422, 429, 503),
                },
            }
        },
        "/v1/tickets/{id}": {
            "get": {
                "operationId": "readTicket",
                "summary": "Read a ticket; with `wait`, return as soon as it has a proposal.",
                "parameters": [one, wait],
                "responses": {"200": _response("The ticket.", "TicketOut"), **_problems(401, 404, 422)},
            }
        },
        "/v1/inbound/{name}": {
            "post": {
                "operationId": "receiveFromHelpdesk",
                "summary": "A helpdesk's webhook, signed as the policy file says; no token.",
                "security": [],
                "parameters": [name],
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": {
                    "202": {
                        "description": "Kept, or left aside because it is nothing that a customer wrote.",
                        "content": {"application/json": {"schema": {"type": "object", "properties": kept}}},
                    },
                    **_problems(401, 404, 408, 413, 415, 422, 503),
                },
            }
        },
    }


def _json(model: str, media: str = "application/json") -> dict[str, Any]:
    return {media: {"schema": {"$ref": _REF.format(model=model)}}}


def _response(description: str, model: str) -> dict[str, Any]:
    return {"description": description, "content": _json(model)}


def _problems(*statuses: int) -> dict[str, Any]:
    content = _json("ProblemOut", "application/problem+json")
    return {
        str(status): {"description": "A problem, with a sentence in detail.", "content": content} for status in statuses
    }


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}
