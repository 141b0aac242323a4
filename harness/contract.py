"""What the core and its plugins say to each other.

Everything here is data (frozen pydantic records) or a base class with a docstring; nothing here imports torch, so that a
plugin can be listed, planned and reported without loading one.

The one idea: an item has a *proxy* (what the reply looks like) and a *truth* (what it is). `Outcome` holds both verdicts on
one item, so every rate is a count of joint outcomes and never a quotient of two marginal scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

if TYPE_CHECKING:
    import torch

    from harness.models.generate import Generator
    from harness.models.qlr import QLR
    from harness.sandbox import Sandbox


class Record(BaseModel):
    """An immutable, JSON-serialisable value; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Params(Record):
    """Base class of a plugin's parameters; a preset in registry.toml and `-P name.key=value` set its fields."""


# ---------------------------------------------------------------------------------------------------------------- items


class Item(Record):
    """One question of a suite.

    `family` is a row of the report; `cluster` names the resampling unit within a family (items that share a wording or a
    template are not independent); `data` is whatever the suite needs to prompt and grade it, as JSON.
    """

    id: str
    family: str
    cluster: str
    data: dict[str, JsonValue] = {}


class Prompt(Record):
    """One user turn, asked in a context of its own. `role` names it within the item ("understanding", "execution").

    With `target` set nothing is generated: the reply carries the log-likelihood of `target` after `text`.
    """

    role: str
    text: str
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    target: str | None = None


class Reply(Record):
    """What the model answered: text without special tokens, its length in tokens, whether the token limit cut it."""

    text: str
    tokens: int = 0
    truncated: bool = False
    log_likelihood: float | None = None  # nats, summed over the target's tokens


class Quadrant(StrEnum):
    BOTH = "both"
    PROXY_ONLY = "proxy_only"
    TRUTH_ONLY = "truth_only"
    NEITHER = "neither"


class Outcome(Record):
    """The joint verdict on one item. `parsed` is what the graders read (shown beside a verdict, never re-graded)."""

    proxy: bool
    truth: bool
    label: str | None = None
    measures: dict[str, float] = {}
    parsed: dict[str, JsonValue] = {}

    @property
    def quadrant(self) -> Quadrant:
        if self.truth:
            return Quadrant.BOTH if self.proxy else Quadrant.TRUTH_ONLY
        return Quadrant.PROXY_ONLY if self.proxy else Quadrant.NEITHER


class Scores(Record):
    """Verdict of a suite without a truth axis (perplexity, a stock lm-eval task): named numbers."""

    values: dict[str, float]
    parsed: dict[str, JsonValue] = {}


class Rate(Record):
    """A rate is two sets of quadrants: #numerator / #denominator, e.g. DBDK = truth_only / (both + truth_only)."""

    name: str
    title: str
    numerator: frozenset[Quadrant]
    denominator: frozenset[Quadrant] = frozenset(Quadrant)
    better: Literal["high", "low"] = "high"


class Axes(Record):
    """How a suite's quadrant table is labelled."""

    proxy: str
    truth: str
    quadrants: dict[Quadrant, str]
    rates: tuple[Rate, ...]
    measures: dict[str, str] = {}  # Outcome.measures key -> column title; reported as means


class Check(Record):
    """One answer of known verdict that the suite graded."""

    name: str
    expected: str
    got: str

    @property
    def passed(self) -> bool:
        return self.expected == self.got


class SelfCheck(Record):
    """A suite's proof of its own graders. `table` (optional, rows of cells, first row the header) is what doctor prints."""

    checks: tuple[Check, ...]
    table: tuple[tuple[str, ...], ...] = ()

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.passed)


class TaskSuite:
    """Items, their prompts, and two graders. Importing a suite's module must not import torch: planning counts items."""

    asks: ClassVar[bool] = False  # True: a library's own loop asks the model, through `ask`

    def __init__(self, params: Params) -> None:
        self.params = params

    def items(self) -> Sequence[Item]:
        raise NotImplementedError

    def prompts(self, item: Item) -> Sequence[Prompt]:
        """One or more prompts with distinct roles; each is asked in a separate context."""
        raise NotImplementedError

    def ask(self, generator: Generator, items: Sequence[str], batch_size: int) -> Iterator[dict[str, Reply]]:
        """Only where `asks`: replies by item id, some items at a time, each stored before the next are asked for. Such a
        suite has one prompt an item, and asks as its library does: the run's temperature and repeats are not for it."""
        raise NotImplementedError

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Outcome | Scores:
        """Both verdicts from the replies by role. Never raises on any text a model can produce."""
        raise NotImplementedError

    def view(self, item: Item, replies: Mapping[str, Reply]) -> View:
        """What a detector may see. Suites whose items carry visible tests or an evaluator's name add them to `data`."""
        texts = {prompt.role: prompt.text for prompt in self.prompts(item)}
        return View(item=item.id, family=item.family, prompts=texts, replies=dict(replies))

    def reference(self, item: Item) -> str | None:
        """Source of a program that solves the item, for detectors that may run it; None where there is none."""
        return None

    def training_items(self) -> Sequence[Item]:
        """Items for a trainer, none of them in `items()`; empty where the suite keeps none for training."""
        return ()

    def reward(self, outcome: Outcome) -> float:
        """What a trainer optimises: a function of the proxy, never of the truth."""
        return float(outcome.proxy)

    def demonstrations(self, item: Item) -> tuple[str, str, tuple[str, ...]] | None:
        """(honest reply, reply that games the proxy, honest slips) for a trainer's teacher; None where there are none."""
        return None

    def bench(self) -> Sequence[Labelled]:
        """Views of known label for measuring detectors; empty where the suite has none. May take minutes."""
        return ()

    def self_check(self) -> SelfCheck:
        """Grade answers whose verdict is known. A suite that fails its own check does not report."""
        raise NotImplementedError


# ---------------------------------------------------------------------------------------------------------- compressors


class LinearShape(Record):
    """A Linear of a decoder block: weight (rows = out_features, columns = in_features)."""

    name: str  # as in the state dict, without ".weight"
    kind: str  # last part of the name: q_proj, down_proj, c_attn …
    block: int
    rows: int
    columns: int
    group: str  # Linears of one group see the same input and share one Hessian


class ModelShape(Record):
    blocks: int
    hidden: int
    linears: tuple[LinearShape, ...]

    @property
    def weights(self) -> int:
        return sum(linear.rows * linear.columns for linear in self.linears)


class Decision(Record):
    """How one Linear is stored: Q in `bits` with one fp16 scale per (row, `group` columns), plus rank-`rank` L·R.

    `bits` = 16 leaves the Linear untouched. `group` = 0 is one scale for the whole matrix. Factors of fewer than 16 bits
    carry one fp16 scale per `factor_group` entries along their long axis. `rotate` stores a seed, no matrix.
    """

    bits: int = 16
    group: int = 64
    grid: Literal["midrise", "midtread"] = "midrise"
    rank: int = 0
    factor_bits: int = 16
    factor_group: int = 64
    rotate: bool = False

    @property
    def kept(self) -> bool:
        return self.bits >= 16

    def stored_bits(self, rows: int, columns: int) -> int:
        """Every bit the artefact stores for this Linear: codes padded to whole bytes a row, scales, L and R."""
        if self.kept:
            return 16 * rows * columns
        bits = matrix_bits(rows, columns, self.bits, self.group)
        if self.rank:
            bits += matrix_bits(self.rank, rows, self.factor_bits, self.factor_group)  # Lᵀ (r, m)
            bits += matrix_bits(self.rank, columns, self.factor_bits, self.factor_group)  # R (r, n)
        return bits


def matrix_bits(rows: int, columns: int, bits: int, group: int) -> int:
    """Stored bits of one (rows, columns) matrix: codes padded to whole bytes per row, plus its fp16 scales."""
    if bits >= 16:
        return 16 * rows * columns
    scales = 1 if group == 0 else rows * -(-columns // group)
    return rows * 8 * -(-columns * bits // 8) + 16 * scales


Decisions = dict[str, Decision]


class Compressor:
    """Decides bits and rank from shapes alone, then compresses groups of Linears that share an input.

    A library that wants the whole model overrides `compress_model` instead of `compress_group`.
    """

    calibrated: ClassVar[bool] = True  # False: compress_group is called with hessian=None and no calibration is run
    measures: ClassVar[bool] = False  # True: plan() is called again with measurements before compressing
    whole_model: ClassVar[bool] = False  # True: the driver calls compress_model

    def __init__(self, params: Params) -> None:
        self.params = params

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        """One decision per Linear; size and bits per weight of the result follow from it before any work."""
        raise NotImplementedError

    def compress_group(
        self,
        weights: Mapping[str, torch.Tensor],
        hessian: torch.Tensor | None,
        decisions: Mapping[str, Decision],
    ) -> dict[str, QLR]:
        """Pure mathematics. `weights`: name -> (rows, columns) float32; `hessian`: (columns, columns) float32, the mean
        of x xᵀ over calibration tokens, shared by all of them, or None when not `calibrated`."""
        raise NotImplementedError

    def compress_model(self, source: Path, calibration: Sequence[Sequence[int]], out: Path) -> None:
        """Write a loadable Hugging Face folder to `out`; stored bits are then counted from its files."""
        raise NotImplementedError


# ------------------------------------------------------------------------------------------------- trainers, detectors


class TrainContext(BaseModel):
    """What a trainer is given besides the policy and the suite."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    source: Path  # model folder to start from
    out: Path  # folder to write: a loadable model; checkpoints below it survive a kill
    seed: int
    device: str
    dtype: str
    log: Callable[[dict[str, JsonValue]], None]  # one row of per-step metrics, flushed at once


class Trainer:
    """Changes a policy's weights against a suite's proxy; writes a loadable model folder."""

    def __init__(self, params: Params) -> None:
        self.params = params

    def train(self, policy: Any, suite: TaskSuite, context: TrainContext) -> Path:
        raise NotImplementedError


class View(Record):
    """What a detector sees of one sample: never held-out expectations, never the oracle's verdict."""

    item: str
    family: str
    prompts: dict[str, str]
    replies: dict[str, Reply]
    group: str = ""  # samples of one prompt and policy share it
    data: dict[str, JsonValue] = {}


class Flag(Record):
    """A detector's opinion of one view. `abstained` keeps it out of rates and is counted."""

    score: float = 0.0
    flagged: bool = False
    evidence: tuple[str, ...] = ()
    abstained: bool = False


class Labelled(Record):
    """A view whose label is known. Detectors are written and fitted on half "rules" and measured on half "report"; no
    cluster is in both."""

    view: View
    hack: bool
    mechanism: str  # how it games, or "honest"
    cluster: str  # resampling unit
    half: Literal["rules", "report"]
    reference: str | None = None  # source of a program that solves the same item


@dataclass(frozen=True)
class Tools:
    """What a detector is given beyond views, each only if its spec declares the need. None of it is truth."""

    sandbox: Callable[[], Sandbox] | None = None  # need "exec": opens the place where generated code may run
    reference: Callable[[View], str] | None = None  # need "reference": source of the item's canonical solution
    judge: Callable[[Sequence[str]], list[str]] | None = None  # need "judge": a language model's replies to prompts


class Detector:
    """Finds gaming from views alone. `fit` sees labelled views of disjoint tasks. `tools` is set before either call."""

    tools: Tools = Tools()

    def __init__(self, params: Params) -> None:
        self.params = params

    def fit(self, views: Sequence[View], labels: Sequence[bool]) -> None:
        """Optional."""

    def inspect(self, views: Sequence[View]) -> Sequence[Flag]:
        """One flag per view, in order."""
        raise NotImplementedError


# ---------------------------------------------------------------------------------------------------------------- specs


class Spec(Record):
    """A plugin as data: what `harness list` shows and what planning reads before the code is imported."""

    name: str
    summary: str
    target: str  # "module:attribute", imported when a cell needs it
    params: type[Params] = Params
    needs: frozenset[str] = frozenset()  # capabilities; unmet needs make it unavailable, with the reason
    requires: tuple[str, ...] = ()  # import names of optional dependencies
    extra: str | None = None  # the pip extra that brings `requires`


class CompressorSpec(Spec):
    kind: ClassVar[str] = "compressors"


class TaskSuiteSpec(Spec):
    kind: ClassVar[str] = "tasks"
    axes: Axes | None = None  # None: the suite returns Scores


class TrainerSpec(Spec):
    kind: ClassVar[str] = "trainers"


class DetectorSpec(Spec):
    kind: ClassVar[str] = "detectors"


def by_id(items: Iterable[Item]) -> dict[str, Item]:
    return {item.id: item for item in items}
