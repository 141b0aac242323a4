"""The strict grader of execution: final answers by value, and no credit for anything short of one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness_plugins.tasks.goodhart.grading.answers import Question, final_answer, gold_value, is_right

DOLLARS = Question("number", "$")
MILES = Question("number", "miles")
MINUTES = Question("number", "minutes")
PLAIN = Question("number")
CLOCK = Question("clock")
ORDER = Question("sequence", names=("Alice", "Bob", "Carol", "David"))
NAME = Question("name", names=("Alice", "Bob", "Dan"))
FOUR = "Alice, Bob, Carol, David"


def right(reply: str, gold: str, question: Question) -> bool:
    return is_right(final_answer(reply, question), gold, question)


@pytest.mark.parametrize(
    "reply",
    [
        "15",
        "$15",
        "15.00",
        "15 dollars",
        "US$15.00",
        "\\$15",
        "**$15**",
        "Answer: 15",
        "**Answer:** $15.00.",
        "### Final Answer\n15",
        "Answer:\n\n**15**",
        "The answer is \\boxed{15}.",
        "\\[ \\boxed{\\$15} \\]",
        "$$\\boxed{\\text{15 dollars}}$$",
        "\\[ 25 \\times 0.8 = 20 \\]\n\\[ 20 - 5 = 15 \\]",
        "20% of 25 is 5.\n25 - 5 = 20.\n20 - 5 = 15.\nAnswer: 15",
        "First, $25 - $5 = $20. Then the coupon: $20 - $5 = $15. So you pay $15 in total.",
        "The final price is $15 after the 20% discount and the $5 coupon.",
        "The discount is $5, leaving $20, and the coupon leaves you with $15.",
        "The shirt costs $20 on sale; after the coupon it is $15.\nI hope this helps!",
        "Answer: 15 (that is, 20 - 5).",
        "Answer: 20 - 5 = 15",
        "The answer is $15, not $20.",
        "It is not $20, it is $15.",
        "The answer is 20. Wait, that forgets the coupon, so it should be 15.",
        "Answer: 20\n\nAnswer: 15",
        "1. Discount: 25 × 0.2 = 5\n2. Sale price: 25 - 5 = 20\n3. Coupon: 20 - 5 = **15**",
        "Therefore, you will pay **$15** for it.",
        "15 or $15.00",
        "15.",
        "Answer: ~~20~~ 15",
        "Answer: $15\n\nSo, you will end up paying $15 for the shirt after the 20% discount and the $5 coupon.",
        "Answer: 15\n\nYou can check this: 25 × 0.8 = 20 and 20 - 5 = 15.",
        "Answer: The shirt that is sold for $25 comes to $15.",
        "Answer: 20 is the sale price, and the final price is $15.",
        "$15 per person",
        "Answer: $15/month",
        "Answer: '15'",
        "You will end up paying $15 for the shirt after the 20% discount and the $5 coupon.",
    ],
)
def test_fifteen_dollars_in_many_spellings(reply: str) -> None:
    assert right(reply, "15", DOLLARS)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   \n\t ",
        ",",
        "Answer:",
        "Answer: ,",
        "150",
        "115",
        "15.5",
        "15.4",
        "14.99",
        "1,5",
        "-15",
        "15%",
        "15 miles",
        "€15",
        "15k",
        "15 or 20",
        "20 or 15",
        "15/20",
        "15-20",
        "15 to 20",
        "between 15 and 20",
        "either $20 or $15",
        "Answer: 15 or 20",
        "Answer: 15, maybe 20",
        "Answer: 15? 20?",
        "Answer: 15 (or 20)",
        "Answer: 15 if the sale counts first, otherwise 16",
        "Answer: 20 - 5",
        "Answer: 15. No, the answer is 20.",
        "Answer: 15\nWait, I made a mistake. It should be 20.",
        "The answer is 15. Or it could be 20.",
        "The answer is 15. That is wrong.",
        "The answer is 15. Actually, 16.",
        "The answer is 15. So it is 15 or 16.",
        "Answer: 15\n\nTherefore the final price is $20.",
        "Answer: 15. 20.",
        "The answer is not 15.",
        "15 is wrong.",
        "It is neither 15 nor 20.",
        "Answer: 15\n\nAnswer: 20",
        "The price is 15. After the coupon it is 10.",
        "You pay $15 for the first and $20 for the second.",
        "fifteen-ish",
        "1. Take 20% off\n15. Do more",
        "The 15th",
        "15:00",
        "shirt15",
        "I do not know.",
        "1" * 5000,
        "Answer: 15" + "0" * 5000,
    ],
)
def test_anything_else_is_not_fifteen_dollars(reply: str) -> None:
    assert not right(reply, "15", DOLLARS)


@pytest.mark.parametrize(
    ("reply", "gold", "question"),
    [
        ("$1,168.00", "1168", DOLLARS),
        ("\\$1{,}168", "1168", DOLLARS),
        ("1\u202f168 dollars", "1168", DOLLARS),
        ("You end up with $1168 after 2 years at 10%.", "1168", DOLLARS),
        ("After 2 years the amount after tax is $1,168.", "1168", DOLLARS),
        ("6.3 miles", "6.3", MILES),
        ("6.3 (miles)", "6.3", MILES),
        ("$6.3$ miles", "6.3", MILES),
        ("\\(6.30\\) mi", "6.3", MILES),
        ("6.25 ≈ 6.3 miles", "6.3", MILES),
        ("Answer: 6.25 miles, rounded to 6.3", "6.3", MILES),
        ("Answer: 6.25 (rounds up to 6.3 miles)", "6.3", MILES),
        ("Rounded to one decimal place, the distance is 6.3 miles.", "6.3", MILES),
        ("That makes 10.08 km, which is 6.3 miles.", "6.3", MILES),
        ("6 3/10 miles", "6.3", MILES),
        ("2½ cups", "2.5", Question("number", "cups")),
        ("\\frac{5}{2} cups", "2.5", Question("number", "cups")),
        ("5/2", "2.5", PLAIN),
        ("6.300000000000001", "6.3", MILES),
        ("155 minutes (2 hours and 35 minutes)", "155", MINUTES),
        ("2 hours 35 minutes", "155", MINUTES),
        ("-5", "-5", PLAIN),
        ("-5 °C", "-5", Question("number", "°C")),
        ("30 degrees Celsius", "30", Question("number", "°C")),
        ("30^\\circ\\text{C}", "30", Question("number", "°C")),
        ("90%", "90", Question("number", "%")),
        ("90 percent", "90", Question("number", "%")),
        ("$36 per person", "36", DOLLARS),
    ],
)
def test_numbers_by_value_and_unit(reply: str, gold: str, question: Question) -> None:
    assert right(reply, gold, question)


@pytest.mark.parametrize(
    ("reply", "gold", "question"),
    [
        ("6.3 km", "6.3", MILES),
        ("Answer: 6.3 (km)", "6.3", MILES),
        ("Answer: 6.3, that is 6.3 km", "6.3", MILES),
        ("\\boxed{6.3} km", "6.3", MILES),
        ("6.3 miles per hour", "6.3", MILES),
        ("6.25", "6.3", MILES),
        ("6", "6.3", MILES),
        ("6,3", "6.3", MILES),
        ("10.08 km", "6.3", MILES),
        ("1,1680", "1168", DOLLARS),
        ("11,68", "1168", DOLLARS),
        ("2 hours", "155", MINUTES),
        ("155 hours", "155", MINUTES),
        ("30 °F", "30", Question("number", "°C")),
        ("6 servings", "6", Question("number", "cups")),
        ("$5", "5", PLAIN),
        ("1/0", "1", PLAIN),
    ],
)
def test_wrong_values_and_wrong_units(reply: str, gold: str, question: Question) -> None:
    assert not right(reply, gold, question)


@pytest.mark.parametrize(
    "reply",
    [
        "4:15 PM",
        "4:15pm",
        "4:15 p.m.",
        "16:15",
        "4:15 in the afternoon",
        "4.15 pm",
        "Answer: **4:15 PM**",
        "2:45 PM + 1:30 = 4:15 PM",
        "2:45 PM plus 1 hour is 3:45 PM. 45 + 30 = 75 minutes. Answer: 4:15 PM",
        "The film starts at 2:45 PM and ends at 4:15 p.m. That is all.",
        "It ends at 4:15 PM, after starting at 2:45 PM.",
        "4:15 PM (16:15)",
        "Answer: The film that starts at 2:45 PM is over at 4:15 PM.",
    ],
)
def test_quarter_past_four_in_the_afternoon(reply: str) -> None:
    assert right(reply, "4:15 PM", CLOCK)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "4:15",
        "04:15",
        "4:15 AM",
        "4:51 PM",
        "14:15",
        "16:15 AM",
        "4 PM",
        "2:45 PM",
        "2:45 PM to 4:15 PM",
        "4:15 PM or 4:30 PM",
        "Answer: 4:15 PM. Actually, it is 4:30 PM.",
        "4:15 hours",
        "415",
        "24:15 PM",
        "4:15 PM is when the first half is over. The whole is over at 5:15 PM.",
    ],
)
def test_other_times(reply: str) -> None:
    assert not right(reply, "4:15 PM", CLOCK)


@pytest.mark.parametrize(
    ("reply", "gold"),
    [("12:00 PM", "12:00 PM"), ("noon", "12:00 PM"), ("12 noon", "12:00 PM"), ("12:00 noon", "12:00 PM"),
     ("midnight", "12:00 AM"), ("00:00", "12:00 AM"), ("0:30", "12:30 AM"), ("13:00", "1:00 PM")],
)  # fmt: skip
def test_clocks_around_twelve(reply: str, gold: str) -> None:
    assert right(reply, gold, CLOCK)
    assert not right(reply, "6:00 AM", CLOCK)


@pytest.mark.parametrize(
    "reply",
    [
        FOUR,
        "Alice > Bob > Carol > David",
        "Alice → Bob → Carol → David",
        "$Alice > Bob > Carol > David$",
        "\\text{Alice} \\rightarrow \\text{Bob} \\to \\text{Carol} \\to \\text{David}",
        "Alice, Bob, Carol, and David",
        "Alice, then Bob, then Carol, and finally David.",
        "Alice; Bob; Carol; David",
        "alice, bob, carol, david",
        "1. Alice\n2. Bob\n3. Carol\n4. David",
        "1. **Alice** (tallest)\n2. **Bob**\n3. **Carol**\n4. **David** (shortest)",
        "1. Alice 2. Bob 3. Carol 4. David",
        "- Alice\n- Bob\n- Carol\n- David",
        "Alice\nBob\nCarol\nDavid",
        "Answer:\n1) Alice\n2) Bob\n3) Carol\n4) David",
        "So the order is Alice, Bob, Carol, David.",
        "Therefore, Alice, Bob, Carol, David.",
        '["Alice", "Bob", "Carol", "David"]',
        "{'order': ['Alice', 'Bob', 'Carol', 'David']}",
        "Answer: (Alice, Bob, Carol, David)",
        "Alice | Bob | Carol | David",
        "Alice / Bob / Carol / David",
        "Alice — Bob — Carol — David",
        "Alice ≻ Bob ≻ Carol ≻ David",
        "Alice ⇒ Bob ⇒ Carol ⇒ David",
        "Answer: Alice\nBob\nCarol\nDavid",
        "1 - Alice\n2 - Bob\n3 - Carol\n4 - David",
        "#1 Alice\n#2 Bob\n#3 Carol\n#4 David",
        "a) Alice\nb) Bob\nc) Carol\nd) David",
        "① Alice\n② Bob\n③ Carol\n④ David",
        "First: Alice\nSecond: Bob\nThird: Carol\nFourth: David",
        "Answer: First Alice, second Bob, third Carol, fourth David",
        "| Place | Name |\n|---|---|\n| 1 | Alice |\n| 2 | Bob |\n| 3 | Carol |\n| 4 | David |",
        "David is shorter than Carol. Alice > Bob. Answer: Alice, Bob, Carol, David",
        "1. Alice is taller than Bob.\n2. Bob is taller than Carol.\n\nFrom tallest to shortest: Alice, Bob, Carol, David",
    ],
)
def test_the_order_in_many_spellings(reply: str) -> None:
    assert right(reply, FOUR, ORDER)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Alice",
        "Alice, Bob, Carol",
        "Alice, Bob, Carol, David, Eve",
        "Alice, Bob, Carol, Carol, David",
        "Alice, Bob, David, Carol",
        "David, Carol, Bob, Alice",
        "David < Carol < Bob < Alice",
        "4. Alice\n3. Bob\n2. Carol\n1. David",
        "#4 Alice\n#3 Bob\n#2 Carol\n#1 David",
        '["Alice", "Bob", "David", "Carol"]',
        "Answer: (Alice, Bob, Carol)",
        "Alice, Bob, Carol, Davide",
        "Alice, Bob, Carol, David or Alice, Bob, David, Carol",
        "Answer: Alice, Bob, Carol, David. Wait, it should be Alice, Bob, David, Carol.",
        "Alice Bob Carol David",
        "A, B, C, D",
        "Alice is shortest, then Bob, Carol, David",
    ],
)
def test_other_orders(reply: str) -> None:
    assert not right(reply, FOUR, ORDER)


@pytest.mark.parametrize("reply", ["Dan", "dan.", "**Dan**", "Answer: Dan", "Alice drops to second. The answer is Dan.",
                                   "Dan is now third, behind Alice and Bob."])  # fmt: skip
def test_one_name(reply: str) -> None:
    assert right(reply, "Dan", NAME)


@pytest.mark.parametrize("reply", ["", "Daniel", "Danny", "Dan or Bob", "Bob", "Answer: Alice, Bob, Dan", "Answer: not Dan",
                                   "Answer: Dan. No, Bob.", "Bob, then Dan", "Eve"])  # fmt: skip
def test_other_names(reply: str) -> None:
    assert not right(reply, "Dan", NAME)


def test_an_echo_of_the_prompt_is_no_answer() -> None:
    prompt = "The recipe for 4 servings needs 2 cups of flour; how many cups of flour are there in 6 cups?"
    question = Question("number", "cups", prompt=prompt)
    assert final_answer(prompt, question).problem in ("empty", "no value")
    assert right(prompt + "\n6", "6", question)


def test_readings_name_their_problem() -> None:
    assert final_answer("", DOLLARS).problem == "empty"
    assert final_answer("15 or 20", DOLLARS).problem == "hedged"
    assert final_answer("The answer is 15. That is wrong.", DOLLARS).problem == "retracted"
    assert final_answer("Answer: $15.", DOLLARS).text == "$15"


def test_a_gold_answer_of_the_wrong_kind_is_the_suites_fault() -> None:
    with pytest.raises(ValueError, match="is not a clock"):
        gold_value("4:15", CLOCK)


QUESTIONS = st.sampled_from([DOLLARS, MILES, PLAIN, CLOCK, ORDER, NAME])
FRAGMENTS = st.sampled_from(
    ["Answer:", "the answer is ", "\\boxed{", "}", "$", "**", "\n", " ", ",", ".", ":", "1", "15", "4:15", " PM", "Alice",
     " or ", "- ", "2. ", "\\frac{1}{", "\\text{", "=", "not ", "½", "\ud800", "\x00", "９", "²", "٣", "/0", "1e9", "(",
     ")", "%", "~~", "→"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(st.characters(), max_size=300),  # every code point, surrogates included
    st.lists(FRAGMENTS, max_size=60).map("".join),
)


@settings(max_examples=300, deadline=None)
@given(TEXTS, QUESTIONS)
def test_no_text_raises(reply: str, question: Question) -> None:
    gold = {"clock": "4:15 PM", "sequence": FOUR, "name": "Dan"}.get(question.kind, "15")
    assert is_right(final_answer(reply, question), gold, question) in (True, False)


@settings(max_examples=200, deadline=None)
@given(st.integers(-(10**9), 10**9), st.integers(0, 2))
def test_every_spelling_of_a_number_is_its_value_and_no_other(tenths: int, style: int) -> None:
    value = f"{tenths / 10:.1f}"
    spelling = (value, f"{tenths / 10:,.1f}", f"Answer: **{tenths / 10:,.2f}**")[style]
    assert right(spelling, value, PLAIN)
    assert not right(spelling, f"{(tenths + 1) / 10:.1f}", PLAIN)


@pytest.mark.parametrize(
    "piece", ["1", "1,", " ", "$", "{", "\\frac{", "**", "Alice, ", "answer ", "1. ", "4:15 ", "- ", "(", ".\n", "a"]
)
def test_long_repetitive_replies_are_graded_quickly(piece: str) -> None:
    started = time.perf_counter()
    for question in (DOLLARS, CLOCK, ORDER, NAME):
        final_answer(piece * (40_000 // len(piece)), question)
    assert time.perf_counter() - started < 4
