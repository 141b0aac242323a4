"""`harness inspect`: what an artefact stores, Linear by Linear."""

from __future__ import annotations

import json as json_module

from harness.cli import options as o
from harness.cli.console import plain_table, stdout_console
from harness.cli.verify import Artefact


def inspect(artefact: Artefact, json: o.Json = False) -> None:
    from harness.checkpoints.manifest import USUAL_DAMPING, summary
    from harness.checkpoints.manifest import inspect as rows_of

    rows, size = rows_of(artefact), summary(artefact)
    if json:
        found = {"summary": size.model_dump(), "linears": [row.model_dump() for row in rows]}
        print(json_module.dumps(found, indent=1))
        return
    table = plain_table("Linear", "shape", "bits", "rank", "bits/weight", "error", "bytes", "seconds")
    damped = {row.name: f"{row.damping:g}" for row in rows if row.damping is not None and row.damping > USUAL_DAMPING}
    if damped:
        table.add_column("damping")
    for column in table.columns[2:]:
        column.justify = "right"
    several = len({row.start for row in rows} - {None}) > 1
    if several:
        table.add_column("start")
    for row in rows:
        error = "-" if row.error is None else f"{row.error:.4f}"
        rank = f"{row.rank}×{row.factor_bits} bit" if row.rank else "0"
        cells = (f"{row.bits}", rank, f"{row.bits_per_weight:.3f}", error, f"{row.bytes:,}", f"{row.seconds:.2f}")
        table.add_row(
            row.name,
            f"{row.rows}×{row.columns}",
            *cells,
            *([damped.get(row.name, "")] if damped else []),
            *([row.start or ""] if several else []),
        )
    stdout_console().print(table, markup=False)
    print(
        f"{size.replaced} of {size.linears} Linears replaced, {size.bits_per_weight:.3f} bits a weight, {size.bytes:,} bytes"
    )
    if damped:
        print(f"damping: of H's mean diagonal, where more than {USUAL_DAMPING} was needed to make H positive definite")
    if several:
        print("start: the low-rank part that the iteration began with; of those tried, the one of the smallest error")
    print("error: sqrt(tr(D H Dᵀ) / tr(W H Wᵀ)), D = W − Ŵ; H = I where the compressor is not calibrated")
