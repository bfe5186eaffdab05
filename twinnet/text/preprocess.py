"""Sentences to token ids, by the fast tokenizers of the `tokenizers` library."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Encoding, Tokenizer, normalizers

from twinnet.checks import check_count
from twinnet.errors import TwinnetError, unknown_name
from twinnet.features import Batch
from twinnet.files import is_unicode
from twinnet.preprocess import Prepared, Preprocess, refuse

if TYPE_CHECKING:
    from twinnet.network import TwinNetwork

TOKENIZER_FILE = "tokenizer.json"
SIDE_FILES = ("tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "added_tokens.json")
WANTED = "a string (or a list of words, or a list of token ids)"


class TextPreprocess(Preprocess):
    """Tokenises sentences, truncates them to the longest length that the network takes, and pads them to a batch.

    Args:
        max_length: The longest sequence in tokens, special ones included; None is no limit.
        pad_id: The token id of the padding.
        prompts: Named texts that can be put before each sentence.
        default_prompt: The name of the prompt that is used when none is asked for.
        lowercase: Whether text is lower-cased first.
        fixed_length: Whether every sequence is padded to `max_length` and no position is masked, as networks want that
            were trained so (SigLIP).
        tokenizer: The tokenizer, as the JSON text of a `tokenizer.json`. A saved network keeps it in that file.
        side_files: Further small files of the tokenizer by name, which other tools want to find beside it.
    """

    budget: ClassVar = {"cpu": 2048, "cuda": 65536}
    lookahead = 16384
    options = ("prompt", "max_length")

    def __init__(
        self,
        max_length: int | None = 256,
        pad_id: int = 0,
        prompts: dict[str, str] | None = None,
        default_prompt: str | None = None,
        lowercase: bool = False,
        fixed_length: bool = False,
        tokenizer: str = "",
        side_files: dict[str, str] | None = None,
    ) -> None:
        if fixed_length and max_length is None:
            raise TwinnetError("fixed_length pads to max_length: give one")
        self.max_length = max_length
        self.fixed_length = fixed_length
        self.pad_id = pad_id
        self.prompts = prompts or {}
        self.side_files = side_files or {}
        self.prompt = self._named_prompt(default_prompt) if default_prompt else ""
        self.tokenizer = _ready(tokenizer, max_length, lowercase)
        self.tokenizer_source = tokenizer

    @property
    def config(self) -> dict[str, Any]:
        """The constructor arguments, without what `save` writes into files of its own."""
        config = super().config
        config.pop("tokenizer", None)
        config.pop("side_files", None)
        return config

    def is_single(self, items: Any) -> bool:
        """A string is one sentence; anything that can be iterated is many."""
        return isinstance(items, str | bytes) or not isinstance(items, Iterable)

    def key(self, item: Any) -> Hashable:
        """Equal strings are equal sentences."""
        return item if isinstance(item, str) else None

    def vary(self, **options: Any) -> Self:
        """With another prompt (a name among `prompts`, or the text itself if it is none) or a shorter `max_length`.

        Raises:
            TwinnetError: If an option is unknown, or the length is no positive number.
        """
        super().vary(**options)
        changed = {name: value for name, value in options.items() if value is not None}
        if not changed:
            return self
        varied = copy.copy(self)
        if not isinstance(changed.get("prompt", ""), str):
            raise TwinnetError(f"prompt {changed['prompt']!r}: expected a text, or the name of one of the prompts")
        if "prompt" in changed:
            varied.prompt = self.prompts.get(changed["prompt"], changed["prompt"])
        if "max_length" in changed:
            check_count(changed["max_length"], "max_length")
            varied.max_length = int(changed["max_length"])
            varied.tokenizer = _ready(self.tokenizer.to_str(), varied.max_length, lowercase=False)
        return varied

    def prepare(self, items: Sequence[Any]) -> list[Prepared]:
        """Tokenise sentences.

        Raises:
            ItemError: If an item is neither a string nor a list of words or token ids.
        """
        if all(isinstance(item, str) for item in items):
            return self._tokenize(items)
        return [self._prepare_one(position, item) for position, item in enumerate(items)]

    def _prepare_one(self, position: int, item: Any) -> Prepared:
        if isinstance(item, str):
            return self._tokenize([item], position)[0]
        if not isinstance(item, list | tuple | np.ndarray) or len(item) == 0:
            raise refuse(position, item, WANTED)
        if self.prompt:
            raise refuse(position, item, "a string, which the prompt is put before")
        if all(isinstance(word, str) for word in item):
            _check_unicode(position, item)
            return self._prepared(self.tokenizer.encode(list(item), is_pretokenized=True))
        try:
            ids = np.asarray(item)
        except ValueError as error:  # lists of different lengths
            raise refuse(position, item, WANTED) from error
        # Numbers of one byte are codes of embeddings.
        if ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer) or ids.dtype.itemsize == 1:
            raise refuse(position, item, WANTED)
        size = self.tokenizer.get_vocab_size(with_added_tokens=True)
        if ids.min() < 0 or ids.max() >= size:
            raise refuse(position, item, f"token ids from 0 to {size - 1}")
        kept = ids[: self.max_length].astype(np.int32)
        return self._of_length(kept, len(ids) - len(kept))

    def _tokenize(self, sentences: Sequence[str], start: int = 0) -> list[Prepared]:
        texts = [self.prompt + sentence for sentence in sentences] if self.prompt else list(sentences)
        try:
            encodings = self.tokenizer.encode_batch_fast(texts)
        except (TypeError, UnicodeEncodeError):
            for position, text in enumerate(texts, start):
                _check_unicode(position, [text])
            raise
        return [self._prepared(encoding) for encoding in encodings]

    def _prepared(self, encoding: Encoding) -> Prepared:
        ids = np.asarray(encoding.ids, dtype=np.int32)
        lost = sum(len(part.ids) - sum(part.special_tokens_mask) for part in encoding.overflowing)
        return self._of_length(ids, lost)

    def _of_length(self, ids: npt.NDArray[np.int32], lost: int) -> Prepared:
        if self.fixed_length and self.max_length is not None:
            ids = np.pad(ids, (0, self.max_length - len(ids)), constant_values=self.pad_id)
        return Prepared(ids, len(ids), lost)

    def collate(self, prepared: Sequence[Prepared]) -> Batch:
        """Token ids (B, T), padded on the right; an attention mask (B, T) only where something is padded."""
        longest = max((item.cost for item in prepared), default=0)
        ids = np.full((len(prepared), longest), self.pad_id, dtype=np.int64)
        for row, item in enumerate(prepared):
            ids[row, : item.cost] = item.data
        batch = {"input_ids": torch.from_numpy(ids)}
        lengths = torch.tensor([item.cost for item in prepared])
        if (lengths < longest).any():
            batch["attention_mask"] = (torch.arange(longest) < lengths[:, None]).long()
        if self.prompt:
            batch["prefix"] = torch.tensor(self._prompt_length())
        return batch

    def _prompt_length(self) -> int:
        """Positions of the prompt, the special token before it included and the one behind it not."""
        encoding = self.tokenizer.encode(self.prompt)
        return len(encoding.ids) - (1 if encoding.special_tokens_mask[-1] else 0)

    def _named_prompt(self, name: str) -> str:
        if name not in self.prompts:
            raise unknown_name("prompt", name, self.prompts)
        return self.prompts[name]

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files."""
        for name, text in {TOKENIZER_FILE: self.tokenizer_source, **self.side_files}.items():
            folder.joinpath(name).write_bytes(text.encode())

    @classmethod
    def load(cls, folder: Path, config: dict[str, Any]) -> Self:
        """Read the tokenizer's files."""
        return cls(**config, tokenizer=_read(folder / TOKENIZER_FILE), side_files=read_side_files(folder))

    def write_companions(self, network: TwinNetwork, folder: Path) -> None:
        """Write what sentence-transformers wants to find."""
        from twinnet.text.sbert import write_sbert_files

        write_sbert_files(network, folder)

    def fingerprint(self) -> str:
        """A hash over the arguments and the tokenizer."""
        return hashlib.sha256((super().fingerprint() + self.tokenizer_source).encode()).hexdigest()


def read_side_files(folder: Path) -> dict[str, str]:
    """The tokenizer's small files that are there, by name."""
    return {name: _read(folder / name) for name in SIDE_FILES if (folder / name).is_file()}


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise TwinnetError(f"{path}: cannot be read ({error}): restore the file or save the network again") from error


def _check_unicode(position: int, texts: Iterable[str]) -> None:
    for text in texts:
        if not is_unicode(text):
            raise refuse(position, text, "valid Unicode: it has half of a surrogate pair")


def _ready(source: str, max_length: int | None, lowercase: bool) -> Tokenizer:
    """A tokenizer with truncation set once, so that no call has to change it."""
    try:
        tokenizer = Tokenizer.from_str(source)
    except Exception as error:
        raise TwinnetError(f"the tokenizer is not a valid {TOKENIZER_FILE}: {error}") from error
    tokenizer.no_padding()
    special = tokenizer.num_special_tokens_to_add(is_pair=False)
    if max_length is None:
        tokenizer.no_truncation()
    elif max_length < special:
        raise TwinnetError(f"max_length is {max_length}, and this tokenizer puts {special} special tokens to each text")
    else:
        tokenizer.enable_truncation(max_length)
    if lowercase and not _lowercases(source):
        chain = [normalizers.Lowercase(), *([tokenizer.normalizer] if tokenizer.normalizer else [])]
        tokenizer.normalizer = normalizers.Sequence(chain)
    return tokenizer


def _lowercases(source: str) -> bool:
    return '"lowercase":true' in json.dumps(json.loads(source).get("normalizer")).replace(" ", "")
