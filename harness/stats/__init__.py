"""Intervals, paired tests, multiplicity and power: what every number of a report rests on.

Torch-free; scipy is imported only inside the functions that need it. Where a rate or a mean is computed over samples
that share an item or a wording, the unit of resampling is the cluster and never the sample.

Sources: Wilson 1927 (score interval); Miller 2024, arXiv 2411.00640 (clustered, paired evaluation); McNemar 1947 in
its exact form; Holm 1979; Benjamini & Hochberg 1995; Korn & Graubard 1998 (effective sample size of a clustered
proportion); of corrections for a grader's error, `correction`.
"""

from harness.stats.agreement import kappa, kappa_interval
from harness.stats.association import phi, phi_interval
from harness.stats.calibration import Bin, Calibration, calibration
from harness.stats.correction import Corrected, Counts, joint_share, prediction_powered, rogan_gladen, share_in_part
from harness.stats.detection import auroc, auroc_interval, threshold_at
from harness.stats.intervals import (
    Interval,
    cluster_t,
    effective_counts,
    independent_difference,
    rate_interval,
    ratio_se,
    wilson,
)
from harness.stats.joint import Bounds, Independence, bounds, independence
from harness.stats.multiplicity import benjamini_hochberg, holm
from harness.stats.paired import Difference, PermutationTest, mcnemar, paired_difference, sign_flip, swap_test, t_test
from harness.stats.pooled import Pooled, pooled
from harness.stats.power import ALPHA, MIN_ITEMS, carries_inference, items_needed, mde_paired, mde_unpaired, minimal_p

__all__ = [
    "ALPHA",
    "MIN_ITEMS",
    "Bin",
    "Bounds",
    "Calibration",
    "Corrected",
    "Counts",
    "Difference",
    "Independence",
    "Interval",
    "PermutationTest",
    "Pooled",
    "auroc",
    "auroc_interval",
    "benjamini_hochberg",
    "bounds",
    "calibration",
    "carries_inference",
    "cluster_t",
    "effective_counts",
    "holm",
    "independence",
    "independent_difference",
    "items_needed",
    "joint_share",
    "kappa",
    "kappa_interval",
    "mcnemar",
    "mde_paired",
    "mde_unpaired",
    "minimal_p",
    "paired_difference",
    "phi",
    "phi_interval",
    "pooled",
    "prediction_powered",
    "rate_interval",
    "ratio_se",
    "rogan_gladen",
    "share_in_part",
    "sign_flip",
    "swap_test",
    "t_test",
    "threshold_at",
    "wilson",
]
