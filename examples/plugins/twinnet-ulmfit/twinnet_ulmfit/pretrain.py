"""Train a language model on sentences, and save it as a twin network that `twinnet train` goes on with.

python -m twinnet_ulmfit.pretrain sentences.txt --out lm
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from tqdm import tqdm

from twinnet import TwinnetError, TwinNetwork
from twinnet.batching import plan_batches
from twinnet.cli.options import count
from twinnet.features import Batch
from twinnet.folder import check_destination
from twinnet.preprocess import Prepared
from twinnet.text.preprocess import TextPreprocess
from twinnet.training.schedule import rate_factor
from twinnet_ulmfit.awd_lstm import DROPOUTS, AwdLstm
from twinnet_ulmfit.corpus import different, read_sentences, split
from twinnet_ulmfit.language_model import LanguageModel
from twinnet_ulmfit.vocabulary import PAD, word_tokenizer

HELD_OUT = 0.01
CONCAT_POOLING = {"name": "pooling", "mode": ["lasttoken", "max", "mean"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        figures = run(options)
    except TwinnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print(json.dumps(figures))
    return 0


def run(options: argparse.Namespace) -> dict[str, object]:
    """Train, and save the network; returns what came out."""
    check_destination(Path(options.out))
    torch.manual_seed(options.seed)
    sentences = different(read_sentences(options.sentences), read_sentences(options.without))
    if len(sentences) < 2:
        raise TwinnetError("fewer than two different sentences are left: a language model needs some thousands")
    training, held_out = split(sentences, HELD_OUT, options.seed)
    tokenizer = word_tokenizer(training, options.vocabulary)
    network = _network(tokenizer, options)
    preprocess = network.tower.reader()
    items, held_out_items = preprocess.prepare(training), preprocess.prepare(held_out)
    counts = np.bincount(np.concatenate([item.data[1:] for item in items]), minlength=tokenizer.get_vocab_size())
    model = LanguageModel(network.tower.backbone, torch.from_numpy(counts))
    start = time.perf_counter()
    perplexities = []
    for _ in _epochs(model, items, preprocess, options):
        perplexities.append(model.perplexity(_batches(held_out_items, preprocess, options.batch_tokens, None)))
        print(f"perplexity {perplexities[-1]:.1f} of {len(held_out)} held-out sentences", file=sys.stderr, flush=True)
    network.eval()
    network.save(options.out)
    return {
        "out": options.out,
        "sentences": len(training),
        "words": int(counts.sum()),
        "vocabulary": len(counts),
        "held_out": len(held_out),
        "perplexity": perplexities,
        "seconds": round(time.perf_counter() - start, 1),
    }


def _network(tokenizer: Tokenizer, options: argparse.Namespace) -> TwinNetwork:
    shares = {name: options.dropout * share for name, share in DROPOUTS.items()}
    backbone = AwdLstm(tokenizer.get_vocab_size(), options.width, options.hidden, options.layers, **shares)
    preprocess = TextPreprocess(options.max_length, PAD, tokenizer=tokenizer.to_str())
    return TwinNetwork(backbone, CONCAT_POOLING, preprocess=preprocess)


def _epochs(
    model: LanguageModel, items: Sequence[Prepared], preprocess: TextPreprocess, options: argparse.Namespace
) -> Iterator[int]:
    """Train, yielding after each epoch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate, betas=(0.7, 0.99), weight_decay=0.01)
    rng = np.random.default_rng(options.seed)
    step = 0
    for epoch in range(options.epochs):
        model.train()
        batches = list(_batches(items, preprocess, options.batch_tokens, rng))
        for batch in tqdm(batches, desc=f"epoch {epoch + 1}", unit="batch", disable=None):
            factor = rate_factor(step, options.epochs * len(batches), 0.1, "slanted-triangular")
            optimizer.param_groups[0]["lr"] = options.learning_rate * factor
            loss = model.sampled_loss(*model(batch))
            if not loss.isfinite():
                raise TwinnetError(f"the loss is not finite at step {step + 1}: lower the learning rate")
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
        yield epoch


def _batches(
    items: Sequence[Prepared], preprocess: TextPreprocess, tokens: int, rng: np.random.Generator | None
) -> Iterator[Batch]:
    """Whole sentences of like length; in a random order, and with other neighbours each time, where there is `rng`."""
    order = np.arange(len(items)) if rng is None else rng.permutation(len(items))
    planned = plan_batches([items[i].cost for i in order], tokens)
    for number in range(len(planned)) if rng is None else rng.permutation(len(planned)):
        yield preprocess.collate([items[order[i]] for i in planned[number]])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m twinnet_ulmfit.pretrain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sentences", nargs="+", metavar="FILE", help=".txt (one a line), .tsv, .csv, .jsonl or .parquet"
    )
    parser.add_argument("--without", nargs="*", default=[], metavar="FILE", help="likewise: sentences to leave out")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of the network")
    parser.add_argument("--epochs", type=count, default=5, metavar="N", help="default: 5")
    parser.add_argument("--learning-rate", type=_positive, default=4e-3, metavar="X", help="default: 0.004")
    parser.add_argument("--batch-tokens", type=count, default=2048, metavar="N", help="default: 2048")
    parser.add_argument("--vocabulary", type=count, default=10000, metavar="N", help="words (default: 10000)")
    parser.add_argument("--width", type=count, default=128, metavar="N", help="of the word vectors (default: 128)")
    parser.add_argument("--hidden", type=count, default=256, metavar="N", help="of the lower layers (default: 256)")
    parser.add_argument("--layers", type=count, default=2, metavar="N", help="default: 2; the paper has 3")
    parser.add_argument("--dropout", type=float, default=0.3, metavar="X", help="times the paper's five (default: 0.3)")
    parser.add_argument("--max-length", type=count, default=64, metavar="N", help="words of a sentence (default: 64)")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    return parser


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no positive number")
    return number


if __name__ == "__main__":
    sys.exit(main())
