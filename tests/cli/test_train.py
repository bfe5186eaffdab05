from __future__ import annotations

import numpy as np
import pytest

import twinnet

DATA = {
    "sts": (
        "score,s1,s2",
        "5,the cat,a cat",
        "0,dog runs,red",
        "2.5,it is,it was",
        "4,small dog,a dog",
        "1,she,park",
        "3,red,red park",
    ),
    "nli": ("label,premise,hypothesis", "yes,the cat,cat", "no,a dog,blue", "maybe,it,park", "no,red,he", "yes,a,the"),
    "pairs": ("anchor,positive", "the cat,a cat", "dog runs,a dog", "the cat,cat sits", "red,blue", "he,she"),
    "triplets": (
        "anchor,positive,negative",
        "the cat,a cat,red",
        "dog runs,a dog,it is",
        "blue,red,he or she",
        "she,he,it",
    ),
}
FEW = ["--epochs", 2, "--batch-size", 2, "--learning-rate", 1e-3]


@pytest.mark.parametrize("task", DATA)
def test_each_task_trains_and_saves(task, run, write, model, tmp_path):
    data, out = write("data.tsv", *DATA[task]), tmp_path / "trained"
    result = run("train", task, data, "--dev", data, "--test", data, "--model", model, "--out", out, *FEW)
    metric = "spearman" if task == "sts" else "accuracy"
    assert result["rows"] == len(DATA[task]) - 1
    assert result["steps"] >= 4
    assert result["dev"][0]["step"] == 0
    assert result["best"][metric] == max(figures[metric] for figures in result["dev"])
    assert result["test_after"][metric] == pytest.approx(result["best"][metric])
    assert result["test_before"][metric] == pytest.approx(result["dev"][0][metric])
    embedding = twinnet.load(out).encode("the cat sits")
    assert np.isfinite(embedding).all()


def test_training_changes_the_network(lines, write, model, tmp_path):
    out = tmp_path / "trained"
    data = write("data.tsv", *DATA["sts"])
    gradual = ["--schedule", "slanted-triangular", "--layer-decay", 0.4, "--unfreeze-every", 2]
    shown = lines("train", "sts", data, "--test", data, "--model", model, "--out", out, *FEW, *gradual)
    names = [line.split()[0] for line in shown]
    assert names == ["rows", "out", "test_before", "steps", "seconds", "test_after"]
    assert shown[3].split() == ["steps", "6"]
    assert shown[5].split()[1:3] == ["pairs", "6,"]
    assert not np.allclose(twinnet.load(out).encode("the cat"), twinnet.load(model).encode("the cat"), atol=1e-4)


def test_settings_and_other_losses(run, write, model, tmp_path):
    data = write("data.tsv", *DATA["triplets"])
    settings = ["--loss", "infonce", "--warmup", 0, "--schedule", "constant", "--accumulate", 2, "--seed", 3]
    result = run("train", "triplets", data, "--model", model, "--out", tmp_path / "trained", *FEW, *settings)
    assert result["steps"] == 2


def test_resume_goes_on_from_the_last_checkpoint(run, refused, write, model, tmp_path):
    data, out = write("data.tsv", *DATA["sts"]), tmp_path / "trained"
    command = ["train", "sts", data, "--model", model, "--out", out, *FEW]
    first, again = run(*command), run(*command, "--resume")
    assert again["steps"] == first["steps"]
    assert again["seconds"] <= first["seconds"]
    assert "of another run, which differs in seed" in refused(*command, "--resume", "--seed", 5)


@pytest.mark.parametrize("loss", ["infonce", '{"name": "infonce"}', '{"name": "sum", "losses": ["infonce"]}'])
def test_rows_that_share_an_item_are_in_different_batches(loss, run, write, model, tmp_path):
    data = write("data.tsv", "anchor,positive", "the cat,a cat", "the cat,cat sits", "the cat,cat", "he,cat")
    settings = ["--model", model, "--out", tmp_path / "trained", "--loss", loss, "--batch-size", 4]
    assert run("train", "pairs", data, *settings)["steps"] == 3


@pytest.mark.parametrize(("loss", "steps"), [("infonce", 3), ("triplet", 1)])
def test_triplets_that_share_an_item_are_kept_apart_where_other_rows_are_negatives(
    loss, steps, run, write, model, tmp_path
):
    rows = [f"the cat,{positive},he runs" for positive in ("a cat", "cat sits", "cat")]
    data = write("data.tsv", "anchor,positive,negative", *rows)
    settings = ["--model", model, "--out", tmp_path / "trained", "--loss", loss, "--batch-size", 4]
    assert run("train", "triplets", data, *settings)["steps"] == steps


def test_a_positive_that_occurs_twice_is_found_in_either_row(run, write, model, tmp_path):
    rows = ["it is red,it is red", "small dog,small dog"]
    data = write("data.tsv", "anchor,positive", *rows, *rows)
    settings = ["--model", model, "--out", tmp_path / "trained", "--test", data, *FEW]
    assert run("train", "pairs", data, *settings)["test_before"]["accuracy"] == 1.0


def test_scores_of_another_scale(run, refused, write, model, tmp_path):
    data = write("data.tsv", "score,s1,s2", "10,the cat,a cat", "0,dog,red", "5,he,she")
    command = ["train", "sts", data, "--model", model, "--out", tmp_path / "trained", *FEW]
    assert "line 2: column 'score' is 10: expected 0 to 5" in refused(*command)
    assert run(*command, "--highest", 10)["rows"] == 3
    for highest in ("0", "inf", "nan", "-5"):
        assert "it is a positive number" in refused(*command, "--highest", highest)


def test_test_data_has_the_classes_of_the_training_data(run, refused, write, model, tmp_path):
    data, fewer = write("data.tsv", *DATA["nli"]), write("fewer.tsv", DATA["nli"][0], "yes,a,the", "no,red,he")
    command = ["train", "nli", data, "--model", model, "--out", tmp_path / "trained", *FEW]
    assert run(*command, "--test", fewer)["test_after"]["pairs"] == 2
    other = write("other.tsv", DATA["nli"][0], "yes,a,the", "perhaps,red,he")
    assert "other.tsv, line 3: label 'perhaps' is none of the classes maybe, no, yes" in refused(
        *command, "--dev", other
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--loss", "infonse"], "did you mean 'infonce'"),
        (["--loss", "infonce"], "choose another loss"),
        (["--learning-rate", "-1"], "learning_rate is -1.0"),
        (["--learning-rate", "nan"], "learning_rate is nan"),
        (["--loss-learning-rate", "inf"], "loss_learning_rate is inf"),
        (["--warmup", "2"], "warmup is 2.0"),
        (["--dev", "gone.tsv"], "gone.tsv: no such file"),
    ],
)
def test_bad_settings_leave_nothing(options, message, refused, write, model, tmp_path):
    out = tmp_path / "out" / "trained"
    command = ["train", "sts", write("data.tsv", *DATA["sts"]), "--model", model, "--out", out]
    assert message in refused(*command, *options)
    assert not out.parent.exists()
