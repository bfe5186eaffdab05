from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch

from twinnet import Tower, TwinnetError, TwinNetwork
from twinnet.files import checksum, manifest_checksum, write_weights


def test_text_and_images_come_back_equal(text_network, image_network, sentences, pictures, tmp_path):
    for name, network, items in (("t", text_network, sentences), ("i", image_network, pictures)):
        network.save(tmp_path / name)
        again = TwinNetwork.load(tmp_path / name)
        assert (again.encode(items) == network.encode(items)).all()
        assert again.tower.preprocess.fingerprint() == network.tower.preprocess.fingerprint()
        assert not again.training


def test_heads_distances_and_settings_come_back(make_text_network, sentences, tmp_path):
    head = ["pooling/mean", {"name": "dense", "out_features": 8, "activation": "tanh"}, "layernorm", "normalize"]
    network = make_text_network(head=head, distance={"name": "mahalanobis", "dim": 8, "rank": 3})
    torch.nn.init.normal_(network.distance.factor)
    network.truncate_dim = None
    network.save(tmp_path / "net")
    again = TwinNetwork.load(tmp_path / "net")
    assert (again.similarity(sentences, sentences) == network.similarity(sentences, sentences)).all()


@pytest.mark.parametrize("shares", [True, False])
def test_half_twins_come_back(make_text_network, tmp_path, shares):
    network, other = make_text_network(seed=1), make_text_network(seed=2)
    if shares:
        other = Tower(network.tower.backbone, ["pooling/max"], other.tower.preprocess)
    else:
        other = other.tower
    network.other = other
    network.save(tmp_path / "net")
    again = TwinNetwork.load(tmp_path / "net")
    assert (again.encode(["a cat"], side="right") == network.encode(["a cat"], side="right")).all()
    assert (again.other.backbone is again.tower.backbone) == shares


def test_saving_replaces_a_network_and_nothing_else(text_network, make_text_network, tmp_path):
    text_network.save(tmp_path / "net")
    newer = make_text_network(seed=5)
    newer.save(tmp_path / "net")
    assert (TwinNetwork.load(tmp_path / "net").encode("a cat") == newer.encode("a cat")).all()
    assert os.listdir(tmp_path) == ["net"]
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(TwinnetError, match="photos"):
        text_network.save(tmp_path / "photos")
    with pytest.raises(TwinnetError, match=r"holiday\.jpg"):
        text_network.save(tmp_path / "photos" / "holiday.jpg")


@pytest.mark.parametrize("folder", ["", ".", "/"])
def test_a_folder_without_a_name_is_refused(text_network, tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TwinnetError, match="is no name for a folder"):
        text_network.save(folder)
    assert not list(tmp_path.iterdir())


def test_what_lies_beside_a_network_stays(make_text_network, tmp_path):
    folder = tmp_path / "net"
    make_text_network(head=["pooling/mean", {"name": "dense", "out_features": 4}]).save(folder)
    before = {path.relative_to(folder) for path in folder.rglob("*")}
    (folder / "notes").mkdir()
    (folder / "notes" / "MODEL_CARD.md").write_text("card")
    make_text_network().save(folder)
    after = {path.relative_to(folder) for path in folder.rglob("*")}
    assert (folder / "notes" / "MODEL_CARD.md").read_text() == "card"
    assert {path.as_posix() for path in after - before} == {"notes", "notes/MODEL_CARD.md"}
    assert before - after  # what the head wrote
    TwinNetwork.load(folder)


def change_manifest(folder, change, *, sign=True):
    """Change twin.json as somebody would who can compute its checksum, or as somebody who does not."""
    manifest = json.loads((folder / "twin.json").read_text())
    change(manifest)
    if sign:
        manifest["sha256"] = manifest_checksum(manifest)
    (folder / "twin.json").write_text(json.dumps(manifest))


def test_a_changed_manifest_is_refused(text_network, tmp_path):
    folder = text_network.save(tmp_path / "net")
    change_manifest(folder, lambda manifest: manifest["distance"].update({"name": "dot"}), sign=False)
    with pytest.raises(TwinnetError, match=r"twin\.json: changed"):
        TwinNetwork.load(folder)


@pytest.mark.parametrize("change", [{"files": None}, {"tower": None}])
def test_a_manifest_without_its_parts_is_damaged(text_network, tmp_path, change):
    folder = text_network.save(tmp_path / "net")
    change_manifest(folder, lambda manifest: manifest.update(change))
    with pytest.raises(TwinnetError, match=r"twin\.json: damaged"):
        TwinNetwork.load(folder)


def saved_files(folder):
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def test_every_damaged_file_is_named(text_network, tmp_path):
    folder = text_network.save(tmp_path / "net")
    for path in saved_files(folder):
        whole = path.read_bytes()
        for damaged in (whole[:-2], whole[: len(whole) // 2], whole[:-2] + b"~\n"):
            path.write_bytes(damaged)
            with pytest.raises(TwinnetError, match=path.name.replace(".", r"\.")):
                TwinNetwork.load(folder)
        path.unlink()
        with pytest.raises(TwinnetError, match=path.name.replace(".", r"\.")):
            TwinNetwork.load(folder)
        path.write_bytes(whole)
    TwinNetwork.load(folder)


def test_parts_that_were_not_saved_with_the_network_are_refused(text_network, tmp_path):
    text_network.save(tmp_path / "net")
    (tmp_path / "net" / "notes.txt").write_text("mine")
    TwinNetwork.load(tmp_path / "net")
    (tmp_path / "net" / "operating_points").mkdir()
    for name in ("operating_points/1.json", "distance.safetensors", "int8_ranges.safetensors"):
        (tmp_path / "net" / name).write_text("{}")
        with pytest.raises(TwinnetError, match=f"{name}: was not saved with the network"):
            TwinNetwork.load(tmp_path / "net")
        (tmp_path / "net" / name).unlink()


def test_paths_outside_the_folder_are_refused(text_network, tmp_path):
    folder = text_network.save(tmp_path / "net")
    (tmp_path / "secret").write_text("x")
    change_manifest(folder, lambda manifest: manifest["files"].update({"../secret": "0" * 64}))
    with pytest.raises(TwinnetError, match="outside the folder"):
        TwinNetwork.load(folder)


def test_weights_that_do_not_fit_are_refused(text_network, tmp_path):
    folder = text_network.save(tmp_path / "net")
    write_weights(folder / "model.safetensors", {"embeddings.word_embeddings.weight": torch.zeros(2, 2)})
    digest = checksum(folder / "model.safetensors")
    change_manifest(folder, lambda manifest: manifest["files"].update({"model.safetensors": digest}))
    with pytest.raises(TwinnetError, match=r"model\.safetensors.*do not fit"):
        TwinNetwork.load(folder)


def test_a_newer_format_is_refused(text_network, tmp_path):
    folder = text_network.save(tmp_path / "net")
    change_manifest(folder, lambda manifest: manifest.update({"format": 99}))
    with pytest.raises(TwinnetError, match="upgrade"):
        TwinNetwork.load(folder)


def test_a_failed_save_leaves_the_old_network(text_network, make_text_network, tmp_path, monkeypatch):
    text_network.save(tmp_path / "net")
    before = text_network.encode("a cat")

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("twinnet.files.save_file", full)
    with pytest.raises(TwinnetError, match="No space left"):
        make_text_network(seed=3).save(tmp_path / "net")
    assert os.listdir(tmp_path) == ["net"]
    assert (TwinNetwork.load(tmp_path / "net").encode("a cat") == before).all()


def test_nothing_is_pickled(text_network, tmp_path):
    endings = {path.suffix for path in saved_files(text_network.save(tmp_path / "net"))}
    assert endings <= {".json", ".safetensors", ".txt"}


def test_shared_tensors_are_written_apart(tmp_path):
    from safetensors.torch import load_file

    weight = torch.randn(3, 4)
    write_weights(tmp_path / "w.safetensors", {"a": weight, "b": weight, "c": weight.T})
    read = load_file(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(read["b"], weight)
    np.testing.assert_array_equal(read["c"], weight.T)


def test_layers_that_both_towers_have_stay_shared(make_text_network, tmp_path):
    network = make_text_network(head=["pooling/mean", {"name": "dense", "out_features": 7}])
    dense = network.tower.head.layers[1]
    network.other = Tower(network.tower.backbone, ["pooling/max", dense, "normalize"], network.tower.preprocess)
    network.save(tmp_path / "net")
    again = TwinNetwork.load(tmp_path / "net")
    assert again.other.head.layers[1] is again.tower.head.layers[1]
    assert (again.encode(["a cat"], side="right") == network.encode(["a cat"], side="right")).all()


def test_a_folder_of_links_is_read_as_the_model_hub_caches_it(text_network, tmp_path):
    folder = text_network.save(tmp_path / "net")
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        blob = tmp_path / "blobs" / str(number)
        blob.parent.mkdir(exist_ok=True)
        path.rename(blob)
        path.symlink_to(blob)
    assert (TwinNetwork.load(folder).encode(["a cat"]) == text_network.encode(["a cat"])).all()


def test_arguments_of_numpy_are_saved(tmp_path):
    preprocess = {"name": "image", "size": np.array([32, 32]), "mean": np.full(3, 0.5), "std": np.full(3, 0.25)}
    head = ["pooling/mean", {"name": "dense", "out_features": np.int64(6)}]
    network = TwinNetwork("timm/resnet10t", head, preprocess=preprocess)
    picture = np.zeros((40, 40, 3), np.uint8)
    again = TwinNetwork.load(network.save(tmp_path / "net"))
    np.testing.assert_array_equal(again.encode(picture), network.encode(picture))
