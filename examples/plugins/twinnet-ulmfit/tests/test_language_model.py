from __future__ import annotations

import math

import pytest
import torch
from twinnet_ulmfit.awd_lstm import AwdLstm
from twinnet_ulmfit.language_model import LanguageModel

IDS = torch.tensor([[2, 5, 7, 5, 3], [2, 9, 5, 3, 0]])
BATCH = {"input_ids": IDS, "attention_mask": (IDS != 0).long()}


@pytest.fixture
def model():
    torch.manual_seed(0)
    counts = torch.tensor([0, 3, 0, 90, 1, 40, 7, 25, 2, 60, 11, 5])
    model = LanguageModel(AwdLstm(12, 6, 8, 2), counts).eval()
    model.backbone.embedding.weight.data *= 20
    return model


def log_probabilities(model, ids):
    """Of all words at each position, by the weights of the word vectors."""
    values = model.backbone({"input_ids": torch.tensor([ids])}).values[0]
    logits = torch.stack([torch.stack([v @ row for row in model.backbone.embedding.weight]) for v in values])
    return (logits + model.bias).log_softmax(1)


def expected_loss(model):
    losses = []
    for sentence in ([2, 5, 7, 5, 3], [2, 9, 5, 3]):
        log = log_probabilities(model, sentence).detach()
        losses += [-float(log[t, sentence[t + 1]]) for t in range(len(sentence) - 1)]
    return sum(losses) / len(losses)


def test_perplexity_is_of_the_next_word_among_all(model):
    assert model.perplexity([BATCH]) == pytest.approx(math.exp(expected_loss(model)), rel=1e-4)
    halves = [{"input_ids": IDS[:1]}, {"input_ids": IDS[1:, :4]}]
    assert model.perplexity(halves) == pytest.approx(model.perplexity([BATCH]), rel=1e-5)


def test_many_sampled_words_give_the_loss_of_all(model):
    # A word that never occurs is never sampled: the loss is that of the others.
    model.bias.data[model.counts == 0] = -1e9
    model.samples = 200_000
    assert model.sampled_loss(*model(BATCH)).item() == pytest.approx(expected_loss(model), abs=0.02)


def test_few_sampled_words_give_its_gradient_on_average(model):
    model.bias.data[model.counts == 0] = -1e9
    model.samples = 50
    bias = torch.autograd.grad(torch.stack([model.sampled_loss(*model(BATCH)) for _ in range(400)]).mean(), model.bias)[
        0
    ]
    logits = model.backbone.decode(model(BATCH)[0], model.bias)
    expected = torch.autograd.grad(torch.nn.functional.cross_entropy(logits, model(BATCH)[1]), model.bias)[0]
    assert float(torch.cosine_similarity(bias, expected, dim=0)) > 0.98


def test_word_vectors_and_decoder_are_one_weight(model):
    names = {name for name, _ in model.named_parameters()}
    assert names == {"bias"} | {f"backbone.{name}" for name, _ in model.backbone.named_parameters()}
