"""Every loss and miner of pytorch-metric-learning on every kind of data."""

from __future__ import annotations

import inspect
import math

import pytest
import torch
from pytorch_metric_learning import distances as their_distances
from pytorch_metric_learning import losses as theirs
from pytorch_metric_learning import reducers

from twinnet.distances import Cosine, Euclidean, Mahalanobis
from twinnet.errors import TwinnetError
from twinnet.losses import InfoNCELoss, MetricLearningLoss, TripletLoss
from twinnet.losses.pml_library import SCALED, UNMINED, known
from twinnet.registry import losses
from twinnet.supervision import Supervision

pytestmark = pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")  # in the library's HistogramLoss

LOSSES, MINERS = known("loss"), known("miner")
OPTIONS = {"RankedListLoss": {"margin": 0.4, "Tn": 2}, "PNPLoss": {"anneal": 0.3}, "SmoothAPLoss": {"temperature": 0.3}}
LABELS = torch.tensor([0, 1, 2, 2, 1, 0, 1, 0, 2])
KINDS = {
    Supervision.LABELS: (1, LABELS),
    Supervision.PAIRS: (2, None),
    Supervision.LABELLED_PAIRS: (2, torch.arange(9) % 2),
    Supervision.TRIPLETS: (4, None),
}
WRAPPERS = {"CrossBatchMemory", "MultipleLosses", "SelfSupervisedLoss"}
ABSTRACT = {
    "BaseLossWrapper",
    "BaseMetricLossFunction",
    "EmbeddingRegularizerMixin",
    "GenericPairLoss",
    "WeightRegularizerMixin",
}


def make(name, **arguments):
    torch.manual_seed(0)
    return MetricLearningLoss(name, dim=6, classes=3, **{**OPTIONS.get(name, {}), **arguments})


def random(columns, count, rows=9, seed=0):
    return [column.float().requires_grad_() for column in columns(seed, count, rows, 6)]


def gradients(value, made):
    return torch.autograd.grad(value, made, allow_unused=True)


def finite(*tensors):
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors if tensor is not None)


def test_every_class_of_the_library_is_usable_or_refused():
    exported = {name for name, part in vars(theirs).items() if inspect.isclass(part)}
    assert exported == {*LOSSES, *WRAPPERS, *ABSTRACT}
    for name in WRAPPERS | ABSTRACT:
        with pytest.raises(TwinnetError, match=name):
            make(name)


@pytest.mark.parametrize("name", LOSSES)
def test_learns_from_every_kind_of_data_it_claims_and_refuses_the_others(columns, name):
    loss = make(name)
    for kind, (count, target) in KINDS.items():
        made = [(column + 1).detach().requires_grad_() for column in random(columns, count)]  # no hinge is satisfied
        if kind not in loss.needs:
            with pytest.raises(TwinnetError, match=f"{name} cannot learn from"):
                loss(made, target)
            continue
        value = loss(made, target)
        slopes = gradients(value, [*made, *loss.parameters()])
        assert value.shape == ()
        assert value > 0
        assert finite(value, *slopes)
        assert all(slope.abs().sum() > 0 for slope in slopes)


@pytest.mark.parametrize(
    "name", [name for name in LOSSES if name not in {"ManifoldLoss", "SmoothAPLoss", "VICRegLoss"}]
)
def test_labels_give_what_the_library_gives(columns, name):
    (items,) = random(columns, 1)
    loss = make(name)
    arguments = {**OPTIONS.get(name, {}), **sizes(name)}
    if name in {"ContrastiveLoss", "SignalToNoiseRatioContrastiveLoss", "TripletMarginLoss"}:
        arguments["reducer"] = reducers.MeanReducer()
    their = getattr(theirs, name)(**arguments)
    their.load_state_dict(dict(loss.loss.named_parameters()))
    torch.testing.assert_close(loss([items], LABELS), their(items, LABELS))


def sizes(name):
    needed = make(name).loss
    if name == "P2SGradLoss":
        return {"descriptors_dim": 6, "num_classes": 3}
    return {"embedding_size": 6, "num_classes": 3} if list(needed.parameters()) else {}


PAIRWISE_MEANS = [
    "CircleLoss",
    "ContrastiveLoss",
    "DynamicSoftMarginLoss",
    "HistogramLoss",
    "IntraPairVarianceLoss",
    "LiftedStructureLoss",
    "MarginLoss",
    "NTXentLoss",
    "SignalToNoiseRatioContrastiveLoss",
    "SupConLoss",
    "ThresholdConsistentMarginLoss",
    "TripletMarginLoss",
    "TupletMarginLoss",
]


@pytest.mark.parametrize("name", PAIRWISE_MEANS)
@pytest.mark.parametrize("rows", [1, 5])
def test_triplets_give_what_the_library_gives_for_the_joined_batch(columns, name, rows):
    made = random(columns, 4, rows)
    row = torch.arange(rows)
    indices = [torch.cat(parts) for parts in ([row, row], [row + rows] * 2, [row + 2 * rows, row + 3 * rows])]
    their = make(name).loss
    labels = torch.cat([row, row, row + rows, row + 2 * rows])
    wanted = their(torch.cat(made), labels, tuple(indices))
    value = make(name)(made, None)
    torch.testing.assert_close(value, wanted, rtol=1e-4, atol=1e-6)
    assert rows == 1 or value != 0


@pytest.mark.parametrize("rows", [1, 2, 9])
@pytest.mark.parametrize("label", [0, 1, None])
def test_labelled_pairs_equal_the_loop(columns, rows, label):
    a, b = random(columns, 2, rows)
    target = torch.arange(rows) % 2 if label is None else torch.full((rows,), label)
    near, far = [], []
    for x, y, same in zip(a.tolist(), b.tolist(), target.tolist(), strict=True):
        apart = math.dist(x, y)
        (near if same else far).append(apart if same else max(3 - apart, 0))
    wanted = sum(sum(losses) / len(losses) for losses in (near, far) if losses)
    loss = make("ContrastiveLoss", neg_margin=3, distance=Euclidean())
    assert loss([a, b], target).item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("name", ["ContrastiveLoss", "MultiSimilarityLoss", "ThresholdConsistentMarginLoss"])
def test_a_single_labelled_pair_counts(columns, name):
    a, _ = random(columns, 2, 1)
    near = (a + 0.8).detach().requires_grad_()
    for label in (0, 1):
        assert make(name)([a, near], torch.tensor([label])) > 0


def test_ntxent_on_pairs_equals_infonce(columns):
    made = random(columns, 2)
    torch.testing.assert_close(make("NTXentLoss", temperature=0.1)(made, None), InfoNCELoss(scale=10)(made, None))


def test_triplet_margin_is_the_mean_of_all_triplets(columns):
    made = random(columns, 4)
    loss = make("TripletMarginLoss", margin=0.3, distance="euclidean")
    torch.testing.assert_close(loss(made, None), TripletLoss(0.3)(made, None))
    nonzero = make("TripletMarginLoss", margin=0.3, distance="euclidean", reducer="AvgNonZeroReducer")
    assert nonzero(made, None) > loss(made, None)


def test_swapped_triplets_compare_positive_and_negative(columns):
    made = random(columns, 3)
    losses = [
        max(math.dist(a, p) - min(math.dist(a, n), math.dist(p, n)) + 1, 0)
        for a, p, n in zip(*(column.tolist() for column in made), strict=True)
    ]
    loss = make("TripletMarginLoss", margin=1, swap=True, distance="euclidean")
    assert loss(made, None).item() == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def smooth_average_precision(items, labels, temperature):
    total = 0.0
    score = torch.nn.functional.cosine_similarity(items[:, None], items, dim=2).tolist()
    rows = range(len(labels))
    for i in rows:
        own = [j for j in rows if labels[j] == labels[i]]

        def rank(j, others, i=i):
            gaps = [(score[i][k] - score[i][j]) / temperature for k in others if k != j]
            return 1 + sum(1 / (1 + math.exp(-gap)) for gap in gaps)

        total += 1 - sum(rank(j, own) / rank(j, rows) for j in own) / len(own)
    return total / len(labels)


def test_smooth_average_precision_equals_the_loop_in_any_order(columns):
    (items,) = random(columns, 1)
    wanted = smooth_average_precision(items, LABELS.tolist(), 0.3)
    assert make("SmoothAPLoss")([items], LABELS).item() == pytest.approx(wanted, rel=1e-5)


def test_histogram_equals_the_loop(columns):
    (items,) = random(columns, 1)
    score = torch.nn.functional.cosine_similarity(items[:, None], items, dim=2).tolist()
    edges = [-1 + 0.1 * i for i in range(21)]

    def density(values):
        return [sum(max(0, 1 - abs(value - edge) / 0.1) for value in values) / len(values) for edge in edges]

    pairs = [(i, j) for i in range(9) for j in range(i)]
    same = density([score[i][j] for i, j in pairs if LABELS[i] == LABELS[j]])
    different = density([score[i][j] for i, j in pairs if LABELS[i] != LABELS[j]])
    wanted = sum(mass * sum(same[: i + 1]) for i, mass in enumerate(different))
    assert make("HistogramLoss", n_bins=20)([items], LABELS).item() == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 2, 2], [0, 0, 1]])
def test_smooth_average_precision_refuses_what_the_library_gets_wrong(columns, labels):
    with pytest.raises(TwinnetError, match="as many items of each class as it has classes"):
        make("SmoothAPLoss")(random(columns, 1, len(labels)), torch.tensor(labels))


def test_dynamic_soft_margin_keeps_its_state(columns):
    (items,) = random(columns, 1)
    loss = make("DynamicSoftMarginLoss")
    for _ in range(3):
        loss([items], LABELS).backward()
    resumed = make("DynamicSoftMarginLoss")
    resumed.load_state_dict(loss.state_dict())
    assert torch.equal(resumed([items * 2 + 1], LABELS), loss([items * 2 + 1], LABELS))
    assert not torch.equal(make("DynamicSoftMarginLoss")([items * 2 + 1], LABELS), loss([items * 2 + 1], LABELS))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("values", ["identical", "zero", "one zero", "duplicate", "opposite"])
def test_loss_and_gradients_are_finite_on_awkward_input(columns, name, values):
    items = random(columns, 1)[0].detach()
    if values == "identical":
        items = items[:1].repeat(9, 1)
    elif values == "zero":
        items = items * 0
    else:
        items[1] = {"one zero": 0 * items[0], "duplicate": items[0], "opposite": -items[0]}[values]
    loss = make(name)
    for kind in loss.needs:
        count, target = KINDS[kind]
        for other in (items, items.flip(0)):
            made = [items.clone().requires_grad_(), *(other.clone().requires_grad_() for _ in range(count - 1))]
            value = loss(made, target)
            assert finite(value, *gradients(value, [*made, *loss.parameters()]))


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "SmoothAPLoss"])
def test_batches_with_little_to_compare_are_finite(columns, name):
    loss = make(name)
    for kind in loss.needs:
        count, target = KINDS[kind]
        made = random(columns, count, 1)
        assert finite(loss(made, None if target is None else target[:1]))
    if Supervision.LABELS in loss.needs:
        (items,) = random(columns, 1, 3)
        assert finite(loss([items], torch.arange(3)), loss([items], torch.zeros(3, dtype=torch.long)))


# IntraPairVarianceLoss only evens out the pairs of each kind; VICRegLoss has no classes.
SEPARATING = [name for name in LOSSES if name not in {"IntraPairVarianceLoss", "VICRegLoss"}]


@pytest.mark.parametrize("distance", [Cosine, Euclidean])
@pytest.mark.parametrize("name", SEPARATING)
def test_descending_brings_each_class_together_whatever_the_distance(columns, name, distance):
    items = torch.nn.Parameter(columns(1, 1, 9, 6)[0].float())
    loss = make(name, distance=distance())
    optimizer = torch.optim.Adam([items], lr=0.05)

    def separation():
        unit = torch.nn.functional.normalize(items.detach(), dim=1)
        same = LABELS[:, None] == LABELS
        return ((unit @ unit.T)[same].mean() - (unit @ unit.T)[~same].mean()).item()

    before = separation()
    for _ in range(120):
        optimizer.zero_grad()
        loss([items], LABELS).backward()
        optimizer.step()
    assert separation() > before + 0.1


def test_the_distance_of_the_network_is_used_where_it_fits():
    network = Mahalanobis(6)
    for name in ("MultiSimilarityLoss", "NTXentLoss", "TripletMarginLoss"):
        assert make(name, distance=network).loss.distance is network
    assert isinstance(make("CircleLoss", distance=network).loss.distance, their_distances.CosineSimilarity)
    euclidean = Euclidean()
    assert make("ContrastiveLoss", distance=euclidean).loss.distance is euclidean
    assert make("TripletMarginLoss", distance=network, miner="BatchHardMiner").miner.distance is network


@pytest.mark.parametrize("name", sorted(SCALED))
def test_constants_hold_on_the_scale_of_their_own_distance(name):
    """A margin of 1 between distances says nothing about cosines, and the other way round."""
    for distance in (Cosine(), Euclidean(), Mahalanobis(6)):
        if name in LOSSES:
            part = make(name, distance=distance).loss
        else:
            part = make("TripletMarginLoss", miner=name, distance=distance).miner
        own = part.get_default_distance()
        assert (part.distance is distance) == isinstance(distance, SCALED[name])
        assert part.distance.is_inverted == own.is_inverted


@pytest.mark.parametrize("name", ["ArcFaceLoss", "LargeMarginSoftmaxLoss", "SphereFaceLoss", "SubCenterArcFaceLoss"])
@pytest.mark.parametrize("sign", [1, -1])
def test_embeddings_at_the_class_centres_have_finite_gradients(name, sign):
    loss = make(name)
    centres = loss.loss.W.detach().T[:3]
    items = (sign * torch.cat([centres, torch.nn.functional.normalize(centres)])).requires_grad_()
    value = loss([items], torch.arange(6) % 3)
    assert finite(value, *gradients(value, [items, *loss.parameters()]))


@pytest.mark.parametrize(
    ("name", "distance"), [("ContrastiveLoss", "cosine"), ("ArcFaceLoss", "euclidean"), ("VICRegLoss", "cosine")]
)
def test_a_distance_asked_for_by_name_is_used_or_refused(name, distance):
    assert isinstance(make("NTXentLoss", distance="euclidean").loss.distance, Euclidean)
    with pytest.raises(TwinnetError, match=f"{name} cannot use the distance '{distance}'"):
        make(name, distance=distance)


@pytest.mark.parametrize("miner", MINERS)
@pytest.mark.parametrize("name", ["ArcFaceLoss", "ContrastiveLoss", "MultiSimilarityLoss", "TripletMarginLoss"])
def test_every_miner_works_on_labels_and_pairs(columns, miner, name):
    loss = make(name, miner=miner)
    for kind in loss.needs & {Supervision.LABELS, Supervision.PAIRS}:
        count, target = KINDS[kind]
        for rows in (9, 1):
            made = random(columns, count, rows)
            value = loss(made, None if target is None else target[:rows])
            assert finite(value, *gradients(value, made))
            assert rows == 1 or name == "ContrastiveLoss" or value > 0


def test_a_mined_loss_equals_the_loop(columns):
    (items,) = random(columns, 1)
    losses = []
    for a, item in enumerate(items.tolist()):
        apart = [math.dist(item, other) for other in items.tolist()]
        near = max(apart[i] for i in range(9) if i != a and LABELS[i] == LABELS[a])
        far = min(apart[i] for i in range(9) if LABELS[i] != LABELS[a])
        losses.append(max(near - far + 0.5, 0))
    loss = make("TripletMarginLoss", margin=0.5, miner="BatchHardMiner", distance="euclidean")
    assert loss([items], LABELS).item() == pytest.approx(sum(losses) / 9, rel=1e-5)


@pytest.mark.parametrize("name", sorted(UNMINED))
def test_a_loss_that_ignores_mined_pairs_refuses_a_miner(name):
    with pytest.raises(TwinnetError, match=f"{name} does not use mined pairs"):
        make(name, miner="BatchHardMiner")


@pytest.mark.parametrize("kind", [Supervision.LABELLED_PAIRS, Supervision.TRIPLETS])
def test_data_that_says_its_pairs_refuses_a_miner(columns, kind):
    count, target = KINDS[kind]
    loss = make("ContrastiveLoss", miner={"name": "PairMarginMiner", "pos_margin": 0.1})
    assert loss.miner.pos_margin == 0.1
    with pytest.raises(TwinnetError, match="leave the miner out"):
        loss(random(columns, count), target)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "ArcFaceLos"}, "unknown pytorch-metric-learning loss 'ArcFaceLos': did you mean 'ArcFaceLoss'"),
        ({"name": "NTXentLoss", "miner": "HardMiner"}, "unknown pytorch-metric-learning miner .* 'BatchHardMiner'"),
        ({"name": "NTXentLoss", "reducer": "MedianReducer"}, "unknown pytorch-metric-learning reducer"),
        (
            {"name": "NTXentLoss", "temperatur": 1},
            "unknown option of NTXentLoss 'temperatur': did you mean 'temperature'",
        ),
        ({"name": "RankedListLoss"}, "RankedListLoss needs margin and Tn: pass them as options"),
        ({"name": "ArcFaceLoss", "dim": 3}, "ArcFaceLoss needs num_classes: pass classes"),
        ({"name": "ArcFaceLoss", "classes": 3}, "ArcFaceLoss needs embedding_size: pass dim"),
        ({"name": "PNPLoss", "variant": "X"}, "PNPLoss: variant=X but must be"),
        ({"name": "NTXentLoss", "miner": {"margin": 1}}, "a miner is given by its name, or by a mapping"),
        (
            {"name": "NTXentLoss", "reducer": 3},
            "a reducer is given by its name, or by a mapping with the key 'name', not by 3",
        ),
        ({"name": "TripletMarginLoss", "miner": {"name": "BatchHardMiner", "distance": "dot"}}, "'distance'"),
        ({"name": "ManifoldLoss", "dim": 6, "classes": 3, "lambdaC": "x", "distance": Cosine()}, "ManifoldLoss: "),
        ({"name": "CrossBatchMemory"}, "CrossBatchMemory cannot be used by name: it wraps another loss"),
        ({"name": "NTXentLoss", "miner": "EmbeddingsAlreadyPackagedAsTriplets"}, "triplets in the data need no miner"),
    ],
)
def test_bad_names_and_options_are_refused_with_a_way_out(arguments, message):
    with pytest.raises(TwinnetError, match=message):
        MetricLearningLoss(**arguments)


def test_nested_parts_are_made_by_name(columns):
    (items,) = random(columns, 1)
    plain = make("NTXentLoss", reducer="SumReducer")
    loss = make("NTXentLoss", reducer="SumReducer", embedding_regularizer={"name": "LpRegularizer", "p": 1})
    extra = loss([items], LABELS) - plain([items], LABELS)
    assert extra.item() == pytest.approx(items.abs().sum(1).mean().item(), rel=1e-4)


def test_it_is_made_by_name_and_made_again_from_its_config(columns):
    (items,) = random(columns, 1)
    loss = losses.create({"name": "pml/SubCenterArcFaceLoss", "dim": 6, "classes": 3, "sub_centers": 2})
    again = losses.create({**loss.config, "name": f"pml/{loss.config['name']}"})
    again.load_state_dict(loss.state_dict())
    assert torch.equal(again([items], LABELS), loss([items], LABELS))
    assert losses.name_of(loss) == "pml"
