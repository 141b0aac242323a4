"""Does a trainer keep its contract?"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.digest import model_digest
from harness.contract import Trainable, TrainContext, Trainer, TrainerSpec
from harness.errors import HarnessError
from harness.testing.assertions import BrokenContract, require
from harness.testing.spec import check_light, check_spec, make
from harness.testing.toy import ToySuite


def check_trainer(
    spec: TrainerSpec,
    model: Path,
    params: dict[str, JsonValue] | None = None,
    suite: Trainable | None = None,
) -> None:
    """Trained on `suite` (a toy one unless given) from `model`, a folder: the result loads, its weights have moved, the
    steps are logged, the source is untouched, and the same seed gives the same weights.

    Raises BrokenContract.
    """
    check_spec(spec, TrainerSpec, Trainer, params)
    check_light(spec.params.__module__)
    require(spec.deployment <= set(spec.params.model_fields), "deployment names parameters", spec.deployment)
    trained_on = suite or ToySuite()
    before = model_digest(model)
    with tempfile.TemporaryDirectory() as folder:
        rows: list[dict[str, JsonValue]] = []
        weights = _train(spec, params or {}, trained_on, model, Path(folder) / "first", rows)
        require(model_digest(model) == before, "the model that training starts from is left alone")
        check_log(rows)
        source = _digests(model)
        require(weights.keys() == source.keys(), "the result has the source's tensors", weights.keys() ^ source.keys())
        require(weights != source, "training changes the weights")
        again = _train(spec, params or {}, trained_on, model, Path(folder) / "second", [])
        differs = [name for name in weights if weights[name] != again[name]]
        require(not differs, "the same seed trains the same weights", differs[:3])


def check_log(rows: list[dict[str, JsonValue]]) -> None:
    """One row a step, numbered upwards, as JSON."""
    require(bool(rows), "each step is logged")
    steps = [row.get("step") for row in rows]
    numbers = [step for step in steps if isinstance(step, int)]
    require(len(numbers) == len(steps), 'each row has its "step"', rows[0])
    require(numbers == sorted(set(numbers)), "steps are numbered upwards", numbers)
    for row in rows:
        try:
            json.dumps(row)
        except (TypeError, ValueError) as error:
            raise BrokenContract(f"rows of metrics are JSON: {error}") from error


def _train(
    spec: TrainerSpec,
    params: dict[str, JsonValue],
    suite: Trainable,
    model: Path,
    out: Path,
    rows: list[dict[str, JsonValue]],
) -> Mapping[str, str]:
    """Tensor -> sha256 of the model that comes out."""
    from harness.models.load import load

    def context(folder: Path) -> TrainContext:
        return TrainContext(source=model, out=folder, seed=1, device="cpu", dtype="float32", log=rows.append)

    trainer: Trainer = make(spec, params)
    try:
        made = trainer.train(suite, context(out))
        require(Path(made) == out, "train() writes to context.out and returns it", made)
        if spec.deployment:
            out = out.with_name(f"{out.name}-deployed")
            require(Path(trainer.deploy(Path(made), context(out))) == out, "deploy() returns context.out")
        load(out, "cpu")
    except HarnessError as error:
        raise BrokenContract(f"the tiny model can be trained and loaded: {error}") from error
    return _digests(out)


def _digests(folder: Path) -> dict[str, str]:
    return {name: tensor.sha256() for name, tensor in open_checkpoint(folder).tensors.items()}
