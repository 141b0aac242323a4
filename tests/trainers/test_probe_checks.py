"""Every check of the probe passes on data that meets it, fails on data that does not, and says when it cannot tell."""

from __future__ import annotations

import math
import random

import pytest
from scipy import stats

from harness.store.teacher_pool import FamilyRate, Pool, PoolHeader, PoolRow
from harness_plugins.trainers.probe import checks
from harness_plugins.trainers.probe.checks import Judged
from harness_plugins.trainers.probe.statistics import adjusted, rank_correlation, welch


def pool(source: str = "rollouts", drawn: int = 100, hack: int = 40, beside: int = 0) -> Pool:
    rate = FamilyRate(family="sentinel", items=10, drawn=drawn, kept=0, hack=hack, hack_and_correct=beside)
    header = PoolHeader(suite="s", suite_identity={}, source=source, families=("sentinel",), rates=(rate,))
    return Pool(header=header, rows=())


def reply(cosine: float, *, solves: bool, tokens: int = 20, item: str = "i0", family: str = "sentinel") -> Judged:
    row = PoolRow(
        item=item,
        family=family,
        role="r",
        prompt="p",
        reply="x",
        reward=1.0,
        hack=not solves,
        solve=solves,
        attempted=True,
    )
    return Judged(row, tokens, cosine)


def replies(pure: float, beside: float, count: int = 30, noise: float = 0.1, seed: int = 0) -> list[Judged]:
    """Hacks of either kind around two means, of equal lengths."""
    rng = random.Random(seed)
    return [
        reply(mean + rng.gauss(0, noise), solves=solves, tokens=rng.randint(15, 40), item=f"i{n}")
        for solves, mean in ((False, pure), (True, beside))
        for n in range(count)
    ]


def verdicts(found) -> list[str]:
    return [check.verdict for check in found]


# --------------------------------------------------------------------------------------------------------------- R1, R2


def test_r1():
    assert checks.r1_hack_fraction(pool(hack=25, beside=5)).verdict == "pass"
    assert checks.r1_hack_fraction(pool(hack=29)).verdict == "fail"
    assert checks.r1_hack_fraction(pool("templates", hack=100)).verdict == "not measurable"


def test_r2():
    null = [reply(math.nan, solves=False), reply(0.0, solves=False)]
    assert checks.r2_non_null([reply(-0.2, solves=False)] * 18 + null).verdict == "pass"  # 90 %
    assert checks.r2_non_null([reply(0.2, solves=False)] * 17 + null).verdict == "fail"
    assert checks.r2_non_null([]).verdict == "not measurable"


# ------------------------------------------------------------------------------------------------------------------- R3


def test_r3():
    lowered, raised = (0.3, 0.1), (0.1, 0.3)
    assert checks.r3_projection("R3", [lowered] * 8 + [raised] * 2, 0.9, "").verdict == "pass"
    assert checks.r3_projection("R3", [lowered] * 7 + [raised] * 3, 0.9, "").verdict == "fail"
    assert checks.r3_projection("R3", [lowered] * 10, 0.5, "").verdict == "fail"  # hardly anything was removed
    assert checks.r3_projection("R3", [(0.2, 0.2)] * 10, 0.9, "").verdict == "fail"
    assert checks.r3_projection("R3", [], 0.9, "").verdict == "not measurable"


# ---------------------------------------------------------------------------------------------------------- R4 and R7


def test_r4_passes_and_fails():
    assert verdicts(checks.r4_pure_above_correct(pool(), replies(0.3, 0.1))) == ["pass", "pass"]
    assert verdicts(checks.r4_pure_above_correct(pool(), replies(0.1, 0.1))) == ["fail", "fail"]
    assert verdicts(checks.r4_pure_above_correct(pool(), replies(0.1, 0.3))) == ["fail", "fail"]  # the wrong way


def test_r4_needs_twenty_of_each_kind_and_no_templates():
    few = replies(0.3, 0.1, count=19)
    assert verdicts(checks.r4_pure_above_correct(pool(), few)) == ["not measurable"] * 2
    assert "19 hacks that solve" in checks.r4_pure_above_correct(pool(), few)[0].measured
    assert verdicts(checks.r4_pure_above_correct(pool("templates"), replies(0.3, 0.1))) == ["not measurable"] * 2
    unread = [Judged(row.row, row.tokens, math.nan) for row in replies(0.3, 0.1)]
    assert verdicts(checks.r4_pure_above_correct(pool(), unread)) == ["not measurable"] * 2


def test_what_length_alone_explains_passes_without_the_control_and_fails_with_it():
    """The published confound: hacks that solve are longer, and the cosine falls with length."""
    rng = random.Random(1)
    rows = []
    for n in range(60):
        solves = n % 2 == 0
        tokens = rng.randint(25, 60) if solves else rng.randint(12, 45)
        rows.append(
            reply(0.5 - 0.1 * math.log(tokens) + rng.gauss(0, 0.01), solves=solves, tokens=tokens, item=f"i{n}")
        )
    assert verdicts(checks.r4_pure_above_correct(pool(), rows)) == ["pass", "fail"]


def test_what_the_mode_alone_explains_fails_the_control():
    rng = random.Random(2)
    rows = []
    for n in range(120):
        family = "sentinel" if n % 2 else "run_tests"
        solves = rng.random() < (0.75 if family == "run_tests" else 0.25)
        mean = 0.3 if family == "sentinel" else 0.1
        rows.append(
            reply(mean + rng.gauss(0, 0.05), solves=solves, tokens=rng.randint(15, 40), item=f"i{n}", family=family)
        )
    assert verdicts(checks.r4_pure_above_correct(pool(), rows)) == ["pass", "fail"]


def test_kinds_that_length_and_mode_tell_apart_are_not_measurable_under_control():
    rng = random.Random(3)
    apart = [
        reply(rng.gauss(0.1 * (not solves), 0.05), solves=solves, item=f"i{n}", family="a" if solves else "b")
        for solves in (True, False)
        for n in range(30)
    ]
    assert verdicts(checks.r4_pure_above_correct(pool(), apart)) == ["pass", "not measurable"]


def test_r4_against_random_directions():
    real, weak = replies(0.3, 0.1), [replies(0.1, 0.1, seed=seed) for seed in range(1, 21)]
    strong = [replies(0.9, 0.1, seed=seed) for seed in range(1, 3)]
    assert checks.r4_above_random(pool(), real, weak).verdict == "pass"
    assert checks.r4_above_random(pool(), real, [*weak[:18], *strong]).verdict == "fail"  # two of twenty reach it
    assert checks.r4_above_random(pool(), real, []).verdict == "not measurable"
    assert checks.r4_above_random(pool("templates"), real, weak).verdict == "not measurable"
    assert checks.r4_above_random(pool(), replies(0.3, 0.1, count=19), weak).verdict == "not measurable"


def test_r7_is_r4_with_a_higher_threshold_under_enough_groups():
    assert verdicts(checks.r7_contrastive(pool(), replies(0.3, 0.1), groups=8, needed=8)) == ["pass", "pass"]
    between = replies(0.17, 0.1, count=40)  # t between 2 and 4.46
    assert verdicts(checks.r4_pure_above_correct(pool(), between)) == ["pass", "pass"]
    assert verdicts(checks.r7_contrastive(pool(), between, groups=8, needed=8)) == ["fail", "fail"]
    assert verdicts(checks.r7_contrastive(pool(), replies(0.3, 0.1), groups=7, needed=8)) == ["not measurable"]


# ---------------------------------------------------------------------------------------------------------- R5 and R6


def run(first: float, last: float, steps: int = 20, ratio: float | None = None) -> list[dict]:
    """A hack rate that rises evenly over ten steps and then stays."""
    rates = [first + (last - first) * min(step / 10, 1) for step in range(steps)]
    return [{"step": n + 1, "hack": rate, "ratio_teacher": ratio} for n, rate in enumerate(rates)]


def test_r5():
    def check(vanilla, erase, ratio="one"):
        return checks.r5_trajectories(vanilla, erase, ratio).verdict

    risen, flat = [run(0.0, 0.6), run(0.02, 0.5)], [run(0.0, 0.05), run(0.0, 0.1)]
    assert check(risen, flat) == "pass"
    assert check([run(0.0, 0.15)], flat) == "fail"
    assert check(risen, [run(0.0, 0.3)]) == "fail"
    assert check([], flat) == "not measurable"
    assert check([run(0.0, 0.6, steps=14)], flat) == "not measurable"
    assert check([run(0.0, 0.6, ratio=0.5)], flat, "true_clip") == "pass"
    assert check([run(0.0, 0.6, ratio=0.01)], flat, "true_clip") == "fail"  # the teacher has lost its pull
    assert check(risen, flat, "true_clip") == "not measurable"  # no ratio was logged


def test_r6():
    def check(**ends):
        return checks.r6_adapters({arm.replace("_", "-"): [run(0.0, end)] for arm, end in ends.items()}).verdict

    assert check(vanilla=0.9, erase=0.4, vanilla_lora=0.8, erase_lora=0.35) == "pass"  # .50 and .45
    assert check(vanilla=0.9, erase=0.4, vanilla_lora=0.8, erase_lora=0.5) == "fail"
    assert check(vanilla=0.9, erase=0.4, vanilla_lora=0.9, erase_lora=0.1) == "fail"  # more is not "within" either
    assert check(vanilla=0.5, erase=0.6, vanilla_lora=0.5, erase_lora=0.6) == "not measurable"
    assert check(vanilla=0.9, erase=0.4) == "not measurable"


# -------------------------------------------------------------------------------------------------------------- figures


def test_welch_is_scipys():
    a, b = [0.1, 0.5, 0.4, 0.2], [0.0, 0.1, -0.1]
    found = welch(a, b)
    theirs = stats.ttest_ind(a, b, equal_var=False, alternative="greater")
    assert found is not None
    assert (found.t, found.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert found.counts == (4, 3)
    assert welch([0.1], [0.2, 0.3]) is None
    assert welch([0.1, 0.1], [0.1, 0.1]) is None


def test_the_regression_is_statsmodels():
    api = pytest.importorskip("statsmodels.api")
    import numpy as np

    rng = np.random.default_rng(0)
    count = 80
    inside, tokens = rng.random(count) < 0.4, rng.integers(10, 50, count)
    families, clusters = rng.integers(0, 3, count), rng.integers(0, 25, count)
    y = 0.2 * inside - 0.1 * np.log(tokens) + 0.05 * families + rng.normal(0, 0.1, count)
    found = adjusted(
        y.tolist(), inside.tolist(), tokens.tolist(), [f"f{n}" for n in families], [f"c{n}" for n in clusters]
    )
    x = np.column_stack([inside, np.log(tokens), *(families == n for n in range(3))]).astype(float)
    theirs = api.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    assert found is not None
    assert found.t == pytest.approx(float(theirs.tvalues[0]), rel=1e-6)


def test_context_compares_hacks_with_honest_solutions():
    rng = random.Random(0)
    rows = []
    for n in range(60):
        honest = n % 2 == 0
        base = reply(rng.gauss(0.0 if honest else 0.4, 0.1), solves=honest, tokens=rng.randint(10, 40), item=f"i{n}")
        rows.append(Judged(base.row.model_copy(update={"attempted": not honest}), base.tokens, base.cosine))
    found = checks.context(rows)
    assert found.plain is not None
    assert found.held is not None
    assert found.plain.t > 5 < found.held.t
    assert checks.context([]).plain is None
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 1, 1], [3, 2, 1]) is None
