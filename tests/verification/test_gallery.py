from __future__ import annotations

import hashlib
import json
import os

import numpy as np
import pytest
import torch

from twinnet import TwinnetError
from twinnet.verification.gallery import Gallery
from twinnet.verification.gallery_folder import gallery_model

ANN, BOB = ["a cat sits", "the cat sits on a mat"], ["he runs in the park"]


@pytest.fixture
def network(make_text_network, make_operating_point):
    def make(threshold=0.99, **parts):
        network = make_text_network(**parts)
        network.operating_point = make_operating_point(network, threshold=threshold)
        return network

    return make


@pytest.fixture
def gallery(network):
    made = Gallery(network(), "model/folder")
    made.enrol("Ann", ANN)
    made.enrol("Bob", BOB)
    return made


@pytest.mark.parametrize("distance", ["cosine", "sqeuclidean", "manhattan", {"name": "mahalanobis", "dim": 32}])
def test_the_best_of_all_enrolled_items_decides(network, distance, sentences):
    gallery = Gallery(network(threshold=-3.0, distance=distance))
    for start in range(0, 60, 3):
        gallery.enrol(f"person {start % 15}", sentences[start : start + 3])
    probes = ["a dog runs", "it is red", "she was in the park"]
    scores = gallery.network.similarity(probes, sentences[:60])
    for row, found in zip(scores, gallery.identify(probes), strict=True):
        best = int(row.argmax())
        assert found.closest == f"person {best // 3 * 3 % 15}"
        assert found.score == pytest.approx(row[best], abs=1e-4)
        assert found.name == (found.closest if found.score >= -3.0 else None)


def test_strangers_are_nobody(gallery):
    known, stranger = gallery.identify(["a cat sits", "big small red blue"])
    assert (known.name, known.closest) == ("Ann", "Ann")
    assert stranger.name is None
    assert stranger.closest in ("Ann", "Bob")
    empty = Gallery(gallery.network).identify("a cat")
    assert [(found.name, found.score) for found in empty] == [(None, None)]


def test_people_are_enrolled_in_several_steps_and_forgotten(gallery):
    gallery.enrol("Bob", gallery.network.encode(["she runs", "a dog"]))
    assert gallery.people == {"Ann": 2, "Bob": 3}
    assert len(gallery) == 2
    gallery.forget("Ann")
    assert gallery.people == {"Bob": 3}
    assert gallery.identify("a cat sits")[0].closest == "Bob"
    with pytest.raises(TwinnetError, match="called 'Ann'"):
        gallery.forget("Ann")
    gallery.forget("Bob")
    assert gallery.identify(["a"])[0].closest is None


def test_more_enrolled_items_mean_more_false_positives(gallery):
    assert gallery.false_positive_bound() == pytest.approx(3 * 0.01)
    gallery.enrol("crowd", np.random.default_rng(0).normal(size=(500, 32)).astype(np.float32))
    assert gallery.false_positive_bound() == 1


def test_a_gallery_is_saved_without_its_items(gallery, tmp_path):
    folder = gallery.save(tmp_path / "people")
    again = Gallery.load(folder, gallery.network)
    assert again.people == gallery.people
    assert again.identify(ANN + BOB) == gallery.identify(ANN + BOB)
    assert gallery_model(folder) == "model/folder"
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"Ann" in content
    assert not any(item.encode() in content for item in ANN + BOB)
    gallery.forget("Ann")
    gallery.save(folder)
    assert b"Ann" not in b"".join(path.read_bytes() for path in folder.iterdir())
    assert os.listdir(tmp_path) == ["people"]


def test_kept_pictures_go_with_their_owner(gallery, tmp_path):
    picture = tmp_path / "ann.png"
    picture.write_bytes(b"a picture")
    row = gallery.network.encode("a cat sits")[None]
    gallery.forget("Ann")
    gallery.enrol("Ann", row, [picture])
    assert gallery.pictures == {"Ann": [picture]}
    with pytest.raises(TwinnetError, match="2 pictures to keep of 1 items"):
        gallery.enrol("Ann", row, [picture, picture])
    saved = gallery.save(tmp_path / "saved")
    picture.unlink()
    (kept,) = Gallery.load(saved, gallery.network).pictures["Ann"]
    assert kept.read_bytes() == b"a picture" and kept.parent == saved / "pictures"
    assert gallery.pictures == {"Ann": [kept]}
    gallery.save(tmp_path / "copy")
    gallery.forget("Ann")
    gallery.save(saved)
    assert not kept.exists() and not gallery.pictures


def test_other_files_in_the_folder_stay(gallery, tmp_path):
    saved = gallery.save(tmp_path / "saved")
    (saved / "inbox").mkdir()
    (saved / "inbox" / "cid.png").write_bytes(b"a picture")
    (saved / "link.txt").symlink_to("nowhere")
    gallery.enrol("Cid", ["it is red"], [saved / "inbox" / "cid.png"])
    gallery.save(saved)
    assert (saved / "inbox" / "cid.png").read_bytes() == b"a picture"
    assert (saved / "link.txt").readlink().name == "nowhere"


def test_a_linked_gallery_forgets_too(gallery, tmp_path):
    saved = gallery.save(tmp_path / "saved")
    (tmp_path / "link").symlink_to(saved, target_is_directory=True)
    linked = Gallery.load(tmp_path / "link", gallery.network)
    linked.forget("Ann")
    linked.save(tmp_path / "link")
    assert Gallery.load(saved, gallery.network).people == {"Bob": 1}
    assert sorted(os.listdir(tmp_path)) == ["link", "saved"]
    assert (tmp_path / "link").is_symlink()


def test_what_somebody_else_enrolled_is_not_overwritten(gallery, tmp_path):
    saved = gallery.save(tmp_path / "saved")
    other = Gallery.load(saved, gallery.network)
    other.enrol("Cid", ["it is red"])
    other.save(saved)
    other.enrol("Dan", ["it is blue"])
    other.save(saved)
    gallery.enrol("Eve", ["a"])
    with pytest.raises(TwinnetError, match="somebody else changed the gallery"):
        gallery.save(saved)
    assert list(Gallery.load(saved, gallery.network).people) == ["Ann", "Bob", "Cid", "Dan"]
    gallery.save(tmp_path / "elsewhere")
    Gallery(gallery.network).save(saved)
    assert not Gallery.load(saved, gallery.network).people


def test_another_network_is_refused(gallery, network, tmp_path):
    folder = gallery.save(tmp_path / "people")
    for other in (network(seed=5), network(distance="dot"), network(preprocess={"max_length": 9})):
        with pytest.raises(TwinnetError, match=r"another network \(model/folder\)"):
            Gallery.load(folder, other)


def test_damage_is_noticed(gallery, tmp_path):
    folder = gallery.save(tmp_path / "people")
    for name in ("gallery.json", "embeddings.safetensors"):
        whole = (folder / name).read_bytes()
        for damaged in (whole[:-9], whole.replace(b"Bob", b"Eve") if name == "gallery.json" else whole[:-2] + b"~~"):
            (folder / name).write_bytes(damaged)
            with pytest.raises(TwinnetError, match=name):
                Gallery.load(folder, gallery.network)
        (folder / name).write_bytes(whole)
    manifest = json.loads((folder / "gallery.json").read_text())
    for change in ({"format": "x"}, {"files": None}, {"files": {}}):
        signed = {key: value for key, value in (manifest | change).items() if key != "sha256"}
        signed["sha256"] = hashlib.sha256(json.dumps(signed, sort_keys=True).encode()).hexdigest()
        (folder / "gallery.json").write_text(json.dumps(signed))
        with pytest.raises(TwinnetError, match=r"gallery\.json: damaged"):
            Gallery.load(folder, gallery.network)
    (folder / "gallery.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(TwinnetError, match="upgrade"):
        Gallery.load(folder, gallery.network)
    with pytest.raises(TwinnetError, match="no gallery"):
        Gallery.load(tmp_path, gallery.network)


def test_bad_input(gallery, make_text_network):
    for name, items, message in (
        (" ", ["a"], "empty"),
        (5, ["a"], "no name"),
        ("Nobody", ["a"], "strangers"),
        ("J\udcff", ["a"], "not Unicode"),
        ("Eve", [], "nothing to enrol"),
        ("Eve", ["a", 3], "item 1"),
    ):
        with pytest.raises(TwinnetError, match=message):
            gallery.enrol(name, items)
    with pytest.raises(TwinnetError, match="width 3"):
        gallery.enrol("Eve", np.zeros((2, 3), dtype=np.float32))
    assert gallery.people == {"Ann": 2, "Bob": 1}
    with pytest.raises(TwinnetError, match="twinnet calibrate"):
        Gallery(make_text_network()).identify(["a"])


def test_a_network_of_other_parts_is_refused(gallery, network, tmp_path):
    folder = gallery.save(tmp_path / "people")
    with pytest.raises(TwinnetError, match="another network"):
        Gallery.load(folder, network(head="pooling/max"))


def test_an_array_that_changes_afterwards_changes_nobody(network):
    made = network()
    rows = made.encode(ANN)
    gallery = Gallery(made)
    reused = torch.from_numpy(rows[:1].copy())
    gallery.enrol("Ann", reused)
    reused[:] = torch.from_numpy(rows[1:])
    assert gallery.identify(ANN[0])[0].score == pytest.approx(1, abs=1e-6)
