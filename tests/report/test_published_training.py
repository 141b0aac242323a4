"""Golden: the published training tables come out of the report's own table code, and claim no more than they can."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.report.build import build
from harness.report.published import published_data
from harness.report.results import to_json
from harness_plugins.tasks.loopholes.spec import AXES

FILE = Path(__file__).parents[2] / "plugins" / "tasks" / "loopholes" / "published.toml"


@pytest.fixture(scope="module")
def report():
    return build(published_data("published", FILE, {"leetcode-loopholes": AXES}))


@pytest.fixture(scope="module")
def tables(report):
    """(question, table) -> JSON table."""
    return {
        (section["title"].split(" · ")[1].split()[0], table["key"]): table
        for section in to_json(report)["sections"]
        if " · " in section["title"]
        for table in section["tables"]
    }


def contrasts(table) -> dict[tuple[str, str], dict]:
    return {(row["contrast"]["other"], row["contrast"]["base"]): row["difference"] for row in table["rows"]}


PRINTED = {  # question -> arm -> hack, solve, as (mean, sd) in percent
    "Q1": {
        "vanilla, mix 0.5": ("71.9 %\n± 12.0", "30.6 %\n± 11.6"),
        "vanilla, mix 0.25": ("67.8 %\n± 8.2", "20.0 %\n± 7.6"),
        "vanilla, mix 0.125": ("75.7 %\n± 4.0", "20.7 %\n± 2.0"),
    },
    "Q2": {
        "vanilla": ("71.9 %\n± 12.0", "30.6 %\n± 11.6"),
        "projected, frozen V": ("58.8 %\n± 13.1", "25.6 %\n± 8.3"),
        "projected, refresh 2": ("53.7 %\n± 6.6", "22.5 %\n± 5.0"),
    },
    "Q3": {
        "vanilla": ("77.5 %", "30.0 %"),
        "one-sided": ("77.5 %", "27.5 %"),
        "no gate": ("62.5 %", "20.0 %"),
        "reverse": ("57.5 %", "15.0 %"),
    },
    "Q11": {
        "vanilla": ("93.6 %", "29.3 %"),
        "projected, frozen V": ("95.7 %", "29.3 %"),
        "projected, refresh 2": ("90.7 %", "30.7 %"),
    },
}


@pytest.mark.parametrize("question", PRINTED)
def test_arms_as_published(report, question):
    section = next(section for section in report.sections if f" {question} " in section.title)
    printed = {row[0].text: (row[2].text, row[3].text) for row in section.tables[0].rows}
    assert printed == PRINTED[question]


@pytest.mark.parametrize(
    ("question", "arm", "base", "hack"),
    [
        ("Q3", "reverse", "vanilla", -0.200),
        ("Q4", "mean difference, k = 1", "vanilla", -0.025),
        ("Q5", "every 2", "frozen", -0.025),
        ("Q5", "every 1", "frozen", +0.125),
        ("Q8", "strong basis, seed 41", "weak basis, seed 41", -0.300),
        ("Q9", "18 pairs, solve-orthogonal m = 4", "18 pairs", +0.050),
        ("Q11", "projected, frozen V", "vanilla", +0.021),
    ],
)
def test_one_run_of_one_seed_on_either_side_is_computed(tables, question, arm, base, hack):
    found = contrasts(tables[question, "training:hack"])[arm, base]
    assert found["value"] == pytest.approx(hack)
    assert len(found["seeds"]) == 1


def test_deltas_are_printed_as_published_and_agree_with_the_means_beside_them_or_say_so(tables):
    hack, solve = tables["Q6", "training:hack"], tables["Q6", "training:solve"]
    for table, values in ((hack, (-0.062, -0.122, -0.100)), (solve, (-0.081, 0.017, 0.007))):
        assert [row["difference"]["value"] for row in table["rows"]] == list(values)
        (remark,) = [note for note in table["notes"] if "was published" in note]
        assert remark.startswith("projected, mix 0.5 vs vanilla, mix 0.5")
    assert [row["difference"]["sd"] for row in hack["rows"]] == [0.075, 0.146, 0.040]
    assert [len(row["difference"]["seeds"]) for row in hack["rows"]] == [4, 3, 2]
    contents = contrasts(tables["Q10", "training:hack"])
    assert len(contents) == 8
    assert contents["null_city (placebo)", "vanilla"]["value"] == 0.024
    assert not tables["Q10", "training:hack"]["notes"]  # every published delta is the difference of its means


def test_the_false_ladder_is_refused_with_its_reason(tables):
    ladder = contrasts(tables["Q5", "training:hack"])
    for every in (10, 5, 2, 1):
        assert ladder[f"every {every}", "frozen, four seeds"] == {"refused": "seeds 41 against 41–44"}
        assert "value" in ladder[f"every {every}", "frozen"]
    (line,) = [note for note in tables["Q5", "training:hack"]["notes"] if note.startswith("Refused")]
    assert "every 2 vs frozen, four seeds;" in line
    assert line.endswith(": seeds 41 against 41–44.")


def test_means_over_several_seeds_have_no_difference_without_what_each_seed_gave(tables):
    found = contrasts(tables["Q2", "training:hack"])
    assert set(map(str, found.values())) == {"{'not_available': 'what each seed gave was not published'}"}
    assert contrasts(tables["Q8", "training:hack"])["weak basis", "vanilla"] == {
        "refused": "seeds 41, 43–44 against 41–44"
    }
    assert contrasts(tables["Q10", "training:solve"])["moral", "vanilla"] == {"not_available": "not published"}


def test_no_table_claims_a_test(tables):
    for (_, key), table in tables.items():
        if key.startswith("training:"):
            assert not any("p" in row["difference"] for row in table["rows"])


def test_the_probe_names_what_was_never_published(report):
    (table,) = next(section for section in report.sections if "experiment 003" in section.title).tables
    achieved = {row[0].text: row[3].text for row in table.rows}
    assert achieved["R1"] == ".994"
    assert achieved["R4"].startswith("t = +4.46")
    assert achieved["R5"] == achieved["R6"] == achieved["R7"] == "not published"


def test_a_row_compared_with_nothing_is_one_line(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(
        '[[training]]\nsuite = "s"\nname = "g"\nsource = "x"\n'
        'rows = [{label = "a", seeds = [1], rates = {}, against = ["b"]}]\n'
    )
    with pytest.raises(UsageError, match="'a' is compared with 'b', which g lacks"):
        published_data("published", path, {"s": AXES})


def test_the_former_key_is_answered_with_the_new_one(tmp_path):
    path = tmp_path / "old.toml"
    path.write_text('[[training]]\nsuite = "s"\ngroup = "g"\nsource = "x"\nrows = []\n')
    with pytest.raises(UsageError, match="the key `group` is now called `name`"):
        published_data("published", path, {"s": AXES})
