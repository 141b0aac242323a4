"""The coupled noise inside vLLM: a logits processor by which vLLM draws the tokens that the harness's own generator draws.

vLLM loads it by the entry point `vllm.logits_processors` wherever this package is installed beside it. A request that is
greedy and carries `Noise` gets the token of `harness.models.sampling.draw`; every other request is left alone.

vLLM has two model runners with an interface each (V1, and V2 since 0.3x) and one entry point for both, so one class
implements both. Instead of adding noise to every logit it sets the winner's to +inf: greedy decoding takes it, noise is
computed only for tokens that can win, and being loaded twice changes nothing.

This module is imported by vLLM alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from vllm.v1.sample.logits_processor import LogitsProcessor as Processor
from vllm.v1.sample.logits_processor.builtin import process_dict_updates

from harness.lm_eval.backends.noise import Noise, noise_in
from harness.models.sampling import Sampling, draw

try:
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor as SlotProcessor
except ImportError:  # a vLLM without the second runner
    SlotProcessor = object


class Row(NamedTuple):
    """A row of logits that wants noise, and the place in its reply that the next token takes."""

    row: int
    noise: Noise
    position: int


class CoupledNoise(Processor, SlotProcessor):
    """Both of vLLM's interfaces. V1 numbers requests by their row in the batch, V2 by a slot that they keep."""

    def __init__(self, vllm_config: Any, *place: Any) -> None:
        """`place` is (device, whether memory is pinned) in V1, and the state of all requests in V2."""
        self.state = place[0]
        self.asked: dict[int, tuple[Noise, list[int]]] = {}  # V1: row -> noise and the reply so far, which vLLM extends
        self.slots: dict[int, Noise] = {}  # V2

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """Raises ValueError for a request whose noise cannot be drawn; vLLM refuses it with these words."""
        if noise_in(sampling_params.extra_args) is not None and sampling_params.temperature != 0:
            raise ValueError("coupled noise goes with temperature 0: harness_temperature is the one that counts")

    def is_argmax_invariant(self) -> bool:
        return False

    # ----------------------------------------------------------------------------------------------------- the V1 runner

    def update_state(self, batch_update: Any) -> None:
        process_dict_updates(self.asked, batch_update, _asked)

    # ----------------------------------------------------------------------------------------------------- the V2 runner

    def add_request(self, req_idx: int, sampling_params: Any) -> bool:
        noise = noise_in(sampling_params.extra_args)
        self.slots.pop(req_idx, None)
        if noise is not None:
            self.slots[req_idx] = noise
        return noise is not None

    def _rows(self, context: Any) -> Iterable[Row]:
        if not self.slots:
            return
        places = zip(context.expanded_idx_mapping.tolist(), context.pos.tolist(), strict=True)
        for row, (slot, read) in enumerate(
            places
        ):  # `read`: where the last token that was read stands, prompt included
            if slot in self.slots:
                yield Row(row, self.slots[slot], read + 1 - int(self.state.prompt_len.np[slot]))

    # -------------------------------------------------------------------------------------------------------------- both

    def apply(self, logits: torch.Tensor, context: Any = None) -> torch.Tensor:
        """(rows, V) float32 logits, changed in place."""
        if context is None:
            rows: Iterable[Row] = (Row(row, noise, len(reply)) for row, (noise, reply) in self.asked.items())
        else:
            rows = self._rows(context)
        alike: dict[Sampling, list[Row]] = defaultdict(list)
        for row in rows:
            alike[Sampling(temperature=row.noise.temperature, top_p=row.noise.top_p)].append(row)
        for sampling, members in alike.items():
            _place(logits, members, sampling)
        return logits


def _asked(params: Any, _: list[int] | None, reply: list[int]) -> tuple[Noise, list[int]] | None:
    noise = noise_in(params.extra_args)
    return None if noise is None else (noise, reply)


def _place(logits: torch.Tensor, members: list[Row], sampling: Sampling) -> None:
    """Let the tokens that the noise draws win. Rows that are not finite stay as they are."""

    def own(values: Iterable[int]) -> torch.Tensor:
        return torch.tensor(list(values), dtype=torch.int64, device=logits.device)

    rows = own(member.row for member in members)
    keys, positions = own(member.noise.key for member in members), own(member.position for member in members)
    tokens, finite = draw(logits[rows], keys, positions, sampling)
    logits[rows[finite], tokens[finite]] = float("inf")
