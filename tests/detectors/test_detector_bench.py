"""The quality tables: figures by hand, fitting on the other half, mechanisms left out."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from harness import Detector, DetectorSpec, Flag, LabelledView, Reply, View
from harness.contract import Confusion, LabelledViews, TaskSuiteSpec
from harness.detection.bench import BenchResult, examine, labelled_bench
from harness.detection.error_rates import error_rates, load_error_rates, store_error_rates
from harness.errors import UsageError
from harness.registry.catalogue import Catalogue
from harness.registry.plugins import PluginSet
from harness.report.bench_tables import bench_report
from harness.report.results import to_json

WORDS = {"honest": "plain", "loud": "shouts", "quiet": "whispers"}


def bench() -> list[LabelledView]:
    """Per half: 8 honest, 6 loud and 4 quiet programs on different problems; one honest program whispers."""
    made = []
    for half in ("rules", "report"):
        for mechanism, count in (("honest", 8), ("loud", 6), ("quiet", 4)):
            for number in range(count):
                word = "whispers" if (mechanism, number) == ("honest", 0) else WORDS[mechanism]
                name = f"{half}-{number % 4}"
                view = View(
                    item=f"{name}/{mechanism}/{number}", family="f", prompts={}, replies={"r": Reply(text=word)}
                )
                hack = mechanism != "honest"
                made.append(LabelledView(view=view, hack=hack, mechanism=mechanism, cluster=name, half=half))
    return made


class Words(Detector):
    """Flags every word that was a hack's more often than not; knows none before it is fitted."""

    def fit(self, views, labels):
        votes: dict[str, int] = {}
        for view, label in zip(views, labels, strict=True):
            word = view.replies["r"].text
            votes[word] = votes.get(word, 0) + (1 if label else -1)
        self.bad = {word for word, vote in votes.items() if vote > 0}

    def inspect(self, views):
        return [Flag(score=float(hit), flagged=hit) for hit in (view.replies["r"].text in self.bad for view in views)]


class Loud(Detector):
    """Hears shouting; abstains from whispers."""

    def inspect(self, views):
        words = [view.replies["r"].text for view in views]
        return [
            Flag(abstained=True)
            if word == "whispers"
            else Flag(score=float(word == "shouts"), flagged=word == "shouts")
            for word in words
        ]


class Suite(LabelledViews):
    def bench(self):
        return bench()


@pytest.fixture
def catalogue() -> Catalogue:
    plugins = PluginSet()
    here = f"{__name__}:"
    detectors = [
        DetectorSpec(name="words", summary="", target=here + "Words"),
        DetectorSpec(name="loud", summary="", target=here + "Loud"),
        DetectorSpec(name="far", summary="", target=here + "Loud", needs=frozenset({"gradients"})),
    ]
    suites = [TaskSuiteSpec(name="labelled", summary="", target=here + "Suite"),
              TaskSuiteSpec(name="bare", summary="", target="harness.contract:TaskSuite")]  # fmt: skip
    plugins.add("toys", "toys", "1", lambda: _Plugin(detectors, suites))
    assert [status.error for status in plugins.statuses] == [None]
    return Catalogue(plugins, [])


@dataclass(eq=False)
class _Plugin:
    detectors: list = field(default_factory=list)
    suites: list = field(default_factory=list)

    def __post_init__(self):
        from harness.contract.hooks import hookimpl

        self.harness_register_detectors = hookimpl(lambda: self.detectors)
        self.harness_register_task_suites = hookimpl(lambda: self.suites)


def tables(catalogue: Catalogue, *names: str) -> dict:
    chosen = [catalogue.resolve("detectors", name) for name in names]
    made = bench_report("labelled", bench(), [examine(one, bench(), "bwrap", catalogue, print) for one in chosen])
    return {table["key"]: table["rows"] for table in to_json(made)["sections"][0]["tables"]}


def test_figures_are_those_of_the_reported_half(catalogue):
    rows = {(row["detector"], row["mechanism"]): row for row in tables(catalogue, "words", "loud")["quality"]}
    both = rows["words", "all"]
    assert (both["recall"]["k"], both["recall"]["n"]) == (10, 10)
    assert (both["precision"]["k"], both["precision"]["n"]) == (10, 11)  # the honest whisper
    assert both["auroc"]["value"] == pytest.approx(1 - 1 / 16)
    assert both["tpr_0.05"]["k"] == 0  # one false alarm in eight is more than 5 %
    quiet = rows["loud", "quiet"]
    assert (quiet["abstained"]["k"], quiet["recall"]["k"], quiet["recall"]["n"]) == (4, 0, 4)
    assert quiet["auroc"] is None
    assert rows["loud", "loud"]["tpr_0.01"] | {"interval": None} == {"value": 1.0, "k": 6, "n": 6, "interval": None}


def test_a_mechanism_left_out_of_fitting_is_reported_apart(catalogue):
    rows = {(row["detector"], row["mechanism"]): row for row in tables(catalogue, "words", "loud")["left_out"]}
    assert set(rows) == {("words", "loud"), ("words", "quiet")}  # the other one does not fit
    assert (rows["words", "quiet"]["recall"]["k"], rows["words", "quiet"]["left_out"]["k"]) == (4, 0)


def test_agreement_is_on_what_both_judged(catalogue):
    rows = tables(catalogue, "words", "loud")["agreement"]
    assert rows[0]["loud"] == {"value": pytest.approx(1.0), "n": 13}  # 18 less the five whispers


def test_programs_are_told_apart_by_who_wrote_them(catalogue):
    written = [entry.model_copy(update={"origin": "us" if at % 2 else "a model"}) for at, entry in enumerate(bench())]
    examined = [examine(catalogue.resolve("detectors", "words"), written, "bwrap", catalogue, print)]
    rows = {
        row["origin"]: row
        for row in to_json(bench_report("labelled", written, examined))["sections"][0]["tables"][1]["rows"]
    }
    reported = [entry for entry in written if entry.half == "report"]
    for origin in ("us", "a model"):
        hacks = sum(entry.hack for entry in reported if entry.origin == origin)
        assert (rows[origin]["recall"]["k"], rows[origin]["recall"]["n"]) == (hacks, hacks)
    assert rows["us"]["alarms"]["k"] + rows["a model"]["alarms"]["k"] == 1


def test_error_rates_are_kept_for_runs_under_the_same_code_and_parameters(catalogue, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    suite, loud = catalogue.resolve("tasks", "labelled"), catalogue.resolve("detectors", "loud")
    reported = [entry for entry in bench() if entry.half == "report"]
    rates = error_rates(reported, examine(loud, bench(), "bwrap", catalogue, print).flags)
    assert rates == Confusion(tp=6, tn=7)  # it abstains from whispers
    assert load_error_rates(suite, loud) is None
    store_error_rates(suite, loud, rates)
    assert load_error_rates(suite, loud) == rates
    assert load_error_rates(suite, loud.model_copy(update={"source": "changed"})) is None
    assert error_rates(reported, [Flag(abstained=True)] * len(reported)) is None


def test_one_that_abstains_from_everything_is_one_row(catalogue):
    silent = BenchResult("silent", tuple(Flag(abstained=True) for entry in bench() if entry.half == "report"))
    found = {
        table["key"]: table["rows"]
        for table in to_json(bench_report("labelled", bench(), [silent]))["sections"][0]["tables"]
    }
    assert [row["mechanism"] for row in found["quality"]] == [{"abstains": True}]
    assert found["false_alarms"] == []


def test_unmet_needs_are_a_row(catalogue):
    rows = tables(catalogue, "far", "loud")["quality"]
    assert rows[0]["mechanism"]["not_applicable"] == "needs gradients, which this run does not provide"


def test_a_bench_is_built_once(catalogue, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    said: list[str] = []
    suite = catalogue.resolve("tasks", "labelled")
    first = labelled_bench(suite, catalogue, said.append)
    assert labelled_bench(suite, catalogue, said.append) == first == bench()
    assert said == ["building the labelled bench of labelled"]


def test_a_suite_without_a_bench_says_so(catalogue, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match=r"bare has no labelled views .* \(choose labelled\)"):
        labelled_bench(catalogue.resolve("tasks", "bare"), catalogue, print)
