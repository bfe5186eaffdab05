from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import twinnet
from twinnet import TwinnetError, TwinNetwork
from twinnet.errors import ItemError
from twinnet.preprocess import Prepared
from twinnet.verification.face import FacePreprocess
from twinnet.verification.face.dlib_finder import LANDMARKS_DAT, DlibFaceFinder
from twinnet.verification.face.finders import load_finder
from twinnet.verification.face.preprocess import DLIB_MEAN, DLIB_STD


@pytest.fixture(scope="module")
def preprocess(face_network) -> FacePreprocess:
    return face_network.tower.preprocess


def test_frames_of_one_man_are_near_and_his_mirror_image_too(face_network, carphone):
    frames = [carphone[0], carphone[-1], np.ascontiguousarray(carphone[0][:, ::-1])]
    rows = face_network.encode(frames)
    assert rows.shape == (3, 128)
    assert np.linalg.norm(rows[1:] - rows[0], axis=1).max() < 0.5


def test_a_face_that_was_detected_is_embedded_as_the_picture_is(face_network, preprocess, carphone):
    face = preprocess.detect(carphone[0])[0]
    x, y, width, height = face.box
    assert 0 < x < x + width < 176 and 0 < y < y + height < 144
    of_face, of_box, of_picture = face_network.encode([(carphone[0], face), (carphone[0], list(face.box)), carphone[0]])
    assert np.allclose(of_face, of_box, atol=1e-5)
    assert np.linalg.norm(of_face - of_picture) < 0.3
    assert face_network.encode((carphone[0], face)).shape == (128,)


@pytest.mark.parametrize(
    "box", [(5000, 5000, 80, 80), (10, 10, 0, 0), (60, 60, -40, -40), (30, 30, 1, 1), (-79, 0, 80, 80)]
)
def test_a_box_that_shows_nothing_shows_no_face(face_network, carphone, box):
    with pytest.raises(ItemError) as refusal:
        face_network.encode([carphone[0], (carphone[1], box)])
    assert (refusal.value.position, refusal.value.reason) == (1, "no face found")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_box_of_a_face_is_finite(face_network, carphone, value):
    with pytest.raises(ItemError, match="item 1: the box of a face is .* finite") as refusal:
        face_network.encode([carphone[0], (carphone[1], (10, 10, value, 20))])
    assert refusal.value.is_bad_input


@pytest.mark.parametrize("share", [0, 2, -1, float("nan"), "x"])
def test_the_smallest_face_is_a_share(face_network, carphone, share):
    with pytest.raises(TwinnetError, match="min_face is"):
        face_network.encode(carphone[0], min_face=share)


def test_a_face_is_embedded_as_the_mean_of_its_shifted_views(face_network, preprocess, carphone):
    face = preprocess.detect(carphone[0])[0]
    plain, views = preprocess.align(carphone[0], face).astype(int), preprocess.views(carphone[0], face)
    left, right, up, down = (view.astype(int) for view in views)
    # 2 % of 150 pixels are 3.
    for moved, still in (
        (left[:, :-3], plain[:, 3:]),
        (right[:, 3:], plain[:, :-3]),
        (up[:-3], plain[3:]),
        (down[3:], plain[:-3]),
    ):
        assert (np.abs(moved - still) <= 1).mean() > 0.99
    alone = FacePreprocess(shift=0)
    rows = [face_network.tower.backbone(alone.collate([as_prepared(view)])).values.detach().numpy() for view in views]
    found = face_network.encode((carphone[0], face))
    assert np.allclose(found, np.concatenate(rows).mean(0), atol=1e-5)


def as_prepared(view: np.ndarray) -> Prepared:
    scaled = (view.astype(np.float32) / 255 - np.float32(DLIB_MEAN)) / np.float32(DLIB_STD)
    return Prepared(scaled.transpose(2, 0, 1)[None], view.size)


def test_the_largest_face_is_taken(face_network, preprocess, carphone):
    small = np.asarray(Image.fromarray(carphone[0]).resize((88, 72)))
    both = np.full((300, 300, 3), 90, np.uint8)
    both[10:82, 10:98], both[140:284, 100:276] = small, carphone[0]
    faces = preprocess.detect(both)
    assert len(faces) == 2
    assert faces[0].box[2] > 1.5 * faces[1].box[2] and faces[0].box[0] > 100
    assert np.linalg.norm(face_network.encode(both) - face_network.encode((both, faces[0]))) < 0.3


def test_pictures_of_many_sizes_are_found_together_as_they_are_alone(preprocess, carphone):
    pictures = [
        carphone[0],
        carphone[1][10:, 20:],
        carphone[2],
        np.asarray(Image.fromarray(carphone[0]).resize((704, 576))),
    ]
    for picture, faces in zip(pictures, preprocess.detect_all(pictures), strict=True):
        assert np.allclose([f.box for f in faces], [f.box for f in preprocess.detect(picture)])


@pytest.mark.parametrize("shape", [(4, 4), (4, 400), (300, 5), (64, 64), (500, 700)])
def test_a_picture_without_a_face_says_so(preprocess, shape):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    with pytest.raises(ItemError, match="no face found") as caught:
        preprocess.prepare([picture])
    assert caught.value.reason == "no face found"
    assert preprocess.detect(picture) == []


def test_the_item_without_a_face_is_named(face_network, carphone, tmp_path):
    path = tmp_path / "wall.png"
    Image.new("RGB", (200, 200), "grey").save(path)
    with pytest.raises(ItemError, match=r"item 2: no face found in .*wall\.png"):
        face_network.encode([carphone[0], carphone[1], path])


def test_a_saved_network_needs_nothing_else(face_network, carphone, tmp_path, monkeypatch):
    face_network.save(tmp_path / "face")
    monkeypatch.setattr("twinnet.verification.face.finders.dlib_folder", lambda: pytest.fail("the package was read"))
    again = twinnet.load(tmp_path / "face")
    assert np.array_equal(again.encode(carphone[:2]), face_network.encode(carphone[:2]))
    assert again.tower.preprocess.fingerprint() == face_network.tower.preprocess.fingerprint()
    assert {path.suffix for path in (tmp_path / "face").rglob("*") if path.is_file()} == {".safetensors", ".json"}


def test_the_fingerprint_depends_on_options_and_weights(face_network, preprocess):
    assert FacePreprocess(min_face=0.2).fingerprint() != preprocess.fingerprint()
    changed = FacePreprocess()
    with torch.no_grad():
        changed.finder.detector.layers[0].bias += 1
    assert changed.fingerprint() != preprocess.fingerprint()


def test_min_face_can_be_varied_for_one_call(preprocess, carphone):
    small = np.full((1000, 1000, 3), 90, np.uint8)
    small[100:172, 100:188] = np.asarray(Image.fromarray(carphone[0]).resize((88, 72)))
    assert preprocess.vary(min_face=0.2).detect(small) == []
    assert len(preprocess.vary(min_face=0.03).detect(small)) == 1
    assert preprocess.min_face == 0.08


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"crop": "arcfase"}, "did you mean 'arcface'"),
        ({"min_face": 0.0}, "min_face"),
        ({"detector": "x.onnx"}, "YuNet"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(TwinnetError, match=message):
        FacePreprocess(**arguments).finder  # noqa: B018


def test_the_catalogue_has_it(dlib_files, face_network, carphone):
    network = twinnet.load("face")
    assert np.array_equal(network.encode(carphone[0]), face_network.encode(carphone[0]))


def test_two_pictures_of_a_person_are_nearer_than_two_people(face_network, people):
    names = np.array([name for name, _ in people])
    scores = face_network.similarity(*[face_network.encode([picture for _, picture in people])] * 2)
    first, second = np.triu_indices(len(names), 1)
    same = names[first] == names[second]
    pairs = scores[first, second]
    # Ten genuine pairs: at the best threshold at most one of them is lost, or as many impostors in a hundred.
    threshold = np.sort(pairs[same])[1]
    assert same.sum() == 10 and (pairs[~same] >= threshold).mean() < 0.02


@pytest.fixture(scope="module")
def models(data):
    return data / "models"


def test_bring_your_own_detector_and_weights(models, people, tmp_path):
    from twinnet.backbones.mobilefacenet import MobileFaceNetBackbone

    backbone = MobileFaceNetBackbone(str(models / "mobilefacenet_foamliu.pt"))
    recipe = {**backbone.default_preprocess(), "detector": str(models / "yunet_n_dynamic.onnx")}
    network = TwinNetwork(backbone, distance="cosine", preprocess=recipe)
    pictures = [picture for _, picture in people[:6]]
    rows = network.encode(pictures)
    scores = network.similarity(rows, rows)
    assert [int(np.argsort(-row)[1]) for row in scores] == [1, 0, 3, 2, 5, 4]
    network.save(tmp_path / "own")
    again = twinnet.load(tmp_path / "own")
    assert np.allclose(again.encode(pictures[:2]), rows[:2], atol=1e-5)
    assert (tmp_path / "own" / "yunet_n_dynamic.onnx").is_file()
    assert again.tower.preprocess.fingerprint() == network.tower.preprocess.fingerprint()
    [face] = network.tower.preprocess.detect(pictures[0])[:1]
    given, boxed = network.encode([(pictures[0], face), (pictures[0], face.box)])
    assert given @ boxed / np.linalg.norm(given) / np.linalg.norm(boxed) > 0.9


@pytest.mark.parametrize("name", ["../secret.onnx", "/tmp/secret.onnx", "a/b.onnx"])
def test_a_saved_detector_stays_in_its_folder(tmp_path, name):
    with pytest.raises(TwinnetError, match="no name of a file"):
        load_finder(tmp_path, name)


def test_other_files_than_dlib_s_are_refused(dlib_files, tmp_path):
    for path in dlib_files.glob("*.dat"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / LANDMARKS_DAT).write_bytes(b"other")
    with pytest.raises(TwinnetError, match=f"{LANDMARKS_DAT}: not dlib's file"):
        DlibFaceFinder.read(tmp_path)


@pytest.mark.parametrize("options", [{"crop": "none"}, {"min_face": 2}, {"std": (1, 0, 1)}, {"mean": (0.5,)}])
def test_arguments_have_to_mean_something(options):
    with pytest.raises(TwinnetError):
        FacePreprocess(**options)


def test_a_network_that_is_no_face_detector_is_refused(data):
    from twinnet.verification.face.yunet import YuNetFaceFinder

    other = sorted(path for path in (data / "models").glob("*.onnx") if "yunet" not in path.name)
    for path in other:
        with pytest.raises(TwinnetError, match="OpenCV cannot read it as YuNet"):
            YuNetFaceFinder(path)
    assert other


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    from twinnet.backbones.mobilefacenet import MobileFaceNetBackbone

    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pt")
    (tmp_path / "text.pt").write_text("no weights")
    for path in ("other.pt", "text.pt", "missing.pt"):
        with pytest.raises(TwinnetError, match="cannot be read as weights of a MobileFaceNet"):
            MobileFaceNetBackbone(str(tmp_path / path))
