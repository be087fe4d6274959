"""Where the names of people, products and places stand in a text: capitalised words that no sentence asks for."""

import re
from collections.abc import Iterator
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_OPENS_SENTENCE: Final = re.compile(r"(?:\A|[.!?:;…\n•|>]|\d[.)])[\s\"'“”‘’(\[*_#>–—-]*\Z")
_GREETING: Final = re.compile(
    r"\b(?:dear|hi|hello|hey|thanks|thank you|good (?:morning|afternoon|evening|day)|mr|mrs|ms|miss|dr|prof)"
    r"\b\.?,?\s+\Z",
    re.IGNORECASE,
)
_JOINED: Final = re.compile(r"[ \t]+(?:&[ \t]+)?")
# Capitals that claim nothing: the pronoun, courtesies, and what support people write large.
_COURTESIES: Final = (
    "i i'm i've i'd i'll a an ok okay ps p.s faq faqs am pm asap fyi id pin sms url pdf dear hi hello hey good "
    "morning afternoon evening day kind best warm many regards wishes sincerely yours truly cheers thanks thank "
    "you team support customer service care help desk sir madam mr mrs ms miss dr prof there all everyone please "
    "note important january february march april may june july august september october november december monday "
    "tuesday wednesday thursday friday saturday sunday english valued friend"
)
_NO_NAMES: Final = frozenset(_COURTESIES.split())
_OPENING_WORDS: Final = (
    "a an the this that these those your our my we you he she it they i if when where what why how who which "
    "please once after before while as since for from in on at by with without to of and but or so then also "
    "unfortunately thanks thank sorry yes no not all any each every some both here there do does did can could "
    "will would should may might must is are was were have has had let just simply first next finally however "
    "because although open go click tap select choose enter press visit see check use contact call email reply "
    "send try make dear hi hello hey"
)
_STARTERS: Final = frozenset(_OPENING_WORDS.split())


def name_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each single word of each name, such as (5, 10) for "Dear Maria,".

    A lone capital at the beginning of a sentence is no name; after a greeting, beside another one, or in "DHL", it is.
    """
    for run in _runs(text):
        first = run[0]
        opens = _OPENS_SENTENCE.search(text, max(0, first.start() - 12), first.start()) is not None
        greeted = _GREETING.search(text, max(0, first.start() - 20), first.start()) is not None
        names = [word for word in run if _plain(word[0]) not in _NO_NAMES]
        if opens and not greeted and not _is_acronym(first[0]) and (len(run) < 2 or _plain(first[0]) in _STARTERS):
            names = [word for word in names if word is not first]
        yield from ((word.start(), word.start() + len(_bare(word[0]))) for word in names)


def _runs(text: str) -> Iterator[list[re.Match[str]]]:
    run: list[re.Match[str]] = []
    for word in _WORD.finditer(text):
        capital = word[0][0].isupper()
        if run and not (capital and _JOINED.fullmatch(text, run[-1].end(), word.start())):
            yield run
            run = []
        if capital:
            run.append(word)
    if run:
        yield run


def _is_acronym(word: str) -> bool:
    return 2 <= len(word) <= 6 and word.isupper()


def _bare(word: str) -> str:
    return re.sub(r"['’]s?\Z", "", word)


def _plain(word: str) -> str:
    return word.casefold().replace("’", "'")
