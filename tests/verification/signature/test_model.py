import json

import cv2
import numpy as np
import pytest
from PIL import Image

import twinnet
from tests.verification.signature.conftest import draw, scribble
from twinnet.cli.main import main
from twinnet.models.catalogue import catalogue


@pytest.fixture(scope="module")
def network():
    return twinnet.load("signature")


def again(seed, time, strokes=4):
    """The same strokes once more, drawn a little differently."""
    rng = np.random.default_rng([seed, time])
    return draw([stroke + rng.normal(0, 1.5, 2) for stroke in scribble(seed, strokes)])


def test_is_in_the_catalogue_and_comes_with_the_package():
    (model,) = [model for model in catalogue() if model.name == "signature"]
    assert model.available()
    card = (model.source().fetch() / "MODEL_CARD.md").read_text(encoding="utf-8")
    for word in ("Licence", "Data", "Protocol", "forensic"):
        assert word in card


@pytest.mark.parametrize("references", [1, 2, 3, 4, 5])
def test_the_same_strokes_and_other_ones(network, references):
    known = [again(0, time) for time in range(references)]
    arguments = {"other": known[0]} if references == 1 else {"references": known}
    same, other = network.verify(again(0, 99), **arguments), network.verify(again(7, 0, strokes=8), **arguments)
    assert same.match is True
    assert other.match is False
    assert same.probability > 0.5 > other.probability


def test_a_photograph_on_ruled_paper_is_the_same(network):
    page = again(0, 1).astype(float)
    page[20::30] *= 0.75
    page *= np.linspace(0.5, 1, page.shape[1])[None, :, None]
    assert network.verify(page.astype(np.uint8), again(0, 2)).match is True


def test_resolution_does_not_matter(network):
    page = again(0, 1)
    large = cv2.resize(page, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    assert network.score(page, large) > network.operating_point.threshold


def test_a_blank_page_gives_no_verdict(network, tmp_path, capsys):
    Image.fromarray(again(0, 0)).save(tmp_path / "a.png")
    Image.fromarray(again(0, 1)).save(tmp_path / "b.png")
    Image.new("RGB", (300, 200), "white").save(tmp_path / "blank.png")
    verify = ["verify", "--task", "signature", "--json"]
    assert main([*verify, str(tmp_path / "a.png"), str(tmp_path / "b.png")]) == 0
    assert json.loads(capsys.readouterr().out)["match"] is True
    assert main([*verify, str(tmp_path / "blank.png"), str(tmp_path / "b.png")]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert (answer["match"], answer["reason"]) == (None, "blank page")
    (tmp_path / "blank.png").unlink()
    assert main(["encode", str(tmp_path), "--model", "signature", "--out", str(tmp_path / "rows.npy")]) == 0
    assert len(np.load(tmp_path / "rows.npy")) == 2
