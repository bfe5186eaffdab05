from __future__ import annotations

from itertools import product

from twinnet.training.seeds import row_seeds


def test_each_row_of_each_step_and_column_has_its_own_seed():
    places = list(product((0, 1), (0, 1, 7), (0, 1), range(5)))
    seeds = [row_seeds(seed, step, column, [row])[0] for seed, step, column, row in places]
    assert len(set(seeds)) == len(places)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_seed_does_not_depend_on_the_other_rows():
    assert row_seeds(3, 5, 0, range(6))[2::2] == row_seeds(3, 5, 0, [2, 4])
