"""The fixed grid of thresholds, and the bin of it that a confidence falls into.

Threshold j is sigmoid(7 - j/16) for j = 0..160: evenly spaced in log-odds from 0.99909 (strictest) to 0.0474
(loosest). A confidence belongs to the strictest threshold that it reaches, so it passes threshold j exactly
when its bin is at most j. What reaches none of them is in bin `NEVER`, which is never sent.
"""

import math
from bisect import bisect_right

from bot.domain.errors import BadInput

COUNT = 161
NEVER = COUNT
THRESHOLDS = tuple(1.0 / (1.0 + math.exp(j / 16 - 7.0)) for j in range(COUNT))
RISING = THRESHOLDS[::-1]


def bin_of(confidence: float) -> int:
    """The bin, 0..161, of a confidence in [0, 1]; BadInput (a ValueError) for anything else."""
    if type(confidence) is not float or not 0.0 <= confidence <= 1.0:
        confidence = checked(confidence)
    return COUNT - bisect_right(RISING, confidence)


def checked(confidence: object) -> float:
    """`confidence` as a float in [0, 1]; BadInput (a ValueError), in one sentence, for anything else."""
    if confidence is None:
        raise BadInput("the confidence is missing: give a number from 0 to 1")
    if isinstance(confidence, bool) or not isinstance(confidence, (int, float)):
        raise BadInput(f"a confidence is a number from 0 to 1, not {confidence!r}")
    if not 0.0 <= confidence <= 1.0:
        raise BadInput(f"a confidence lies between 0 and 1, not {confidence!r}")
    return float(confidence)
