"""From sentences to a fine-tuned network, in small."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from twinnet_ulmfit import pretrain
from twinnet_ulmfit.corpus import different, read_sentences, split
from twinnet_ulmfit.vocabulary import word_tokenizer

import twinnet
from twinnet.data.examples import Examples
from twinnet.supervision import Supervision
from twinnet.training import Trainer, TrainingConfig

SIZES = ["--width", "16", "--hidden", "24", "--dropout", "0"]
SMALL = [*SIZES, "--batch-tokens", "64", "--epochs", "8", "--learning-rate", "1e-2"]


@pytest.fixture(scope="module")
def sentences():
    """A language of 12 subjects, each with a verb of its own."""
    rng = np.random.default_rng(0)
    pairs = [(f"animal{i}", f"verb{i}s") for i in range(12)]
    return [
        f"The {adjective} {pairs[i][0]} {pairs[i][1]} {place}."
        for i in range(12)
        for adjective in rng.permutation(["red", "big", "old", "tiny", "wild"])
        for place in ("here", "there", "outside", "inside")
    ]


@pytest.fixture(scope="module")
def pretraining(sentences, tmp_path_factory):
    """The folder of the network, and the figures that the command prints."""
    folder = tmp_path_factory.mktemp("lm")
    rows = [f"1\t{sentence}\t{sentence.upper()}" for sentence in sentences]
    (folder / "a.tsv").write_text("\n".join(["score\ts1\ts2", *rows]))
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        assert pretrain.main([str(folder / "a.tsv"), "--out", str(folder / "lm"), *SMALL]) == 0
    return folder / "lm", json.loads(shown.getvalue())


@pytest.fixture
def pretrained(pretraining):
    return pretraining[0]


def test_the_language_is_learned(pretraining, sentences):
    _, figures = pretraining
    assert figures["sentences"] + figures["held_out"] == len(sentences)
    assert figures["vocabulary"] == 4 + 1 + 12 + 12 + 5 + 4 + 1
    # What knows nothing but the frequencies has 21.8; what knows all but chance has 2.2.
    assert figures["perplexity"][-1] < 6 < figures["perplexity"][0]


def test_what_comes_out_is_a_network_that_the_trainer_takes_on(pretrained, sentences, tmp_path):
    network = twinnet.load(pretrained)
    assert network.encode("The red animal3 verb3s here.").shape == (3 * 16,)
    left = sentences[:60]
    right = [sentences[i + (4 if i % 2 else 100)] for i in range(60)]
    examples = Examples((left, right), [float(i % 2) for i in range(60)], Supervision.SCORED_PAIRS)
    config = TrainingConfig(
        out=tmp_path / "net", epochs=4, batch_size=10, learning_rate=1e-2,
        schedule="slanted-triangular", layer_decay=1 / 2.6, unfreeze_every=6,
    )  # fmt: skip
    result = Trainer(network, "cosine-regression", examples, config).run()
    assert np.mean(result.losses[-6:]) < np.mean(result.losses[:6])
    again = twinnet.load(tmp_path / "net")
    np.testing.assert_array_equal(again.encode(left), network.encode(left))


def test_the_ablation_runs_each_variant_once(pretrained, sentences, tmp_path, monkeypatch, capsys):
    rows = [f"{i % 6}\t{sentences[i]}\t{sentences[7 * i]}" for i in range(20)]
    (tmp_path / "pairs.tsv").write_text("score\ts1\ts2\n" + "\n".join(rows))
    pairs, out = str(tmp_path / "pairs.tsv"), tmp_path / "results.jsonl"
    settings = ["--epochs", "3", "--unfreeze-every", "1", "--seeds", "0"]
    monkeypatch.setattr(sys, "argv", ["", pairs, pairs, "--lm", str(pretrained), "--out", str(out), *settings])
    script = str(Path(__file__).parents[1] / "ablation.py")
    runpy.run_path(script, run_name="__main__")
    results = out.read_text()
    table = capsys.readouterr().out
    assert len({json.loads(line)["variant"] for line in results.splitlines()}) == len(results.splitlines()) == 10
    assert len(table.splitlines()) == 10
    runpy.run_path(script, run_name="__main__")
    assert out.read_text() == results
    assert capsys.readouterr().out == table


def test_a_word_of_the_vocabulary_and_one_that_is_unknown(sentences):
    tokenizer = word_tokenizer(sentences, 100)
    expected = ["[BOS]", "the", "old", "[UNK]", "[UNK]", "here", ".", "[EOS]"]
    assert tokenizer.encode("The OLD zebra, here.").tokens == expected
    assert Tokenizer.from_str(tokenizer.to_str()).encode("").ids == [2, 3]
    assert word_tokenizer(sentences, 10).get_vocab_size() == 10


def test_sentences_to_leave_out_are_left_out(tmp_path):
    (tmp_path / "train.txt").write_text("A cat sits.\na cat sits\nDogs bark!\nIt rains.\n...\n")
    (tmp_path / "dev.csv").write_text("label,a,b\n1,It  rains,dogs bark\n")
    without = read_sentences([tmp_path / "dev.csv"])
    assert different(read_sentences([tmp_path / "train.txt"]), without) == ["A cat sits."]


def test_a_split_has_everything_once():
    sentences = [f"sentence {i}" for i in range(250)]
    training, held_out = split(sentences, 0.01, seed=3)
    assert len(held_out) == 2
    assert sorted(training + held_out) == sorted(sentences)


def test_bad_input_is_one_line(tmp_path, capsys):
    (tmp_path / "one.txt").write_text("Only this.\n")
    assert pretrain.main([str(tmp_path / "one.txt"), "--out", str(tmp_path / "lm")]) == 2
    assert pretrain.main([str(tmp_path / "none.txt"), "--out", str(tmp_path / "lm")]) == 2
    (tmp_path / "rare.txt").write_text("One two.\nThree four!\nFive six?\n")
    assert pretrain.main([str(tmp_path / "rare.txt"), "--out", str(tmp_path / "lm")]) == 2
    with pytest.raises(SystemExit):
        pretrain.main([str(tmp_path / "rare.txt"), "--out", str(tmp_path / "lm"), "--learning-rate", "nan"])
    shown = capsys.readouterr().err.splitlines()
    assert "fewer than two" in shown[0]
    assert "no such file" in shown[1]
    assert "no word is left" in shown[2]
    assert "nan is no positive number" in shown[-1]
    assert not (tmp_path / "lm").exists()
