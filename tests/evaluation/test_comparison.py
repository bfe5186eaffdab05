import numpy as np
import pytest

from twinnet import TwinnetError
from twinnet.evaluation.comparison import Scored, eer_difference, mean_difference
from twinnet.evaluation.curves import error_curve


def trials(seed, separation, people=12, each=30):
    """Trials within people, and scores of which the genuine ones are larger."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(people), each)
    labels = np.tile([1, 0], len(owner) // 2)
    hard = rng.normal(0, 0.5, people)[owner]
    return Scored(separation * labels + hard + rng.normal(0, 1, len(owner)), labels, np.stack([owner, owner], axis=1))


def test_a_system_is_not_better_than_itself():
    system = trials(0, 1)
    assert eer_difference(system, system) == {"value": 0, "low": 0, "high": 0}


def test_a_clearly_better_system_has_an_interval_below_zero():
    better, worse = trials(0, 3), trials(0, 0.5)
    found = eer_difference(better, worse)
    assert found["low"] < found["value"] < found["high"] < 0
    assert eer_difference(worse, better)["value"] == -found["value"]


def test_common_difficulty_does_not_widen_the_interval():
    system = trials(0, 1)
    nearly = Scored(system.scores + np.random.default_rng(1).normal(0, 0.01, len(system.scores)), *_rest(system))
    other = trials(5, 1)
    width = [found["high"] - found["low"] for found in (eer_difference(system, s) for s in (nearly, other))]
    assert width[0] < width[1] / 5


def test_weights_are_copies_of_people():
    system = trials(3, 1)
    times = np.random.default_rng(0).integers(0, 3, 12).astype(float)
    rows = [row for row, (person, _) in enumerate(system.identities) for _ in range(int(times[person]))]
    expected = error_curve(system.scores[rows], system.labels[rows]).eer
    assert system.eer(times) == pytest.approx(expected)


def test_trials_may_differ():
    few = trials(0, 1, each=6)
    assert eer_difference(trials(0, 3), few)["value"] < 0


def _rest(system):
    return system.labels, system.identities


def test_the_interval_of_a_mean_difference_is_that_of_students_t():
    rng = np.random.default_rng(0)
    second = rng.uniform(size=200)
    first = second + rng.normal(0.1, 0.3, size=200)
    found = mean_difference(first, second)
    gaps = first - second
    half = 1.97 * gaps.std(ddof=1) / np.sqrt(200)
    assert found["value"] == pytest.approx(gaps.mean())
    assert [found["low"], found["high"]] == pytest.approx([gaps.mean() - half, gaps.mean() + half], abs=0.15 * half)
    assert mean_difference(first, first) == {"value": 0, "low": 0, "high": 0}
    assert mean_difference(second, first)["high"] < 0


@pytest.mark.parametrize("second", [[], [0.5], [[0.5, 0.5]]])
def test_figures_of_other_queries_are_refused(second):
    with pytest.raises(TwinnetError, match="one of each query"):
        mean_difference([0.5, 0.1], second)
