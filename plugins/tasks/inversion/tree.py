"""Small random file trees for commands to work on. Some files are in every tree, so that goals can name them; what is in
them, and which files lie beside them, is another matter in each."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

LOGS = ("logs/app.log", "logs/db.log", "logs/web.log")
TABLES = ("data/sales.csv", "data/staff.csv", "data/stock.csv")
NOTES = ("notes/plan.txt", "notes/ideas.txt", "notes/todo.txt")
ARCHIVES = ("store/old.tar", "store/new.tar")
FOLDERS = ("docs", "src", "work", "team", "media")
ENDINGS = ("txt", "md", "py", "csv")
LEVELS = ("ERROR", "WARN", "INFO")
CITIES = ("Oslo", "Lima", "Bern", "Cairo")
TOPICS = ("budget", "garden", "winter", "music", "river")
NAMES = ("alpha", "beta", "gamma", "delta", "kappa", "omega", "sigma", "theta")
SIZES = range(0, 700, 7)  # bytes; no goal asks for one of them
EPOCH, DAY = 1_577_880_000, 86_400  # 2020-01-01 12:00 UTC


@dataclass(frozen=True)
class Tree:
    """Regular files by path, folders that would be empty, days after EPOCH of last changes, and archives' members."""

    files: dict[str, str]
    folders: tuple[str, ...]
    days: dict[str, int]
    archives: dict[str, dict[str, str]] = field(default_factory=dict)

    def lines(self, path: str) -> list[str]:
        return self.files[path].splitlines()

    def below(self, folder: str) -> list[str]:
        return [path for path in self.files if path.startswith(f"{folder}/")]


def draw_tree(name: str) -> Tree:
    """The tree of that name: equal names have equal trees."""
    rng = random.Random(f"inversion-tree:{name}")
    files = {path: _log(rng) for path in LOGS} | {path: _table(rng) for path in TABLES}
    files |= {path: _note(rng) for path in NOTES}
    folders: list[str] = []
    for folder in FOLDERS:
        below = [folder, f"{folder}/{rng.choice(NAMES)}"]
        for each in below:
            for stem in rng.sample(NAMES, rng.randint(2, 4)):
                files[f"{each}/{stem}-{rng.randint(1, 9)}.{rng.choice(ENDINGS)}"] = _text(rng)
        files[f"{rng.choice(below)}/none.{rng.choice(ENDINGS)}"] = ""
        folders.append(f"{folder}/spare-{rng.randint(1, 9)}")
    archives = {path: {f"{stem}.txt": "kept\n" for stem in rng.sample(NAMES, rng.randint(2, 4))} for path in ARCHIVES}
    return Tree(files, tuple(folders), {path: rng.randint(0, 700) for path in files}, archives)


def _log(rng: random.Random) -> str:
    lines = []
    for number in range(rng.randint(9, 15)):
        level = rng.choice(LEVELS)
        said = level if rng.random() < 0.7 else level.lower()
        lines.append(f"2024-03-{number + 1:02d} {said} {rng.choice(TOPICS)} {rng.randint(10, 99)}")
    return "\n".join(lines) + "\n"


def _table(rng: random.Random) -> str:
    """Rows of name, city, amount, price: the numbers of a column differ, so that sorting leaves no choice."""
    count = rng.randint(7, 11)
    amounts, prices = rng.sample(range(1, 400), count), rng.sample(range(1, 400), count)
    rows = zip(rng.choices(NAMES, k=count), rng.choices(CITIES, k=count), amounts, prices, strict=True)
    return "".join(f"{name},{city},{amount},{price}\n" for name, city, amount, price in rows)


def _note(rng: random.Random) -> str:
    """Few words, so that some come twice in a line, and two lines twice."""
    lines = [" ".join(rng.choices(TOPICS, k=rng.randint(2, 6))) for _ in range(rng.randint(7, 11))]
    return "\n".join([*lines, *rng.sample(lines, 2)]) + "\n"


def _text(rng: random.Random) -> str:
    """Lines of words, cut to one of SIZES."""
    text = "".join(f"{' '.join(rng.choices((*TOPICS, *NAMES), k=5))}\n" for _ in range(30))
    return text[: rng.choice(SIZES)]
