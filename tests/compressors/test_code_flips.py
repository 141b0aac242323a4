"""How much of a change of weights is left after rounding."""

from __future__ import annotations

import pytest
import torch
from code_flips import code_flips, permuted, rounded

from harness.contract import Decision
from harness_plugins.compressors.caldera.rtn import Rtn, RtnParams


def weights(seed: int = 0, shape=(64, 128)) -> dict[str, torch.Tensor]:
    return {"a": torch.randn(shape, generator=torch.Generator().manual_seed(seed))}


def test_codes_are_those_of_the_compressor_that_is_named():
    theirs = Rtn(RtnParams(bits=3)).compress_linears(
        weights(), None, {"a": Decision(bits=3, group=64, grid="midtread")}
    )
    ours = rounded(weights()["a"], 3, 64)
    assert torch.equal(ours.codes, theirs["a"].q.codes)
    assert torch.equal(ours.scales, theirs["a"].q.scales)


def test_a_change_of_a_quarter_step_flips_a_quarter_of_the_codes_in_the_middle_of_the_grid():
    before = weights()
    step = rounded(before["a"], 4, 0).scales.float()
    signs = torch.randn(64, 128, generator=torch.Generator().manual_seed(1)).sign()
    found = code_flips(before, {"a": before["a"] + 0.25 * step * signs}, bits=4, group=0).rows()
    assert found["step_0.5"] == pytest.approx(0.25, rel=1e-3)
    assert found["flips_predicted"] == pytest.approx(0.25, rel=1e-3)
    assert found["flips_fixed"] == pytest.approx(0.25, abs=0.01)
    # Δ_eff is ±s where a code flipped, else 0: its cosine with Δ is √(share of flips), its length s √share over s/4.
    assert found["cos_fixed"] == pytest.approx(0.5, abs=0.01)
    assert found["length_fixed"] == pytest.approx(2.0, abs=0.05)


def test_a_change_of_nothing_flips_nothing_and_a_large_one_arrives():
    before = weights()
    still = code_flips(before, before, bits=4).rows()
    assert {
        still[key] for key in ("flips_predicted", "flips_fixed", "flips_adaptive", "scales_moved", "cos_adaptive")
    } == {0}
    far = code_flips(before, weights(seed=5), bits=8).rows()
    assert far["cos_adaptive"] > 0.999
    assert far["length_adaptive"] == pytest.approx(1, abs=0.01)


def test_a_scale_that_follows_its_largest_entry_moves_codes_that_did_not_change():
    before = {"a": torch.linspace(-1, 1, 64).repeat(4, 1)}
    after = {"a": before["a"].clone()}
    after["a"][:, -1] = 1.3
    found = code_flips(before, after, bits=4).rows()
    assert found["scales_moved"] == 1
    assert found["flips_fixed"] <= 1 / 64
    assert found["flips_adaptive"] > 0.3


def test_the_placebo_has_the_changes_size_in_other_places():
    before, after = weights(), {"a": weights()["a"] + 0.1 * weights(seed=2)["a"] ** 3}
    other = permuted(before, after, seed=0)
    changes = [(one["a"] - before["a"]).abs().flatten().sort().values for one in (after, other)]
    torch.testing.assert_close(*changes, atol=1e-6, rtol=1e-4)
    assert not torch.allclose(after["a"], other["a"])
