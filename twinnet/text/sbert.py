"""The folder of sentence-transformers, read and written: modules.json, one folder for each module, the tokenizer."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twinnet.backbones.bert import BertBackbone
from twinnet.backbones.transformers import TransformersBackbone
from twinnet.errors import TwinnetError
from twinnet.files import read_json
from twinnet.folder import head_folder
from twinnet.heads import HeadLayer
from twinnet.network import TwinNetwork
from twinnet.text.preprocess import TOKENIZER_FILE, TextPreprocess, read_side_files
from twinnet.text.sbert_modules import MODULE, READERS, WRITERS

log = logging.getLogger(__name__)

MODULES = "modules.json"
SETTINGS = "config_sentence_transformers.json"
TRANSFORMER = "sentence_bert_config.json"
TYPES = "sentence_transformers.models."
# Before modules were called Transformer, they were called after the architecture.
TRANSFORMERS = ("Transformer", "BERT", "RoBERTa", "DistilBERT", "ALBERT", "XLNet", "CamemBERT", "XLMRoBERTa")
SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")


def is_sbert_folder(folder: Path) -> bool:
    """Whether this is a folder of sentence-transformers, or a plain model of transformers."""
    return (folder / MODULES).is_file() or (folder / MODULE).is_file()


def read_sbert(folder: Path, *, trust_remote_code: bool = False) -> TwinNetwork:
    """Read a folder of sentence-transformers; a plain model of transformers gets mean pooling, as it does there.

    Args:
        folder: The folder.
        trust_remote_code: Whether code that comes with the model may run.

    Raises:
        TwinnetError: If a file is missing or damaged, or a module is of a type that twinnet does not know.
    """
    try:
        return _read_network(folder, trust_remote_code)
    except TwinnetError:
        raise
    except (KeyError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise TwinnetError(f"{folder}: damaged, or not as sentence-transformers writes it ({problem})") from error


def _read_network(folder: Path, trust_remote_code: bool) -> TwinNetwork:
    modules = read_json(folder / MODULES) if (folder / MODULES).is_file() else []
    layers: list[HeadLayer] = []
    transformer = folder
    for module in modules:
        kind, place = module["type"].rpartition(".")[2], _inside(folder, module["path"])
        if kind in TRANSFORMERS:
            transformer = place
        elif kind in READERS:
            layers += READERS[kind](place)
        else:
            raise TwinnetError(
                f"{folder / MODULES}: module type {module['type']!r} is not known: "
                f"{', '.join(['Transformer', *READERS])} are"
            )
    settings = read_json(folder / SETTINGS) if (folder / SETTINGS).is_file() else {}
    network = TwinNetwork(
        _read_backbone(transformer, trust_remote_code),
        layers if modules else ["pooling/mean"],
        settings.get("similarity_fn_name") or "cosine",
        _read_preprocess(transformer, settings),
    )
    network.truncate_dim = settings.get("truncate_dim")
    return network


def write_sbert_files(network: TwinNetwork, folder: Path) -> None:
    """Make a saved text network a folder of sentence-transformers too, where its parts have a counterpart there."""
    backbone, preprocess = network.tower.backbone, network.tower.preprocess
    layers = list(network.tower.head)
    translatable = all(type(layer).__name__ in WRITERS for layer in layers) and network.other is None
    if not (
        isinstance(backbone, BertBackbone | TransformersBackbone)
        and isinstance(preprocess, TextPreprocess)
        and translatable
    ):
        log.warning("this network has parts that sentence-transformers lacks: only twinnet can read its folder")
        return
    names = [head_folder(position, layer) for position, layer in enumerate(layers)]
    kinds = ["Transformer", *(type(layer).__name__ for layer in layers)]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": TYPES + kind}
        for i, (path, kind) in enumerate(zip(["", *names], kinds, strict=True))
    ]
    width = backbone.width
    for name, layer in zip(names, layers, strict=True):
        (folder / name).mkdir(exist_ok=True)
        _write_json(folder / name / MODULE, WRITERS[type(layer).__name__](layer, width))
        width = layer.out_width(width)
    _write_json(folder / MODULES, modules)
    _write_json(folder / MODULE, backbone.transformers_config)
    lowercase = preprocess.config.get("lowercase", False)
    _write_json(folder / TRANSFORMER, {"max_seq_length": preprocess.max_length, "do_lower_case": lowercase})
    _write_json(folder / SETTINGS, _settings(network, preprocess))
    if "tokenizer_config.json" not in preprocess.side_files:
        _write_json(folder / "tokenizer_config.json", _tokenizer_config(preprocess))


def _read_backbone(folder: Path, trust_remote_code: bool) -> BertBackbone | TransformersBackbone:
    """By twinnet's own reader where that is possible: importing transformers takes seconds."""
    found = BertBackbone.from_folder(folder)
    return found or TransformersBackbone.from_folder(folder, trust_remote_code=trust_remote_code)


def _settings(network: TwinNetwork, preprocess: TextPreprocess) -> dict[str, Any]:
    from twinnet.registry import distances

    distance = distances.name_of(network.distance)
    return {
        "__version__": {"sentence_transformers": "3.0.0"},
        "prompts": preprocess.prompts,
        "default_prompt_name": preprocess.config.get("default_prompt"),
        "similarity_fn_name": distance if distance in SIMILARITIES else None,
        **({"truncate_dim": network.truncate_dim} if network.truncate_dim else {}),
    }


def _tokenizer_config(preprocess: TextPreprocess) -> dict[str, Any]:
    """What transformers has to know of a tokenizer beside its JSON: its class, and which tokens are special."""
    around = preprocess.tokenizer.encode("").tokens
    special = {"cls_token": around[0], "sep_token": around[-1]} if around else {}
    pad = preprocess.tokenizer.id_to_token(preprocess.pad_id)
    return {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": pad, **special}


def _read_preprocess(folder: Path, settings: dict[str, Any]) -> TextPreprocess:
    config = read_json(folder / MODULE)
    limits: dict[str, Any] = next((read_json(path) for path in sorted(folder.glob("sentence_*_config.json"))), {})
    return read_tokenizer(
        folder,
        config,
        max_length=limits.get("max_seq_length"),
        prompts=settings.get("prompts"),
        default_prompt=settings.get("default_prompt_name"),
        lowercase=limits.get("do_lower_case", False),
    )


def read_tokenizer(
    folder: Path, config: Mapping[str, Any], *, max_length: int | None = None, **options: Any
) -> TextPreprocess:
    """The preprocess of a folder with a tokenizer of transformers.

    Args:
        folder: The folder.
        config: The configuration of the transformer.
        max_length: The longest sequence; what tokenizer and transformer say unless given.
        **options: Further arguments of the preprocess.

    Raises:
        TwinnetError: If the tokenizer is missing or damaged.
    """
    side_files = read_side_files(folder)
    try:
        described = dict(json.loads(side_files.get("tokenizer_config.json", "{}")))
    except (ValueError, TypeError) as error:
        raise TwinnetError(f"{folder / 'tokenizer_config.json'}: damaged ({error})") from error
    if max_length is None:
        positions = config.get("max_position_embeddings", -1)
        bounds = [described.get("model_max_length", 10**9), positions if positions > 0 else 10**9]
        max_length = min(bounds) if min(bounds) < 10**9 else None
    preprocess = TextPreprocess(
        max_length=max_length,
        tokenizer=_tokenizer_json(folder),
        side_files=side_files,
        pad_id=config.get("pad_token_id") or 0,
        **options,
    )
    return _with_pad(preprocess, described.get("pad_token"))


def _with_pad(preprocess: TextPreprocess, pad: str | dict[str, Any] | None) -> TextPreprocess:
    """The same with the pad id of the token that the tokenizer's configuration names, if it names one."""
    token = pad["content"] if isinstance(pad, dict) else pad
    pad_id = preprocess.tokenizer.token_to_id(token) if token else None
    if pad_id is None or pad_id == preprocess.pad_id:
        return preprocess
    source, side_files = preprocess.tokenizer_source, preprocess.side_files
    return TextPreprocess(**preprocess.config | {"pad_id": pad_id}, tokenizer=source, side_files=side_files)


def _tokenizer_json(folder: Path) -> str:
    """The fast tokenizer's JSON; older folders have only a vocabulary, from which transformers makes it."""
    path = folder / TOKENIZER_FILE
    if path.is_file():
        try:
            return path.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise TwinnetError(f"{path}: cannot be read ({error})") from error
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        source: str = tokenizer.backend_tokenizer.to_str()
    except Exception as error:
        raise TwinnetError(f"{path}: missing, and transformers cannot make it from the folder ({error})") from error
    return source


def _inside(folder: Path, path: str) -> Path:
    place = folder / path
    if not place.resolve().is_relative_to(folder.resolve()):
        raise TwinnetError(f"{folder / MODULES}: path {path!r} lies outside the folder: do not trust it")
    return place


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
