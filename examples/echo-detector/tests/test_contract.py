from echo_detector.detector import Echo
from echo_detector.plugin import SPEC

from harness import Reply, View
from harness.testing import check_detector

PROMPT = "How much are four apples at two euros each?"


def view(text: str) -> View:
    return View(item=text[:9] or "none", family="any", prompts={"answer": PROMPT}, replies={"answer": Reply(text=text)})


def test_it_keeps_the_contract_of_detectors():
    check_detector(SPEC, views=[view(PROMPT), view("Four apples at two euros each are eight euros, all in all.")])


def test_an_echo_is_told_from_an_answer():
    flags = Echo(SPEC.params()).inspect([view(PROMPT), view("They cost eight euros in total."), view("Eight.")])
    assert [(flag.score, flag.flagged, flag.abstained) for flag in flags] == [
        (1.0, True, False),
        (0.0, False, False),
        (0.0, False, True),
    ]
