import math

import numpy as np
import pytest
import torch

from twinnet.backbones.codebook import StrokeCodebook, cell_weights, inked_places
from twinnet.errors import TwinnetError


@pytest.fixture
def ink():
    generator = torch.Generator().manual_seed(0)
    pictures = (torch.rand(3, 1, 16, 24, generator=generator) > 0.85).float()
    pictures[1, :, :, 10:] = 0
    return pictures


def by_loops(network, ink):
    """Histogram of softly assigned codes in the cells of a pyramid over the box, place by place."""
    reach, rows = network.patch // 2, []
    for picture in ink[:, 0]:
        height, width = picture.shape
        places = [
            (y + network.step // 2, x + network.step // 2)
            for y in range(0, height - network.step + 1, network.step)
            for x in range(0, width - network.step + 1, network.step)
            if picture[y : y + network.step, x : x + network.step].max() > 0.5
        ]
        top, left = min(p[0] for p in places), min(p[1] for p in places)
        tall = max(p[0] for p in places) - top + 1
        wide = max(p[1] for p in places) - left + 1
        cells = {
            (level, r, c): torch.zeros(len(network.codebook))
            for level, (n, m) in enumerate(network.pyramid)
            for r in range(n)
            for c in range(m)
        }
        for y, x in places:
            patch = torch.zeros(network.patch, network.patch)
            for dy in range(-reach, reach + 1):
                for dx in range(-reach, reach + 1):
                    if 0 <= y + dy < height and 0 <= x + dx < width:
                        patch[dy + reach, dx + reach] = picture[y + dy, x + dx]
            described = network.describe(patch.flatten())
            apart = torch.stack([(described - code).square().sum() for code in network.codebook])
            share = torch.softmax(-network.scale * apart, 0)
            for level, r, c in cells:
                n, m = network.pyramid[level]
                by_row = 1.0 if n == 1 else max(0.0, 1 - abs((y - top) / tall * n - r - 0.5))
                by_column = 1.0 if m == 1 else max(0.0, 1 - abs((x - left) / wide * m - c - 0.5))
                cells[level, r, c] += share * by_row * by_column
        rows.append(torch.cat([(c / len(places) + 1e-6) ** 0.3 for c in cells.values()]))
    return torch.stack(rows)


@pytest.mark.parametrize("step", [1, 2])
def test_is_the_histogram_by_loops(ink, step):
    torch.manual_seed(1)
    network = StrokeCodebook(patch=5, components=6, codes=7, pyramid=((1, 1), (2, 3)), step=step)
    with torch.no_grad():
        found = network({"pixels": ink}).values
        assert found.shape == (3, network.width) == (3, 49)
        assert torch.allclose(found, by_loops(network, ink), atol=1e-5)


def test_pictures_of_a_batch_do_not_touch_each_other(ink):
    network = StrokeCodebook(patch=5, components=6, codes=7)
    together = network({"pixels": ink}).values
    alone = torch.cat([network({"pixels": picture[None]}).values for picture in ink])
    assert torch.allclose(together, alone, atol=1e-6)


def test_weights_get_gradients(ink):
    network = StrokeCodebook(patch=5, components=6, codes=7)
    network({"pixels": ink}).values.sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_learned_codes_are_near_the_patches(ink):
    network = StrokeCodebook(patch=5, components=6, codes=7, step=1)
    network.learn_codes(ink[:, 0], seed=3)
    owner, places = inked_places(ink[:, 0], 1)
    described = network.describe(network.patches(ink[:, 0], owner, places))
    apart = torch.cdist(described, network.codebook).amin(1).square()
    assert apart.mean() < described.var(0).sum()
    assert float(network.scale.detach()) == pytest.approx(15.0 / float(apart.detach().median()), rel=0.5)
    again = StrokeCodebook(patch=5, components=6, codes=7, step=1)
    again.learn_codes(ink[:, 0], seed=3)
    assert torch.equal(again.codebook, network.codebook)


def test_a_picture_full_of_ink_does_not_fill_the_codebook():
    thin = torch.zeros(8, 40, 40)
    thin[:, 20, 4:36] = 1
    thin[:, 4:36, 20] = 1
    full = torch.ones(1, 40, 40)
    network = StrokeCodebook(patch=5, components=6, codes=16)
    network.learn_codes(torch.cat([thin, full]), each=20)
    owner, places = inked_places(thin[:1], 1)
    strokes = network.describe(network.patches(thin[:1], owner, places))
    # Strokes that the codebook knows are as near to a code as they could be.
    assert torch.cdist(strokes, network.codebook).amin(1).max() < 0.5 * torch.cdist(strokes, strokes).max()
    assert len(torch.cdist(strokes, network.codebook).argmin(1).unique()) >= 5


def test_cells_of_a_level_share_a_place_between_them():
    owner = torch.zeros(50, dtype=torch.long)
    places = torch.from_numpy(np.random.default_rng(0).integers(0, 60, (50, 2)))
    weights = cell_weights(owner, places, 1, [(1, 1), (2, 4)])
    assert torch.equal(weights[:, 0], torch.ones(50))
    inner = weights[:, 1:].sum(1)
    assert float(inner.max()) <= 1 + 1e-6
    assert math.isclose(float(inner[len(inner) // 2 :].max()), 1.0, abs_tol=1e-6)


def test_a_blank_picture_is_no_division_by_zero():
    network = StrokeCodebook(patch=5, components=6, codes=7)
    assert torch.isfinite(network({"pixels": torch.zeros(2, 1, 16, 16)}).values).all()


def test_a_patch_needs_a_middle():
    with pytest.raises(TwinnetError, match="odd"):
        StrokeCodebook(patch=20)
