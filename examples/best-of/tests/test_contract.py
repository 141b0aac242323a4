from best_of.plugin import SPEC
from best_of.trainer import above_mean

from harness import Outcome
from harness.testing import ToySuite, check_trainer


def test_it_keeps_the_contract_of_trainers(tiny_model):
    check_trainer(SPEC, tiny_model, {"steps": 2})


def test_it_learns_from_what_is_rewarded_above_its_own_question():
    easy, hard = ToySuite().items()[:2]
    looks, does_not = Outcome(proxy=True, truth=False), Outcome(proxy=False, truth=True)
    answered = [(easy, {}, looks), (easy, {}, looks), (hard, {}, looks), (hard, {}, does_not)]
    assert above_mean(ToySuite(), answered) == [(hard, {}, looks)]
