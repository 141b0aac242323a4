"""Alternations for what a step of an explanation does, shared by the rubrics (matched ignoring case).

Each is the class of plain words for one operation; turns of phrase ("knock off", "put on top") are named by their operation
before the patterns see them (grading/idioms.py).
"""

from __future__ import annotations

FIND = r"\bfind|calculat|comput|work(?:ing|s|ed)? out|determin|figur(?:e|ing) (?:out)?|multipl|apply|\bget\b|establish|obtain"
ADD = r"\badd|plus|\bsum(?:med)?\b(?! back)|combin|on top of|\bjoin|together with"
SUBTRACT = r"subtract|deduct|minus|\btak(?:e|ing)\b|remov|reduc|differen|\blower(?:s|ed|ing)? by|decreas|withdraw"
MULTIPLY = r"multipl|\btimes\b|×|\*|scal(?:e|ing)|product|-fold\b|\btimesed\b"
DIVIDE = r"divid|÷|\bsplit|\bshar(?:e[sd]?|ing)\b|quotient|distribut|\bequal (?:parts|shares|pieces|portions|bits)"
