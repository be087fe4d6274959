"""The base of every table of the policy file."""

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A table of known keys whose types are meant: no text for a number, no true for 1, no NaN."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True
    )
