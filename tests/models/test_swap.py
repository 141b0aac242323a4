"""From mask to mask in one process: what is swapped in is what a fresh load gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.checkpoints.manifest import read_manifest
from harness.compression.calibration import CalibrationSource
from harness.compression.make import make_artefact
from harness.errors import ModelError
from harness.models.load import LoadedModel, load
from harness.models.swap import swapped
from harness_plugins.compressors.caldera.masked import Masked
from harness_plugins.compressors.caldera.params import CalderaParams, MaskedParams
from harness_plugins.compressors.caldera.plugin import Caldera

TOKENS = CalibrationSource(
    tokens=tuple(
        tuple(torch.randint(0, 60, (64,), generator=torch.Generator().manual_seed(i)).tolist()) for i in range(8)
    )
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def mask(model: Path, out: Path, *, shared: bool = False, **params: object) -> Path:
    settings = {"bits": 2, "rank": 2, "group": 16, "factor_group": 16, "iterations": 2, "shared_right": shared}
    treatment = Caldera(CalderaParams.model_validate(settings))
    masked = Masked(MaskedParams.model_validate({"treatment": "x", **params}), treatment)
    return make_artefact(model, masked, TOKENS, out).folder


def fresh(folder: Path, dtype: str = "float32") -> LoadedModel:
    return load(folder, "cpu", dtype, frozen=True)


@torch.no_grad()
def logits(loaded: LoadedModel) -> torch.Tensor:
    return loaded.model(torch.tensor([list(range(20))])).logits


@pytest.mark.parametrize(("shared", "dtype"), [(False, "float32"), (True, "float32"), (False, "bfloat16")])
def test_what_is_swapped_in_is_what_a_fresh_load_gives(
    tiny_qwen2: Path, tmp_path: Path, shared: bool, dtype: str
) -> None:
    masks: list[dict[str, object]] = [{"blocks": (0, 2)}, {"blocks": (1, 2)}, {}, {"blocks": (0, 1, 2), "null": True}]
    folders = [mask(tiny_qwen2, tmp_path / str(i), shared=shared, **params) for i, params in enumerate(masks)]
    current: LoadedModel | None = fresh(folders[0], dtype)
    for folder in [*folders[1:], folders[0]]:
        assert current is not None
        logits(current)  # dense copies are made, which must not survive
        current = swapped(current, folder)
        assert current is not None
        expected = fresh(folder, dtype)
        assert torch.equal(logits(current), logits(expected))
        assert (current.folder, current.alone) == (folder, expected.alone)
        kinds = [type(module) for _, module in current.model.named_modules()]
        assert kinds == [type(module) for _, module in expected.model.named_modules()]


def test_what_is_no_artefact_of_the_same_model_is_loaded(tiny_qwen2: Path, stories260k: Path, tmp_path: Path) -> None:
    ours = fresh(mask(tiny_qwen2, tmp_path / "a", blocks=(0,)))
    assert swapped(ours, tiny_qwen2) is None
    assert swapped(fresh(tiny_qwen2), tmp_path / "a") is None
    assert swapped(ours, mask(stories260k, tmp_path / "b", blocks=(0,))) is None


def test_an_altered_tensor_is_refused(tiny_qwen2: Path, tmp_path: Path) -> None:
    first, second = (mask(tiny_qwen2, tmp_path / str(block), blocks=(block,)) for block in (0, 1))
    loaded = fresh(first)
    name = next(iter(read_manifest(second).linears))
    file = second / f"{name}.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.unlink()  # a link to the parts, which stay whole
    file.write_bytes(data)
    with pytest.raises(ModelError, match="altered"):
        swapped(loaded, second)
