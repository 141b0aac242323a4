from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.shape import shape_of
from harness.compression import backward
from harness.compression.blocks import BlockWalker
from harness.compression.measurements import measured
from harness.contract.compression import Calibration
from harness_plugins.compressors.caldera import measuring
from harness_plugins.compressors.caldera.allocation import stored_bits
from harness_plugins.compressors.caldera.budget import TABLE, Budget
from harness_plugins.compressors.caldera.measuring import output_sensitivity
from harness_plugins.compressors.caldera.params import BudgetParams, SensitiveParams
from harness_plugins.compressors.caldera.sensitive import Sensitive


class Killed(BaseException):
    pass


def die(*_: object) -> None:
    raise Killed


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=32,
        intermediate_size=44,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        vocab_size=50,
        tie_word_embeddings=request.param,
    )
    folder = tmp_path_factory.mktemp("tiny")
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def calibration(weights: tuple[float, ...] = (1.0,) * 6) -> Calibration:
    generator = torch.Generator().manual_seed(0)
    lengths = [20, 17, 9, 20, 3, 12]
    return Calibration([torch.randint(0, 50, (n,), generator=generator).tolist() for n in lengths], list(weights))


@pytest.mark.parametrize("weights", [(1.0,) * 6, (0.2, 1.0, 0.7, 0.4, 3.0, 0.9)], ids=["even", "weighted"])
def test_the_streamed_backward_pass_is_the_whole_models(tiny: Path, tmp_path: Path, weights: tuple[float, ...]) -> None:
    checkpoint = open_checkpoint(tiny)
    shape = shape_of(checkpoint)
    streamed = output_sensitivity(BlockWalker(checkpoint, "cpu"), shape, calibration(weights), tmp_path)
    assert not list(tmp_path.iterdir())
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    sums = dict.fromkeys(streamed, 0.0)
    for linear in shape.linears:

        def hook(_, __, output: torch.Tensor, name: str = linear.name) -> None:
            output.register_hook(lambda g: sums.__setitem__(name, sums[name] + weight * float(g.square().sum())))

        model.get_submodule(linear.name).register_forward_hook(hook)
    tokens = 0.0
    for sequence, weight in zip(calibration().sequences, weights, strict=True):
        ids = torch.tensor([sequence])
        logits = model(ids).logits
        torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:], reduction="sum").backward()
        tokens += weight * len(sequence)
    for linear in shape.linears:
        assert streamed[linear.name] == pytest.approx(sums[linear.name] / tokens / linear.rows, rel=1e-3)


def test_a_measured_plan_meets_its_budget(tiny: Path, tmp_path: Path) -> None:
    shape = shape_of(open_checkpoint(tiny))
    budget = Budget(BudgetParams(bpw=3.5))
    seen: list[tuple[str, int, int]] = []
    table = budget.measure(tiny, calibration(), "cpu", lambda *step: seen.append(step), tmp_path)
    assert seen == [("measuring", done, 3) for done in (1, 2, 3)]
    measurements = TABLE.validate_json(json.dumps(table))
    assert measurements.keys() == {linear.name for linear in shape.linears}
    for entries in measurements.values():
        assert all(entry.error > 0 for entry in entries)
        assert entries[0].error > entries[3].error  # 2 bits against 5
    decisions = budget.plan(shape, table)
    assert 3.3 * shape.weights < stored_bits(shape, decisions) <= 3.5 * shape.weights


def test_a_killed_measurement_goes_on_at_its_block(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(stage: str, done: int, total: int) -> None:
        if done == 2:
            raise Killed

    budget = Budget(BudgetParams(bpw=3.5, widths=(2, 4), ranked_below=0))
    whole = budget.measure(tiny, calibration(), "cpu", lambda *_: None, _folder(tmp_path / "whole"))
    scratch = _folder(tmp_path / "killed")
    with pytest.raises(Killed):
        budget.measure(tiny, calibration(), "cpu", dying, scratch)
    measured: list[str] = []
    one = Budget.measure_linears
    monkeypatch.setattr(
        Budget, "measure_linears", lambda self, weights, *rest: measured.extend(weights) or one(self, weights, *rest)
    )
    assert budget.measure(tiny, calibration(), "cpu", lambda *_: None, scratch) == whole
    assert {name.split(".")[2] for name in measured} == {"2"}


def test_what_enters_the_blocks_lies_on_the_disk_and_goes(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[int] = []
    load = BlockWalker.loaded

    def counting(self: BlockWalker, index: int) -> AbstractContextManager[torch.nn.Module]:
        there.append(len(list(tmp_path.glob("inputs-*.safetensors"))))
        return load(self, index)

    monkeypatch.setattr(BlockWalker, "loaded", counting)
    checkpoint = open_checkpoint(tiny)
    output_sensitivity(BlockWalker(checkpoint, "cpu"), shape_of(checkpoint), calibration(), tmp_path)
    assert there == [1, 2, 3, 3, 2, 1]


def test_a_measurement_killed_after_the_backward_pass_does_not_repeat_it(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(BudgetParams(bpw=3.5, widths=(2, 4), ranked_below=0))
    whole = budget.measure(tiny, calibration(), "cpu", lambda *_: None, _folder(tmp_path / "whole"))
    scratch = _folder(tmp_path / "killed")
    with monkeypatch.context() as patched:
        patched.setattr(Budget, "measure_linears", die)
        with pytest.raises(Killed):
            budget.measure(tiny, calibration(), "cpu", lambda *_: None, scratch)
    assert [file.name for file in scratch.iterdir()] == ["sensitivity.json"]
    monkeypatch.setattr(measuring, "output_sensitivity", die)
    assert budget.measure(tiny, calibration(), "cpu", lambda *_: None, scratch) == whole


def test_a_backward_pass_that_was_killed_starts_over(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = open_checkpoint(tiny)
    shape = shape_of(checkpoint)
    whole = output_sensitivity(BlockWalker(checkpoint, "cpu"), shape, calibration(), _folder(tmp_path / "whole"))
    scratch = _folder(tmp_path / "killed")
    with monkeypatch.context() as patched:
        patched.setattr(backward, "_head_gradient", die)
        with pytest.raises(Killed):
            output_sensitivity(BlockWalker(checkpoint, "cpu"), shape, calibration(), scratch)
    assert len(list(scratch.iterdir())) == 3
    assert output_sensitivity(BlockWalker(checkpoint, "cpu"), shape, calibration(), scratch) == whole
    assert not list(scratch.iterdir())


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


class Another(Budget):
    measured_as = Budget


def test_a_table_is_taken_once_for_all_that_are_measured_as_its_class(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    taken: list[str] = []
    measure = Budget.measure
    monkeypatch.setattr(
        Budget, "measure", lambda self, *given: taken.append(type(self).__name__) or measure(self, *given)
    )

    def table(kind: type[Budget], bpw: float, **params: object) -> object:
        budget = kind(BudgetParams(bpw=bpw, widths=(2, 4), ranked_below=0, **params))
        return measured(budget, tiny, calibration(), "cpu", lambda *_: None)

    assert table(Budget, 3.5) == table(Another, 2.5) == table(Budget, 3.0)
    assert taken == ["Budget"]
    table(Another, 2.5, group=32)
    assert taken == ["Budget", "Another"]


def test_what_a_screen_decides_changes_no_measurement() -> None:
    assert Sensitive.measured_as is Budget
    assert SensitiveParams.model_fields.keys() - BudgetParams.model_fields.keys() <= Sensitive.unmeasured
