import numpy as np
import pytest
import torch
from PIL import Image

from tests.verification.signature.conftest import draw, scribble
from twinnet import TwinNetwork
from twinnet.errors import ItemError, TwinnetError
from twinnet.registry import preprocesses
from twinnet.verification.signature.ink import find_ink
from twinnet.verification.signature.preprocess import SignaturePreprocess


@pytest.mark.parametrize(("recipe", "size"), [("fitted", (64, 128)), ("hafemann", (150, 220)), ("dey", (155, 220))])
def test_recipes_by_name(recipe, size, signature):
    preprocess = preprocesses.create(f"signature/{recipe}")
    batch = preprocess.collate(preprocess.prepare([signature, signature]))
    assert batch["pixels"].shape == (2, 1, *size)
    assert batch["pixels"].max() > 0.5
    assert batch["pixels"].min() == 0


def test_a_path_a_picture_and_its_ink_are_the_same(tmp_path, signature):
    Image.fromarray(signature).save(tmp_path / "a.png")
    items = [tmp_path / "a.png", signature, Image.fromarray(signature), find_ink(signature)]
    preprocess = SignaturePreprocess()
    first, *others = preprocess.prepare(items)
    for other in others:
        assert np.array_equal(first.data, other.data)
    assert all(preprocess.is_single(item) for item in items)


@pytest.mark.parametrize(
    ("item", "reason"),
    [(np.full((200, 300, 3), 240, np.uint8), "blank page"), (draw([[(10, 10), (25, 20)]], 40, 40), "too small")],
)
def test_pictures_without_ground_for_a_verdict(item, reason, signature):
    with pytest.raises(ItemError) as error:
        SignaturePreprocess().prepare([signature, item])
    assert error.value.position == 1
    assert error.value.reason == reason


def test_training_varies_the_ink_as_the_seed_says(signature):
    plain, varied = SignaturePreprocess(), SignaturePreprocess(augment=True)
    assert np.array_equal(plain.prepare_for_training([signature], [1])[0].data, plain.prepare([signature])[0].data)
    a, b, c = (varied.prepare_for_training([signature], [seed])[0].data for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert np.array_equal(varied.prepare([signature])[0].data, plain.prepare([signature])[0].data)


def test_unknown_options_are_refused():
    with pytest.raises(TwinnetError, match="sizes"):
        SignaturePreprocess("fitted", sizes=(3, 3))


def test_a_network_with_a_recipe_is_saved_and_read_again(tmp_path):
    network = TwinNetwork("codebook", "normalize", preprocess={"name": "signature/hafemann", "canvas": [240, 480]})
    items = [draw(scribble(seed)) for seed in range(3)]
    network.save(tmp_path / "network")
    again = TwinNetwork.load(tmp_path / "network")
    assert again.tower.preprocess.recipe.canvas == (240, 480)
    assert torch.equal(torch.from_numpy(network.encode(items)), torch.from_numpy(again.encode(items)))
