"""Goals that show a file's lines: in another order, in part, or as a count."""

from __future__ import annotations

from harness_plugins.tasks.inversion.goals.tables import NUMBERS, column, rows_by_number
from harness_plugins.tasks.inversion.goals.template import Template
from harness_plugins.tasks.inversion.tree import LOGS, NOTES, TABLES

COUNTS = ("2", "3", "4", "5")
COLUMNS = ("1", "2", "3", "4")

SORT = (
    Template(
        "sort-lines",
        "sort",
        (
            "Sort the lines of {note}.",
            "Print {note} in alphabetical order.",
            "Show what {note} says, line by line from A to Z.",
        ),
        "sort {note}",
        ("sort -r {note}", "head {note}", "cat {note}"),
        {"note": (*NOTES, *TABLES)},
        lambda tree, v: sorted(tree.lines(v["note"])),
    ),
    Template(
        "sort-reverse",
        "sort",
        (
            "Sort the lines of {note} in reverse order.",
            "Print {note} from Z to A.",
            "Show the lines of {note}, the alphabetically last one first.",
        ),
        "sort -r {note}",
        ("sort {note}", "tail {note}"),
        {"note": (*NOTES, *TABLES)},
        lambda tree, v: sorted(tree.lines(v["note"]), reverse=True),
    ),
    Template(
        "sort-once",
        "sort",
        (
            "Sort the lines of {note} and print each only once.",
            "Print {note} in alphabetical order without repeated lines.",
            "What different lines does {note} have? From A to Z.",
        ),
        "sort -u {note}",
        ("sort {note}", "uniq {note}", "sort -ru {note}"),
        {"note": NOTES},
        lambda tree, v: sorted(set(tree.lines(v["note"]))),
    ),
    Template(
        "sort-column",
        "sort",
        (
            "Sort the rows of {table} by the number in column {n}, smallest first.",
            "Print {table} with its column {n} ascending.",
            "Order {table} from the least to the greatest value of column {n}.",
        ),
        "sort -t, -k{n} -n {table}",
        ("sort -t, -k{n} {table}", "sort -t, -k{n} -nr {table}", "sort -k{n} -n {table}"),
        {"table": TABLES, "n": NUMBERS},
        rows_by_number,
    ),
    Template(
        "sort-column-down",
        "sort",
        (
            "Sort the rows of {table} by the number in column {n}, largest first.",
            "Print {table} with its column {n} descending.",
            "Order {table} from the greatest to the least value of column {n}.",
        ),
        "sort -t, -k{n} -nr {table}",
        ("sort -t, -k{n} -n {table}", "sort -t, -k{n} -r {table}", "sort -k{n} -nr {table}"),
        {"table": TABLES, "n": NUMBERS},
        lambda tree, v: rows_by_number(tree, v, descending=True),
    ),
)


COLUMNS_AND_ENDS = (
    Template(
        "cut-column",
        "cut",
        (
            "Print column {n} of {table}.",
            "Show only the field number {n} of each row in {table}.",
            "From {table}, keep the values of column {n} alone.",
        ),
        "cut -d, -f{n} {table}",
        ("cut -f{n} {table}", "cut -c{n} {table}"),
        {"table": TABLES, "n": COLUMNS},
        column,
    ),
    Template(
        "cut-start",
        "cut",
        (
            "Print the first {n} characters of each line of {note}.",
            "Show how each line in {note} begins: {n} characters of it.",
            "Shorten every line of {note} to its {n} leading characters.",
        ),
        "cut -c1-{n} {note}",
        ("cut -c{n} {note}", "cut -f1-{n} {note}", "head -c {n} {note}"),
        {"note": NOTES, "n": COUNTS},
        lambda tree, v: [line[: int(v["n"])] for line in tree.lines(v["note"])],
    ),
    Template(
        "head-lines",
        "head",
        (
            "Print the first {n} lines of {log}.",
            "Show how {log} begins: {n} lines.",
            "What are the top {n} lines in {log}?",
        ),
        "head -n {n} {log}",
        ("tail -n {n} {log}", "head -c {n} {log}", "head {log}"),
        {"log": (*LOGS, *NOTES), "n": COUNTS},
        lambda tree, v: tree.lines(v["log"])[: int(v["n"])],
    ),
    Template(
        "tail-lines",
        "tail",
        (
            "Print the last {n} lines of {log}.",
            "Show how {log} ends: {n} lines.",
            "What are the bottom {n} lines in {log}?",
        ),
        "tail -n {n} {log}",
        ("head -n {n} {log}", "tail -c {n} {log}", "tail -n +{n} {log}"),
        {"log": (*LOGS, *NOTES), "n": COUNTS},
        lambda tree, v: tree.lines(v["log"])[-int(v["n"]) :],
    ),
    Template(
        "tail-from",
        "tail",
        (
            "Print {log} from line {n} to its end.",
            "Show everything in {log} that starts at line {n}.",
            "Skip what comes before line {n} of {log} and print the rest.",
        ),
        "tail -n +{n} {log}",
        ("tail -n {n} {log}", "head -n {n} {log}", "tail -c +{n} {log}"),
        {"log": (*LOGS, *NOTES), "n": COUNTS},
        lambda tree, v: tree.lines(v["log"])[int(v["n"]) - 1 :],
    ),
)


COUNTING = (
    Template(
        "wc-lines",
        "wc",
        (
            "Count the lines of {note}.",
            "How many lines long is {note}?",
            "Give the number of lines in the file {note}.",
        ),
        "wc -l {note}",
        ("wc -w {note}", "wc {note}", "wc -c {note}"),
        {"note": (*NOTES, *LOGS)},
        lambda tree, v: [len(tree.lines(v["note"]))],
        "count",
    ),
    Template(
        "wc-words",
        "wc",
        (
            "Count the words of {note}.",
            "How many words does {note} hold?",
            "Give the number of words in the file {note}.",
        ),
        "wc -w {note}",
        ("wc -l {note}", "wc {note}", "wc -c {note}"),
        {"note": (*NOTES, *LOGS)},
        lambda tree, v: [len(tree.files[v["note"]].split())],
        "count",
    ),
    Template(
        "wc-bytes",
        "wc",
        ("Count the bytes of {note}.", "How many bytes large is {note}?", "Give the size of the file {note} in bytes."),
        "wc -c {note}",
        ("wc -l {note}", "wc {note}", "wc -w {note}"),
        {"note": (*NOTES, *LOGS, *TABLES)},
        lambda tree, v: [len(tree.files[v["note"]])],
        "count",
    ),
)


SHOWING = (*SORT, *COLUMNS_AND_ENDS, *COUNTING)
