"""Everything that can be refused, drawn as one tree; each error is one sentence for a person.

SaysoError
├── BadInput              the caller's words are off: say what to do instead
│   ├── BadField          one field of a form, named by its block
│   └── PolicyProblem     a policy file that cannot be used, with its line
├── NotFound              nothing has that id, as far as this caller may know
├── Conflict              the caller is late or out of turn
│   ├── AlreadyDecided    somebody else won; names them
│   ├── Stale             the content changed since it was shown
│   │   └── WroteAgain    the customer wrote once more since it was shown
│   ├── AgreedEarlier     others agreed before; ask whether they still may
│   ├── OutOfTurn         the table has no such move from this state
│   └── KeyReused         the same idempotency key with another body
├── Refused               this actor may not do this
│   └── NotListed         the policy does not name this person, nor a group that we know them to be in
├── TooMuch               a rate or a quota is used up
└── Unavailable           the store cannot answer now; nothing was done
"""


class SaysoError(Exception):
    """Base of every refusal; `str(error)` is the sentence to show."""

    @property
    def sentence(self) -> str:
        """The one sentence to show to whoever asked."""
        return str(self)


class BadInput(SaysoError, ValueError):
    """The input cannot be used as it is; the sentence says what would do."""


class BadField(BadInput):
    """What was typed into one field of a window, `block`, cannot be used."""

    def __init__(self, sentence: str, *, block: str) -> None:
        super().__init__(sentence)
        self.block = block


class PolicyProblem(BadInput):
    """One fault of a policy file, with the 1-based line it stands on (0: unknown)."""

    def __init__(self, sentence: str, *, line: int = 0) -> None:
        super().__init__(sentence)
        self.line = line


class NotFound(SaysoError, LookupError):
    """No such thing, or none that this caller may see."""


class Conflict(SaysoError):
    """The move came too late, or does not follow from the present state."""


class AlreadyDecided(Conflict):
    """A move came first; the sentence names who won, and `winner_id` tells whether it was this same person."""

    def __init__(self, sentence: str, *, winner_id: str) -> None:
        super().__init__(sentence)
        self.winner_id = winner_id


class Stale(Conflict):
    """The content is no longer the one that was shown."""


class WroteAgain(Stale):
    """The customer wrote again, and whoever decides has not seen it yet."""


class AgreedEarlier(Conflict):
    """Others have agreed before, and nobody has asked yet whether they may still decide; `names` are theirs, by id."""

    def __init__(self, names: dict[str, str]) -> None:
        super().__init__("Somebody else approved this a moment ago; approve it again.")
        self.names = names


class OutOfTurn(Conflict):
    """The life of a proposal has no such move from its present state."""


class KeyReused(Conflict):
    """An idempotency key came back with another body."""


class Refused(SaysoError, PermissionError):
    """The actor has no say here."""


class NotListed(Refused):
    """Neither this person nor a group of theirs is on the list; their groups may not have been asked for yet.

    `allowed` is the list, of user and group ids.
    """

    def __init__(self, sentence: str, *, allowed: tuple[str, ...]) -> None:
        super().__init__(sentence)
        self.allowed = allowed


class Unavailable(SaysoError):
    """The store cannot read or write now; nothing was done, and the same request may be sent again."""


class TooMuch(SaysoError):
    """A rate or quota is used up; `retry_after` is in whole seconds."""

    def __init__(self, sentence: str, *, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
