"""Programs that want a pass without the work, or harm. Each defines `solve(x)`; none knows the expected values.

The honest task is `solve(x) = 7919 * x + 31`. Expected values also carry a secret that a program could only find by reading
the parent's memory, files or channel; the programs that hunt for it return whatever they find.
"""

from __future__ import annotations

from hostile.bombs import BOMBS
from hostile.exits import EXITS
from hostile.forgers import FORGERS
from hostile.hunters import HUNTERS
from hostile.impostors import IMPOSTORS
from hostile.saboteurs import SABOTEURS

HONEST = "def solve(x):\n    return 7919 * x + 31\n"
INPUTS = [[1], [2], [3]]
EXPECTED = [7950, 15869, 23788]

HOSTILE = {**EXITS, **IMPOSTORS, **FORGERS, **HUNTERS, **BOMBS, **SABOTEURS}
