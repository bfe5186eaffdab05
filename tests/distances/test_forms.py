"""The forms of each distance against explicit loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinnet.errors import TwinnetError
from twinnet.registry import distances

SETTINGS = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SIZES = st.integers(1, 5)
SEEDS = st.integers(0, 2**31)


def loop_value(name, distance, a, b):
    """The distance of two lists of numbers, in plain Python."""
    gaps = [x - y for x, y in zip(a, b, strict=True)]
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    if name in {"cosine", "scaled-cosine"}:
        norms = math.hypot(*a) * math.hypot(*b)
        cosine = dot / norms if norms else 0.0
        return cosine if name == "cosine" else cosine * math.exp(distance.log_scale) + distance.bias.item()
    plain = {
        "dot": dot,
        "euclidean": math.hypot(*gaps),
        "hamming": sum((x > 0) != (y > 0) for x, y in zip(a, b, strict=True)),
        "manhattan": sum(map(abs, gaps)),
        "sqeuclidean": sum(gap * gap for gap in gaps),
    }
    if name in plain:
        return plain[name]
    if name == "weighted-l1":
        weights = [math.log1p(math.exp(raw)) for raw in distance.raw_weight.tolist()]
        return sum(weight * abs(gap) for weight, gap in zip(weights, gaps, strict=True))
    return math.hypot(*[sum(w * gap for w, gap in zip(row, gaps, strict=True)) for row in distance.factor.tolist()])


def loop_window(name, distance, exemplar, window):
    """The value of an exemplar (C, h, w) at one window; the weights of learned distances belong to the channels."""
    if name not in {"mahalanobis", "weighted-l1"}:
        return loop_value(name, distance, exemplar.flatten().tolist(), window.flatten().tolist())
    cells = zip(exemplar.flatten(1).T.tolist(), window.flatten(1).T.tolist(), strict=True)
    values = [loop_value(name, distance, cell, other) for cell, other in cells]
    return sum(values) if name == "weighted-l1" else math.hypot(*values)


def random(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@SETTINGS
@given(n=SIZES, m=SIZES, dim=SIZES, seed=SEEDS)
def test_matrix_and_pairwise_equal_loops(name, create, n, m, dim, seed):
    distance = create(name, dim)
    a, b = random(seed, n, dim), random(seed + 1, m, dim)
    wanted = torch.tensor([[loop_value(name, distance, x, y) for y in b.tolist()] for x in a.tolist()]).double()
    torch.testing.assert_close(distance.matrix(a, b), wanted, atol=1e-6, rtol=1e-6)
    rows = min(n, m)
    torch.testing.assert_close(distance.pairwise(a[:rows], b[:rows]), wanted.diagonal(), atol=1e-6, rtol=1e-6)


@SETTINGS
@given(batch=SIZES, channels=SIZES, h=SIZES, w=SIZES, down=st.integers(0, 4), right=st.integers(0, 4), seed=SEEDS)
def test_dense_equals_sliding_windows(name, create, batch, channels, h, w, down, right, seed):
    distance = create(name, channels)
    exemplar, search = random(seed, batch, channels, h, w), random(seed + 1, batch, channels, h + down, w + right)
    search[0, :, :h, :w] = exemplar[0]
    dense = distance.dense(exemplar, search)
    assert dense.shape == (batch, down + 1, right + 1)
    for i in range(batch):
        for y in range(down + 1):
            for x in range(right + 1):
                window = search[i, :, y : y + h, x : x + w]
                assert dense[i, y, x].item() == pytest.approx(
                    loop_window(name, distance, exemplar[i], window), rel=1e-6, abs=2e-6
                )


def test_aligned_is_the_pairwise_value_at_every_place(name, create):
    a, b = random(1, 2, 3, 4, 5), random(2, 2, 3, 4, 5)
    distance = create(name, 3)
    aligned = distance.aligned(a, b)
    assert aligned.shape == (2, 4, 5)
    for i, y, x in torch.cartesian_prod(torch.arange(2), torch.arange(4), torch.arange(5)).tolist():
        wanted = loop_value(name, distance, a[i, :, y, x].tolist(), b[i, :, y, x].tolist())
        assert aligned[i, y, x].item() == pytest.approx(wanted, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("forms", [((2, 3, 4, 4), (2, 3, 4, 5)), ((2, 3, 4, 4), (1, 3, 4, 4)), ((3, 2), (3, 2))])
def test_aligned_refuses_maps_of_two_sizes(name, create, forms):
    with pytest.raises(TwinnetError, match="of one size"):
        create(name, 3).aligned(*(torch.ones(shape).double() for shape in forms))


def test_single_precision_keeps_close_rows_apart(name, create):
    distance = create(name, 6).float()
    a = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    b = a * (1 + 1e-4)
    torch.testing.assert_close(distance.matrix(a, b).diagonal(), distance.pairwise(a, b), rtol=1e-4, atol=1e-6)


def test_scores_rank_as_distances_do(name, create):
    distance = create(name, 3)
    a = torch.tensor([[1.0, 2.0, 3.0]]).double()
    near, far = distance.to_score(distance.matrix(a, torch.cat([a, -a])))[0]
    assert near > far


def test_index_metric_ranks_as_the_distance_does(name, create):
    distance = create(name, 7)
    a, b = random(1, 5, 7), random(2, 30, 7)
    x, y = distance.embedded(a), distance.embedded(b)
    index = {
        "cosine": lambda: -torch.nn.functional.cosine_similarity(x[:, None], y, dim=2),
        "ip": lambda: -(x @ y.T),
        "l2": lambda: (x[:, None] - y).square().sum(2),
        "l1": lambda: (x[:, None] - y).abs().sum(2),
        "hamming": lambda: ((x[:, None] > 0) != (y > 0)).sum(2).double(),
    }[distance.index_metric]()
    ranks = distance.to_score(distance.matrix(a, b)).argsort(dim=1, descending=True, stable=True)
    assert torch.equal(index.argsort(dim=1, stable=True), ranks)


def test_triangle_inequality_holds_where_claimed(name, create):
    distance = create(name, 4)
    points = torch.cat([random(3, 20, 4), torch.eye(4).double(), 2 * torch.eye(4).double()])
    matrix = distance.matrix(points, points)
    detour = (matrix[:, :, None] + matrix[None]).amin(1)  # the shortest way over a third point
    holds = bool((matrix <= detour + 1e-9).all())
    assert holds == distance.is_metric


@pytest.mark.parametrize("forms", [((2, 3, 4, 4), (2, 3, 3, 5)), ((2, 3, 2, 2), (1, 3, 4, 4)), ((3, 2), (3, 2))])
def test_dense_refuses_an_exemplar_that_does_not_fit(name, create, forms):
    exemplar, search = (torch.ones(shape).double() for shape in forms)
    with pytest.raises(TwinnetError, match="exemplar"):
        create(name, 3).dense(exemplar, search)


def test_cosine_and_zero_vectors(create):
    zero, one = torch.zeros(1, 3).double(), torch.ones(1, 3).double()
    assert create("cosine", 3).matrix(zero, one).item() == 0
    assert create("cosine", 3).dense(zero.view(1, 3, 1, 1), one.view(1, 3, 1, 1)).item() == 0


def test_scaled_cosine_and_its_distance(create):
    distance = create("scaled-cosine", 3)
    a, b = random(1, 5, 3), random(2, 4, 3)
    torch.testing.assert_close(distance.to_distance(distance.matrix(a, b)), 1 - create("cosine", 3).matrix(a, b))


def test_distance_of_a_similarity(create):
    values = torch.tensor([1.0, 0.0, -1.0])
    assert create("cosine", 3).to_distance(values).tolist() == [0, 1, 2]
    assert create("manhattan", 3).to_distance(values) is values
    with pytest.raises(TwinnetError, match="Dot has no largest value"):
        create("dot", 3).to_distance(values)


def test_probabilities_of_logits():
    scores = random(3, 4, 5)
    choice, each = distances.create("scaled-cosine"), distances.create("scaled-cosine", bias=-1.0)
    wanted = scores.exp() / scores.exp().sum(1, keepdim=True)
    torch.testing.assert_close(choice.probabilities(scores), wanted)
    torch.testing.assert_close(each.probabilities(scores), 1 / (1 + (-scores).exp()))
    assert distances.create("cosine").probabilities(scores) is None


@pytest.mark.parametrize("rank", [-1, 0, 5])
def test_mahalanobis_refuses_an_impossible_rank(rank):
    with pytest.raises(TwinnetError, match="from 1 to 4"):
        distances.create("mahalanobis", dim=4, rank=rank)


def test_mahalanobis_starts_as_euclidean_over_its_rank():
    a, b = random(5, 3, 6).float(), random(6, 4, 6).float()
    torch.testing.assert_close(
        distances.create("mahalanobis", dim=6, rank=2).matrix(a, b),
        distances.create("euclidean").matrix(a[:, :2], b[:, :2]),
    )


def test_weighted_l1_starts_as_manhattan():
    a, b = random(5, 3, 6).float(), random(6, 4, 6).float()
    torch.testing.assert_close(
        distances.create("weighted-l1", dim=6).matrix(a, b), distances.create("manhattan").matrix(a, b)
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_cosine_with_zeros_is_zero_in_every_precision(dtype):
    distance = distances.create("cosine")
    zeros, ones = torch.zeros(1, 4, dtype=dtype), torch.ones(1, 4, dtype=dtype)
    assert distance.pairwise(zeros, ones) == 0
    assert distance.matrix(zeros, ones) == 0
    assert distance.dense(ones.view(1, 1, 2, 2), zeros.view(1, 1, 2, 2)) == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", ["cosine", "euclidean", "manhattan", "sqeuclidean"])
def test_half_precision_is_close_to_double(kind, dtype):
    distance = distances.create(kind)
    scale = 1 if kind == "sqeuclidean" else 3  # its values would not be half-precision numbers
    exemplar, search = (scale * random(seed, 1, 256, side, side) for seed, side in ((1, 6), (2, 8)))
    for form in (distance.dense, lambda a, b: distance.matrix(a[0].flatten(1).T, b[0].flatten(1).T)):
        found, wanted = form(exemplar.to(dtype), search.to(dtype)), form(exemplar, search)
        assert found.dtype == dtype
        torch.testing.assert_close(found.double(), wanted, rtol=0.03, atol=0.03)


@pytest.mark.parametrize("kind", ["mahalanobis", "weighted-l1"])
@pytest.mark.parametrize("form", ["pairwise", "matrix"])
def test_a_learned_distance_knows_its_width(kind, form):
    with pytest.raises(TwinnetError, match="width 4, and the distance was learned for 8"):
        getattr(distances.create({"name": kind, "dim": 8}), form)(torch.ones(2, 4), torch.ones(2, 4))
