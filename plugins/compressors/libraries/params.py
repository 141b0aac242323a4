"""Parameters of the library compressors; nothing here imports a library."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from harness.checkpoints.digest import model_digest
from harness.contract import Params
from harness.errors import ModelError


class HqqParams(Params):
    """`group` columns of a row share a scale and a zero point."""

    bits: Literal[2, 3, 4, 5, 6, 8] = 4
    group: int = Field(64, ge=8)


class QuantoParams(Params):
    """`group` columns of a row share a scale and a zero point; with 8 bits there is one scale per row, whatever `group`
    says."""

    bits: Literal[2, 4, 8] = 4
    group: int = Field(64, ge=8)


class TorchaoParams(Params):
    """`group` columns of a row share a scale; 0 is the whole row."""

    bits: int = Field(4, ge=2, le=8)
    group: int = Field(64, ge=0)


class GptqParams(Params):
    """As in optimum's GPTQQuantizer: `group` columns share a scale, `damp` is the share of the Hessian's mean diagonal
    that is added to it, `act_order` quantizes columns in order of decreasing activation."""

    bits: Literal[2, 3, 4, 8] = 4
    group: int = Field(64, ge=8)
    damp: float = Field(0.1, gt=0)
    act_order: bool = False


class ReadyParams(Params):
    """`path` is a folder that transformers loads; `digest` is of its files, and filled in."""

    path: str = ""
    digest: str | None = None

    @model_validator(mode="after")
    def _fix_the_files(self) -> ReadyParams:
        if not self.path:
            return self
        try:
            found = model_digest(Path(self.path).expanduser())
        except ModelError as error:
            raise ValueError(str(error)) from error
        if self.digest not in (None, found):
            raise ValueError(f"{self.path} has changed since this was decided")
        return self if self.digest else self.model_copy(update={"digest": found})
