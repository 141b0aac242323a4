"""The coupled noise of a request that another program answers: what the request carries, and whether the server heeds it.

A server that has `harness.vllm` installed draws what the harness's own generator draws. It cannot be asked whether it has,
and vLLM takes arguments that nobody reads without a word, so it is tried: two keys at a temperature at which every token is
as likely as any other must give two replies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

from pydantic import Field, ValidationError

from harness.contract import Record

PREFIX = "harness_"
GROUP, DOOR = "vllm.logits_processors", "harness.vllm:CoupledNoise"
TRIED_AT = 1e4  # logits divided by this are alike
TRIED_TOKENS = 4


class Noise(Record):
    """How one request's tokens are drawn: `key` is that of `request_key`."""

    key: int = Field(ge=-(2**63), lt=2**63)
    temperature: float = Field(gt=0.0, allow_inf_nan=False)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)

    def arguments(self) -> dict[str, int | float]:
        """As vLLM's requests carry it: `vllm_xargs` over HTTP, `extra_args` of the sampling parameters in process."""
        return {PREFIX + name: value for name, value in self.model_dump().items()}


def noise_in(arguments: Mapping[str, Any] | None) -> Noise | None:
    """The noise that a request's arguments ask for, if they do. Raises ValueError, on one line, for one that cannot be."""
    own = {name.removeprefix(PREFIX): value for name, value in (arguments or {}).items() if name.startswith(PREFIX)}
    if not own:
        return None
    try:
        return Noise.model_validate(own)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{PREFIX}{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def heeds_noise(reply: Callable[[Noise], str]) -> bool:
    """Whether replies of `TRIED_TOKENS` tokens, greedy but for the noise, follow its key."""
    return len({reply(Noise(key=key, temperature=TRIED_AT)) for key in (1, 2)}) == 2


def installed_beside_vllm() -> bool:
    """Whether vLLM in this environment finds the noise."""
    return any(found.value == DOOR for found in entry_points(group=GROUP))
