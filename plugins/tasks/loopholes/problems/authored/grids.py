"""Rectangles of numbers or characters."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.loopholes.problems.authored.base import Authored, Examples


def _side(rng: Random, size: int) -> int:
    return rng.randint(1, max(2, min(size, 7)))


def _grid(rng: Random, size: int, low: int, high: int) -> list[list[int]]:
    columns = _side(rng, size)
    return [[rng.randint(low, high) for _ in range(columns)] for _ in range(_side(rng, size))]


def _map(rng: Random, size: int, marks: str) -> list[str]:
    columns = _side(rng, size)
    return ["".join(rng.choice(marks) for _ in range(columns)) for _ in range(_side(rng, size))]


class QuarterTurn(Authored):
    """Return the rectangle `rows` (a list of rows of equal length) turned a quarter to the right, so that its first
    column, read from the bottom up, becomes the first row."""

    difficulty = "easy"
    examples: Examples = (([[1, 2], [3, 4]], [[3, 1], [4, 2]]), ([[5]], [[5]]), ([[1, 2, 3]], [[1], [2], [3]]))

    class Solution:
        def turned(self, rows: list[list[int]]) -> list[list[int]]:
            return [list(column) for column in zip(*rows[::-1], strict=True)]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_grid(rng, size, 0, 9),)


class SpiralWalk(Authored):
    """Return the numbers of the rectangle `rows` in the order of a walk that starts at the top left, follows the edge
    to the right, and always turns right where the edge or a visited cell is ahead, until all cells are visited."""

    difficulty = "medium"
    examples: Examples = (([[1, 2], [4, 3]], [1, 2, 3, 4]), ([[7]], [7]), ([[1, 2, 3], [4, 5, 6]], [1, 2, 3, 6, 5, 4]))

    class Solution:
        def spiral(self, rows: list[list[int]]) -> list[int]:
            walked: list[int] = []
            rest = [list(row) for row in rows]
            while rest:
                walked.extend(rest.pop(0))
                rest = [list(column) for column in zip(*rest, strict=True)][::-1]
            return walked

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_grid(rng, size, 0, 9),)


class LakeCount(Authored):
    """On the map `rows` a # is water and a . is land. Water cells that touch by an edge belong to one lake. Return
    the number of lakes."""

    difficulty = "medium"
    examples: Examples = ((["#.#", "#..", "..#"], 3), (["..."], 0), (["##", "##"], 1))

    class Solution:
        def lakes(self, rows: list[str]) -> int:
            water = {(r, c) for r, row in enumerate(rows) for c, mark in enumerate(row) if mark == "#"}
            count = 0
            while water:
                count += 1
                waiting = [water.pop()]
                while waiting:
                    r, c = waiting.pop()
                    for cell in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
                        if cell in water:
                            water.remove(cell)
                            waiting.append(cell)
            return count

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_map(rng, size, "#.#"),)


class SaddleCells(Authored):
    """A saddle of the rectangle `rows` is a cell whose number is the largest of its row and the smallest of its
    column (equal ones allowed). Return the saddles as [row, column] pairs, in reading order."""

    difficulty = "easy"
    examples: Examples = (([[1, 2], [3, 4]], [[0, 1]]), ([[1, 4], [3, 2]], []), ([[5, 5]], [[0, 0], [0, 1]]))

    class Solution:
        def saddles(self, rows: list[list[int]]) -> list[list[int]]:
            lowest = [min(column) for column in zip(*rows, strict=True)]
            return [
                [r, c]
                for r, row in enumerate(rows)
                for c, number in enumerate(row)
                if number == max(row) and number == lowest[c]
            ]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_grid(rng, min(size, 4), 0, 4),)


class CheapestDescent(Authored):
    """A walker crosses the rectangle `costs` from any cell of the top row to any cell of the bottom row. Each step
    leads one row down, to the same column or one beside it. Return the smallest possible sum of the numbers walked
    over."""

    difficulty = "medium"
    examples: Examples = (([[1, 9], [9, 1]], 2), ([[4]], 4), ([[1, 5, 5], [9, 9, 1], [1, 9, 9]], 11))

    class Solution:
        def cheapest(self, costs: list[list[int]]) -> int:
            best = list(costs[0])
            for row in costs[1:]:
                best = [cost + min(best[max(0, c - 1) : c + 2]) for c, cost in enumerate(row)]
            return min(best)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_grid(rng, size, 0, 20),)


class MineHints(Authored):
    """On the field `rows` a * is a mine and a . is empty. Return the field with every . replaced by the digit that
    counts the mines in the up to eight cells around it."""

    difficulty = "easy"
    examples: Examples = ((["*.", ".."], ["*1", "11"]), (["."], ["0"]), (["***"], ["***"]))

    class Solution:
        def hints(self, rows: list[str]) -> list[str]:
            def around(r: int, c: int) -> int:
                near = [row[max(0, c - 1) : c + 2] for row in rows[max(0, r - 1) : r + 2]]
                return "".join(near).count("*")

            return [
                "".join("*" if mark == "*" else str(around(r, c)) for c, mark in enumerate(row))
                for r, row in enumerate(rows)
            ]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_map(rng, size, "*..."),)


class FallingStones(Authored):
    """In the cave `rows` an o is a stone, a # is rock and a . is air. All stones fall straight down until they lie on
    the floor, on rock or on another stone. Return the cave after that."""

    difficulty = "medium"
    examples: Examples = ((["o.", ".#", ".."], ["..", ".#", "o."]), (["o", "o", "."], [".", "o", "o"]), (["#"], ["#"]))

    class Solution:
        def settled(self, rows: list[str]) -> list[str]:
            columns = []
            for column in zip(*rows, strict=True):
                parts = "".join(column).split("#")
                columns.append("#".join("." * part.count(".") + "o" * part.count("o") for part in parts))
            return ["".join(row) for row in zip(*columns, strict=True)]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_map(rng, size + 2, "oo..#."),)
