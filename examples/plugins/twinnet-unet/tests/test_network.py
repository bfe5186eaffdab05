"""The networks against the paper's figures, plain loops, and what twinnet promises of every network."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from twinnet_unet.blocks import Decoder, Encoder
from twinnet_unet.change import same_odds
from twinnet_unet.packing import pack, unpack

from twinnet import Trainer, TrainingConfig, TwinnetError, TwinNetwork, load
from twinnet.data.examples import Examples
from twinnet.registry import distances, losses
from twinnet.supervision import Supervision

KINDS = ["fc-siam/conc", "fc-siam/diff", "place-odds"]


def make(kind, channels=2):
    torch.manual_seed(0)
    if kind == "place-odds":
        return TwinNetwork({"name": "unet", "channels": channels, "width": 3}, [], kind)
    return TwinNetwork({"name": "unet-encoder", "channels": channels}, [], kind)


def pictures(count, height=32, width=48, seed=0):
    return list(np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8))


def count(module):
    return sum(p.numel() for p in module.parameters())


def layers(*channels):
    return sum(9 * a * b + b + 2 * b for a, b in pairwise(channels))


@pytest.mark.parametrize(("sides", "joined"), [(2, (384, 192, 96, 48)), (1, (256, 128, 64, 32))])
def test_the_layers_have_the_sizes_of_the_paper(sides, joined):
    # Table of the authors' network: 16, 32, 64, 128 channels, four transposed convolutions between the stages.
    encoder = layers(3, 16, 16, 32, 32, 64, 64, 64, 128, 128, 128)
    assert count(Encoder(16, 0.2)) == encoder
    decoder = layers(joined[0], 128, 128, 64) + layers(joined[1], 64, 64, 32) + layers(joined[2], 32, 16)
    decoder += layers(joined[3], 16) + (9 * 16 + 1) + sum(9 * c * c + c for c in (128, 64, 32, 16))
    assert count(Decoder(16, sides, 1, 0.2)) == decoder
    assert sum(isinstance(m, nn.Dropout2d) and m.p == 0.2 for m in Encoder(16, 0.2).modules()) == 10


def test_packed_maps_come_back_and_cells_hold_their_own_pixels():
    maps = Encoder(3, 0.2).eval()(torch.randn(2, 3, 32, 64))
    packed = pack(maps)
    assert packed.shape[2:] == (2, 4)
    for original, again in zip(maps, unpack(packed), strict=True):
        assert torch.equal(original, again)
    changed = packed.clone()
    changed[:, :, 1, 2] += 1
    differs = (unpack(changed)[0] != maps[0]).any(1)[0].nonzero()
    assert differs.min(0).values.tolist() == [16, 32]
    assert differs.max(0).values.tolist() == [31, 47]


@pytest.mark.parametrize("kind", KINDS)
def test_one_log_odds_for_each_pixel_that_depends_on_both_sides(kind):
    network = make(kind)
    left, right = pictures(2, 30, 50)
    odds = same_odds(network, left, right)
    assert odds.shape == (30, 50)
    for other in ((255 - left, right), (left, 255 - right)):
        assert not np.allclose(same_odds(network, *other), odds)


def test_diff_sees_no_difference_between_equal_pictures():
    network = make("fc-siam/diff")
    for weight in network.distance.decoder.enlarge.parameters():
        nn.init.zeros_(weight)  # nothing of the right picture alone
    with torch.no_grad():
        maps = [network(network.tower.reader().collate(network.tower.reader().prepare([p]))) for p in pictures(2)]
        torch.testing.assert_close(
            network.distance.aligned(maps[0], maps[0]), network.distance.aligned(maps[1], maps[1])
        )


def test_place_odds_fall_with_the_distance():
    a, b = torch.randn(4, 3), torch.randn(4, 3)
    distance = distances.create("place-odds", scale=2.0, bias=1.0)
    expected = [[1 - 2 * float((x - y).norm()) for y in b] for x in a]
    torch.testing.assert_close(distance.matrix(a, b), torch.tensor(expected))
    torch.testing.assert_close(distance.pairwise(a, b), torch.tensor(expected).diagonal())


@pytest.mark.parametrize("kind", KINDS)
def test_it_trains_with_the_trainer_and_comes_back_from_its_folder(kind, tmp_path):
    network = make(kind)
    left, right = pictures(4, 32, 32), pictures(4, 32, 32, seed=1)
    same = [np.zeros((32, 32), np.uint8) for _ in left]
    for i in range(4):
        right[i][:, :16] = left[i][:, :16]
        same[i][:, :16] = 1
    examples = Examples((left, right), same, Supervision.ALIGNED_PAIRS)
    config = TrainingConfig(out=tmp_path / "net", epochs=6, batch_size=4, learning_rate=1e-2, schedule="constant")
    result = Trainer(network, "aligned-logistic", examples, config).run()
    assert result.losses[-1] < result.losses[0]
    again = load(tmp_path / "net")
    assert (same_odds(again, left[0], right[0]) == same_odds(network, left[0], right[0])).all()
    assert again.score(left[0], right[0]) == pytest.approx(network.score(left[0], right[0]))


def test_the_loss_is_the_cross_entropy_of_every_place():
    a, b = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    same = torch.randint(0, 2, (2, 4, 5)).float()
    distance = distances.create("place-odds")
    loss = losses.create("aligned-logistic", distance=distance, weight=3.0)([a, b], same)
    odds = distance.aligned(a, b)
    expected = -(same * torch.sigmoid(odds).log() + 3 * (1 - same) * torch.sigmoid(-odds).log()).mean()
    torch.testing.assert_close(loss, expected)


def test_what_does_not_fit_is_refused():
    with pytest.raises(TwinnetError, match="unknown fusion 'sum'"):
        make("fc-siam/sum")
    with pytest.raises(TwinnetError, match="'unet-encoder'"):
        TwinNetwork({"name": "unet", "channels": 2}, [], "fc-siam/diff")
    with pytest.raises(TwinnetError, match="log odds"):
        losses.create("aligned-logistic", distance=distances.create("cosine"))
    with pytest.raises(TwinnetError, match="one size"):
        same_odds(make("place-odds"), pictures(1, 32, 32)[0], pictures(1, 32, 48)[0])
    with pytest.raises(TwinnetError, match="multiples of 16"):
        make("place-odds")({"pixels": torch.zeros(1, 3, 20, 32)})
