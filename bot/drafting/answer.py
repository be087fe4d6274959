"""A model's answer: the JSON that it is asked for, and the strict reading of what it sent."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.domain.canonical import Json
from bot.domain.errors import BadInput
from bot.domain.proposal import Action, Content, Reply
from bot.strict_json import BadJson, parse

MAX_BYTES: Final = 200_000
_FENCED: Final = re.compile(r"\A\s*```(?:json)?\s*\n(?P<body>.*?)\n?```\s*\Z", re.DOTALL | re.IGNORECASE)
_SHOWN: Final = 3


class BadAnswer(BadInput):
    """What the model sent cannot be used; the sentence tells it what to send instead."""


class ProposedAction(BaseModel):
    """An action by the policy's name, with its arguments."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    name: str
    args: dict[str, Any]


class Answer(BaseModel):
    """What the model is asked for: exactly one of reply and action, or neither where it is out of scope."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    category: Annotated[str, Field(min_length=1, max_length=100)]
    in_scope: bool
    reply: str | None = None
    action: ProposedAction | None = None
    sources: list[str] = Field(default_factory=list)
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

    @model_validator(mode="after")
    def _one_content(self) -> "Answer":
        given = (self.reply is not None and self.reply.strip() != "") + (self.action is not None)
        if given > 1:
            raise ValueError("give a reply or an action, not both")
        if self.in_scope and not given:
            raise ValueError("give a reply or an action, or say in_scope false")
        return self

    @property
    def content(self) -> Content | None:
        """The reply or the action as a proposal has it."""
        if self.action is not None:
            return Action(name=self.action.name, args=self.action.args)
        return Reply(text=self.reply.strip()) if self.reply and self.reply.strip() else None


def read(text: str | None, *, categories: Sequence[str], actions: Sequence[str], sources: Sequence[str]) -> Answer:
    """The answer in a model's message, or BadAnswer: JSON alone, or in one code fence, and every name a known one."""
    if not text or not text.strip():
        raise BadAnswer("The message is empty: answer with the JSON object alone.")
    fenced = _FENCED.match(text)
    try:
        value: Json = parse((fenced["body"] if fenced else text.strip()).encode(errors="replace"), max_bytes=MAX_BYTES)
        answer = Answer.model_validate(value)
    except BadJson as error:
        raise BadAnswer(f"{error} Answer with the JSON object alone, without any words around it.") from None
    except ValidationError as error:
        raise BadAnswer(_sentence(error)) from None
    _check_names("category", [answer.category] if categories else [], categories)
    _check_names("action", [answer.action.name] if answer.action else [], actions)
    _check_names("source", answer.sources, sources)
    return answer


def schema(*, categories: Sequence[str], actions: Sequence[str], sources: Sequence[str]) -> dict[str, Any]:
    """The same as JSON Schema, with the known names spelled out."""
    action: dict[str, Any] = {
        "type": "object",
        "properties": {"name": _text(actions), "args": {"type": "object"}},
        "required": ["name", "args"],
        "additionalProperties": False,
    }
    properties: dict[str, Any] = {
        "category": _text(categories),
        "in_scope": {"type": "boolean"},
        "reply": {"type": ["string", "null"]},
        "action": {"anyOf": [action, {"type": "null"}]} if actions else {"type": "null"},
        "sources": {"type": "array", "items": _text(sources), "maxItems": len(sources)},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def response_format(of: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as the parameter that OpenAI introduced; not `strict`, because an action's arguments are open."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(of), "strict": False}}


def _text(names: Sequence[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(names)} if names else {"type": "string"}


def _check_names(kind: str, given: Sequence[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise BadAnswer(f"There is no {kind} {name[:80]!r}: the known ones are {listed}.")


def _sentence(error: ValidationError) -> str:
    said = []
    for problem in error.errors(include_url=False, include_input=False)[:_SHOWN]:
        where = ".".join(str(part) for part in problem["loc"]) or "the object"
        said.append(f"{where}: {problem['msg'].removeprefix('Value error, ')}")
    return f"The JSON does not fit the schema ({'; '.join(said)}): correct it and answer with the JSON object alone."
