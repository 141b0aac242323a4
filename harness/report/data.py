"""What a report is made of: the store fills these records from a run folder, published aggregates fill `SummaryRow`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field, JsonValue, SkipValidation

from harness.contract import Axes, Confusion, Control, Flag, Outcome, Quadrant, Record, Scores
from harness.store.run import CompressionFacts


class CellSummary(Record):
    """One cell of the cross product: what it was, how far it got, why samples are missing."""

    id: str
    model: str
    suite: str  # key of ReportData.suites
    compressor: str = "none"
    method: str = ""  # compressors of one method differ in numbers alone: they are one line against size
    draw_of: str = ""  # the randomised control that this compressor is one draw of
    trainer: str = "none"
    seed: int = 0
    training: str | None = None  # key of what the trainer learned; arms that share it differ in deployment alone
    trained_on: str = ""  # the suite that the trainer was given, where it is another than this one
    deployment: dict[str, JsonValue] = Field(default_factory=dict)  # the trainer's deployment parameters
    compression: CompressionFacts | None = None
    fidelity: tuple[str, float] | None = (
        None  # the score of another suite that stands beside the size: its key, its mean
    )
    state: Literal["done", "failed", "partial"] = "done"
    error: str | None = None
    planned: int = 0  # samples: items × repeats
    attempted: int = 0
    scored: int = 0
    excluded: dict[str, int] = Field(default_factory=dict)  # reason -> samples
    seconds: float | None = None
    truncation_known: bool = True  # False: the backend does not say which replies the token limit cut


class Row(NamedTuple):
    """One sample: an item, asked once. `verdict` is None exactly where `error` says why."""

    item: str
    family: str
    cluster: str
    repeat: int = 0
    verdict: Outcome | Scores | None = None
    error: str | None = None
    truncated: bool = False


class Contrast(Record):
    """A comparison declared before the run: two cells that differ in one factor. Together they are the multiplicity
    family."""

    base: str  # cell id
    other: str  # cell id
    factor: str  # "compressor", "trainer", "placebo" …


class SummaryRow(Record):
    """A published aggregate: joint counts without item links, so nothing in it can be paired."""

    suite: str
    experiment: str  # the rows of one experiment stand in one table
    label: str
    n: int  # samples
    counts: dict[Quadrant, int]
    items: int | None = None  # distinct items behind the n samples; None: each sample is an item
    measures: dict[str, float] = Field(default_factory=dict)
    base: str | None = None  # label of the row of its experiment that it is compared with
    compression: CompressionFacts | None = None
    source: str = ""
    caveats: tuple[str, ...] = ()  # what is known to be wrong with the published figures


class FlagRow(Record):
    item: str
    repeat: int = 0
    flag: Flag


class LabelledSample(Record):
    """What a reader said of one reply of the run."""

    cell: str
    item: str
    repeat: int
    reading: str
    text: str  # digest of question and reply; samples that share it were read once
    label: bool


class DetectorRun(Record):
    """One detector over one cell, or the reason why it could not be run there."""

    cell: str
    detector: str
    flags: SkipValidation[Sequence[FlagRow]] = ()
    not_applicable: str | None = None
    error_rates: Confusion | None = None  # as measured on the suite's bench, where `harness detectors` has done so
    used_in_training: bool = False  # a monitor that trained the arm must not be read as its grader


class FrozenThreshold(Record):
    """The limit that another run set a detector, or the reason why there is none."""

    suite: str = ""
    detector: str
    above: float = 1.0  # a higher score is flagged
    honest: int = 0  # samples that it judged there …
    flagged: int = 0  # … and those of them that the threshold flags
    shared: int = 0  # samples there on problems of this run, which were not used
    other_code: bool = False  # it, or what it stands on, has changed since
    reason: str = ""


class FrozenDetectors(Record):
    source: str  # the run folder
    thresholds: tuple[FrozenThreshold, ...]


class TrainingRun(Record):
    """One training run, step by step; all cells that sample its weights share it."""

    model: str
    suite: str
    trainer: str
    seed: int
    training: str | None = None  # its key; arms that share it differ in deployment alone
    params: dict[str, JsonValue] = Field(default_factory=dict)
    monitor: str | None = None  # the detector that steered it
    rows: tuple[dict[str, JsonValue], ...] = ()


class PublishedSpread(Record):
    mean: float
    sd: float | None = None


class PublishedDelta(PublishedSpread):
    seeds: tuple[int, ...]


class TrainingSummary(Record):
    """A published training arm: means over seeds. `seeds` names a seed as often as it was run."""

    suite: str
    experiment: str  # the rows of one experiment stand in one table
    label: str
    seeds: tuple[int, ...]
    rates: dict[str, PublishedSpread]  # by the suite's name of the rate
    against: tuple[str, ...] = ()  # labels of the rows of its experiment that it was compared with
    deltas: dict[str, PublishedDelta] = Field(default_factory=dict)  # to the first of them, as published
    source: str = ""
    caveats: tuple[str, ...] = ()


class PublishedCheck(Record):
    name: str
    claim: str
    threshold: str
    achieved: str | None = None  # None: no figure was published


class PublishedChecks(Record):
    """Checks that an experiment set itself, with what it published about them."""

    name: str
    source: str
    caveats: tuple[str, ...] = ()
    rows: tuple[PublishedCheck, ...]


class ExtraSection(Record):
    """What a plugin adds to the report."""

    title: str
    markdown: str


class TrustFooter(Record):
    """What a sceptic needs to check or repeat the run. Empty fields are printed as "not recorded", never left out."""

    planned: int = 0
    attempted: int = 0
    scored: int = 0
    excluded: dict[str, int] = Field(default_factory=dict)
    config: str = ""  # path of the resolved configuration
    plugins: dict[str, str] = Field(default_factory=dict)  # plugin -> distribution and version
    models: dict[str, str] = Field(default_factory=dict)  # model -> hash
    artefacts: dict[str, str] = Field(default_factory=dict)  # cell or artefact -> hash
    prompts_digest: str = ""
    seeds: tuple[int, ...] = ()
    repeats: int = 1
    temperature: float | None = None
    top_p: float | None = None
    coupled: bool | None = None  # base and other draw the same noise
    self_checks: dict[str, str] = Field(default_factory=dict)  # suite -> "148 of 148 answers graded as known"
    isolation: str = ""  # what separated generated code from this machine
    retries: dict[str, int] = Field(default_factory=dict)  # why a worker was lost and its cell tried again -> how often
    store_retries: int | None = None  # how often a store had to be asked again; None: there was none
    command: str = ""
    samples: str = ""  # path of the stored samples
    notes: tuple[str, ...] = ()  # e.g. that the model illustrates the harness


class ReportData(Record):
    """Everything a report is built from. `rows` is keyed by cell id."""

    title: str
    suites: dict[str, Axes | None] = Field(default_factory=dict)  # None: the suite's verdicts are Scores
    controls: dict[str, tuple[Control, ...]] = Field(default_factory=dict)  # by suite
    cells: tuple[CellSummary, ...] = ()
    rows: SkipValidation[dict[str, Sequence[Row]]] = Field(default_factory=dict)  # perhaps on a `Shelf`
    contrasts: tuple[Contrast, ...] = ()
    summaries: tuple[SummaryRow, ...] = ()
    detectors: tuple[DetectorRun, ...] = ()
    frozen: FrozenDetectors | None = None  # thresholds that another run set
    training: tuple[TrainingRun, ...] = ()
    training_summaries: tuple[TrainingSummary, ...] = ()
    published_checks: tuple[PublishedChecks, ...] = ()
    labels: tuple[LabelledSample, ...] = ()
    label_faults: tuple[str, ...] = ()  # answers in labels.jsonl that are not used, and why
    footer: TrustFooter | None = None  # None: published aggregates alone
    extra: tuple[ExtraSection, ...] = ()
