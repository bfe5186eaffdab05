"""Predicting the next word."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twinnet.features import Batch
from twinnet_ulmfit.awd_lstm import AwdLstm


class LanguageModel(nn.Module):
    """A backbone that predicts each word from those before it, with tied weights.

    Args:
        backbone: The backbone.
        counts: How often each word occurs in the training data (V,); words are sampled in proportion to it.
        samples: With how many sampled words each word is compared in training, instead of with all of them: the
            softmax over the vocabulary would cost most of the time.
    """

    counts: Tensor

    def __init__(self, backbone: AwdLstm, counts: Tensor, samples: int = 1000) -> None:
        super().__init__()
        self.backbone = backbone
        self.samples = samples
        self.register_buffer("counts", counts.float())
        # The model that knows only how frequent words are is where to begin.
        self.bias = nn.Parameter((self.counts + 1).log() - (self.counts + 1).sum().log())

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The features of each word that has a next one, (N, D), and the next ones (N,)."""
        ids, mask = batch["input_ids"], batch.get("attention_mask")
        features = self.backbone({name: tensor[:, :-1] for name, tensor in batch.items()}).values
        real = torch.ones_like(ids[:, 1:]) if mask is None else mask[:, 1:]
        return features[real > 0], ids[:, 1:][real > 0]

    def sampled_loss(self, features: Tensor, words: Tensor) -> Tensor:
        """The softmax over each word and a few sampled ones: Jean et al. 2015, https://arxiv.org/abs/1412.2007.

        The sampled words stand for all others: each is weighted by one over how often it is expected among the samples,
        which makes the sum, on average, that over the vocabulary.
        """
        sampled = torch.multinomial(self.counts, self.samples, replacement=True)  # (S,)
        expected = self.counts[sampled] * (self.samples / self.counts.sum())
        weight = self.backbone.embedding.weight
        true = (features * weight[words]).sum(1) + self.bias[words]  # (N,)
        others = F.linear(features, weight[sampled], self.bias[sampled] - expected.log())  # (N, S)
        others = others.masked_fill(sampled == words[:, None], -torch.inf)
        return (torch.cat([true[:, None], others], 1).logsumexp(1) - true).mean()

    @torch.no_grad()
    def perplexity(self, batches: Iterable[Batch]) -> float:
        """The exponential of the mean loss over all words of the vocabulary, a word of the data each."""
        self.eval()
        total = count = 0.0
        for batch in batches:
            features, words = self(batch)
            logits = self.backbone.decode(features, self.bias)
            total += float(F.cross_entropy(logits, words, reduction="sum"))
            count += len(words)
        return float(torch.tensor(total / count).exp())
