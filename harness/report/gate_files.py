"""The verdicts of a gate for other programs: JUnit XML, Markdown, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from harness.errors import shown
from harness.report.gate import Judged, gate_table
from harness.report.markdown import row_line


def as_junit(judged: Sequence[Judged], run: str) -> str:
    """A test case for each condition and arm; what fails is a failure, what has too few items is an error."""
    failed = sum(one.verdict == "fail" for one in judged)
    undecided = sum(one.verdict == "not enough items" for one in judged)
    counts = {"tests": str(len(judged)), "failures": str(failed), "errors": str(undecided)}
    suite = ElementTree.Element("testsuite", {"name": f"harness gate {shown(run)}", **counts})
    for one in judged:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": shown(one.arm), "name": shown(one.condition.text), "time": "0"}
        )
        said = shown(f"{one.found}: {one.described}")
        if one.verdict == "fail":
            ElementTree.SubElement(case, "failure", {"message": said, "type": "fail"})
        elif one.verdict == "not enough items":
            ElementTree.SubElement(case, "error", {"message": said, "type": "not enough items"})
        else:
            ElementTree.SubElement(case, "system-out").text = said
    root = ElementTree.Element("testsuites", counts)
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def as_markdown(judged: Sequence[Judged], run: str) -> str:
    table = gate_table(judged)
    lines = [f"### harness gate {shown(run)}", "", row_line(column.title for column in table.columns)]
    lines.append(row_line("---" for _ in table.columns))
    lines += [row_line(shown(cell.text) for cell in row) for row in table.rows]
    return "\n".join(lines) + "\n\n"


def as_json(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    return [
        {
            "condition": one.condition.text,
            "suite": one.condition.suite,
            "measure": one.metric.key,
            "arm": one.arm,
            "verdict": one.verdict,
            "value": one.value,
            "interval": list(one.interval) if one.interval else None,
            "limit": one.condition.limit,
            "relative_to_base": one.condition.relative,
            "count": one.count,
            "unit": one.unit,
            "needed": one.needed,
            "cause": one.cause,
        }
        for one in judged
    ]
