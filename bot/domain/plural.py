"""A number with its noun, as people write it."""


def plural(count: int, noun: str) -> str:
    """`1 label`, `21 labels`, `1,000 labels`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
