"""Goals that search a file tree: for files by what they are, for lines by what they say."""

from __future__ import annotations

from harness_plugins.tasks.inversion.goals.template import Template, Values
from harness_plugins.tasks.inversion.tree import ENDINGS, FOLDERS, LEVELS, LOGS, TOPICS, Tree

BOUNDS = ("50", "100", "150", "200", "250", "300")  # bytes


def _with(tree: Tree, values: Values) -> list[str]:
    return [line for line in tree.lines(values["log"]) if values["word"] in line]


def _folders(tree: Tree, values: Values) -> list[str]:
    parents = {path.rpartition("/")[0] for path in tree.below(values["folder"])}
    found = (parents | {one for one in tree.folders if one.startswith(f"{values['folder']}/")}) - {values["folder"]}
    return sorted(found)


FIND = (
    Template(
        "find-ending",
        "find",
        (
            "List the .{ending} files under {folder}.",
            "Which files below {folder} have names that end in .{ending}?",
            "Search {folder} and its subfolders for everything called something.{ending}.",
        ),
        "find {folder} -name '*.{ending}'",
        ("find {folder} -name '{ending}'", "find {folder} -type f"),
        {"folder": FOLDERS, "ending": ENDINGS},
        lambda tree, v: [path for path in tree.below(v["folder"]) if path.endswith(f".{v['ending']}")],
        "set",
    ),
    Template(
        "find-empty",
        "find",
        (
            "Which files under {folder} are empty?",
            "List every file of size zero in {folder}.",
            "Look below {folder} for files without any content.",
        ),
        "find {folder} -type f -empty",
        ("find {folder} -type d -empty", "find {folder} -type f", "find {folder} -empty"),
        {"folder": FOLDERS},
        lambda tree, v: [path for path in tree.below(v["folder"]) if not tree.files[path]],
        "set",
    ),
    Template(
        "find-larger",
        "find",
        (
            "List the files under {folder} that are larger than {bound} bytes.",
            "Which files in {folder} take more than {bound} bytes?",
            "Show all files below {folder} whose size is above {bound} bytes.",
        ),
        "find {folder} -type f -size +{bound}c",
        (
            "find {folder} -type f -size +{bound}",
            "find {folder} -type f -size -{bound}c",
            "find {folder} -size {bound}c",
        ),
        {"folder": FOLDERS, "bound": BOUNDS},
        lambda tree, v: [path for path in tree.below(v["folder"]) if len(tree.files[path]) > int(v["bound"])],
        "set",
    ),
    Template(
        "find-folders",
        "find",
        (
            "List the folders below {folder}, without {folder} itself.",
            "Which subfolders does {folder} have, at any depth?",
            "Name all directories inside {folder}.",
        ),
        "find {folder} -mindepth 1 -type d",
        ("find {folder} -type d", "find {folder} -mindepth 1 -type f", "ls {folder}"),
        {"folder": FOLDERS},
        _folders,
        "set",
    ),
    Template(
        "find-here",
        "find",
        (
            "List the files that lie directly in {folder}, not deeper.",
            "Which files are in {folder} itself?",
            "Show the regular files of {folder} without going into subfolders.",
        ),
        "find {folder} -maxdepth 1 -type f",
        ("find {folder} -type f", "find {folder} -maxdepth 1", "find {folder} -maxdepth 1 -type d"),
        {"folder": FOLDERS},
        lambda tree, v: [path for path in tree.below(v["folder"]) if path.count("/") == 1],
        "set",
    ),
)


GREP = (
    Template(
        "grep-lines",
        "grep",
        (
            "Show the lines of {log} that contain {word}.",
            "Print every line with {word} in the file {log}.",
            "Where does {log} say {word}? Give the whole lines.",
        ),
        "grep {word} {log}",
        ("grep -v {word} {log}", "grep -c {word} {log}", "grep -n {word} {log}"),
        {"log": LOGS, "word": (*LEVELS, *TOPICS)},
        _with,
    ),
    Template(
        "grep-count",
        "grep",
        (
            "Count the lines of {log} that contain {word}.",
            "How many lines in {log} mention {word}?",
            "On how many lines does {word} appear in the file {log}?",
        ),
        "grep -c {word} {log}",
        ("grep {word} {log}", "grep -vc {word} {log}", "grep -n {word} {log}", "wc -l {log}"),
        {"log": LOGS, "word": (*LEVELS, *TOPICS)},
        lambda tree, v: [len(_with(tree, v))],
        "count",
    ),
    Template(
        "grep-without",
        "grep",
        (
            "Show the lines of {log} that do not contain {word}.",
            "Print {log} but leave out every line with {word}.",
            "Which lines in the file {log} are free of {word}?",
        ),
        "grep -v {word} {log}",
        ("grep {word} {log}", "grep -vc {word} {log}", "grep -o {word} {log}"),
        {"log": LOGS, "word": (*LEVELS, *TOPICS)},
        lambda tree, v: [line for line in tree.lines(v["log"]) if v["word"] not in line],
    ),
    Template(
        "grep-numbered",
        "grep",
        (
            "Show the lines of {log} that contain {word}, with their line numbers.",
            "At which line numbers does {log} mention {word}? Print number and line.",
            "Print number and text of each line with {word} in {log}.",
        ),
        "grep -n {word} {log}",
        ("grep {word} {log}", "grep -c {word} {log}", "grep -nv {word} {log}"),
        {"log": LOGS, "word": (*LEVELS, *TOPICS)},
        lambda tree, v: [f"{n}:{line}" for n, line in enumerate(tree.lines(v["log"]), 1) if v["word"] in line],
    ),
    Template(
        "grep-any-case",
        "grep",
        (
            "Show the lines of {log} that contain {word} in capital or small letters.",
            "Print every line with {word} in {log}, whatever its case.",
            "Search {log} for {word} and ignore case.",
        ),
        "grep -i {word} {log}",
        ("grep {word} {log}", "grep -ic {word} {log}", "grep -iv {word} {log}"),
        {"log": LOGS, "word": LEVELS},
        lambda tree, v: [line for line in tree.lines(v["log"]) if v["word"].lower() in line.lower()],
    ),
    Template(
        "grep-files",
        "grep",
        (
            "Name the files under {folder} that contain {word}.",
            "Which files below {folder} mention {word}? Only their names.",
            "Search {folder} and its subfolders for {word} and print file names alone.",
        ),
        "grep -rl {word} {folder}",
        ("grep -r {word} {folder}", "grep -l {word} {folder}", "grep -rL {word} {folder}"),
        {"folder": FOLDERS, "word": TOPICS},
        lambda tree, v: [path for path in tree.below(v["folder"]) if v["word"] in tree.files[path]],
        "set",
    ),
)


SEARCHING = (*FIND, *GREP)
