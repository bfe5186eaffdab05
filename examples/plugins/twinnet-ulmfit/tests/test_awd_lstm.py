"""The five dropouts and the LSTM, against loops over positions and gates."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from twinnet_ulmfit.awd_lstm import AwdLstm
from twinnet_ulmfit.dropout import embed, variational_dropout

from twinnet import TwinnetError, TwinNetwork
from twinnet.registry import backbones

NONE = dict.fromkeys(("embedding_dropout", "input_dropout", "weight_dropout", "hidden_dropout", "output_dropout"), 0.0)
IDS = torch.tensor([[2, 5, 7, 5, 3], [2, 9, 5, 3, 0]])


def make(**settings):
    torch.manual_seed(0)
    return AwdLstm(**{"vocabulary": 12, "width": 6, "hidden": 8, "layers": 2, **settings})


def lstm_loop(layer, inputs, weight_hh):
    """One sequence (T, D), one position and one gate after the other."""
    size = weight_hh.shape[1]
    h, c = torch.zeros(size), torch.zeros(size)
    outputs = []
    for x in inputs:
        gates = layer.weight_ih_l0 @ x + layer.bias_ih_l0 + weight_hh @ h + layer.bias_hh_l0
        i, f, g, o = gates.split(size)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs)


def test_without_dropout_it_is_a_stack_of_lstms():
    backbone = make().eval()
    values = backbone({"input_ids": IDS}).values
    for row, ids in enumerate(IDS):
        expected = backbone.embedding.weight[ids]
        for layer in backbone.layers:
            expected = lstm_loop(layer, expected, layer.weight_hh_l0)
        torch.testing.assert_close(values[row], expected)


def test_each_mask_is_drawn_once_and_holds_at_all_positions():
    shares = {name: 0.1 * number for number, name in enumerate(NONE, start=2)}
    backbone = make(**shares).train()
    torch.manual_seed(7)
    values = backbone({"input_ids": IDS}).values

    torch.manual_seed(7)
    words = F.dropout(torch.ones(12), shares["embedding_dropout"])
    inputs = F.dropout(torch.ones(2, 1, 6), shares["input_dropout"])
    first = F.dropout(backbone.layers[0].weight_hh_l0, shares["weight_dropout"])
    hidden = F.dropout(torch.ones(2, 1, 8), shares["hidden_dropout"])
    second = F.dropout(backbone.layers[1].weight_hh_l0, shares["weight_dropout"])
    output = F.dropout(torch.ones(2, 1, 6), shares["output_dropout"])
    for row, ids in enumerate(IDS):
        vectors = torch.stack([backbone.embedding.weight[i] * words[i] * inputs[row, 0] for i in ids])
        below = torch.stack([h * hidden[row, 0] for h in lstm_loop(backbone.layers[0], vectors, first)])
        above = torch.stack([h * output[row, 0] for h in lstm_loop(backbone.layers[1], below, second)])
        torch.testing.assert_close(values[row], above)


def test_dropped_weights_get_no_gradient_and_come_back():
    backbone = make(**{**NONE, "weight_dropout": 0.5}).train()
    layer = backbone.layers[0]
    torch.manual_seed(3)
    kept = F.dropout(layer.weight_hh_l0, 0.5) != 0
    torch.manual_seed(3)
    backbone({"input_ids": IDS}).values.sum().backward()
    assert 0.2 < float(kept.float().mean()) < 0.8
    assert torch.equal(layer.weight_hh_l0.grad != 0, kept)
    assert (layer.weight_hh_l0 != 0).all()


def test_variational_dropout_keeps_a_channel_or_drops_it_for_a_whole_sequence():
    torch.manual_seed(0)
    values = variational_dropout(torch.ones(40, 9, 50), 0.3, training=True)
    assert torch.equal(values, values[:, :1].expand_as(values))
    assert {round(float(value), 5) for value in values.unique()} == {0.0, round(1 / 0.7, 5)}
    assert float(values.mean()) == pytest.approx(1, abs=0.1)
    assert not torch.equal(values[0], values[1])


def test_embedding_dropout_drops_words_everywhere():
    torch.manual_seed(0)
    embedding, ids = torch.nn.Embedding(50, 4), torch.randint(0, 50, (30, 20))
    vectors = embed(embedding, ids, 0.4, training=True)
    for word in range(50):
        factors = (vectors[ids == word] / embedding.weight[word]).detach()
        assert torch.allclose(factors, factors.flatten()[:1]), word
        assert float(factors.flatten()[0]) == pytest.approx(0, abs=1e-5) or float(
            factors.flatten()[0]
        ) == pytest.approx(1 / 0.6, rel=1e-4)


def test_padding_is_not_seen():
    backbone = make().eval()
    padded = backbone({"input_ids": IDS, "attention_mask": (IDS != 0).long()})
    torch.testing.assert_close(padded.values[1, :4], backbone({"input_ids": IDS[1:, :4]}).values[0])
    assert padded.mask.tolist() == [[1] * 5, [1, 1, 1, 1, 0]]


def test_layers_are_told_apart_from_the_words_up():
    backbone = make(layers=3)
    groups = backbone.layer_groups()
    assert [len(group) for group in groups] == [1, 4, 4, 4]
    assert groups[0][0] is backbone.embedding.weight
    assert [layer.hidden_size for layer in backbone.layers] == [8, 8, 6]
    assert backbone.width == 6


def test_without_layers_it_is_a_bag_of_words():
    backbone = make(layers=0).eval()
    assert torch.equal(backbone({"input_ids": IDS}).values, backbone.embedding.weight[IDS])
    assert [len(group) for group in backbone.layer_groups()] == [1]


def test_it_is_found_by_its_name_and_saved(tmp_path):
    network = TwinNetwork({"name": "awd-lstm", "vocabulary": 12, "width": 6, "hidden": 8, "weight_dropout": 0.2})
    assert isinstance(network.tower.backbone, backbones.get("awd-lstm"))
    again = TwinNetwork.load(network.eval().save(tmp_path / "net")).eval()
    assert again.tower.backbone.config == network.tower.backbone.config
    assert torch.equal(again({"input_ids": IDS}), network({"input_ids": IDS}))


@pytest.mark.parametrize("settings", [{"vocabulary": 0}, {"layers": -1}, {"output_dropout": 1.0}, {"hidden": 0}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(TwinnetError, match="awd-lstm"):
        make(**settings)
