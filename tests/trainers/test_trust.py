"""Steps kept along trusted directions: known answers, and placebos that are as short."""

from __future__ import annotations

import pytest
import torch
from test_grpo import run, same  # noqa: F401  # the fixture of the neighbouring file

from harness.errors import StageError
from harness_plugins.trainers.spec import GrpoParams
from harness_plugins.trainers.trust import Trusted, as_short, kept_part, trusted


def test_a_step_keeps_each_trusted_direction_by_its_weight_and_nothing_else():
    clean = {"m": torch.tensor([[3.0, 0, 0, 0], [0, 1.0, 0, 0]])}  # σ = 3, 1 along the first two axes
    found = trusted(clean, 2, "none", 0)
    assert found.weights["m"].tolist() == pytest.approx([0.75, 0.25])
    kept = kept_part({"m": torch.tensor([4.0, 4.0, 4.0, 4.0])}, found)["m"]
    assert kept.tolist() == pytest.approx([3.0, 1.0, 0, 0])
    assert kept_part({"m": torch.tensor([0.0, 0, 1, 1])}, found)["m"].tolist() == [0] * 4
    assert trusted(clean, 1, "none", 0).weights["m"].tolist() == [1.0]  # rank 1 keeps it whole


def test_a_module_without_a_clean_gradient_does_not_move_and_none_at_all_is_an_error():
    found = trusted({"m": torch.eye(3), "n": torch.zeros(2, 3)}, 2, "none", 0)
    assert kept_part({"m": torch.ones(3), "n": torch.ones(3)}, found)["n"].tolist() == [0] * 3
    with pytest.raises(StageError, match="no direction to trust"):
        trusted({"m": torch.zeros(2, 3)}, 2, "none", 0)


def test_placebos_share_the_weights_and_the_length():
    torch.manual_seed(0)
    clean = {"m": torch.randn(6, 40), "n": torch.randn(6, 20)}
    whole = {name: torch.randn(rows.shape[1]) for name, rows in clean.items()}
    real, random, length = (trusted(clean, 3, kind, 1) for kind in ("none", "haar", "length"))
    for name in clean:
        assert torch.equal(real.weights[name], random.weights[name])
        torch.testing.assert_close(random.directions[name] @ random.directions[name].T, torch.eye(3))
        assert float((real.directions[name] @ random.directions[name].T).abs().max()) < 0.95
    assert length.length_alone
    kept, short = kept_part(whole, real), as_short(whole, kept_part(whole, length))
    for name, part in kept.items():
        assert float(short[name].norm()) == pytest.approx(float(part.norm()), rel=1e-5)
        assert float(torch.nn.functional.cosine_similarity(short[name], whole[name], dim=0)) == pytest.approx(1)


def test_a_trusted_run_steps_in_the_span_alone(run):  # noqa: F811
    """After one step a module's coordinates lie in its trusted span; those of the placebo of equal length along vanilla's."""
    from safetensors.torch import load_file

    from harness_plugins.trainers.grpo import ADAPTER, _Run

    vanilla, real, short = run(steps=1), run(steps=1, arm="trust"), run(steps=1, arm="trust", placebo="length")
    again = _Run(real.trainer.params, real.suite, real.context)
    again._extract(0)
    moved = {name: load_file(one.out / ADAPTER) for name, one in (("real", real), ("short", short), ("plain", vanilla))}
    found = again.optimizer.trusted
    assert isinstance(found, Trusted)
    for name, v in found.directions.items():
        key = f"{name}.main"
        step, plain, shortened = (moved[one][key].flatten() for one in ("real", "plain", "short"))
        torch.testing.assert_close(step @ v.T @ v, step, atol=1e-5, rtol=1e-3)
        assert float(shortened.norm()) == pytest.approx(float(step.norm()), rel=1e-3)
        assert float(torch.nn.functional.cosine_similarity(shortened, plain, dim=0)) == pytest.approx(1, abs=1e-4)
    assert not same(real.weights(), short.weights())


@pytest.mark.parametrize(
    "wrong", [{"arm": "trust", "space": "gradient"}, {"arm": "trust", "placebo": "clean"}, {"placebo": "length"}]
)
def test_what_trust_has_no_meaning_for_is_refused(wrong):
    with pytest.raises(ValueError, match="trust"):
        GrpoParams(**wrong)
