"""A vocabulary of words, as a tokenizer of the `tokenizers` library, which a saved network keeps."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from twinnet.errors import TwinnetError

SPECIAL = ("[PAD]", "[UNK]", "[BOS]", "[EOS]")
PAD, UNKNOWN, BEGIN, END = range(4)


def word_tokenizer(sentences: Iterable[str], size: int, least: int = 2) -> Tokenizer:
    """Lower-cased words and punctuation marks, between [BOS] and [EOS].

    Args:
        sentences: Where the words come from.
        size: How many there are at most, the four special ones included.
        least: How often a word must occur.

    Raises:
        TwinnetError: If no word occurs so often.
    """
    tokenizer = Tokenizer(models.WordLevel(unk_token=SPECIAL[UNKNOWN]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordLevelTrainer(
        vocab_size=size, min_frequency=least, special_tokens=list(SPECIAL), show_progress=False
    )
    tokenizer.train_from_iterator(sentences, trainer)
    if tokenizer.get_vocab_size() <= len(SPECIAL):
        raise TwinnetError(f"no word is left: the vocabulary is of {size}, and a word has to occur {least} times")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[BOS] $A [EOS]", special_tokens=[("[BOS]", BEGIN), ("[EOS]", END)]
    )
    return tokenizer
