"""Any encoder of the transformers library."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from torch import Tensor, nn

from twinnet.backbones.base import Backbone
from twinnet.backbones.layers import stacked_layers
from twinnet.errors import TwinnetError
from twinnet.features import Batch, Features

# RoBERTa and its kin count their positions from here.
RESERVED_POSITIONS = 2


class TransformersBackbone(Backbone):
    """A transformer that gives one vector for each token.

    Args:
        architecture: The configuration of the model, as in the `config.json` of its folder.
    """

    kind = "sequence"
    traceable = True
    takes_tokens = True

    def __init__(self, architecture: dict[str, Any]) -> None:
        from transformers import AutoConfig

        super().__init__()
        settings = {k: v for k, v in architecture.items() if k not in ("model_type", "auto_map")}
        config = AutoConfig.for_model(architecture["model_type"], **settings)
        self._adopt(_auto_class(config).from_config(config))

    def _adopt(self, model: Any) -> None:
        # Features come before the pooler: it is never run or trained, and kept only for those who read the folder.
        pooler = getattr(model, "pooler", None)
        if pooler is not None:
            model.pooler = None
            self.pooler = pooler.requires_grad_(False)
        self.model = model
        self.width = model.config.hidden_size

    @classmethod
    def from_folder(cls, folder: Path, *, trust_remote_code: bool = False) -> Self:
        """Read a model folder as transformers writes it (config.json and weights).

        Raises:
            TwinnetError: If transformers cannot read it.
        """
        from transformers import AutoConfig

        with reading(folder):
            config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code, local_files_only=True)
            model = _auto_class(config).from_pretrained(
                folder, config=config, trust_remote_code=trust_remote_code, local_files_only=True, dtype="float32"
            )
        self = cls.__new__(cls, model.config.to_diff_dict() | {"model_type": model.config.model_type})
        super(cls, self).__init__()
        self._adopt(model)
        return self

    def forward(self, batch: Batch) -> Features:
        """Token ids (B, T) -> (B, T, D).

        Raises:
            TwinnetError: If T is more than the model has positions for.
        """
        mask = batch.get("attention_mask")
        try:
            output = self.model(input_ids=batch["input_ids"], attention_mask=mask)
        except (IndexError, RuntimeError) as error:
            length, positions = batch["input_ids"].shape[1], getattr(self.model.config, "max_position_embeddings", None)
            if positions is None or length <= positions - RESERVED_POSITIONS:
                raise
            raise TwinnetError(
                f"a sequence of {length} tokens, and this model has {positions} positions: lower max_length"
            ) from error
        prefix = int(batch["prefix"]) if "prefix" in batch else 0
        return Features(output.last_hidden_state, mask, prefix)

    def layer_groups(self) -> Sequence[Sequence[nn.Parameter]]:
        """The embeddings, then one group for each layer; a norm behind the layers goes with the last of them."""
        return stacked_layers(self.model, getattr(self.model.config, "num_hidden_layers", None))

    @property
    def transformers_config(self) -> dict[str, Any]:
        """The `config.json` of the model's folder."""
        config: dict[str, Any] = json.loads(self.model.config.to_json_string())
        return config

    def weights(self) -> dict[str, Tensor]:
        """The weights under transformers' own names."""
        weights: dict[str, Tensor] = self.model.state_dict()
        if hasattr(self, "pooler"):
            weights |= {f"pooler.{name}": tensor for name, tensor in self.pooler.state_dict().items()}
        return weights

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take weights under transformers' own names."""
        prefix = "pooler."
        self.model.load_state_dict({name: tensor for name, tensor in weights.items() if not name.startswith(prefix)})
        if hasattr(self, "pooler"):
            pooler = {name.removeprefix(prefix): t for name, t in weights.items() if name.startswith(prefix)}
            self.pooler.load_state_dict(pooler)


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Let transformers read a folder without a word.

    Raises:
        TwinnetError: If it cannot.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    except Exception as error:
        raise TwinnetError(f"{folder}: transformers cannot read this model ({error})") from error
    finally:
        logging.set_verbosity(verbosity)


def _auto_class(config: Any) -> Any:
    """The encoder alone where the architecture also has a decoder."""
    from transformers import AutoModel, AutoModelForTextEncoding

    return AutoModelForTextEncoding if getattr(config, "is_encoder_decoder", False) else AutoModel
