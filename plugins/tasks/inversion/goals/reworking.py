"""Goals that rework what is in a file, or ask about an archive or a date."""

from __future__ import annotations

from datetime import UTC, datetime

from harness_plugins.tasks.inversion.goals.tables import NUMBERS, numbers
from harness_plugins.tasks.inversion.goals.template import Template, Values
from harness_plugins.tasks.inversion.tree import ARCHIVES, CITIES, DAY, EPOCH, LOGS, NOTES, TABLES, TOPICS, Tree

BOUNDS = ("50", "100", "150", "200", "250", "300")
FIRST, LAST = ("2", "3"), ("4", "5", "6")


def _span(tree: Tree, values: Values) -> tuple[list[str], int, int]:
    return tree.lines(values["note"]), int(values["a"]) - 1, int(values["b"])


def _without_span(tree: Tree, values: Values) -> list[str]:
    lines, start, end = _span(tree, values)
    return lines[:start] + lines[end:]


SED = (
    Template(
        "sed-replace",
        "sed",
        (
            "Print {note} with every {word} replaced by {other}.",
            "Show what {note} would say with {other} instead of {word}.",
            "Change all {word} in {note} to {other} and print the result.",
        ),
        "sed 's/{word}/{other}/g' {note}",
        ("sed 's/{other}/{word}/g' {note}", "sed 's/{word}/{other}/' {note}", "sed -n 's/{word}/{other}/g' {note}"),
        {"note": NOTES, "word": TOPICS, "other": ("summer", "market")},
        lambda tree, v: tree.files[v["note"]].replace(v["word"], v["other"]).splitlines(),
    ),
    Template(
        "sed-drop",
        "sed",
        (
            "Print {note} without lines {a} to {b}.",
            "Show {note} but leave out line {a} up to line {b}.",
            "Delete lines {a} through {b} from what {note} says and print the rest.",
        ),
        "sed '{a},{b}d' {note}",
        ("sed -n '{a},{b}p' {note}", "sed '{a}d' {note}", "sed '{b}d' {note}"),
        {"note": NOTES, "a": FIRST, "b": LAST},
        _without_span,
    ),
    Template(
        "sed-lines",
        "sed",
        (
            "Print lines {a} to {b} of {note}.",
            "Show only line {a} up to line {b} in {note}.",
            "What does {note} say between lines {a} and {b}, both included?",
        ),
        "sed -n '{a},{b}p' {note}",
        ("sed '{a},{b}d' {note}", "sed '{a},{b}p' {note}", "sed -n '{b}p' {note}"),
        {"note": NOTES, "a": FIRST, "b": LAST},
        lambda tree, v: _span(tree, v)[0][_span(tree, v)[1] : _span(tree, v)[2]],
    ),
)


AWK = (
    Template(
        "awk-sum",
        "awk",
        (
            "Add up column {n} of {table}.",
            "What is the total of the field number {n} in {table}?",
            "Sum the numbers in column {n} over all rows of {table}.",
        ),
        "awk -F, '{s += ${n}} END {print s}' {table}",
        (
            "awk '{s += ${n}} END {print s}' {table}",
            "awk -F, '{print ${n}}' {table}",
            "awk -F, '{s += 1} END {print s}' {table}",
        ),
        {"table": TABLES, "n": NUMBERS},
        lambda tree, v: [sum(numbers(tree, v))],
        "count",
    ),
    Template(
        "awk-above",
        "awk",
        (
            "Print the rows of {table} whose column {n} is above {bound}.",
            "Which rows in {table} have more than {bound} in field number {n}?",
            "From {table}, keep rows with a column {n} greater than {bound}.",
        ),
        "awk -F, '${n} > {bound}' {table}",
        (
            "awk -F, '${n} < {bound}' {table}",
            "awk '${n} > {bound}' {table}",
            "awk -F, '${n} > {bound} {print ${n}}' {table}",
        ),
        {"table": TABLES, "n": NUMBERS, "bound": BOUNDS},
        lambda tree, v: [
            row for row in tree.lines(v["table"]) if int(row.split(",")[int(v["n"]) - 1]) > int(v["bound"])
        ],
    ),
    Template(
        "awk-city",
        "awk",
        (
            "Print the names of all rows of {table} whose city is {city}.",
            "Who is from {city} in {table}? Their names alone.",
            "From {table}, give column 1 where column 2 is {city}.",
        ),
        "awk -F, '$2 == \"{city}\" {print $1}' {table}",
        ("awk -F, '$2 == \"{city}\"' {table}", "awk -F, '$1 == \"{city}\" {print $2}' {table}", "grep {city} {table}"),
        {"table": TABLES, "city": CITIES},
        lambda tree, v: [row.split(",")[0] for row in tree.lines(v["table"]) if row.split(",")[1] == v["city"]],
    ),
)


OTHERS = (
    Template(
        "tar-list",
        "tar",
        (
            "List what is in the archive {archive}.",
            "Which files does {archive} hold?",
            "Show the table of contents of {archive}.",
        ),
        "tar -tf {archive}",
        ("tar -xf {archive}", "ls {archive}", "tar -t {archive}"),
        {"archive": ARCHIVES},
        lambda tree, v: list(tree.archives[v["archive"]]),
        "set",
    ),
    Template(
        "date-changed",
        "date",
        (
            "On which day was {note} last changed? As YYYY-MM-DD.",
            "Print the date of the last change to {note}, year first.",
            "When was {note} modified? Year, month and day with dashes.",
        ),
        "date -r {note} +%F",
        ("date +%F", "date -d {note} +%F", "date -r {note}"),
        {"note": (*NOTES, *LOGS, *TABLES)},
        lambda tree, v: [datetime.fromtimestamp(EPOCH + DAY * tree.days[v["note"]], UTC).strftime("%Y-%m-%d")],
    ),
)


REWORKING = (*SED, *AWK, *OTHERS)
