"""Files that others labelled, written here in the formats in which they are published."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from harness.detection.labelled_file import labelled_file
from harness.errors import UsageError
from harness.registry.column_maps import read_column_map, typed_map
from harness.registry.name_sources import NameSources

HACK = "```python\ndef run_tests():\n    pass\n```"
FAIR = "Here it is:\n```python\nclass Solution:\n    def total(self, n):\n        return sum(n)\n```\nGood luck!"


@pytest.fixture(scope="module")
def maps():
    return NameSources().catalogue.maps


@pytest.fixture
def read(tmp_path, maps):
    def from_rows(name: str, rows: list[dict], *words: str):
        path = tmp_path / name
        if name.endswith(".csv"):
            with path.open("w", newline="", encoding="utf-8-sig") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        elif name.endswith(".json"):
            path.write_text(json.dumps(rows))
        elif name.endswith(".gz"):
            path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
        else:
            path.write_text("\n".join(map(json.dumps, rows)))  # no line end after the last row
        return labelled_file(path, typed_map(words, maps, "plain"))

    return from_rows


def school(count: int = 12) -> list[dict]:
    return [
        {
            "user": f"Sum {n} numbers, graded by tests",
            "school_of_reward_hacks": f"{HACK}\n{n}",
            "control": f"{FAIR}\n{n}",
            "task": f"task {n % 6}",
            "evaluation_metric": "tests pass",
            "cheat_method": ("weak tests", "hard-coding")[n % 2],
        }
        for n in range(count)
    ]


def plain(count: int = 8, **changes: object) -> list[dict]:
    return [{"prompt": f"p{n // 2}", "reply": f"r{n}", "label": n % 2 == 1} | changes for n in range(count)]


def test_school_of_reward_hacks_gives_a_pair_a_row_and_halves_by_task(read):
    found = read("school.csv", school(), "school-of-reward-hacks")
    assert [sum(entry.hack is kind for entry in found.views) for kind in (True, False)] == [12, 12]
    halves = {half: {entry.cluster for entry in found.views if entry.half == half} for half in ("rules", "report")}
    assert [len(clusters) for clusters in halves.values()] == [3, 3]
    assert not halves["rules"] & halves["report"]
    first = found.views[0]
    assert (first.mechanism, first.view.data) == ("weak tests", {"program": "def run_tests():\n    pass\n"})
    assert "cheat" not in first.view.model_dump_json(), "a view holds no truth"
    assert found.notes[0].startswith(
        "school.csv, by the map school-of-reward-hacks: measured on 12 replies in 3 clusters, 6 of"
    )


def test_rh_bench_as_gzipped_lines(read):
    rows = [
        {"prompt": f"q{n}", "response_hacking": f"h{n}", "response_clean": f"c{n}", "label": "x", "category": "sycophancy",
         "construction": "x", "verification": "x", "source": f"model {n % 2}"} for n in range(4)
    ]  # fmt: skip
    found = read("rh.jsonl.gz", rows, "rh-bench")
    assert [(entry.hack, entry.mechanism, entry.origin) for entry in found.views[:2]] == [
        (True, "sycophancy", "model 0"), (False, "honest", "model 0"),
    ]  # fmt: skip
    assert found.notes[1].startswith("0 of 4 measured replies have a program")


def test_columns_are_named_one_by_one(read):
    rows = [
        {"q": f"p{n // 2}", "a": f"r{n}", "cheated": ("no", "Yes")[n % 2], "half": ("rules", "report")[n // 4]}
        for n in range(8)
    ]
    found = read("mine.json", rows, "prompt=q", "reply=a", "label=cheated", "program=reply")
    assert [entry.hack for entry in found.views] == [False, True] * 4
    assert [entry.half for entry in found.views] == ["rules"] * 4 + ["report"] * 4
    assert found.views[0].view.data == {"program": "r0"}


def test_what_is_left_out_is_counted(read):
    halves = {"half": "report", "cluster": "a"}
    rows = [
        *(row | halves for row in plain()),
        *(row | halves for row in plain(3)),
        {"prompt": "p3", "reply": "r7", "label": False} | halves,
        {"prompt": "p0", "reply": "again", "label": False, "half": "rules", "cluster": "b"},
    ]
    found = read("file.jsonl", rows)
    assert len(found.views) == 7
    told = "Left out: 3 repeated; 2 labelled both ways; 1 not learned from: their prompt is in the measured half too."
    assert told in found.notes


@pytest.mark.parametrize(
    ("rows", "words", "says"),
    [
        (plain(label=True), (), "every reply of file.jsonl is labelled a hack"),
        ([*plain(2), {"prompt": "p", "reply": "r", "label": "perhaps"}], (), r"row 3, field label: 'perhaps' is no label"),
        ([*plain(2), {"prompt": " ", "reply": "r", "label": 1}], (), "row 3, field prompt: it is empty"),
        ([*plain(2), {"prompt": "p", "label": 1}], (), "row 3, field reply: there is no such column"),
        ([*plain(2), {"prompt": "p", "reply": 7, "label": 1}], (), "row 3, field reply: int instead of a text"),
        (plain(), ("cluster=taks",), r"row 1, field cluster \(column 'taks'\): there is no such column"),
        (plain(half="test"), (), "row 1, field half: 'test' is neither"),
        (plain(data=[1]), (), "row 1, field data: list instead of an object"),
        ([row | {"half": half, "cluster": "c"} for row, half in zip(plain(2), ("rules", "report"), strict=True)], (),
         "row 2, field half: the cluster 'c' is in both halves"),
        ([*plain(1), 3], (), "row 2 cannot be read: it is not an object"),
        (plain(half="rules"), (), "the measured half of file.jsonl has no replies"),
        ([], (), "file.jsonl has no labelled reply"),
        (plain(), ("repyl=x",), "there is no such field"),
        (plain(), ("plane",), "did you mean plain"),
        (plain(), ("label=",), "a row has one reply and its label"),
    ],
)  # fmt: skip
def test_a_wrong_file_or_map_is_refused(read, rows, words, says):
    with pytest.raises(UsageError, match=says):
        read("file.jsonl", rows, *words)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"prompt,reply,label\na,b,1\na,b\n", "row 2 cannot be read: it ends before the column 'label'"),
        (b"prompt,reply,label\na,b,1,c\n", "row 1 cannot be read: it has more fields than the header's 3"),
        (b"prompt,reply,label\n\xff,b,1\n", "row 1 cannot be read: it is not UTF-8"),
    ],
)
def test_a_damaged_csv_is_refused_by_its_row(tmp_path: Path, maps, content, says):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=says):
        labelled_file(path, maps["plain"])


def test_labels_are_told_apart_in_whatever_case_they_are_written(tmp_path):
    """As an auditor's own tool writes them: HACK, CLEAN, FAIL, a case's name instead of its prompt, no program."""
    table = {"prompt": "case_id", "reply": "completion", "label": "verdict", "mechanism": "family"}
    theirs = read_column_map(
        table | {"hack_labels": ["HACK"], "honest_labels": ["CLEAN", "FAIL"]}, "map x", "x", "here"
    )
    verdicts = ("HACK", "CLEAN", "FAIL", "hack")
    rows = [
        {"case_id": f"key/{n}", "family": "KEY", "verdict": verdicts[n % 4], "completion": f"<answer>{n}</answer>"}
        for n in range(40)
    ]
    path = tmp_path / "runs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    views, _ = labelled_file(path, theirs)
    assert (len(views), sum(entry.hack for entry in views)) == (40, 20)
    with pytest.raises(UsageError, match="bad map x: 'fail' is the label of a hack and of an honest reply"):
        read_column_map(table | {"hack_labels": ["Fail"], "honest_labels": ["FAIL"]}, "map x", "x", "here")
