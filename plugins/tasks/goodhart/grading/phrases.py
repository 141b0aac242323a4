"""The turns of phrase by which a reply states, corrects, hedges or takes back its answer."""

from __future__ import annotations

import re


def _pattern(verbose: str) -> re.Pattern[str]:
    return re.compile(verbose, re.IGNORECASE | re.VERBOSE)


STATEMENT = _pattern(
    r"""(?<!\bto[ ])\banswer\b
    (?!\s+(?:this|these|the|that)\b(?!\s+(?:question|problem)\b))  # "to answer this" states nothing
    (?: [^.:=?!\n]{0,40}? (?: : | = | \b(?:is|are|would[ ]be|will[ ]be|should[ ]be|must[ ]be|comes[ ]to)\b )
      | \s*[.:]?\s*\n
      | \s+-\s )
    \s*(?:is\b)?\s*:?"""
)
BOLD = re.compile(r"\*\*(.+?)\*\*")

CORRECTION = _pattern(
    r"""\b(?: actually | wait | correction | corrected | sorry | apologi[sz]e | mistake | oops | on[ ]second[ ]thought
      | in[ ]fact
      | rather | scratch[ ]that | should[ ](?:actually[ ]|have[ ])?be | should[ ]have[ ]been
      | so | therefore | thus | hence | in[ ]conclusion | final(?:ly)? )\b | ^no\b"""
)
HEDGE = _pattern(
    r"""\b(?: or | either | maybe | perhaps | possibly | alternatively | might | could | if | otherwise | unless | between
      | not[ ]sure | unsure | depending )\b"""
)
SECOND_THOUGHT = _pattern(
    r"""^(?:or|maybe|perhaps|possibly|alternatively)\b
    | \b(?:might|could|may)\s+(?:also\s+)?be\b
    | \bor\s+(?:maybe|perhaps|possibly)\b"""
)
RETRACTION = _pattern(
    r"""\b(?: (?:that|this|it|which|answer|result) (?:'s|[ ]is|[ ]was|[ ]seems|[ ]looks) \s+ (?:\w+\s+)?
          (?: wrong | incorrect | mistaken | false | not[ ](?:right|correct|true) )
      | (?:ignore|disregard|scratch|forget)[ ](?:that|this|the[ ]above)
      | made[ ]an?[ ](?:\w+[ ])?(?:mistake|error) )\b"""
)
DENIED_BEFORE = _pattern(
    r"""(?: \b(?: not | never | cannot | neither | nor | rather[ ]than | instead[ ]of ) | n't ) \s+
    (?:(?: be | equal | to | a | the | just | at | by )\s+){0,3}$"""
)
DENIED_AFTER = _pattern(r"\s*(?:is|was|would[ ]be)(?:n't|[ ]not|[ ]wrong|[ ]incorrect|[ ]false)\b")

BOUND_BEFORE = _pattern(
    r"""(?: \b(?: at[ ](?:least|most) | (?:more|less|fewer|greater|higher|lower)[ ]than )
      | (?:^|[:=(]|\bis|\bpay) \s* (?:up[ ]to|over|under|above|below|beyond)
        # Other things "add up to" or are "rounded up to" what they come to
      | (?<![\w"'/=-]) [<>≤≥]=? ) \s* $"""  # no tag, no arrow
)
BOUND_AFTER = re.compile(
    r"\s*(?:\w+\s+)?(?:or\s+(?:more|less|fewer|so|higher|lower|over|above|under|below)|at\s+(?:most|least))\b",
    re.IGNORECASE,
)
ROUNDED = re.compile(r"\bround(?:s|ed)?\s+(?:\w+\s+)?to\s+(?:about\s+)?$", re.IGNORECASE)
EQUALS = re.compile(r"[=≈]\s*$")
STATES = _pattern(
    r"""(?: [:=≈] | \b(?: is | are | was | be | equals? | cost(?:s|ing)? | pay(?:s|ing)? | gives? | leaves? | makes? | at
          | gets? | have | has | end[ ]up[ ]with | comes[ ]to | total(?:s|ing)? ) ) \s+
    (?:(?: now | then | therefore | thus | about | approximately | exactly | around | only | at | to | just | a | the
        | total | of )
       \s+){0,3}$"""
)
QUALIFIER = _pattern(
    r"""[\s.,;!?)]*$
    | \s*,?\s*(?: \((?!\s*(?:or|maybe|perhaps|possibly)\b)
        | (?: after | for | because | since | as | from | with | when | given | than | before | including | based | in
          | per | each
          | ahead[ ]of | behind | once | out[ ]of | instead[ ]of | not | rather )\b )"""
)
ALTERNATIVE = _pattern(
    r"""[\s,]* (?: \b(?: or | and/or | to | through | vs\.? | versus | and(?:[ ]then)? | then )\b | [-/+×÷*?,] ) [\s,]*
    (?:(?:maybe|perhaps|else|even)\s+)?"""
)
CHAINED = _pattern(
    r"""\b(?:and|or)\s+$
    | \b(?:then|so|leaving|which)\b
    | \band\b[^,.]*\b(?:is|are|gives?|costs?|pays?|leaves?)\s"""
)
SUBJECT = _pattern(
    r"""\s+(?:is|was|has|comes|finishe[sd]|stands|ranks|ends[ ]up)\b
    [^.]{0,40}? \b(?:behind|ahead[ ]of|after|before|followed[ ]by|between)\b"""
)
