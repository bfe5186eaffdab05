"""The exemplar cosine and the box head against loops."""

import math

import pytest
import torch
import torch.nn.functional as F

from twinnet.errors import TwinnetError
from twinnet.tracking.box_head import PARTS, REACH, BoxHead
from twinnet.tracking.distance import ExemplarCosine


@pytest.fixture
def distance():
    torch.manual_seed(0)
    distance = ExemplarCosine(5, kernel=3, stride=8)
    torch.nn.init.normal_(distance.raw_weight)
    torch.nn.init.normal_(distance.box_head.leave.weight, std=0.3)
    return distance.eval()


def weighted_cosine(distance, a, b):
    """By loops over cells."""
    dot = norm_a = norm_b = 0.0
    for y in range(3):
        for x in range(3):
            weight = math.log(1 + math.exp(float(distance.raw_weight[y, x])))
            dot += weight * float(a[:, y, x] @ b[:, y, x])
            norm_a += weight * float(a[:, y, x] @ a[:, y, x])
            norm_b += weight * float(b[:, y, x] @ b[:, y, x])
    return math.exp(float(distance.log_scale)) * dot / math.sqrt(norm_a * norm_b) + float(distance.bias)


def test_dense_is_the_weighted_cosine_at_every_place(distance):
    exemplar, search = torch.randn(2, 5, 7, 7), torch.randn(2, 5, 8, 9)
    with torch.inference_mode():
        found = distance.dense(exemplar, search)
    assert found.shape == (2, 6, 7)
    for row in range(2):
        for y in range(6):
            for x in range(7):
                window = search[row, :, y : y + 3, x : x + 3]
                expected = weighted_cosine(distance, exemplar[row, :, 2:5, 2:5], window)
                assert float(found[row, y, x]) == pytest.approx(expected, abs=1e-4)


def test_the_three_forms_agree(distance):
    a, b = torch.randn(4, 5, 3, 3), torch.randn(4, 5, 3, 3)
    with torch.inference_mode():
        pairwise = distance.pairwise(a.flatten(1), b.flatten(1))
        torch.testing.assert_close(distance.matrix(a.flatten(1), b.flatten(1)).diagonal(), pairwise)
        torch.testing.assert_close(distance.dense(a, b)[:, 0, 0], pairwise)


def test_there_is_nothing_to_compare_place_by_place(distance):
    with pytest.raises(TwinnetError, match="score_map"):
        distance.aligned(torch.ones(1, 5, 7, 7), torch.ones(1, 5, 7, 7))


def test_a_blank_map_has_a_finite_score(distance):
    with torch.inference_mode():
        assert distance.dense(torch.zeros(1, 5, 3, 3), torch.zeros(1, 5, 4, 4)).isfinite().all()


def test_a_new_box_head_gives_the_exemplars_box_everywhere():
    head = BoxHead(5, 8)
    with torch.inference_mode():
        edges, quality = head(torch.randn(1, 5, 9, 9), torch.randn(1, 5, 12, 12), torch.tensor([[30.0, 50.0]]))
    assert edges.amax((2, 3)).tolist() == edges.amin((2, 3)).tolist() == [[15.0, 25.0, 15.0, 25.0]]
    assert not quality.any()


def test_parts_are_taken_from_the_exemplars_box():
    """A map that holds its own coordinates shows where it is sampled."""
    cells, stride, size = 17, 8, (40.0, 72.0)
    y, x = torch.meshgrid(torch.arange(cells) * stride, torch.arange(cells) * stride, indexing="ij")
    parts = BoxHead(2, stride)._parts(torch.stack([x, y])[None].float(), torch.tensor([size]))[0]
    middle = (cells - 1) * stride / 2
    for part in range(PARTS**2):
        row, column = divmod(part, PARTS)
        for axis, index in ((0, column), (1, row)):
            expected = middle + size[axis] * REACH * ((index + 0.5) / PARTS - 0.5)
            assert float(parts[axis, part]) == pytest.approx(expected, abs=1e-3)


def test_edges_belong_to_the_places_of_the_score(distance):
    """The box head sees every cell, the score only windows that lie in the map."""
    exemplar, search, size = torch.randn(1, 5, 7, 7), torch.randn(1, 5, 10, 10), torch.tensor([[20.0, 30.0]])
    with torch.inference_mode():
        found = distance.locate(exemplar, search, size)
        edges, quality = distance.box_head(exemplar, search, size)
    assert found.score.shape == (1, 8, 8)
    torch.testing.assert_close(found.edges, edges[:, :, 1:-1, 1:-1])
    score = torch.sigmoid(distance.dense(exemplar, search))
    torch.testing.assert_close(found.score.square(), score * torch.sigmoid(quality[:, 1:-1, 1:-1]))


def test_without_boxes_there_is_nothing_to_locate():
    plain = ExemplarCosine(5, boxes=False)
    with pytest.raises(TwinnetError, match="no boxes"):
        plain.predict(torch.randn(1, 5, 9, 9), torch.randn(1, 5, 9, 9), torch.ones(1, 2))


def test_a_target_that_moves_moves_its_score(distance):
    search = torch.randn(1, 5, 12, 12)
    exemplar = F.pad(search[:, :, 4:7, 6:9], (2, 2, 2, 2))
    with torch.inference_mode():
        found = distance.dense(exemplar, search)[0]
    assert divmod(int(found.argmax()), found.shape[1]) == (4, 6)
