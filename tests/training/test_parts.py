from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.data.samplers import ShuffledBatches
from twinnet.training import TrainingConfig
from twinnet.training.plan import StepPlan
from twinnet.training.schedule import SCHEDULES, rate_factor


@given(st.integers(1, 200), st.floats(0, 0.9), st.sampled_from(sorted(SCHEDULES)))
@example(1, 0.75, "slanted-triangular")
def test_rates_rise_then_never_rise_again(steps, warmup, schedule):
    rates = [rate_factor(step, steps, warmup, schedule) for step in range(steps)]
    peak = round(steps * warmup)
    assert all(0 < rate <= 1 for rate in rates)
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert max(rates) == 1


@given(st.integers(1, 50), st.integers(1, 12), st.integers(1, 4), st.integers(1, 5))
def test_a_plan_walks_through_every_epoch(rows, size, epochs, per_step):
    batches = ShuffledBatches(rows, size, seed=3)
    plan = StepPlan(batches, epochs, per_step)
    walked = [batch.tolist() for step in range(len(plan)) for batch in plan.rows(step)]
    assert walked == [batch.tolist() for epoch in range(epochs) for batch in batches.epoch(epoch)]
    assert sum(plan.ends_epoch(step) for step in range(1, len(plan) + 1)) == epochs
    middle = len(plan) // 2
    np.testing.assert_array_equal(plan.rows(middle)[0], StepPlan(batches, epochs, per_step).rows(middle)[0])


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("schedule", "linaer", "'linear'"),
        ("precision", "fp61", "'fp16'"),
        ("epochs", 0, "epochs is 0"),
        ("batch_size", -1, "batch_size is -1"),
        ("warmup", 1.0, "warmup is 1.0"),
        ("workers", -1, "workers is -1"),
        ("learning_rate", 0.0, "learning_rate is 0.0"),
    ],
)
def test_bad_settings_are_named(setting, value, message):
    with pytest.raises(TwinnetError, match=message):
        TrainingConfig(**{setting: value})
