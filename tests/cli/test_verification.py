from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import twinnet
from twinnet.cli.main import main
from twinnet.image.decoding import decode
from twinnet.registry import distances


@pytest.fixture
def people(tmp_path, coloured_people):
    """Two halves of the pictures of the same eight people."""
    for seed, part in enumerate(("dev", "test")):
        coloured_people(tmp_path / part, noise=90, seed=seed)
    return tmp_path


@pytest.fixture
def pictures_model(image_network, tmp_path):
    return image_network.save(tmp_path / "pictures")


@pytest.fixture
def calibrated(run, people, pictures_model):
    run("calibrate", pictures_model, people / "dev", "--target-fmr", "0.1")
    return pictures_model


def test_calibrate_saves_the_threshold_with_the_network(run, people, pictures_model):
    figures = run("calibrate", pictures_model, people / "dev", "--target-fmr", "0.1")
    assert figures["impostor_pairs"] == 8 * 7 // 2 * 16
    assert figures["genuine_pairs"] == 8 * 6
    assert 30 <= figures["fmr"]["errors"] <= 0.1 * figures["impostor_pairs"]
    network = twinnet.load(pictures_model)
    assert network.operating_point.threshold == figures["threshold"]
    dev = sorted((people / "dev").glob("*/*.png"))
    scores = network.similarity(dev, dev)
    owners = np.array([path.parent.name for path in dev])
    impostor = np.triu(owners[:, None] != owners, 1)
    assert (scores[impostor] >= figures["threshold"]).sum() == figures["fmr"]["errors"]


def test_items_without_ground_are_left_out_and_counted(run, lines, capsys, people, pictures_model):
    base = run("calibrate", pictures_model, people / "dev", "--target-fmr", "0.1", "--out", people / "base")
    assert base["failure_to_acquire"] == {"items": 0, "of": 32, "trials_left_out": 0, "reasons": {}, "left_out": []}
    for part, person in (("dev", 0), ("dev", 5), ("test", 2)):
        Image.new("RGB", (1, 1)).save(people / part / f"person{person}" / "dot.png")
    command = ("calibrate", pictures_model, people / "dev", "--target-fmr", "0.1")
    figures = run(*command)
    failures = figures.pop("failure_to_acquire")
    assert (failures["items"], failures["of"], failures["trials_left_out"]) == (2, 34, 34 * 33 // 2 - 32 * 31 // 2)
    assert failures["reasons"] == {"too small": 2}
    dot = people / "dev" / "person5" / "dot.png"
    assert {"item": str(dot), "reason": "too small"} in failures["left_out"]
    assert {name: figures[name] for name in figures if name not in ("saved", "seconds")}.items() <= base.items()
    assert any("2 of 34 items (2 too small)" in line for line in lines(*command))
    figures = run("eval", "verification", pictures_model, people / "test", "--baseline")
    assert figures["failure_to_acquire"]["items"] == 1
    assert figures["genuine"] == 48
    (people / "dev" / "person1" / "1.png").write_bytes(b"text")
    assert main([*map(str, command)]) == 2
    assert "1 of 34 items cannot be taken" in capsys.readouterr().err


def test_calibrate_says_what_the_probability_at_the_threshold_is(run, lines, people, pictures_model, coloured_people):
    coloured_people(people / "noisy", noise=400)
    strict = ("calibrate", pictures_model, people / "noisy", "--target-fmr", "0.07")
    figures = run(*strict)
    expected = twinnet.load(pictures_model).operating_point.probability(figures["threshold"])
    assert figures["probability_at_threshold"] == pytest.approx(expected)
    assert expected > 0.5
    assert not any("smaller --target-fmr" in line for line in lines(*strict))
    assert any("smaller --target-fmr" in line for line in lines(*strict[:-3], people / "dev", "--target-fmr", "0.9"))


def test_calibrate_says_what_the_interval_is(lines, people, pictures_model):
    shown = "\n".join(lines("calibrate", pictures_model, people / "dev", "--target-fmr", "0.1"))
    assert "95 % interval" in shown
    assert "448" in shown
    assert "independent" in shown


def test_several_references(run, people, pictures_model):
    figures = run(
        "calibrate", pictures_model, people / "dev", "--target-fmr", "0.4", "--references", "2", "--rule", "max"
    )
    assert (figures["references"], figures["rule"]) == (2, "max")
    assert (figures["genuine_pairs"], figures["impostor_pairs"]) == (16, 8 * 14)
    first, *known = sorted((people / "test" / "person0").iterdir())
    assert main(["verify", *map(str, [first, *known[:2]]), "--task", "image", "--model", str(pictures_model)]) in (0, 1)


def test_verify_prints_the_verdict(capsys, calibrated, people):
    a, b = people / "test" / "person1" / "0.png", people / "test" / "person2" / "0.png"
    capsys.readouterr()
    for other, code in ((a, 0), (b, None)):
        done = main(["verify", str(a), str(other), "--task", "image", "--model", str(calibrated), "--json"])
        verdict = json.loads(capsys.readouterr().out)
        assert done == (0 if verdict["match"] else 1)
        assert code is None or done == code
        expected = twinnet.load(calibrated).verify(decode(a), decode(other)).to_dict()
        assert verdict == pytest.approx(expected, abs=1e-5)
        assert list(verdict) == ["match", "reason", "score", "probability", "threshold", "fmr"]


def test_no_ground_is_code_3(capsys, calibrated, people):
    Image.new("RGB", (1, 1)).save(people / "dot.png")
    picture = str(people / "test" / "person1" / "0.png")
    capsys.readouterr()
    command = ["verify", picture, str(people / "dot.png"), "--task", "image", "--model", str(calibrated)]
    assert main([*command, "--json"]) == 3
    out, err = capsys.readouterr()
    verdict = json.loads(out)
    assert "second item:" in err
    assert (verdict["match"], verdict["reason"], verdict["score"]) == (None, "too small", None)
    assert main(command) == 3
    assert "no decision: second item:" in capsys.readouterr().out


def test_a_verdict_on_bad_input_is_refused(refused, calibrated, people, model):
    picture = people / "test" / "person1" / "0.png"
    for name, content in (("text.jpg", b"hello"), ("empty.png", b""), ("cut.png", picture.read_bytes()[:200])):
        (people / name).write_bytes(content)
        assert name in refused("verify", picture, people / name, "--task", "image", "--model", calibrated)
    assert "missing.png: there is no such file" in refused(
        "verify", picture, people / "missing.png", "--task", "image", "--model", calibrated
    )
    assert "twinnet calibrate" in refused("verify", "a cat", "a dog", "--task", "text", "--model", model)
    assert "takes text, and --task image compares pictures" in refused(
        "verify", picture, picture, "--task", "image", "--model", model
    )
    assert "takes pictures, and --task text compares text" in refused(
        "verify", "a cat", "a dog", "--task", "text", "--model", calibrated
    )


def test_calibrate_refuses(refused, people, pictures_model, write):
    before = (pictures_model / "twin.json").read_bytes()
    base = ("calibrate", pictures_model)
    assert "448 impostor pairs cannot show" in refused(*base, people / "dev", "--target-fmr", "0.001")
    assert "smallest rate they can show is 0.067" in refused(*base, people / "dev", "--target-fmr", "0.001")
    assert "choose one with --out" in refused("calibrate", "all-MiniLM-L6-v2", people / "dev", "--target-fmr", "0.1")
    pairs = write("pairs.csv", "label,image1,image2", "1,dev/person0/0.png,dev/nobody.png")
    assert "line 2: there is no picture" in refused(*base, pairs, "--target-fmr", "0.1")
    assert "expected 0 or 1" in refused(*base, write("l.tsv", "label,s1,s2", "0.5,a,b"), "--target-fmr", "0.1")
    assert "no folders with pictures" in refused(*base, people / "dev" / "person0", "--target-fmr", "0.1")
    assert (pictures_model / "twin.json").read_bytes() == before


def test_text_pairs(run, write, model, tmp_path):
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), size=6)) for _ in range(400)]
    rows = [f"{i % 2},the {words[i]} cat,the {words[i if i % 2 else i + 200]} dog" for i in range(200)]
    pairs = write("pairs.tsv", "label,s1,s2", *rows)
    figures = run("calibrate", model, pairs, "--target-fmr", "0.4", "--out", tmp_path / "n")
    assert figures["saved"] == str(tmp_path / "n")
    assert figures["impostor_pairs"] == 100
    assert twinnet.load(model).operating_point is None


def test_eval_reports_on_other_data_only(run, refused, calibrated, people):
    figures = run("eval", "verification", calibrated, people / "test", "--baseline", "--plots", people / "plots")
    assert figures["genuine"] == 48
    assert figures["operating_point"]["fmr"]["trials"] == 448
    assert 0.5 < figures["roc_auc"]["value"] <= 1
    assert set(figures["baseline"]) == {"ink", "size", "mean colour"}
    assert figures["baseline"]["size"]["roc_auc"]["value"] == 0.5
    for name in ("scores", "det", "roc"):
        with Image.open(people / "plots" / f"{name}.png") as picture:
            assert min(picture.size) > 300
    assert "chosen on these data" in refused("eval", "verification", calibrated, people / "dev")
    without = run("eval", "verification", calibrated, people / "dev", "--no-threshold")
    assert without["operating_point"] is None and 0.5 < without["roc_auc"]["value"] <= 1


def test_eval_identification(run, lines, refused, people, calibrated):
    Image.new("RGB", (1, 1)).save(people / "test" / "person2" / "dot.png")
    command = ("eval", "identification", calibrated, people / "test", "--enrol", "2", "--strangers", "0.25")
    figures = run(*command, "--plots", people / "plots", "--fpir", "0.5", "0.001")
    names = ("people_enrolled", "items_enrolled", "mated_probes", "strangers", "non_mated_probes")
    assert [figures[name] for name in names] == [6, 12, 12, 2, 8]
    assert figures["failure_to_acquire"]["reasons"] == {"too small": 1}
    assert [entry["rank"] for entry in figures["cmc"]] == [1, 2, 3, 4, 5, 6]
    assert figures["cmc"][-1]["rate"]["found"] == 12
    assert [entry["target_fpir"] for entry in figures["dir_at_fpir"]] == [0.5]
    assert figures["dir_at_fpir"][0]["fpir"]["errors"] == 4
    assert figures["operating_point"]["threshold"] == twinnet.load(calibrated).operating_point.threshold
    for name in ("cmc", "dir"):
        with Image.open(people / "plots" / f"{name}.png") as picture:
            assert min(picture.size) > 300
    shown = lines(*command)
    assert any("6 people enrolled" in line for line in shown)
    assert any(line.startswith("operating point") for line in shown)
    assert run(*command, "--strangers", "0")["dir_at_fpir"] == []
    assert "nobody can be enrolled" in refused(*command, "--enrol", "9")


def test_eval_identification_leaves_out_an_operating_point_that_knows_the_data(run, capsys, people, calibrated):
    command = ("eval", "identification", calibrated, people / "dev", "--strangers", "0.25")
    assert run(*command)["operating_point"] is None
    main([*map(str, command)])
    assert "left out: the operating point was chosen on these data" in capsys.readouterr().err


def test_eval_refuses_a_threshold_of_a_network_that_changed(run, refused, capsys, people, calibrated):
    network = twinnet.load(calibrated)
    network.distance = distances.create("euclidean")
    changed = network.save(people / "changed")
    assert "calibrate again" in refused("eval", "verification", changed, people / "test")
    assert run("eval", "verification", changed, people / "test", "--no-threshold")["operating_point"] is None
    assert main(["eval", "identification", str(changed), str(people / "test")]) == 0
    assert "left out: the distance changed" in capsys.readouterr().err


def test_eval_joins_scores_as_it_is_told(run, refused, people, pictures_model):
    command = ("eval", "verification", pictures_model, people / "test", "--references", "2", "--no-threshold")
    plain = {rule: run(*command, "--rule", rule)["d_prime"]["value"] for rule in ("mean", "max")}
    assert plain["mean"] != plain["max"]
    run("calibrate", pictures_model, people / "dev", "--target-fmr", "0.4", "--references", "2", "--rule", "max")
    assert run(*command)["d_prime"]["value"] == plain["max"]
    assert run(*command, "--rule", "mean")["d_prime"]["value"] == plain["mean"]
    assert "is for --rule max" in refused(*command[:-1], "--rule", "mean")


def test_eval_wants_as_many_references_on_both_sides(refused, write, people, pictures_model):
    names = sorted((people / "dev").glob("*/*.png"))
    dev = write("dev.csv", "label,image1,image2,image3", f"1,{names[0]},{names[1]},{names[2]}")
    command = ("eval", "verification", pictures_model, people / "test")
    assert "--dev has 2" in refused(*command, "--dev", dev, "--target-fmr", "0.1")


def test_eval_chooses_a_threshold_on_development_data(run, lines, refused, people, pictures_model):
    command = ("eval", "verification", pictures_model, people / "test")
    figures = run(*command, "--dev", people / "dev", "--target-fmr", "0.1")
    assert figures["operating_point"]["target_fmr"] == 0.1
    assert run(*command)["operating_point"] is None
    assert any("no operating point" in line for line in lines(*command))
    shown = lines(*command, "--dev", people / "dev", "--target-fmr", "0.1")
    assert any(line.startswith("FMR ") and line.endswith(" of 448)") for line in shown)
    assert "go together" in refused(*command, "--dev", people / "dev")
    assert "give one of them" in refused(*command, "--dev", people / "dev", "--target-fmr", "0.1", "--no-threshold")
    assert "chosen on these data" in refused(*command, "--dev", people / "test", "--target-fmr", "0.1")
