from __future__ import annotations

import numpy as np
import pytest
import torch

from twinnet import Tower, TwinnetError, TwinNetwork

DISTANCES = ["cosine", "dot", "euclidean", "sqeuclidean", "manhattan", "hamming"]


@pytest.mark.parametrize("name", DISTANCES)
def test_similarity_and_score_agree_and_larger_is_closer(make_text_network, sentences, name):
    network = make_text_network(distance=name)
    left, right = sentences[:9], sentences[9:18]
    matrix = network.similarity(left, right)
    np.testing.assert_allclose(matrix.diagonal(), network.score(left, right), rtol=1e-4, atol=1e-4)
    own = network.similarity(left, left)
    if name != "dot":
        assert (own.diagonal() >= own.max(axis=1) - 1e-5).all()


def test_embed_once_compare_often(text_network, sentences):
    embeddings = text_network.encode(sentences)
    np.testing.assert_allclose(
        text_network.similarity("a cat", embeddings), text_network.similarity(["a cat"], sentences), atol=1e-6
    )
    assert isinstance(text_network.score("a cat", embeddings[0]), float)
    assert text_network.score(torch.from_numpy(embeddings), sentences) == pytest.approx(np.ones(len(sentences)))


LAYOUTS = {
    "backwards": lambda rows: rows[::-1].copy()[::-1],
    "big-endian": lambda rows: rows.astype(">f4"),
    "columns": np.asfortranarray,
    "long": lambda rows: rows.astype(np.longdouble),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_stored_embeddings_may_lie_in_memory_in_any_way(text_network, sentences, layout, recwarn):
    rows = text_network.encode(sentences)
    stored = layout(rows)
    stored.setflags(write=False)
    np.testing.assert_allclose(text_network.similarity(stored, rows), text_network.similarity(rows, rows), atol=1e-6)
    np.testing.assert_array_equal(text_network.comparable(stored), text_network.comparable(rows))
    assert not recwarn.list


def test_stored_embeddings_may_be_narrower_where_that_is_asked_for(text_network):
    stored = text_network.encode(["a cat", "a dog"], truncate_dim=8)
    np.testing.assert_allclose(
        text_network.similarity(stored, ["a cat", "a dog"], truncate_dim=8),
        text_network.similarity(stored, stored, truncate_dim=8),
        atol=1e-6,
    )
    with pytest.raises(TwinnetError, match="have width 32"):
        text_network.score(text_network.encode("a cat"), "a dog", truncate_dim=8)


def test_codes_are_no_embeddings_to_compare(text_network):
    bits = text_network.encode(["a cat", "a dog"], quantize="binary")
    with pytest.raises(TwinnetError, match="item 0"):
        text_network.similarity(bits, bits)
    with pytest.raises(TwinnetError, match="codes are compared by an index"):
        text_network.score("a cat", "a dog", quantize="binary")


def test_stored_embeddings_are_checked(text_network):
    stored = text_network.encode(["a", "b", "c"])
    with pytest.raises(TwinnetError, match="width 31.*32"):
        text_network.similarity("a", stored[:, :31])
    stored[1, 5] = np.nan
    with pytest.raises(TwinnetError, match="row 1"):
        text_network.score(["a"] * 3, stored)


def test_pairs_need_as_many_on_each_side(text_network):
    with pytest.raises(TwinnetError, match="2 items on the left and 3"):
        text_network.score(["a", "b"], ["a", "b", "c"])


def test_normalize_truncate_and_quantize(text_network, sentences):
    full = text_network.encode(sentences)
    short = text_network.encode(sentences, truncate_dim=8, normalize=True)
    np.testing.assert_allclose(short, full[:, :8] / np.linalg.norm(full[:, :8], axis=1, keepdims=True), rtol=1e-5)
    bits = text_network.encode(sentences, quantize="binary")
    assert (np.unpackbits(bits, axis=1) == (full > 0)).all()


def test_a_width_or_a_chunk_of_nothing_is_refused(text_network):
    for width in (0, -5):
        with pytest.raises(TwinnetError, match=f"truncate_dim is {width}"):
            text_network.encode(["a"], truncate_dim=width)
    with pytest.raises(TwinnetError, match="chunk is 0"):
        next(text_network.encode_iter(["a"], chunk=0))


def test_more_tokens_than_the_network_has_positions_are_refused(text_network):
    with pytest.raises(TwinnetError, match="a sequence of 102 tokens.* 64 positions: lower max_length"):
        text_network.encode(["the cat", "cat " * 100], max_length=200)
    assert text_network.encode("cat " * 100, max_length=64).shape == (32,)


def test_int8_ranges_are_measured_once_and_kept(text_network, sentences, tmp_path):
    with pytest.raises(TwinnetError, match="calibrate_int8"):
        text_network.encode(sentences, quantize="int8")
    with pytest.raises(TwinnetError, match="row 1 is not finite"):
        text_network.calibrate_int8(np.array([[0.0] * 32, [np.nan] * 32]))
    text_network.calibrate_int8(sentences)
    whole = text_network.encode(sentences, quantize="int8")
    assert whole.dtype == np.int8
    few = text_network.encode(sentences[:3], quantize="int8")
    assert (few == whole[:3]).all()
    text_network.save(tmp_path / "net")
    again = TwinNetwork.load(tmp_path / "net")
    assert (again.encode(sentences, quantize="int8") == whole).all()
    step = text_network.int8_ranges.step
    assert (np.abs(text_network.int8_ranges.restore(whole) - text_network.encode(sentences)) <= step * 0.51).all()


def test_half_twin_embeds_each_side_with_its_own_tower(make_text_network):
    left, right = make_text_network(seed=1), make_text_network(seed=2)
    half = TwinNetwork(left.tower.backbone, "pooling/mean", preprocess=left.tower.preprocess, other=right.tower)
    np.testing.assert_allclose(half.encode(["a cat"]), left.encode(["a cat"]))
    np.testing.assert_allclose(half.encode(["a cat"], side="right"), right.encode(["a cat"]))
    expected = left.encode("a cat") @ right.encode("a cat")
    expected /= np.linalg.norm(left.encode("a cat")) * np.linalg.norm(right.encode("a cat"))
    assert half.score("a cat", "a cat") == pytest.approx(expected, abs=1e-6)
    with pytest.raises(TwinnetError, match="'middle'"):
        half.encode(["a"], side="middle")


def test_a_picture_side_and_a_text_side_meet_in_one_space(make_text_network, image_network, pictures):
    text = make_text_network()
    pictures_tower = Tower(image_network.tower.backbone, ["pooling/mean", {"name": "dense", "out_features": 32}],
                           image_network.tower.preprocess)  # fmt: skip
    half = TwinNetwork(text.tower.backbone, "pooling/mean", preprocess=text.tower.preprocess, other=pictures_tower)
    assert half.similarity(["a cat", "a dog"], pictures).shape == (2, len(pictures))


def test_towers_of_different_width_are_refused(text_network, image_network):
    with pytest.raises(TwinnetError, match="width 32 and 512"):
        TwinNetwork(text_network.tower.backbone, preprocess=text_network.tower.preprocess, other=image_network.tower)


def test_score_map_is_the_score_at_every_place():
    network = TwinNetwork("timm/resnet10t", head=[], distance="cosine")
    network.tower.head.layers = torch.nn.ModuleList()
    exemplar, search = torch.randn(2, 3, 64, 64), torch.randn(2, 3, 160, 128)
    with torch.no_grad():
        scores = network.score_map({"pixels": exemplar}, {"pixels": search})
        kernel, field = network({"pixels": exemplar}), network({"pixels": search})
    assert scores.shape == (2, 4, 3)
    window = field[1, :, 2:4, 1:3].flatten()
    expected = torch.cosine_similarity(kernel[1].flatten(), window, dim=0)
    assert scores[1, 2, 1] == pytest.approx(float(expected), abs=1e-5)


def test_score_places_scores_two_maps_of_one_scene_and_takes_stored_ones():
    network = TwinNetwork("timm/resnet10t", head=[], distance="euclidean")
    left, right = torch.randn(2, 3, 64, 96), torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        scores = network.score_places({"pixels": left}, {"pixels": right})
        a, b = network({"pixels": left}), network({"pixels": right})
        torch.testing.assert_close(network.score_places(a, {"pixels": right}), scores)
    assert scores.shape == (2, 2, 3)
    torch.testing.assert_close(scores, -(a - b).norm(dim=1), atol=1e-5, rtol=1e-5)


def test_pictures_with_maps_are_scored_by_the_mean_over_all_places(pictures):
    picture = {"name": "image", "size": [64, 64]}
    network = TwinNetwork("timm/resnet10t", head=[], distance="euclidean", preprocess=picture)
    maps = network.encode(pictures[:3])
    expected = -np.linalg.norm(maps - maps[:1], axis=1).mean((1, 2))
    np.testing.assert_allclose(network.score(pictures[:3], [pictures[0]] * 3), expected, atol=1e-4)
    assert network.score(pictures[1], pictures[0]) == pytest.approx(expected[1], rel=1e-4)
    with pytest.raises(TwinnetError, match="score_places"):
        network.similarity(pictures[:2], pictures[:2])


def test_a_network_without_preprocess_says_so(make_text_network):
    network = TwinNetwork(make_text_network().tower.backbone)
    with pytest.raises(TwinnetError, match="preprocess="):
        network.encode(["a"])


def test_unknown_names_offer_the_near_ones(text_network):
    with pytest.raises(TwinnetError, match="'cosin'.*'cosine'"):
        TwinNetwork(text_network.tower.backbone, distance="cosin")
    with pytest.raises(TwinnetError, match="'resnet-18'.*resnet18"):
        TwinNetwork("timm/resnet-18")
    with pytest.raises(TwinnetError, match="'resnet-18'.*resnet18"):
        TwinNetwork("torchvision/resnet-18")
    with pytest.raises(TwinnetError, match=r"backbone 'tim'.*'timm'"):
        TwinNetwork("tim/resnet18")
