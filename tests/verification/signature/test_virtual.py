import numpy as np
import pytest
import torch

from tests.verification.signature.conftest import draw, scribble
from twinnet.verification.signature.ink import find_ink
from twinnet.verification.signature.recipes import Fitted
from twinnet.verification.signature.virtual import change_hand, refitted


@pytest.fixture(scope="module")
def ink():
    recipe = Fitted(size=(64, 128))
    fitted = [recipe.fit(find_ink(draw(scribble(seed))).pixels)[0] for seed in (0, 0, 1)]
    return torch.from_numpy(np.stack(fitted))[:, None].float() / 255


def change(ink, seed, **options):
    return change_hand(ink, torch.Generator().manual_seed(seed), **options)


def boxes(ink):
    for picture in ink[:, 0] > 0.5:
        rows, columns = torch.nonzero(picture, as_tuple=True)
        yield int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


def test_is_a_function_of_the_seed(ink):
    assert torch.equal(change(ink, 1, virtual=True), change(ink, 1, virtual=True))
    assert not torch.equal(change(ink, 1, virtual=True), change(ink, 2, virtual=True))


def test_a_virtual_writer_is_further_away_than_another_time(ink):
    def apart(changed):
        return float((changed - ink).abs().mean())

    small = np.mean([apart(change(ink, seed)) for seed in range(5)])
    large = np.mean([apart(change(ink, seed, virtual=True)) for seed in range(5)])
    assert 0 < small < large


def test_what_is_alike_stays_alike(ink):
    def apart(a, b):
        return float((a - b).abs().mean())

    for seed in range(5):
        first, same, other = change(ink, seed, virtual=True)
        assert apart(first, same) < apart(first, other)


@pytest.mark.parametrize("options", [{}, {"virtual": True}, {"virtual": True, "flips": True}])
def test_ink_touches_the_margin_and_stays_in_the_middle(ink, options):
    for top, bottom, left, right in boxes(change(ink, 3, **options)):
        assert min(top, left) >= 2
        assert max(bottom - 63, right - 127) <= -2
        assert abs(top + bottom - 63) <= 6
        assert abs(left + right - 127) <= 6
        assert min(top, left) <= 7  # one of both directions is filled


def test_refitting_what_is_fitted_changes_little(ink):
    assert float((refitted(ink) - ink).abs().mean()) < 0.02
