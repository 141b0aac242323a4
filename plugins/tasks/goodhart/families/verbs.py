"""Alternations for what a step of an explanation does, shared by the rubrics (matched ignoring case)."""

from __future__ import annotations

FIND = r"\bfind|calculat|comput|work(?:ing)? out|determin|figure out|multipl|apply"
ADD = r"\badd|plus|\bsum(?:med)?\b(?! back)|combin"
SUBTRACT = r"subtract|deduct|minus|\btak(?:e|ing)\b|remov|reduc|differen"
MULTIPLY = r"multipl|\btimes\b|×|\*|scal(?:e|ing)|product"
DIVIDE = r"divid|÷|\bsplit|\bshar(?:e|ing)\b|quotient"
