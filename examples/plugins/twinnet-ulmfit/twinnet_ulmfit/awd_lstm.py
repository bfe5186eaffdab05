"""The weight-dropped LSTM: Merity et al. 2017, https://arxiv.org/abs/1708.02182."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from twinnet.backbones import Backbone
from twinnet.errors import TwinnetError
from twinnet.features import Batch, Features
from twinnet_ulmfit.dropout import embed, variational_dropout

# Howard and Ruder 2018, section 4.1.
DROPOUTS = {
    "embedding_dropout": 0.05,
    "input_dropout": 0.4,
    "weight_dropout": 0.5,
    "hidden_dropout": 0.3,
    "output_dropout": 0.4,
}


class AwdLstm(Backbone):
    """Word vectors and LSTM layers, the last of them as wide as the vectors, so that a language model can tie the two.

    The sizes are the paper's, the dropouts those of ULMFiT's fine-tuning.

    Args:
        vocabulary: How many words the tokenizer knows.
        width: The width of the word vectors and of the features.
        hidden: The width of the LSTM layers below the last.
        layers: How many there are. With 0 the features are the word vectors: the baseline of a bag of words.
        embedding_dropout: The share of the words that are dropped, wherever they occur in a batch.
        input_dropout: That of the channels of the word vectors, the same at all positions of a sequence.
        weight_dropout: That of the hidden-to-hidden weights (DropConnect), the same at all positions.
        hidden_dropout: As `input_dropout`, between the layers.
        output_dropout: Likewise, after the last.

    Raises:
        TwinnetError: If a size is not positive, or a share not from 0 to below 1.
    """

    kind = "sequence"

    def __init__(
        self,
        vocabulary: int,
        width: int = 400,
        hidden: int = 1150,
        layers: int = 3,
        embedding_dropout: float = DROPOUTS["embedding_dropout"],
        input_dropout: float = DROPOUTS["input_dropout"],
        weight_dropout: float = DROPOUTS["weight_dropout"],
        hidden_dropout: float = DROPOUTS["hidden_dropout"],
        output_dropout: float = DROPOUTS["output_dropout"],
    ) -> None:
        super().__init__()
        if min(vocabulary, width, hidden) < 1 or layers < 0:
            raise TwinnetError("awd-lstm: vocabulary, width and hidden must be at least 1, layers at least 0")
        shares = (embedding_dropout, input_dropout, weight_dropout, hidden_dropout, output_dropout)
        self.dropouts = dict(zip(DROPOUTS, shares, strict=True))
        for name, share in self.dropouts.items():
            if not 0 <= share < 1:
                raise TwinnetError(f"awd-lstm: {name} is {share}: it is a share, from 0 to below 1")
        self.width = width
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        widths = [width, *[hidden] * (layers - 1), *[width] * (layers > 0)]
        self.layers = nn.ModuleList(nn.LSTM(below, above, batch_first=True) for below, above in pairwise(widths))

    def forward(self, batch: Batch) -> Features:
        """Token ids (B, T) -> (B, T, D). Padding is on the right, so no real position sees it."""
        share, training = self.dropouts, self.training
        values = embed(self.embedding, batch["input_ids"], share["embedding_dropout"], training)
        values = variational_dropout(values, share["input_dropout"], training)
        for number, layer in enumerate(self.layers, start=1):
            weight = F.dropout(layer.weight_hh_l0, share["weight_dropout"], training)
            values = functional_call(layer, {"weight_hh_l0": weight}, (values,))[0]
            following = "output_dropout" if number == len(self.layers) else "hidden_dropout"
            values = variational_dropout(values, share[following], training)
        return Features(values, batch.get("attention_mask"), int(batch["prefix"]) if "prefix" in batch else 0)

    def layer_groups(self) -> Sequence[Sequence[nn.Parameter]]:
        """The word vectors, then the LSTM layers."""
        return [list(part.parameters()) for part in (self.embedding, *self.layers)]

    def decode(self, values: Tensor, bias: Tensor) -> Tensor:
        """The logits of all words, (..., D) -> (..., V), by the weights of the word vectors (section 4.5)."""
        return F.linear(values, self.embedding.weight, bias)
