"""Arithmetic on whole numbers."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.loopholes.problems.authored.base import Authored, Examples


class DigitStairs(Authored):
    """A number is a staircase if each of its decimal digits is larger than the digit before it. Return whether the
    non-negative integer `number` is a staircase; a number of one digit is."""

    difficulty = "easy"
    examples: Examples = ((1359, True), (122, False), (7, True))

    class Solution:
        def is_staircase(self, number: int) -> bool:
            digits = str(number)
            return digits == "".join(sorted(set(digits)))

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        digits = sorted(rng.sample("123456789", min(size, 6)))
        if rng.random() < 0.5:
            rng.shuffle(digits)
        return (int("".join(digits)),)


class SharedFactor(Authored):
    """Two gears with `first` and `second` teeth start aligned. Return after how many single-tooth steps they are
    aligned again for the first time, that is, the smallest positive number which both counts divide."""

    difficulty = "easy"
    examples: Examples = ((4, 6, 12), (5, 5, 5), (3, 7, 21))

    class Solution:
        def steps_to_align(self, first: int, second: int) -> int:
            a, b = first, second
            while b:
                a, b = b, a % b
            return first // a * second

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (rng.randint(1, 5 * size), rng.randint(1, 5 * size))


class PrimeBudget(Authored):
    """You buy the prime numbers 2, 3, 5, ... one after another, each at a price equal to itself, for as long as the
    money lasts. Return how many you can buy with `budget` coins."""

    difficulty = "easy"
    examples: Examples = ((10, 3), (1, 0), (28, 5))

    class Solution:
        def primes_bought(self, budget: int) -> int:
            bought, candidate = 0, 2
            while candidate <= budget:
                if all(candidate % divisor for divisor in range(2, int(candidate**0.5) + 1)):
                    budget -= candidate
                    bought += 1
                candidate += 1
            return bought

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (rng.randint(0, 30 * size),)


class HalvingGame(Authored):
    """Start from the positive integer `start`. An even number is halved; an odd number greater than one is reduced by
    one. Return how many moves lead to one."""

    difficulty = "easy"
    examples: Examples = ((1, 0), (6, 3), (15, 6))

    class Solution:
        def moves_to_one(self, start: int) -> int:
            moves = 0
            while start > 1:
                start = start // 2 if start % 2 == 0 else start - 1
                moves += 1
            return moves

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (rng.randint(1, 4**size),)


class OddDivisors(Authored):
    """In a corridor of `doors` closed doors, visitor number v = 1, 2, ..., `doors` toggles every door whose number v
    divides. Return the numbers of the doors that are open in the end, in increasing order."""

    difficulty = "easy"
    examples: Examples = ((4, [1, 4]), (0, []), (10, [1, 4, 9]))

    class Solution:
        def open_doors(self, doors: int) -> list[int]:
            return [root * root for root in range(1, doors + 1) if root * root <= doors]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (rng.randint(0, 15 * size),)


class BaseDigits(Authored):
    """Return the digits of the non-negative integer `number` written in base `base` (2 to 10), the most significant
    digit first. Zero has the single digit 0."""

    difficulty = "easy"
    examples: Examples = ((10, 2, [1, 0, 1, 0]), (0, 7, [0]), (64, 8, [1, 0, 0]))

    class Solution:
        def digits_in_base(self, number: int, base: int) -> list[int]:
            digits = [number % base]
            while number >= base:
                number //= base
                digits.append(number % base)
            return digits[::-1]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (rng.randint(0, 3**size), rng.randint(2, 10))


class LonelyBit(Authored):
    """The binary form of `number` (non-negative) is read without leading zeros. Return how many of its ones have no one
    directly beside them."""

    difficulty = "easy"
    examples: Examples = ((5, 2), (6, 0), (0, 0))

    class Solution:
        def lonely_ones(self, number: int) -> int:
            bits = f"0{number:b}0"
            return sum(bits[at - 1 : at + 2] == "010" for at in range(1, len(bits) - 1))

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (rng.randint(0, 4 ** min(size, 12)),)
