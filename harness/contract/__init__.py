"""What the core and its plugins say to each other.

Everything here is data (frozen pydantic records) or a base class with a docstring; nothing here imports torch, so that a
plugin can be listed, planned and reported without loading one.
"""

from harness.contract.against_source import AgainstSource
from harness.contract.chat import Chat
from harness.contract.compression import (
    Compressor,
    Decision,
    Decisions,
    Hessian,
    LinearShape,
    ModelShape,
    Weights,
    matrix_bits,
)
from harness.contract.detection import Detector, Flag, LabelledView, Tools, Unanswered, View
from harness.contract.evaluation import (
    Axes,
    Check,
    Control,
    Item,
    Outcome,
    Prompt,
    Quadrant,
    Rate,
    Reading,
    Reply,
    Scores,
    SelfCheck,
    TokenFidelity,
    by_id,
)
from harness.contract.inspectable import Inspectable, LabelledViews
from harness.contract.labelling import Confusion, GraderError, Labelling
from harness.contract.own_loop import LibraryModel, OwnLoop
from harness.contract.records import Params, Record
from harness.contract.specs import CompressorSpec, DetectorSpec, Spec, TaskSuiteSpec, TrainerSpec
from harness.contract.suite import DeepChecked, TaskSuite
from harness.contract.trainable import Trainable
from harness.contract.training import TrainContext, Trainer, TrainingWork

__all__ = [
    "AgainstSource",
    "Axes",
    "Chat",
    "Check",
    "Compressor",
    "CompressorSpec",
    "Confusion",
    "Control",
    "Decision",
    "Decisions",
    "DeepChecked",
    "Detector",
    "DetectorSpec",
    "Flag",
    "GraderError",
    "Hessian",
    "Inspectable",
    "Item",
    "LabelledView",
    "LabelledViews",
    "Labelling",
    "LibraryModel",
    "LinearShape",
    "ModelShape",
    "Outcome",
    "OwnLoop",
    "Params",
    "Prompt",
    "Quadrant",
    "Rate",
    "Reading",
    "Record",
    "Reply",
    "Scores",
    "SelfCheck",
    "Spec",
    "TaskSuite",
    "TaskSuiteSpec",
    "TokenFidelity",
    "Tools",
    "TrainContext",
    "Trainable",
    "Trainer",
    "TrainerSpec",
    "TrainingWork",
    "Unanswered",
    "View",
    "Weights",
    "by_id",
    "matrix_bits",
]
