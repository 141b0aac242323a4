"""Programs that want a pass without the work, harm, or a message to the next program. Tests and `harness doctor --deep` run
them.

The honest task is `solve(x) = 7919 * x + 31`. A hostile program defines `solve(x)` and does not know the expected values;
those that hunt for them find a secret or nothing. `PRELUDE` is what an attacker is given for free: where to look.
"""

from __future__ import annotations

from harness.sandbox.hostile.bombs import BOMBS
from harness.sandbox.hostile.exits import EXITS
from harness.sandbox.hostile.forgers import FORGERS
from harness.sandbox.hostile.hunters import HUNTERS
from harness.sandbox.hostile.impostors import IMPOSTORS
from harness.sandbox.hostile.messengers import PLACES
from harness.sandbox.hostile.saboteurs import SABOTEURS

HONEST = "def solve(x):\n    return 7919 * x + 31\n"
INPUTS = [[1], [2], [3]]
EXPECTED = [7950, 15869, 23788]
PRELUDE = "PATHS = ['/etc/passwd']; PORT = 22; ABSTRACT = '\\0none'\n"

GROUPS = {
    "exits": EXITS,
    "impostors": IMPOSTORS,
    "forgers": FORGERS,
    "hunters": HUNTERS,
    "bombs": BOMBS,
    "saboteurs": SABOTEURS,
}
HOSTILE = {name: source for group in GROUPS.values() for name, source in group.items()}

__all__ = ["EXPECTED", "GROUPS", "HONEST", "HOSTILE", "INPUTS", "PLACES", "PRELUDE"]
