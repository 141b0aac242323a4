"""The words of operations and what ties them, by the kind of token that they are (see `tokens`)."""

from __future__ import annotations

import re

_DONE = r"(?:(?:is|are|be|being|been|gets?|was)\s+(?:(?:then|also|now|to be)\s+)?)?"
_FAR = r"(?=[^.;\n]{0,50}?\b"  # a particle of the verb's, later in its clause
_OFF = _FAR + r"(?:off|away|from)\b)"
_BACK = _FAR + r"(?:back|backwards?|earlier)\b)"
_ON = _FAR + r"(?:forwards?|ahead|onwards?|later|on)\b)"
_MOVE = r"(?:mov|go|count|turn|shift|set|step|work|advanc)(?:e|es|ing|s)?\b"
_TO_ANOTHER = r"(?=[^.;\n]{0,40} (?:in)?to )"
_COMPARED = r"(?! (?:more|less|greater|at|over|not|longer|larger|higher|smaller)\b)"  # "is more than" equates nothing
_FINDS = r"find|get|determine|calculate|compute|obtain|arrive at|know|see|give|reach|figure out|work out"
_FOUND = (
    r"result|remainder|rest|outcome|product|quotient|sum|total|difference|remaining|amount|number|value|answer|figure"
)
_ALONE = r"(?! ?[\d$](?!\d* times))(?! (?:of|between)\b)"  # "this 20% discount" and "the sum of" are no pronouns

_ALTERNATIVES: dict[str, tuple[str, ...]] = {  # the first kind that fits
    "s": (_DONE + r"(?:subtracted|deducted|removed|withheld|taken (?:off|away|out))\b",),
    "a": (_DONE + r"added\b(?: (?:on|up|together))?",),
    "*": (
        _DONE + r"multiplied (?:by|with)\b",
        r"(?<!of )\btimes\b(?! (?:of|at|when))",
        r"[×⋅·*]",
        r"(?:(?<=[\d)])|(?<=[\d)] ))x(?=[ \d(])",
    ),
    "/": (_DONE + r"(?:divided|split|shared) (?:by|into|among|between)\b", r"÷", r"/"),
    "r": (_DONE + r"(?:reduced|decreased|lowered|diminished|marked down|discounted)\b(?= by)",),
    "i": (_DONE + r"(?:increased|raised)\b(?= by)",),
    "^": (r"\^", r"(?:raised )?to the power (?:of )?"),
    "g": (
        rf"(?:in order )?to (?:{_FINDS})(?: out)?(?: how (?:much|many))?\b",
        r"(?:which|this|that|it)(?: will| would)? (?:gives?|yields?|leaves?|results? in|tells?)(?: you| us| me)?\b",
        r"(?:which |this |that )?(?:brings?|bringing|makes it|reach(?:es|ing)?)(?: (?:you|us|it|the time))?(?: to)?(?= \d)",
        r"(?:giving|leaving|resulting in|yielding|(?:and|you|we) get)(?: you| us)?\b",
    ),
    "U": (r"(?:the )?(?:sum|total|difference|product|quotient|ratio) (?:of|between)\b",),
    "P": (  # the last two results
        r"(?:both|(?:the|these|those)(?: two)?)(?: \w+)?"
        r" (?:results|products|values|numbers|contributions|parts|scores|sums|totals)\b",
        r"(?:these|those|the) two(?: \w+)? \w+s\b",
        r"(?:them|both|the two)\b(?= (?:together|up|to)\b|[.,;]|$)",
    ),
    "K": (r"(?<!the )(?:start|begin)(?:s|ning|ing)? (?:with|from|at)\b",),
    "S": (r"(?:subtract|deduct)(?:s|ing)?\b", r"remov(?:e|es|ing)\b", r"(?:tak(?:e|es|ing)|knock(?:s|ing)?)\b" + _OFF),
    "A": (r"add(?:s|ing)?\b(?: (?:up|together))?", r"combin(?:e|es|ing)\b", r"sum(?:ming)?(?: up)?(?= )"),
    "M": (r"multipl(?:y|ies|ying)\b", r"doubl(?:e|es|ing)\b", r"scal(?:e|ing)(?= )"),
    "D": (r"divid(?:e|es|ing)\b", r"split(?:ting)?\b", r"shar(?:e|ing)(?= )"),
    "R": (r"(?:reduc|decreas|lower)(?:e|es|ing)?\b", _MOVE + _BACK),
    "I": (r"(?:increas|rais)(?:e|es|ing)\b", r"grow(?:s|ing)?\b", _MOVE + _ON),
    "Y": (r"appl(?:y|ies|ying)\b", r"us(?:e|ing)\b"),
    "V": (r"convert(?:s|ing)?\b", r"(?:chang(?:e|ing)|turn(?:ing)?)\b" + _TO_ANOTHER),
    "C": (
        r"(?:calculat|comput|determin|tak|choos)(?:e|es|ing)\b",
        r"(?:find|work|figure)(?:s|ing)?\b(?: out)?",
        r"(?:identify|pick|select|keep)\b",
    ),
    "Z": (
        r"again\b|twice\b|per year\b|year after year\b|repeat\w*|(?:two|three|2|3) times\b",
        r"(?:(?:for|in|of|at the end of) )?(?:each|every|both)(?: of the)?(?: (?:two|three|\d+))? years?\b",
        r"for (?:the|all) (?:two|three|2|3|number of) years\b",
    ),
    "-": (r"(?:minus|less)\b", r"[-−–](?=[\s\d$(A-Za-z])"),
    "+": (r"plus\b", r"\+"),
    "e": (
        r"[=≈]",
        r"\b(?:is|are|equals?|(?:would|will|should) be|becomes?|comes to|gives?|makes?|amounts to)\b"
        r"(?: (?:then|now|therefore|equal to|about|approximately))?" + _COMPARED,
    ),
    "l": (r"later(?: than)?\b", r"(?:after|past)\b"),
    "k": (r"earlier(?: than)?\b", r"before\b"),
    "f": (r"(?:from|off|out of)\b",),
    "b": (r"(?:by|with)\b",),
    "t": (r"(?:to|onto|on|into|in|at|among|between)\b",),
    "o": (r"of\b",),
    "n": (r"and\b", r"&"),
    "(": (r"[({\[]",),
    ")": (r"[)}\]]",),
    ".": (r"[.;!?\n]",),
    ",": (r",",),
    ":": (r":",),
}


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


WORDS = tuple((kind, _any(*alternatives)) for kind, alternatives in _ALTERNATIVES.items())
BACKWARD = _any(  # what was found last
    rf"(?:this|that|these)(?: (?:new|final|reduced|same))?(?: (?:{_FOUND}|time))?\b{_ALONE}",
    r"\bit\b",
    rf"\b(?:the|your|our) (?:(?:new|latest|obtained|resulting|remaining|previous|calculated) )?(?:{_FOUND})"
    rf"(?: (?:amount|value|number|time|price|(?:of|from) (?:step|the previous step)[ \d]*))?\b{_ALONE}",
    r"\bwhat(?:'s| is| remains| you have)(?: (?:left|remaining|by then|now))?\b",
    r"\bthe (?:new|resulting) \w+",
)
OF_A_STEP = _any(  # "the result of step 2", "the first number"
    rf"(?:the |your )?(?:(?:{_FOUND}) )?(?:of|from|in)? ?step (?P<step>\d)\b",
    rf"the (?P<nth>first|second) (?:{_FOUND})\b",
)
ARTICLE = _any(r"(?:the|a|an|its|her|his|their|your|my|our|this|that|these|those|total|full|whole|same)\s+")
DROPPED = _any(
    r"(?:value|amount|number|cost|length|size|duration|worth) of(?: the)?\s+(?=[$\w])", r"both\b", r"together\b"
)
