"""What is read from dlib's files does what dlib does with them."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twinnet import TwinnetError
from twinnet.verification.face.chips import TEMPLATES, chip
from twinnet.verification.face.descriptor import read_descriptor
from twinnet.verification.face.detector import FaceDetector
from twinnet.verification.face.dlib_finder import DETECTOR_DAT, LANDMARKS_DAT
from twinnet.verification.face.dlib_format import DlibStream
from twinnet.verification.face.landmarks import LandmarkPredictor
from twinnet.verification.face.loading import DESCRIPTOR_DAT
from twinnet.verification.face.preprocess import DLIB_MEAN, DLIB_STD


@pytest.fixture(scope="module")
def descriptor(dlib_files):
    return read_descriptor(dlib_files / DESCRIPTOR_DAT)


@pytest.fixture(scope="module")
def detector(dlib_files):
    return FaceDetector.read(dlib_files / DETECTOR_DAT)


@pytest.fixture(scope="module")
def landmarks(face_network):
    return face_network.tower.preprocess.finder.landmarks


def smooth_noise(rng, height, width):
    return cv2.resize(rng.integers(0, 256, (height // 10, width // 10, 3), dtype=np.uint8), (width, height))


def test_descriptors_are_dlibs(descriptor, dlib, dlib_files):
    rng = np.random.default_rng(0)
    chips = [smooth_noise(rng, 150, 150) for _ in range(3)] + [np.zeros((150, 150, 3), np.uint8)]
    oracle = dlib.face_recognition_model_v1(str(dlib_files / DESCRIPTOR_DAT))
    expected = np.array([oracle.compute_face_descriptor(chip) for chip in chips])
    pixels = torch.from_numpy(np.stack(chips)).permute(0, 3, 1, 2) / 255
    pixels = (pixels - torch.tensor(DLIB_MEAN).view(3, 1, 1)) / torch.tensor(DLIB_STD).view(3, 1, 1)
    with torch.inference_mode():
        found = descriptor({"pixels": pixels.float()}).values.numpy()
    assert np.linalg.norm(found - expected, axis=1).max() < 1e-5


def test_the_descriptor_can_be_trained(descriptor):
    descriptor({"pixels": torch.zeros(1, 3, 150, 150)}).values.sum().backward()
    assert all(weight.grad is not None for weight in descriptor.parameters())
    descriptor.zero_grad(set_to_none=True)


@pytest.mark.parametrize(("height", "width"), [(200, 331), (144, 176), (90, 60)])
def test_detections_are_dlibs(detector, dlib, dlib_files, carphone, height, width):
    oracle = dlib.cnn_face_detection_model_v1(str(dlib_files / DETECTOR_DAT))
    frame = np.ascontiguousarray(cv2.resize(carphone[0], (width, height)))
    expected = oracle(frame, 0)
    [(boxes, scores)] = detector.find(frame[None])
    assert len(boxes) == len(expected)
    for box, score, other in zip(boxes, scores, expected, strict=True):
        corners = [box[0], box[1], box[0] + box[2] - 1, box[1] + box[3] - 1]
        rect = other.rect
        assert np.allclose(corners, [rect.left(), rect.top(), rect.right(), rect.bottom()], atol=1)
        assert score == pytest.approx(other.confidence, abs=1e-4)


def test_a_batch_is_searched_as_its_pictures_are(detector, carphone):
    together = detector.find(np.stack(carphone))
    for frame, (boxes, scores) in zip(carphone, together, strict=True):
        [(alone, alone_scores)] = detector.find(frame[None])
        assert np.allclose(boxes, alone) and np.allclose(scores, alone_scores, atol=1e-4)


def test_landmarks_are_dlibs(landmarks, dlib, dlib_files, carphone):
    oracle = dlib.shape_predictor(str(dlib_files / LANDMARKS_DAT))
    rng = np.random.default_rng(1)
    for frame in [*carphone, smooth_noise(rng, 120, 160)]:
        for _ in range(4):
            # Boxes also beyond the borders of the picture.
            x, y, side = int(rng.integers(-30, 120)), int(rng.integers(-30, 90)), int(rng.integers(20, 120))
            parts = oracle(frame, dlib.rectangle(x, y, x + side - 1, y + side - 1)).parts()
            found = np.floor(landmarks(frame, (x, y, side, side)) + 0.5)
            assert found.tolist() == [[p.x, p.y] for p in parts]


@pytest.mark.parametrize("growth", [0.5, 1, 4])
def test_aligned_faces_are_dlibs(dlib, carphone, growth):
    rng = np.random.default_rng(2)
    frame = np.ascontiguousarray(cv2.resize(carphone[1], None, fx=growth, fy=growth))
    mean = np.array([[120, 40], [100, 42], [60, 40], [80, 42], [90, 75]])
    for _ in range(4):
        points = np.round((mean + rng.normal(0, 6, (5, 2))) * growth).astype(int)
        whole = dlib.rectangle(0, 0, frame.shape[1], frame.shape[0])
        face = dlib.full_object_detection(whole, [dlib.point(int(x), int(y)) for x, y in points])
        expected = dlib.get_face_chip(frame, face, 150, 0.25).astype(int)
        difference = np.abs(chip(frame, points, TEMPLATES["dlib"]["dlib"], 150) - expected)
        assert difference.max() <= 1 and (difference > 0).mean() < 0.01


@pytest.mark.parametrize("name", [DETECTOR_DAT, DESCRIPTOR_DAT, LANDMARKS_DAT])
@pytest.mark.parametrize("share", [0, 0.0001, 0.4, 0.9999])
def test_a_truncated_file_is_one_clear_error(dlib_files, tmp_path, name, share):
    content = (dlib_files / name).read_bytes()[:4_000_000]
    path = tmp_path / name
    path.write_bytes(content[: int(len(content) * share)])
    reader = {DETECTOR_DAT: FaceDetector.read, DESCRIPTOR_DAT: read_descriptor, LANDMARKS_DAT: LandmarkPredictor.read}
    with pytest.raises(TwinnetError, match=name):
        reader[name](path)


def test_a_file_that_is_another_network_is_refused(dlib_files):
    with pytest.raises(TwinnetError, match="not dlib's face descriptor"):
        read_descriptor(dlib_files / DETECTOR_DAT)
    with pytest.raises(TwinnetError, match="not dlib's face detector"):
        FaceDetector.read(dlib_files / DESCRIPTOR_DAT)
    with pytest.raises(TwinnetError, match="damaged"):
        LandmarkPredictor.read(dlib_files / DETECTOR_DAT)


@settings(max_examples=25, deadline=None)
@given(flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 255)), min_size=1, max_size=5))
def test_damage_never_ends_in_another_error(dlib_files, tmp_path_factory, flips):
    content = bytearray((dlib_files / DETECTOR_DAT).read_bytes())
    for place, change in flips:
        content[place if place < 300 else -place] ^= change
    path = tmp_path_factory.mktemp("damaged") / DETECTOR_DAT
    path.write_bytes(content)
    try:
        FaceDetector.read(path)  # a changed weight is still a weight
    except TwinnetError as error:
        assert DETECTOR_DAT in str(error)


def packed(value: int) -> bytes:
    """An integer as dlib writes it."""
    size = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.integers(-(2**62), 2**62)))
def test_integers(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("stream") / "integers"
    path.write_bytes(b"".join(map(packed, values)))
    one_by_one, together = DlibStream(path), DlibStream(path)
    assert [one_by_one.integer() for _ in values] == values
    assert together.integers(len(values)).tolist() == values
    together.finish()


def test_more_integers_than_are_found_together(tmp_path):
    rng = np.random.default_rng(0)
    values = [
        int(value) >> int(shift)
        for value, shift in zip(rng.integers(-(2**62), 2**62, 60_000), rng.integers(0, 62, 60_000), strict=True)
    ]
    path = tmp_path / "integers"
    path.write_bytes(b"".join(map(packed, values)))
    stream = DlibStream(path)
    assert stream.integers(45_000).tolist() == values[:45_000]
    assert stream.integers(15_000).tolist() == values[45_000:]
    stream.finish()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TwinnetError, match="damaged"):
        DlibStream(path).integers(60_000)


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_floats(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("stream") / "floats"
    numbers = []
    for value in values:
        bits = struct.unpack("<I", struct.pack("<f", value))[0]
        exponent, mantissa = (bits >> 23) & 0xFF, bits & 0x7FFFFF
        mantissa, exponent = (mantissa, -149) if exponent == 0 else (mantissa | 0x800000, exponent - 150)
        numbers += [-mantissa if bits >> 31 else mantissa, exponent]
    path.write_bytes(b"".join(map(packed, numbers)))
    assert DlibStream(path).floats(len(values)).tolist() == values
