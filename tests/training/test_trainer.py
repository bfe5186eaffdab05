from __future__ import annotations

import json
import os
import shutil
from contextlib import nullcontext

import numpy as np
import pytest
import torch

import twinnet
from twinnet import TwinnetError, TwinNetwork
from twinnet.data.examples import Examples
from twinnet.data.samplers import ClassBalancedBatches, ShuffledBatches
from twinnet.operating_point import Development, OperatingPoint, Rate, system_of
from twinnet.supervision import Supervision
from twinnet.training import Trainer, TrainingConfig
from twinnet.training.groups import parameter_groups
from twinnet.training.lock import alone_in
from twinnet.training.objective import Objective, build_loss


class Killed(Exception):
    """Stands for the process being killed in the middle of a step."""


def weights(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def assert_equal_weights(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def config(tmp_path=None, **settings):
    defaults = {"epochs": 3, "batch_size": 8, "learning_rate": 1e-3, "seed": 4}
    return TrainingConfig(**defaults | settings, out=None if tmp_path is None else tmp_path / "net")


def kill_after(trainer, step):
    """Make a trainer die when it has embedded so many steps."""
    original = trainer._step

    def dying(number, batches):
        if number == step + 1:
            raise Killed
        return original(number, batches)

    trainer._step = dying
    return trainer


def test_training_text_lowers_the_loss(make_text_network, scored):
    network = make_text_network(dropout=0.1)
    before = weights(network)
    result = Trainer(network, "cosine-regression", scored, config(epochs=12)).run()
    assert len(result.losses) == 12 * 5
    assert np.mean(result.losses[-10:]) < np.mean(result.losses[:10]) * 0.8
    assert not network.training
    assert any(not torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_training_images_by_labels_with_a_learned_head(image_network, labelled_pictures, tmp_path):
    trainer = Trainer(image_network, "pml/ArcFaceLoss", labelled_pictures, config(tmp_path, learning_rate=1e-2),
                      batches=ClassBalancedBatches(labelled_pictures.target, 2, 4, seed=0))  # fmt: skip
    before = weights(trainer.loss)
    result = trainer.run()
    assert result.losses[-1] < result.losses[0]
    assert any(not torch.equal(before[name], tensor) for name, tensor in trainer.loss.state_dict().items())
    again = twinnet.load(tmp_path / "net")
    pictures = list(labelled_pictures.columns[0])
    np.testing.assert_array_equal(again.encode(pictures), image_network.encode(pictures))


def test_training_a_half_twin_moves_both_towers(make_text_network, scored):
    network, other = make_text_network(seed=1), make_text_network(seed=2)
    half = TwinNetwork(network.tower.backbone, "pooling/mean", preprocess=network.tower.preprocess, other=other.tower)
    before = weights(half)
    Trainer(half, "cosine-regression", scored, config(epochs=1)).run()
    moved = {
        name.partition(".")[0] for name, tensor in half.state_dict().items() if not torch.equal(before[name], tensor)
    }
    assert moved == {"tower", "other"}


def test_the_same_seed_gives_the_same_run_and_another_seed_another(make_text_network, scored):
    runs = []
    for seed in (1, 1, 2):
        network = make_text_network(dropout=0.2)
        runs.append((Trainer(network, "cosent", scored, config(seed=seed)).run().losses, weights(network)))
    assert runs[0][0] == runs[1][0]
    assert_equal_weights(runs[0][1], runs[1][1])
    assert runs[0][0] != runs[2][0]


def test_both_twins_go_through_one_forward_and_equal_separate_ones(make_text_network, scored):
    network = make_text_network()
    loss = build_loss("cosine-regression", network, scored)
    columns = [network.tower.preprocess.prepare(list(column)) for column in scored.columns]
    target = torch.tensor(scored.target)
    together = Objective(network, loss)(columns, target).detach()
    apart = [torch.cat([network.tower.embed([item]) for item in column]) for column in columns]
    cosine = torch.cosine_similarity(*apart).detach()
    assert float(together) == pytest.approx(float(((cosine - target) ** 2).mean()), abs=1e-6)


def evaluator(scored):
    return lambda network: {"fit": float(np.corrcoef(network.score(*map(list, scored.columns)), scored.target)[0, 1])}


@pytest.mark.parametrize(("killed_after", "workers"), [(7, 0), (10, 0), (7, 1)])
def test_a_killed_run_continues_with_the_same_losses(make_text_network, scored, tmp_path, killed_after, workers):
    def trainer(folder, **settings):
        return Trainer(make_text_network(dropout=0.2), "cosine-regression", scored,
                       config(folder, checkpoint_every=3, evaluate_every=4, **settings),
                       evaluator=evaluator(scored), metric="fit")  # fmt: skip

    whole = trainer(tmp_path / "whole")
    expected = whole.run()
    with pytest.raises(Killed):
        kill_after(trainer(tmp_path / "killed", workers=workers), killed_after).run()
    assert not (tmp_path / "killed" / "net").exists()
    resumed = trainer(tmp_path / "killed", workers=workers)
    result = resumed.run(resume=True)
    assert result.losses == expected.losses
    assert result.evaluations == expected.evaluations
    assert result.best == expected.best
    assert_equal_weights(weights(resumed.network), weights(whole.network))
    logs = [(tmp_path / name / "net.training" / "log.jsonl").read_text() for name in ("whole", "killed")]
    assert logs[0] == logs[1]


def test_resume_refuses_the_checkpoints_of_another_run(make_text_network, scored, tmp_path):
    Trainer(make_text_network(), "cosine-regression", scored, config(tmp_path, epochs=1)).run()
    with pytest.raises(TwinnetError, match="seed"):
        Trainer(make_text_network(), "cosine-regression", scored, config(tmp_path, epochs=1, seed=9)).run(resume=True)


def test_resume_refuses_the_checkpoints_of_another_order(make_text_network, scored, tmp_path):
    Trainer(make_text_network(), "cosine-regression", scored, config(tmp_path, epochs=1)).run()
    order = ShuffledBatches(len(scored), 5)
    with pytest.raises(TwinnetError, match="steps"):
        Trainer(make_text_network(), "cosine-regression", scored, config(tmp_path, epochs=1), batches=order).run(
            resume=True
        )


@pytest.mark.parametrize("killed_after", [2, 4])
def test_a_new_run_is_never_continued_from_the_one_before(make_text_network, scored, tmp_path, killed_after):
    def trainer(folder, examples):
        return Trainer(make_text_network(), "cosine-regression", examples, config(folder, checkpoint_every=3))

    other = Examples(scored.columns, scored.target[::-1], scored.supervision)
    expected = trainer(None, other).run()
    trainer(tmp_path, scored).run()
    with pytest.raises(Killed):
        kill_after(trainer(tmp_path, other), killed_after).run()
    assert trainer(tmp_path, other).run(resume=True).losses == expected.losses


def test_what_a_killed_run_left_half_written_is_no_obstacle(make_text_network, scored, tmp_path):
    folder = tmp_path / "net.training" / "checkpoints"
    for left in (f".step-00000005-{os.getpid()}", ".step-00000002-1"):
        (folder / left).mkdir(parents=True)
    Trainer(make_text_network(), "cosine-regression", scored, config(tmp_path, epochs=1)).run()
    assert [path.name for path in folder.iterdir()] == ["step-00000005"]


def test_resume_refuses_the_checkpoints_of_another_network(make_text_network, scored, tmp_path):
    first = make_text_network(head=["pooling/mean", {"name": "dense", "out_features": 8}])
    Trainer(first, "cosine-regression", scored, config(tmp_path, epochs=1)).run()
    wider = make_text_network(head=["pooling/mean", {"name": "dense", "out_features": 9}])
    with pytest.raises(TwinnetError, match="of another network"):
        Trainer(wider, "cosine-regression", scored, config(tmp_path, epochs=1)).run(resume=True)


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors", "random.safetensors", "state.json"])
@pytest.mark.parametrize(
    "damage", [lambda old: old[:-10], lambda old: old[:-9] + bytes([old[-9] ^ 1]) + old[-8:], lambda old: b"{}"]
)
def test_a_damaged_checkpoint_is_named(make_text_network, scored, tmp_path, name, damage):
    Trainer(make_text_network(), "cosine-regression", scored, config(tmp_path, epochs=1)).run()
    (path,) = (tmp_path / "net.training" / "checkpoints").glob(f"*/{name}")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(TwinnetError, match=r"step-00000005: damaged .*remove it"):
        Trainer(make_text_network(), "cosine-regression", scored, config(tmp_path, epochs=1)).run(resume=True)


def test_checkpoints_are_few_whole_and_not_pickled(make_text_network, scored, tmp_path):
    Trainer(make_text_network(), "cosine-regression", scored, config(tmp_path, checkpoint_every=2)).run()
    folder = tmp_path / "net.training" / "checkpoints"
    assert sorted(path.name for path in folder.iterdir()) == ["step-00000014", "step-00000015"]
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".json", ".safetensors"}


def test_no_figure_is_worse_than_any(make_text_network, scored):
    figures = iter([float("nan"), 0.2, float("nan"), 0.1])
    trainer = Trainer(make_text_network(), "cosine-regression", scored, config(),
                      evaluator=lambda network: {"figure": next(figures)}, metric="figure")  # fmt: skip
    assert trainer.run().best == {"step": 5.0, "figure": 0.2}


def test_the_best_is_kept_and_not_the_last(make_text_network, scored, tmp_path):
    figures = iter([0.1, 0.9, 0.3, 0.2])
    seen = []

    def falling(network):
        seen.append(weights(network))
        return {"figure": next(figures)}

    network = make_text_network()
    trainer = Trainer(network, "cosine-regression", scored, config(tmp_path), evaluator=falling, metric="figure")
    result = trainer.run()
    assert result.best == {"step": 5.0, "figure": 0.9}
    assert_equal_weights(weights(network), seen[1])
    assert_equal_weights(weights(TwinNetwork.load(tmp_path / "net")), seen[1])


def test_accumulation_equals_the_larger_batch_where_the_loss_is_a_mean(make_text_network, scored):
    large, small = make_text_network(), make_text_network()
    Trainer(large, "cosine-regression", scored, config(batch_size=20, epochs=2)).run()
    Trainer(small, "cosine-regression", scored, config(batch_size=5, accumulate=4, epochs=2)).run()
    for name, tensor in large.state_dict().items():
        torch.testing.assert_close(small.state_dict()[name], tensor, atol=2e-4, rtol=0)


def test_bf16_learns_and_keeps_float32_weights(make_text_network, scored):
    network = make_text_network()
    result = Trainer(network, "cosine-regression", scored, config(epochs=12, precision="bf16")).run()
    assert np.mean(result.losses[-10:]) < np.mean(result.losses[:10])
    assert {tensor.dtype for tensor in network.parameters()} == {torch.float32}


def test_biases_do_not_decay_and_the_loss_has_its_own_rate(make_text_network, scored):
    examples = Examples(scored.columns, [0, 1] * 20, Supervision.CLASS_PAIRS, ("no", "yes"))
    trainer = Trainer(make_text_network(), "softmax", examples, config(loss_learning_rate=0.5, epochs=1))
    groups = parameter_groups(trainer._objective, trainer.config, len(trainer.plan))
    peaks = {group["peak"] for group in groups}
    assert peaks == {1e-3, 0.5}
    for group in groups:
        for parameter in group["params"]:
            assert (group["weight_decay"] == 0) == (parameter.ndim < 2)


def test_a_loss_that_does_not_fit_the_data_says_which_does(make_text_network, scored):
    with pytest.raises(TwinnetError, match="triplets"):
        Trainer(make_text_network(), "triplet", scored, config())


@pytest.mark.parametrize("loss", ["softmax", "pml/ArcFaceLoss"])
def test_a_loss_for_other_data_is_refused_for_that_and_not_for_what_it_misses(make_text_network, scored, loss):
    with pytest.raises(TwinnetError, match="learns from .* choose another loss"):
        Trainer(make_text_network(), loss, scored, config())


def test_a_bad_item_is_named_by_row_and_column(make_text_network, scored):
    columns = [list(column) for column in scored.columns]
    columns[1][17] = None
    broken = Examples(columns, scored.target, Supervision.SCORED_PAIRS)
    with pytest.raises(TwinnetError, match="column 2, row 17 "):
        Trainer(make_text_network(), "cosine-regression", broken, config()).run()


def test_a_loss_that_is_not_finite_stops_the_run(make_text_network, scored):
    broken = Examples(scored.columns, [float("nan")] * len(scored), Supervision.SCORED_PAIRS)
    with pytest.raises(TwinnetError, match="step 1"):
        Trainer(make_text_network(), "cosine-regression", broken, config()).run()


def test_a_foreign_folder_is_refused_before_the_work(make_text_network, scored, tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "thesis.tex").write_text("mine")
    with pytest.raises(TwinnetError, match="holds other files"):
        Trainer(make_text_network(), "cosine-regression", scored, config(tmp_path))
    assert not (tmp_path / "net.training").exists()


def test_an_existing_network_is_replaced_when_the_run_is_complete(make_text_network, scored, tmp_path):
    for seed in (1, 2):
        trainer = Trainer(make_text_network(seed=seed), "cosine-regression", scored, config(tmp_path, epochs=1))
        trainer.run()
    assert_equal_weights(weights(TwinNetwork.load(tmp_path / "net")), weights(trainer.network))
    lines = (tmp_path / "net.training" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4, 5]
    shutil.rmtree(tmp_path / "net.training")


def test_training_drops_the_operating_points(make_text_network, scored):
    network = make_text_network()
    rate = Rate(30, 3000, 0.007, 0.014, 3000.0)
    network.operating_point = OperatingPoint(
        0.5, 0.01, rate, rate, 8.0, -4.0, system_of(network), Development("pairs.tsv", "0" * 64)
    )
    Trainer(network, "cosine-regression", scored, config(epochs=1)).run()
    assert network.operating_points == {}


def test_training_drops_what_was_measured_for_int8(make_text_network, scored):
    network = make_text_network()
    texts = list(scored.columns[0])
    network.calibrate_activations(texts, "these")
    network.calibrate_int8(texts)
    Trainer(network, "cosine-regression", scored, config(epochs=1)).run()
    for asked in ({"precision": "int8"}, {"quantize": "int8"}):
        with pytest.raises(TwinnetError, match="calibrate"):
            network.encode(texts, **asked)


@pytest.mark.parametrize(("loss", "other"), [
    ({"name": "infonce", "scale": 20}, {"name": "infonce", "scale": 50}),
    ("pml/NTXentLoss", "pml/CircleLoss"),
])  # fmt: skip
def test_resume_refuses_another_loss(make_text_network, scored, tmp_path, loss, other):
    pairs = Examples(scored.columns, None, Supervision.PAIRS)
    Trainer(make_text_network(), loss, pairs, config(tmp_path, epochs=1)).run()
    with pytest.raises(TwinnetError, match="differs in loss:"):
        Trainer(make_text_network(), other, pairs, config(tmp_path, epochs=1)).run(resume=True)


@pytest.mark.parametrize("frozen_first", [True, False])
def test_resume_refuses_another_choice_of_trained_weights(make_text_network, scored, tmp_path, frozen_first):
    head = ["pooling/mean", {"name": "dense", "out_features": 8}]
    for resume, frozen in ((False, frozen_first), (True, not frozen_first)):
        network = make_text_network(head=head)
        network.tower.backbone.requires_grad_(not frozen)
        trainer = Trainer(network, "cosine-regression", scored, config(tmp_path, epochs=1))
        with pytest.raises(TwinnetError, match="differs in trained weights:") if resume else nullcontext():
            trainer.run(resume=resume)


def test_resume_refuses_another_preprocess(make_text_network, scored, tmp_path):
    Trainer(make_text_network(), "cosine-regression", scored, config(tmp_path, epochs=1)).run()
    shorter = make_text_network(preprocess={"max_length": 5})
    with pytest.raises(TwinnetError, match="differs in preprocess:"):
        Trainer(shorter, "cosine-regression", scored, config(tmp_path, epochs=1)).run(resume=True)


def test_resume_refuses_other_texts(make_text_network, scored, tmp_path):
    left, right = scored.columns
    other = Examples((left, [*right[:-1], "another text"]), scored.target, scored.supervision)
    Trainer(make_text_network(), "cosine-regression", scored, config(tmp_path, epochs=1)).run()
    with pytest.raises(TwinnetError, match="differs in data:"):
        Trainer(make_text_network(), "cosine-regression", other, config(tmp_path, epochs=1)).run(resume=True)


def test_resume_refuses_other_scores(make_text_network, scored, tmp_path):
    other = Examples(scored.columns, scored.target[::-1], scored.supervision)
    Trainer(make_text_network(), "cosine-regression", scored, config(tmp_path, epochs=1)).run()
    with pytest.raises(TwinnetError, match="differs in data:"):
        Trainer(make_text_network(), "cosine-regression", other, config(tmp_path, epochs=1)).run(resume=True)


def test_a_trainer_that_runs_again_begins_with_the_network_of_now(make_text_network, scored):
    trainer = Trainer(make_text_network(), "cosine-regression", scored, config(epochs=2),
                      evaluator=evaluator(scored), metric="fit")  # fmt: skip
    first = trainer.run()
    trainer.config = config(epochs=2, learning_rate=0.3)
    second = trainer.run()
    assert len(first.losses) == len(second.losses) == 10
    assert second.evaluations[0]["fit"] == pytest.approx(first.best["fit"], abs=1e-6)
    assert evaluator(scored)(trainer.network)["fit"] == pytest.approx(second.best["fit"], abs=1e-6)


def test_a_frozen_side_stays_as_it_is(image_network, labelled_pictures):
    frozen = TwinNetwork("timm/resnet10t", preprocess={"name": "image", "size": [32, 32]}).tower.requires_grad_(False)
    image_network.other = frozen
    (pictures,) = labelled_pictures.columns
    before = image_network.encode(pictures, side="right")
    pairs = Examples((pictures, pictures), None, Supervision.PAIRS)
    Trainer(image_network, "infonce", pairs, config(epochs=1)).run()
    np.testing.assert_array_equal(image_network.encode(pictures, side="right"), before)


class Spoiled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows):
        return rows.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * float("nan")


def test_a_gradient_that_is_not_finite_stops_the_run_before_the_weights_change(make_text_network, scored):
    network = make_text_network()
    before = weights(network)
    layer = network.tower.head.layers[0]
    forward = layer.forward
    layer.forward = lambda features: (found := forward(features)).with_values(Spoiled.apply(found.values))
    with pytest.raises(TwinnetError, match="norm of the gradient is nan at step 1"):
        Trainer(network, "cosine-regression", scored, config()).run()
    assert_equal_weights(weights(network), before)


def test_what_cannot_be_saved_is_refused_before_the_work(make_text_network, scored, tmp_path):
    network = make_text_network()
    network.tower.head.layers[0]._config["mode"] = {1, 2}
    with pytest.raises(TwinnetError, match=r"Pooling cannot be saved.*JSON"):
        Trainer(network, "cosine-regression", scored, config(tmp_path))


def test_nothing_to_train_is_said(scored):
    network = TwinNetwork({"name": "vectors", "width": 4}, distance="cosine")
    vectors = list(np.ones((8, 4), np.float32))
    pairs = Examples((vectors, vectors), [0.5] * 8, Supervision.SCORED_PAIRS)
    with pytest.raises(TwinnetError, match="nothing to train"):
        Trainer(network, "cosine-regression", pairs, config()).run()


@pytest.mark.parametrize("settings", [{"seed": -1}, {"epochs": 1.5}, {"workers": -1}])
def test_settings_that_make_no_run_are_refused(settings):
    with pytest.raises(TwinnetError, match=f"{next(iter(settings))} is {next(iter(settings.values()))}"):
        TrainingConfig(**settings)


def test_texts_of_very_different_length_share_their_statistics(make_text_network):
    network = make_text_network(head=["pooling/mean", "bnneck"])
    texts = ["cat " * 30, "a cat", "the dog", "a mat"] * 2
    labels = Examples((texts,), [0, 1] * 4, Supervision.LABELS, ("one", "other"))
    assert len(Trainer(network, "batch-triplet", labels, config(epochs=1, batch_size=4)).run().losses) == 2


def test_two_runs_do_not_train_into_one_folder(make_text_network, scored, tmp_path):
    settings = config(tmp_path, epochs=1)
    with alone_in(settings.side_folder), pytest.raises(TwinnetError, match="another run trains into it"):
        Trainer(make_text_network(), "cosine-regression", scored, settings).run()
    Trainer(make_text_network(), "cosine-regression", scored, settings).run()
    Trainer(make_text_network(), "cosine-regression", scored, settings).run()
