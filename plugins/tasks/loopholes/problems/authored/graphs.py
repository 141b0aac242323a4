"""Things and the connections between them, numbered from 0."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.loopholes.problems.authored.base import Authored, Examples


def _roads(rng: Random, towns: int, count: int) -> list[list[int]]:
    return [[rng.randrange(towns), rng.randrange(towns)] for _ in range(count)]


class IslandGroups(Authored):
    """`bridges` are pairs of islands, numbered from 0 to `islands` - 1; a bridge can be walked both ways. Return the
    sizes of the groups of islands that can be reached from each other, the largest first."""

    difficulty = "medium"
    examples: Examples = ((4, [[0, 1]], [2, 1, 1]), (0, [], []), (3, [[0, 1], [1, 2]], [3]))

    class Solution:
        def group_sizes(self, islands: int, bridges: list[list[int]]) -> list[int]:
            group = list(range(islands))
            for one, other in bridges:
                old, new = group[one], group[other]
                group = [new if label == old else label for label in group]
            return sorted((group.count(label) for label in set(group)), reverse=True)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (size, _roads(rng, size, rng.randint(0, size)))


class FewestHops(Authored):
    """`flights` are [from, to] pairs of airports, numbered from 0 to `airports` - 1, one way only. Return the
    smallest number of flights that lead from airport `start` to airport `goal`, or -1. Being there already takes
    none."""

    difficulty = "medium"
    examples: Examples = ((3, [[0, 1], [1, 2]], 0, 2, 2), (2, [[1, 0]], 0, 1, -1), (1, [], 0, 0, 0))

    class Solution:
        def fewest_hops(self, airports: int, flights: list[list[int]], start: int, goal: int) -> int:
            reached, frontier, hops = {start}, {start}, 0
            while frontier:
                if goal in frontier:
                    return hops
                frontier = {to for origin, to in flights if origin in frontier} - reached
                reached |= frontier
                hops += 1
            return -1

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (size, _roads(rng, size, 2 * size), rng.randrange(size), rng.randrange(size))


class WorkOrder(Authored):
    """`before` holds pairs [a, b]: task a has to be done before task b. Tasks are numbered from 0 to `tasks` - 1.
    Return an order of all tasks in which always the lowest-numbered task that may be done next is done, or the empty
    list if none exists."""

    difficulty = "medium"
    examples: Examples = ((3, [[2, 0]], [1, 2, 0]), (2, [[0, 1], [1, 0]], []), (2, [], [0, 1]))

    class Solution:
        def order(self, tasks: int, before: list[list[int]]) -> list[int]:
            left = list(range(tasks))
            done: list[int] = []
            while left:
                ready = [task for task in left if all(a not in left for a, b in before if b == task)]
                if not ready:
                    return []
                done.append(ready[0])
                left.remove(ready[0])
            return done

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        order = rng.sample(range(size), size)
        pairs = []
        for _ in range(size if size > 1 else 0):
            first, second = sorted(rng.sample(range(size), 2))
            pairs.append([order[first], order[second]])
        if pairs and rng.random() < 0.3:
            pairs.append(pairs[0][::-1])
        return (size, pairs)


class CheapestRoute(Authored):
    """`roads` are [town, town, cost] triples that can be used both ways, at a positive cost; towns are numbered from
    0 to `towns` - 1. Return the smallest total cost from town 0 to the last town, or -1 if there is no way."""

    difficulty = "medium"
    examples: Examples = ((3, [[0, 1, 2], [1, 2, 2], [0, 2, 5]], 4), (2, [], -1), (1, [], 0))

    class Solution:
        def cheapest_route(self, towns: int, roads: list[list[int]]) -> int:
            cost: dict[int, int] = {0: 0}
            for _ in range(towns):
                for one, other, price in roads:
                    for here, there in ((one, other), (other, one)):
                        if here in cost and cost[here] + price < cost.get(there, cost[here] + price + 1):
                            cost[there] = cost[here] + price
            return cost.get(towns - 1, -1)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        roads = [[*road, rng.randint(1, 9)] for road in _roads(rng, size, 2 * size)]
        return (size, roads)


class BossChain(Authored):
    """`boss[i]` is the number of the boss of employee i, or -1 for the one at the top; there are no cycles. Return
    for each employee how many bosses stand above, directly or indirectly."""

    difficulty = "easy"
    examples: Examples = (([-1, 0, 1], [0, 1, 2]), ([-1], [0]), ([2, 2, -1], [1, 1, 0]))

    class Solution:
        def bosses_above(self, boss: list[int]) -> list[int]:
            counts = []
            for employee in range(len(boss)):
                above = 0
                while boss[employee] >= 0:
                    employee = boss[employee]
                    above += 1
                counts.append(above)
            return counts

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        order = rng.sample(range(size), size)
        boss = [-1] * size
        for place, employee in enumerate(order[1:], start=1):
            boss[employee] = order[rng.randrange(place)]
        return (boss,)


class TwoTeams(Authored):
    """`rivals` are pairs of players, numbered from 0 to `players` - 1, who must not be in the same team. Return
    whether the players can be divided into two teams (one may be empty)."""

    difficulty = "medium"
    examples: Examples = ((3, [[0, 1], [1, 2]], True), (3, [[0, 1], [1, 2], [2, 0]], False), (1, [], True))

    class Solution:
        def can_divide(self, players: int, rivals: list[list[int]]) -> bool:
            team: dict[int, int] = {}
            for first in range(players):
                waiting = [] if first in team else [first]
                team.setdefault(first, 0)
                while waiting:
                    player = waiting.pop()
                    for one, other in rivals:
                        for here, there in ((one, other), (other, one)):
                            if here == player and there not in team:
                                team[there] = 1 - team[here]
                                waiting.append(there)
            return all(team[one] != team[other] for one, other in rivals)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        players = size + 2
        side = [rng.randrange(2) for _ in range(players)]
        pairs = [sorted(rng.sample(range(players), 2)) for _ in range(size + 1)]
        if rng.random() < 0.5:
            pairs = [pair for pair in pairs if side[pair[0]] != side[pair[1]]]
        return (players, pairs)


class RumourDays(Authored):
    """On day 0 only person 0 knows a rumour. `friends` are pairs of persons, numbered from 0 to `persons` - 1. On
    each day everyone who knew it on the day before tells all friends. Return how many persons know it after `days`
    days."""

    difficulty = "easy"
    examples: Examples = ((4, [[0, 1], [1, 2]], 1, 2), (2, [], 9, 1), (3, [[0, 1], [2, 1]], 2, 3))

    class Solution:
        def knowing(self, persons: int, friends: list[list[int]], days: int) -> int:
            know = {0}
            for _ in range(days):
                told = {other for one, other in friends if one in know} | {
                    one for one, other in friends if other in know
                }
                if told <= know:
                    break
                know |= told
            return len(know)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (size, _roads(rng, size, size), rng.randint(0, 4))
