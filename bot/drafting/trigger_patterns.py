"""The small table of patterns behind the triggers; `unless` names the company in which the words mean nothing."""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is looked for, and what beside it makes it harmless."""

    finds: re.Pattern[str]
    unless: re.Pattern[str] | None = None


def _p(finds: str, unless: str | None = None, *, case: bool = False) -> Pattern:
    flags = 0 if case else re.IGNORECASE
    return Pattern(re.compile(finds, flags), re.compile(unless, re.IGNORECASE) if unless else None)


_SOMEONE: Final = (
    r"(?:a|an|the|your|another|some)?\s?(?:real|live|actual|human)?\s?"
    r"(?:person|human(?: being)?|agent|representative|rep|supervisor|manager|operator|advisor|adviser|somebody|"
    r"someone)\b"
)
_NOT_NOW: Final = (
    r"\b(?:spoke|talked|chatted|spoken|told by|like a|as a|become|yesterday|last (?:week|time|month)|"
    r"my manager|my agent)\b"
)

PERSON: Final = (
    _p(
        rf"\b(?:speak|talk|chat|connect(?:ed)?|transfer(?:red)?|put)\b(?: me)?(?: directly)? (?:to|with|"
        rf"through to) {_SOMEONE}",
        rf"{_NOT_NOW}|\bhow (?:do|can) i (?:become|add|invite)\b|\bwithout (?:having to |needing to )?(?:speak|talk)",
    ),
    _p(
        r"\b(?:want|need|get|give me|ask for|prefer|would like|'d like) (?:to have )?(?:a |an )?(?:real|live|"
        r"actual|human) "
        r"(?:person|human|agent|being|representative|rep|support|operator)\b",
        r"\bbecome\b",
    ),
    _p(r"\b(?:real|live|actual) (?:person|human)(?:,? (?:please|now)|\b[.!?])", _NOT_NOW),
    _p(
        r"\b(?:human|agent|representative|operator),? (?:please|now)\b|^\s*(?:human|agent|representative|"
        r"operator)[.!]*\s*$"
    ),
    _p(
        r"\b(?:not|no more|stop (?:with )?(?:the|these)|sick of (?:the|this|these)|tired of (?:the|this|these)|hate) "
        r"(?:an? |the |your )?(?:bots?|chat ?bots?|robots?|automated (?:replies|answers|messages))\b",
        r"\b(?:i'?m|i am) not a (?:ro)?bot|captcha|verif",
    ),
    _p(
        r"\b(?:let me|i(?:'d| would) (?:like|want) to|i (?:want|need|demand) to|can i|could i|"
        r"may i) (?:please )?(?:speak|talk) "
        r"(?:to|with) (?:a |an |the |your )?(?:manager|supervisor|boss|team|support)\b",
        r"\bmy manager\b",
    ),
    _p(r"\bescalate (?:this|my (?:case|ticket|issue|complaint))\b"),
)

LEGAL: Final = (
    _p(
        r"\b(?:my|our|a|an|the|contact(?:ing)?|hire|hired|consult(?:ing)?|through) (?:lawyers?|attorneys?|"
        r"solicitors?|legal (?:counsel|team))\b",
        r"\b(?:i am|i'm|we are|as) an? (?:lawyer|attorney|solicitor)|power of attorney|your (?:plan|software)|"
        r"for (?:a )?law(?:yers)?\b|discount|jokes?\b",
    ),
    _p(
        r"\b(?:lawsuit|small claims|ombudsman|trading standards|better business bureau|class action|"
        r"consumer protection|"
        r"data protection (?:authority|commissioner)|information commissioner)\b"
    ),
    _p(
        r"\b(?:legal (?:action|proceedings|steps|consequences|notice)|take (?:you|this|the company) to court|"
        r"see you in court|in court)\b",
        r"\b(?:tennis|food|basketball)\b",
    ),
    _p(
        r"\b(?:will|going to|gonna|have to|may|might|could|should|threaten(?:ing)? to|about to|'ll) sue\b|"
        r"\bsuing (?:you|the|your|them|this)\b"
    ),
    _p(
        r"\b(?:report|reporting|reported) (?:you|this|your company|it) to (?:the )?(?:police|authorities|"
        r"regulators?|ftc|bbb|fca|cfpb|court)\b"
    ),
    _p(
        r"\b(?:file|filing|filed|open|opening|do|initiate|start|request) (?:a |an )?(?:chargeback|"
        r"dispute with my bank|police report)\b"
    ),
    _p(
        r"\b(?:GDPR|CCPA|DSGVO|DSAR|subject access request|right to (?:erasure|be forgotten))\b",
        r"\b(?:are you|is (?:it|this|your \w+)) gdpr|gdpr[- ](?:compliant|ready)",
    ),
    _p(
        r"\b(?:breach of contract|violat(?:es|ed|ion of) (?:the law|my rights|consumer law)|fraud charges|"
        r"press charges)\b"
    ),
)

SAFETY: Final = (
    _p(
        r"\b(?:suicid(?:e|al)|kill(?:ing)? myself|end(?:ing)? my (?:own )?life|hurt(?:ing)? myself|"
        r"harm(?:ing)? myself|self[- ]harm|"
        r"want to die|don't want to live|no reason to live)\b",
        r"\bsuicide squad\b",
    ),
    _p(
        r"\b(?:caught|catch(?:es|ing)?|is on|was on|went on|set on|started a) fire\b|\bburst into flames\b",
        r"\bfire (?:tv|stick|tablet|sale|hd)\b|\bcatch(?:ing)? fire on (?:social|tiktok)|catching fire (?:movie|"
        r"book|dvd)",
    ),
    _p(
        r"\b(?:battery|charger|phone|device|laptop|oven|heater|it|cable|plug|unit|scooter|bike|machine|"
        r"product)\b[^.\n]{0,30}\b"
        r"(?:exploded|smok(?:ing|ed)|is burning|sparks|sparking|overheated|melted)\b",
        r"\bin sparks\b",
    ),
    _p(
        r"\b(?:i|my (?:\w+ )?(?:son|daughter|child|kid|baby|wife|husband|mother|father|mom|mum|dad|dog|cat|hand|"
        r"face|skin))\b[^.\n]{0,40}\b"
        r"(?:injured|bleeding|burned|burnt|electrocuted|shocked by|poisoned|hospitali[sz]ed|choked|choking|"
        r"unconscious)\b",
        r"\bcalories|burn(?:ed|t) (?:a |the )?(?:cd|dvd|disc|dinner|toast|cake)|shocked by (?:the|your|"
        r"how) (?:price|bill|cost|service)",
    ),
    _p(
        r"\belectric(?:al)? shock\b|\bgas leak\b|\bcarbon monoxide\b|\banaphyla|\ballergic reaction\b|"
        r"\bmedical emergency\b",
        r"\b(?:detector|alarm|sensor|proof|protection)\b",
    ),
    _p(
        r"\b(?:in|to|at) (?:the )?(?:hospital|emergency room|a&e)\b",
        r"\b(?:deliver|ship|address|works?|nurse|doctor|job|visit|traffic|route|travel\w*|uber|taxi|meet)",
    ),
    _p(r"\bcall(?:ed|ing)? (?:911|999|112|an ambulance|the fire (?:brigade|department))\b"),
    _p(
        r"\b(?:i'?ll|i will|going to|gonna) (?:kill|hurt|find|shoot|attack) (?:you|him|her|them|someone)\b",
        r"\bfind (?:you|them|someone) a\b",
    ),
    _p(r"\bswallowed (?:a|the|some|one)\b"),
)

STRONG_ANGER: Final = (
    _p(
        r"\b(?:furious|outrag(?:ed|eous)|livid|infuriat(?:ed|ing)|disgust(?:ed|ing)|pissed(?: off)?|appall(?:ed|"
        r"ing))\b",
        r"\bfast and furious\b",
    ),
    _p(r"\b(?:totally|absolutely|completely|simply|just|is|are|was|this) unacceptable\b|\bunacceptable[.!]"),
    _p(
        r"\bworst\b[^.\n]{0,20}\b(?:service|company|experience|support|customer|app|product|purchase|ever)\b",
        r"\b(?:weather|day|headache)\b",
    ),
    _p(r"\b(?:fed up|sick (?:and tired )?of (?:you|your|this|waiting|being)|had enough of (?:you|your|this))\b"),
    _p(
        r"\b(?:you|your company|this company|you people|you guys|this) (?:are|is|'re)?\s?(?:a |an |"
        r"all )?(?:bunch of )?"
        r"(?:scam(?:mers)?|thieves|crooks|liars|incompetent|idiots|rip[- ]?off|fraudsters|robbery|a joke|pathetic)\b",
        r"\b(?:is this (?:a |an )?(?:scam|fraud)|e-?mail|text message|received|phishing)",
    ),
    _p(
        r"\b(?:what the (?:hell|fuck)|wtf|bullshit|fuck(?:ing|ed)?|piece of (?:shit|crap|junk)|shitty|screw you|"
        r"go to hell)\b"
    ),
    _p(r"\b(?:stole|stealing) my money\b|\bnever (?:buy|order|shop|use)(?:ing)?\b[^.\n]{0,20}\b(?:you|here) again\b"),
    _p(r"\b(?:i am|i'm|we are|we're) (?:really |very |so |extremely |quite )?(?:angry|mad at|outraged|irate)\b"),
)

WEAK_ANGER: Final = (
    _p(r"\bridiculous(?:ly)?\b", r"\b(?:ridiculously (?:good|fast|cheap|happy))"),
    _p(
        r"\b(?:terrible|horrible|awful|pathetic|useless|a joke|shameful|disgraceful)\b",
        r"\b(?:weather|headache|not (?:terrible|horrible|awful))\b",
    ),
    _p(
        r"\b(?:frustrat(?:ed|ing)|annoy(?:ed|ing)|disappoint(?:ed|ing)|upset|unhappy)\b",
        r"\bnot (?:\w+ )?(?:frustrated|annoyed|disappointed|upset|unhappy)",
    ),
    _p(
        r"\b(?:for weeks|for months|weeks ago|months ago|third time|how many times|every single time|"
        r"over and over)\b"
    ),
    _p(r"\b(?:refund (?:me )?(?:now|immediately)|money back (?:now|immediately|at once)|i demand|immediately[.!])"),
    _p(
        r"\b(?:waste of (?:time|money)|no one (?:answers|responds|replies|cares)|nobody (?:answers|responds|"
        r"replies|cares)|ignor(?:ed|ing) me)\b"
    ),
    _p(r"\bhow (?:dare|hard can it be)\b|\bare you (?:kidding|serious)\b|\bseriously\?"),
)

ATTACHED: Final = (
    _p(
        r"\b(?:see|find|check|look at|refer to|view) (?:the |my |an? )?(?:attached|attachments?|enclosed|"
        r"screenshots?|photos?|pictures?)\b",
        r"\b(?:how (?:do|can|to)|can(?:'t|not)|unable|where (?:do|can)|let me|won't|in (?:the|my) (?:app|"
        r"gallery|cloud))\b",
    ),
    _p(
        r"\b(?:attached|enclosed) (?:is|are|you(?:'ll| will)|please|below|here|a|an|the|my|our)\b|\b(?:is|"
        r"are) attached(?: below| here)?[.!\n]",
        r"\b(?:you attached|how (?:do|can|to)|strings? attached|(?:is|was|are) (?:not|no longer) attached|"
        r"attached to (?:the|my|a))\b",
    ),
    _p(
        r"\b(?:i|i've|i have|we|we've|we have|i am|i'm) (?:just |also )?(?:attach(?:ed|ing)?|enclos(?:ed|ing)|"
        r"upload(?:ed|ing)) "
        r"(?:a|an|the|my|some|two|three|our) (?:\w+ )?(?:screenshots?|photos?|pictures?|images?|files?|"
        r"receipts?|invoices?|videos?|documents?|logs?|pdfs?)\b",
        r"\b(?:can(?:'t|not)|unable|how|when i|every time|error)\b",
    ),
    _p(
        r"\b(?:screenshot|photo|picture|receipt|invoice|video) (?:is )?(?:attached|below|enclosed)\b",
        r"\bno (?:screenshot|photo)\b",
    ),
)

INSTRUCTIONS: Final = (
    _p(
        r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|all|your|"
        r"system|these|the)\b[^.\n]{0,20}"
        r"\b(?:instructions?|rules|prompts?|polic(?:y|ies)|guidelines|guardrails)\b"
    ),
    _p(
        r"\b(?:set|report|use|give|return|output|make)\b[^.\n]{0,30}\bconfidence\b[^.\n]{0,30}(?:\b(?:high|"
        r"highest|maximum|100)\b|\b[01]?\.\d+|\b1\b)"
    ),
    _p(
        r"\b(?:system prompt|developer message|you are now (?:a|an|in|the)|act as (?:a|an|the) (?:admin|"
        r"developer|system)|jailbreak|DAN mode)\b",
        r"\byou are now (?:a|an) (?:member|customer|subscriber)",
    ),
    _p(r"<\|?(?:system|im_start|assistant|end_of_turn)\|?>|\[/?INST\]|^\s*(?:system|assistant)\s*:", None),
    _p(
        r"\b(?:dear|hey|attention|note to(?: the)?) (?:ai|llm|language model|chatgpt|assistant)\b|"
        r"\bas an ai (?:you|model)\b",
        r"\bhey assistant\b",
    ),
    _p(
        r"\b(?:approve|send|issue|grant) (?:this|it|the refund) (?:automatically|without (?:human|review|asking|"
        r"approval))"
    ),
)
