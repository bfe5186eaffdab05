from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from twinnet import EncodeReport, TwinnetError, TwinNetwork
from twinnet.encoding import evaluating
from twinnet.heads import Dense
from twinnet.text.preprocess import TextPreprocess
from twinnet.tower import Tower


def one_by_one(network, items):
    """The plain way: every item alone, in order."""
    tower = network.tower
    with torch.no_grad():
        return np.concatenate([tower.embed(tower.preprocess.prepare([item])).numpy() for item in items])


def test_text_equals_the_plain_way(text_network, sentences):
    np.testing.assert_allclose(text_network.encode(sentences), one_by_one(text_network, sentences), atol=1e-6)


def test_images_equal_the_plain_way(image_network, pictures):
    np.testing.assert_allclose(image_network.encode(pictures), one_by_one(image_network, pictures), atol=1e-5)


def test_many_windows_equal_one(text_network, sentences, monkeypatch):
    whole = text_network.encode(sentences)
    monkeypatch.setattr(TextPreprocess, "lookahead", 7)
    monkeypatch.setattr(TextPreprocess, "budget", {"cpu": 40})
    np.testing.assert_allclose(text_network.encode(sentences), whole, atol=1e-6)


def test_any_iterable_and_one_item(text_network, sentences):
    many = text_network.encode(iter(sentences))
    assert many.dtype == np.float32
    assert many.shape == (len(sentences), 32)
    one = text_network.encode(sentences[0])
    assert one.shape == (32,)
    np.testing.assert_allclose(one, many[0], atol=1e-6)
    assert text_network.encode([]).shape == (0, 32)


def test_stream_is_read_chunk_by_chunk(text_network, sentences):
    read = []
    stream = (read.append(s) or s for s in sentences)
    chunks = text_network.encode_iter(stream, chunk=20)
    first = next(chunks)
    assert len(read) == 20
    rest = list(chunks)
    np.testing.assert_allclose(np.concatenate([first, *rest]), text_network.encode(sentences), atol=1e-6)


def test_report_counts_items_and_names_the_truncated(text_network):
    report = EncodeReport()
    text_network.encode(["cat", "the " * 50, "cat", "the " * 50], report=report)
    assert (report.items, report.embedded) == (4, 2)
    assert report.truncated == {1: 20, 3: 20}  # 50 words, 32 places of which two are special
    assert report.cost == 3 + 32
    assert report.seconds > 0


def test_a_report_adds_up_over_calls_and_chunks(text_network):
    items = [None, "cat", "the " * 50, "the " * 50, 5, "cat"]
    report = EncodeReport()
    list(text_network.encode_iter(items, chunk=2, skip_bad=True, report=report))
    text_network.encode(["the " * 50], report=report)
    assert (report.items, report.embedded) == (7, 6)
    assert report.truncated == {2: 20, 3: 20, 6: 20}
    assert sorted(report.refused) == [0, 4]
    assert report.refused[4].position == 4
    assert report.cost == 3 + 32 + 3 + 32


@pytest.mark.parametrize("one", ["A cat.", b"bytes", {"a": 1}])
def test_a_stream_is_many_items(text_network, one):
    with pytest.raises(TwinnetError, match="use encode"):
        next(text_network.encode_iter(one))


def test_threads_share_one_network(text_network, sentences):
    expected = text_network.encode(sentences)
    results = {}

    def work(number):
        results[number] = text_network.encode(sentences, prompt="query: " if number % 2 else None)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    prompted = text_network.encode(["query: " + s for s in sentences])
    for number, result in results.items():
        np.testing.assert_allclose(result, prompted if number % 2 else expected, atol=1e-6)


def test_encoding_during_training_uses_no_dropout_and_returns_to_training(make_text_network, sentences):
    network = make_text_network(dropout=0.5)
    expected = network.encode(sentences)
    network.train()
    np.testing.assert_allclose(network.encode(sentences), expected, atol=1e-6)
    assert network.training
    assert network.tower.training


@pytest.mark.parametrize("bad", [None, 3, 2.5, b"bytes", {"a": 1}, [], [1, "a"], [-1], [10**6], [[1]], "\ud800"])
def test_a_bad_item_is_named(text_network, bad, monkeypatch):
    monkeypatch.setattr(TextPreprocess, "lookahead", 4)
    with pytest.raises(TwinnetError, match=r"item 11\b"):
        text_network.encode(["a cat"] * 3 + [str(i) for i in range(8)] + [bad])


def test_a_bad_string_among_words_is_named(text_network):
    with pytest.raises(TwinnetError, match="item 2: "):
        text_network.encode(["a cat", ["a", "dog"], "\ud800"])


def test_an_unknown_option_offers_the_known(text_network):
    with pytest.raises(TwinnetError, match="'promt'.*'prompt'"):
        text_network.encode(["a"], promt="query")


def test_progress_is_shown_when_asked_and_silent_in_pipes(text_network, sentences, capfd):
    text_network.encode(sentences)
    assert capfd.readouterr().err == ""
    text_network.encode(sentences, progress=True)
    assert "item" in capfd.readouterr().err


def test_float_lists_are_no_sentences(text_network):
    with pytest.raises(TwinnetError, match="item 0"):
        text_network.encode([[0.5, 0.1]])


def test_threads_leave_a_network_in_training_as_it_was(make_text_network, sentences):
    network = make_text_network(dropout=0.5)
    expected = network.encode(sentences)
    network.train()
    network.tower.backbone.eval()
    modes = {name: module.training for name, module in network.named_modules()}
    work = [sentences[:3], sentences, sentences[5:40], sentences[:1]] * 3
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(network.encode, work))
    assert modes == {name: module.training for name, module in network.named_modules()}
    for items, found in zip(work, rows, strict=True):
        np.testing.assert_allclose(found, expected[[sentences.index(item) for item in items]], atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_weights_may_be_of_another_type(image_network, pictures, dtype):
    expected = image_network.encode(pictures)
    rows = image_network.to(dtype).encode(pictures)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, expected, atol=0.05 * np.abs(expected).max())


def test_a_layer_that_gives_another_width_than_it_says_is_refused(text_network):
    text_network.tower.head.layers.append(Dense(32, 48))
    with pytest.raises(TwinnetError, match="embeddings of width 48, and the head says 32"):
        text_network.encode(["a cat"])


def test_a_backbone_of_two_towers_rests_as_long_as_one_embeds(make_text_network):
    first = make_text_network()
    network = TwinNetwork(first.tower.backbone, first.tower.head, preprocess=first.tower.preprocess,
                          other=Tower(first.tower.backbone, first.tower.head, first.tower.preprocess))  # fmt: skip
    left, right = network.towers
    network.train()
    with evaluating(right):
        with evaluating(left):
            assert not left.backbone.training
        assert not right.backbone.training
        assert left.training
    assert all(module.training for module in network.modules())
