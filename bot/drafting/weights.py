"""The weights that Sayso ships with: one set for ranking by words alone, one for words and meaning.

Intercept, nearness, margin and agreement are fitted: logistic regression (L2 0.1) on 4,000 questions of CLINC150
(Larson et al. 2019, CC BY 3.0) with 3, 10, 20 and 40 precedents an intent, where a draft is right if its answer is the
one that people chose; `python -m tests.benchmarks.retrieval --fit` prints them again. The benchmark measures on the
other half of the questions. That data has no model and no numbers to check, so the remaining weights are judgement: an
unfounded particular or samples that disagree speak strongly against a draft, a model's own doubt mildly.
"""

from typing import Final

from bot.drafting.confidence import Weights

_JUDGED: Final = {"knowledge": 4.0, "model": 1.0, "ungrounded": -4.0, "doubt": -0.5, "disagreement": -3.0}
WORDS: Final = Weights(intercept=-5.51, by_name={"nearness": 5.4, "margin": 2.84, "agreement": 3.62, **_JUDGED})
MEANING: Final = Weights(intercept=-9.31, by_name={"nearness": 6.63, "margin": 1.39, "agreement": 7.0, **_JUDGED})


def shipped(*, by_meaning: bool) -> Weights:
    """The set for a ranking with or without an embedder."""
    return MEANING if by_meaning else WORDS
