"""BERT and its kin, without the import of a large library."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

from twinnet.backbones.base import Backbone
from twinnet.backbones.dropout import Dropout, kept
from twinnet.backbones.tokens import Tokens
from twinnet.errors import TwinnetError
from twinnet.features import Batch, Features
from twinnet.files import read_json, read_weights

CONFIG, WEIGHTS = "config.json", "model.safetensors"
ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU}
# What `transformers` assumes where a configuration is silent.
DEFAULTS: dict[str, Any] = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
}


class BertBackbone(Backbone):
    """The encoder of BERT (Devlin et al. 2019, https://arxiv.org/abs/1810.04805), one vector for each token.

    Weights have the names that `transformers` gives them. The pooler is kept for those who read the folder, and never
    run.

    Args:
        architecture: The configuration of the model, as in the `config.json` of its folder.

    Raises:
        TwinnetError: If it asks for something else than BERT has.
    """

    kind = "sequence"
    traceable = True
    takes_tokens = True
    unpads = True

    def __init__(self, architecture: dict[str, Any]) -> None:
        super().__init__()
        if not is_bert(architecture):
            raise TwinnetError("this is not the architecture of a BERT encoder: use the backbone 'transformers' for it")
        sizes = DEFAULTS | architecture
        self._build(sizes)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=sizes["initializer_range"])
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def _build(self, sizes: dict[str, Any]) -> None:
        self.width = sizes["hidden_size"]
        self.embeddings = Embeddings(sizes)
        self.encoder = Encoder(sizes)
        self.pooler = nn.ModuleDict({"dense": nn.Linear(self.width, self.width)}).requires_grad_(False)

    @classmethod
    def from_folder(cls, folder: Path) -> Self | None:
        """Read a model folder as `transformers` writes it, or None where it is no plain BERT encoder.

        Raises:
            TwinnetError: If the configuration is missing or damaged, or the weights are damaged.
        """
        architecture = read_json(folder / CONFIG)
        if not is_bert(architecture) or not (folder / WEIGHTS).is_file():
            return None
        backbone = cls.__new__(cls, architecture)
        super(cls, backbone).__init__()
        with torch.device("meta"):
            backbone._build(DEFAULTS | architecture)
        if not backbone._named_alike(folder / WEIGHTS):
            return None
        backbone.load_weights(backbone._known(read_weights(folder / WEIGHTS)))
        return backbone

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take weights where they are in memory; those of a file are read when they are needed."""
        device, dtype = torch.get_default_device(), torch.get_default_dtype()
        self.load_state_dict({name: value.to(device, dtype) for name, value in weights.items()}, assign=True)

    def _named_alike(self, path: Path) -> bool:
        """Whether a file has a weight for each of this encoder's and none besides."""
        try:
            with safe_open(path, "pt") as file:
                found = set(file.keys())
        except Exception as error:
            raise TwinnetError(f"{path}: cannot be read ({error}): the file is damaged") from error
        return self._known(dict.fromkeys(found)).keys() == self.state_dict().keys()

    def _known(self, weights: dict[str, Any]) -> dict[str, Any]:
        """Without what old versions of `transformers` saved though it is no weight."""
        return {name: value for name, value in weights.items() if name != "embeddings.position_ids"}

    def forward(self, batch: Batch) -> Features:
        """Token ids (B, T) -> (B, T, D).

        Raises:
            TwinnetError: If T is more than the model has positions for.
        """
        return self.encoded_by(self.encoder, batch)

    def encoded_by(self, encoder: Callable[[Tensor, Tensor | None], Tensor], batch: Batch) -> Features:
        """What `forward` gives, by another way to compute the encoder."""
        mask = batch.get("attention_mask")
        attended = None if mask is None else mask.bool()[:, None, None, :]  # (B, 1, 1, T)
        hidden = encoder(self.embeddings(batch["input_ids"]), attended)
        return Features(hidden, mask, int(batch["prefix"]) if "prefix" in batch else 0)

    def layer_groups(self) -> Sequence[Sequence[nn.Parameter]]:
        """The embeddings, then one group for each layer."""
        return [list(part.parameters()) for part in (self.embeddings, *self.encoder.layer)]

    @property
    def transformers_config(self) -> dict[str, Any]:
        """The `config.json` of the model's folder."""
        return {"architectures": ["BertModel"], **self.config["architecture"], "model_type": "bert"}


class Embeddings(nn.Module):
    """Word, position and type of each token, added and normalised."""

    def __init__(self, sizes: dict[str, Any]) -> None:
        super().__init__()
        width = sizes["hidden_size"]
        self.word_embeddings = _table(sizes["vocab_size"], width)
        self.position_embeddings = _table(sizes["max_position_embeddings"], width)
        self.token_type_embeddings = _table(sizes["type_vocab_size"], width)
        self.LayerNorm = nn.LayerNorm(width, sizes["layer_norm_eps"])
        self.dropout = Dropout(sizes["hidden_dropout_prob"])

    def forward(self, ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, D)."""
        length, positions = ids.shape[1], self.position_embeddings.weight
        if length > positions.shape[0]:
            raise TwinnetError(
                f"a sequence of {length} tokens, and this model has {positions.shape[0]} positions: lower max_length"
            )
        fixed = positions[:length] + self.token_type_embeddings.weight[0]  # (T, D)
        embedded: Tensor = self.dropout(self.LayerNorm(self.word_embeddings(ids) + fixed))
        return embedded


class Encoder(nn.Module):
    """The layers, one after the other."""

    def __init__(self, sizes: dict[str, Any]) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Layer(sizes) for _ in range(sizes["num_hidden_layers"]))

    def forward(self, hidden: Tensor, attended: Tensor | None) -> Tensor:
        """(B, T, D) and where each token may look (B, 1, 1, T), or None for everywhere -> (B, T, D)."""
        # On GPUs it takes longer to find the tokens than to compute the padding.
        tokens = None
        if attended is not None and self.training and hidden.device.type == "cpu":
            tokens = Tokens(attended[:, 0, 0])
        rows = hidden if tokens is None else tokens.collect(hidden)
        for layer in self.layer:
            rows = layer(rows, attended, tokens)
        return rows if tokens is None else tokens.spread(rows)


class Layer(nn.Module):
    """Self-attention, and a network for each token."""

    def __init__(self, sizes: dict[str, Any]) -> None:
        super().__init__()
        width, inner = sizes["hidden_size"], sizes["intermediate_size"]
        self.attention = Attention(sizes)
        layers = {"dense": nn.Linear(width, inner), "activation": ACTIVATIONS[sizes["hidden_act"]]()}
        self.intermediate = nn.Sequential(OrderedDict(layers))
        self.output = Added(inner, sizes)

    def forward(self, hidden: Tensor, attended: Tensor | None, tokens: Tokens | None = None) -> Tensor:
        """As the encoder's; with tokens, these are rows (N, D)."""
        hidden = self.attention(hidden, attended, tokens)
        added: Tensor = self.output(self.intermediate(hidden), hidden)
        return added


class Attention(nn.Module):
    """Each token looks at all others, with several heads."""

    def __init__(self, sizes: dict[str, Any]) -> None:
        super().__init__()
        width = sizes["hidden_size"]
        self.heads = sizes["num_attention_heads"]
        self.dropout = sizes["attention_probs_dropout_prob"]
        self.self = nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")})
        self.output = Added(width, sizes)

    def forward(self, hidden: Tensor, attended: Tensor | None, tokens: Tokens | None = None) -> Tensor:
        """As the encoder's; with tokens, these are rows (N, D)."""
        projected = [project(hidden) for project in self.self.values()]
        if tokens is not None:
            projected = [tokens.spread(rows) for rows in projected]
        query, key, value = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in projected)  # (B, h, T, d)
        mixed = self._mix(query, key, value, attended).transpose(1, 2).flatten(2)
        added: Tensor = self.output(mixed if tokens is None else tokens.collect(mixed), hidden)
        return added

    def _mix(self, query: Tensor, key: Tensor, value: Tensor, attended: Tensor | None) -> Tensor:
        """The values, as the scores of queries and keys weigh them: (B, heads, T, d)."""
        dropout = self.dropout if self.training else 0.0
        if not dropout or query.device.type != "cpu":
            return F.scaled_dot_product_attention(query, key, value, attended, dropout)
        scores = query * query.shape[-1] ** -0.5 @ key.transpose(2, 3)  # (B, heads, T, T)
        weights = (scores if attended is None else scores.masked_fill(~attended, -torch.inf)).softmax(3)
        mixed: Tensor = weights * kept(weights, dropout) @ value
        return mixed


class Added(nn.Module):
    """What comes out of a block, projected, added to what went in, and normalised."""

    def __init__(self, inputs: int, sizes: dict[str, Any]) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, sizes["hidden_size"])
        self.LayerNorm = nn.LayerNorm(sizes["hidden_size"], sizes["layer_norm_eps"])
        self.dropout = Dropout(sizes["hidden_dropout_prob"])

    def forward(self, values: Tensor, hidden: Tensor) -> Tensor:
        """(..., inputs) and (..., D) -> (..., D)."""
        added: Tensor = self.LayerNorm(self.dropout(self.dense(values)) + hidden)
        return added


def is_bert(architecture: dict[str, Any]) -> bool:
    """Whether a configuration describes a plain BERT encoder, without code of its own."""
    return (
        architecture.get("model_type") == "bert"
        and "auto_map" not in architecture
        and architecture.get("hidden_act", "gelu") in ACTIVATIONS
        and architecture.get("position_embedding_type", "absolute") == "absolute"
        and not architecture.get("is_decoder", False)
    )


def _table(rows: int, width: int) -> nn.Embedding:
    """Not initialised: random numbers for millions of weights take their time."""
    table: nn.Embedding = nn.Embedding.from_pretrained(torch.empty(rows, width), freeze=False)
    return table
