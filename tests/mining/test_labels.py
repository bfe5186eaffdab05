from __future__ import annotations

import numpy as np
import pytest

import twinnet
from twinnet import TwinnetError
from twinnet.mining.labels import label

NAMES = ["cat", "dog", "small red mat"]
PROMPTS = ["{}", "the {} in the park"]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("distance", ["cosine", "euclidean", "scaled-cosine", {"name": "scaled-cosine", "bias": -3.0}])
def test_scores_are_those_of_the_names_in_their_prompt(make_text_network, sentences, distance):
    network = make_text_network(distance=distance)
    found = label(network, sentences, NAMES, prompts=["a {}"])
    wanted = network.similarity(sentences, [f"a {name}" for name in NAMES])
    np.testing.assert_allclose(found.scores, wanted, atol=1e-5)
    assert found.best == [NAMES[column] for column in wanted.argmax(1)]
    if "scaled" not in str(distance):
        assert found.probabilities is None
    elif isinstance(distance, dict):
        np.testing.assert_allclose(found.probabilities, 1 / (1 + np.exp(-wanted)), atol=1e-5)
    else:
        np.testing.assert_allclose(found.probabilities, np.exp(wanted) / np.exp(wanted).sum(1)[:, None], atol=1e-5)


def test_names_are_cut_to_the_width_of_the_items(text_network, sentences):
    found = label(text_network, sentences, NAMES, truncate_dim=8)
    wanted = text_network.similarity(sentences, NAMES, truncate_dim=8)
    np.testing.assert_allclose(found.scores, wanted, atol=1e-5)


def test_several_prompts_are_averaged_as_directions(text_network, sentences):
    parts = [unit(text_network.encode([prompt.replace("{}", name) for name in NAMES])) for prompt in PROMPTS]
    wanted = unit(text_network.encode(sentences)) @ unit((parts[0] + parts[1]) / 2).T
    np.testing.assert_allclose(label(text_network, sentences, NAMES, prompts=PROMPTS).scores, wanted, atol=1e-5)


def test_each_side_can_be_labelled(make_text_network):
    network = make_text_network()
    network.other = make_text_network(seed=3).tower
    items = ["a dog runs", "the cat sits"]
    np.testing.assert_allclose(label(network, items, NAMES).scores, network.similarity(NAMES, items).T, atol=1e-6)
    np.testing.assert_allclose(
        label(network, items, NAMES, side="left").scores, network.similarity(items, NAMES), atol=1e-6
    )
    stored = network.encode(items, side="right")
    np.testing.assert_allclose(label(network, stored, NAMES).scores, label(network, items, NAMES).scores, atol=1e-6)
    assert label(network, items[0], NAMES).scores.shape == (1, 3)


@pytest.mark.parametrize("names", [[], "cat", ["cat", "cat"]])
def test_labels_that_are_no_choice_are_refused(text_network, names):
    with pytest.raises(TwinnetError, match="give a list of different names"):
        twinnet.label(text_network, ["a cat"], names)


@pytest.mark.parametrize("prompts", [[], "a photo of a {}", ["a photo"]])
def test_prompts_without_a_place_are_refused(text_network, prompts):
    with pytest.raises(TwinnetError, match="each with {} for the name"):
        twinnet.label(text_network, ["a cat"], NAMES, prompts=prompts)


def test_labels_may_be_any_iterable_of_texts(text_network):
    assert label(text_network, ["a cat"], (name for name in ("cat", "dog"))).labels == ("cat", "dog")
    with pytest.raises(TwinnetError, match="list of different names"):
        label(text_network, ["a cat"], ["cat", 5])
