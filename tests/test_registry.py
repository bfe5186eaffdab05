from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from twinnet import TwinnetError
from twinnet.distances import Dot
from twinnet.registry import ALL, Registry, distances

PLUGIN = {
    "toy.py": """
        import torch
        from torch import nn
        from twinnet.backbones import Backbone
        from twinnet.distances import Distance
        from twinnet.features import Features

        class Projection(Backbone):
            def __init__(self, width=8):
                super().__init__()
                self.width = width
                self.layer = nn.Linear(3 * 16 * 16, width)

            def forward(self, batch):
                return Features(self.layer(batch["pixels"].flatten(1)))

            def default_preprocess(self):
                return {"name": "image", "size": [16, 16]}

        class Chebyshev(Distance):
            def __init__(self):
                super().__init__()

            def pairwise(self, a, b):
                return (a - b).abs().amax(1)

            def matrix(self, a, b):
                return torch.cdist(a, b, p=float("inf"))
        """,
    "toy-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: toy\nVersion: 1.2\n",
    "toy-1.2.dist-info/entry_points.txt": """
        [twinnet.backbones]
        toy-projection = toy:Projection

        [twinnet.distances]
        chebyshev = toy:Chebyshev
        cosine = toy:Chebyshev
        broken = toy_that_is_missing:Thing
        """,
}

USE = """
import numpy as np
from twinnet import TwinNetwork, load
from twinnet.registry import distances

network = TwinNetwork("toy-projection", distance="chebyshev")
pictures = list(np.random.default_rng(0).integers(0, 255, (4, 20, 20, 3), dtype=np.uint8))
embeddings = network.encode(pictures)
expected = -np.abs(embeddings[:, None] - embeddings[None]).max(-1)
np.testing.assert_allclose(network.similarity(pictures, embeddings), expected, atol=1e-5)
again = load(network.save("saved"))
assert (again.encode(pictures) == embeddings).all()
for name in ("cosine", "broken"):
    try:
        distances.create(name)
    except ValueError as error:
        print(name, "->", error)
print([entry for entry in distances.entries() if entry.origin == "toy 1.2"])
distances.create("dot")
"""


@pytest.fixture
def site(tmp_path):
    """A folder as pip leaves it behind after installing a plugin."""
    for name, content in PLUGIN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(content).strip() + "\n")
    return tmp_path


def test_an_installed_plugin_is_used_by_name_and_clashes_name_the_packages(site):
    program = f"import sys; sys.path.insert(0, {str(site)!r})\n" + USE
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=site, check=False)
    assert done.returncode == 0, done.stderr
    assert "cosine -> distance 'cosine' is claimed by toy 1.2 and twinnet" in done.stdout
    assert "broken -> distance 'broken' of package toy 1.2 cannot be imported" in done.stdout
    assert "toy_that_is_missing" in done.stdout
    assert "chebyshev" in done.stdout


def test_looking_one_name_up_imports_nothing_else():
    program = """
import sys
from twinnet.registry import backbones
backbones.names(), backbones.entries()
assert "torch" not in sys.modules
backbones.get("timm")
assert "timm" not in sys.modules and "transformers" not in sys.modules, sorted(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_running_program_registers_by_decorator(text_network):
    local = Registry("distance")

    @local.register("twice")
    class Twice(Dot):
        def matrix(self, a, b):
            return 2 * super().matrix(a, b)

    assert local.name_of(local.create("twice")) == "twice"
    assert [entry.origin for entry in local.entries() if entry.name == "twice"] == ["this program"]
    with pytest.raises(TwinnetError, match="'cosine' is registered already"):
        local.register("cosine")(Twice)


def test_what_is_not_registered_cannot_be_saved(text_network, tmp_path):
    class Nameless(Dot):
        pass

    text_network.distance = Nameless()
    with pytest.raises(TwinnetError, match=r"Nameless has no registered name.*@distances\.register"):
        text_network.save(tmp_path / "net")
    assert not list(tmp_path.iterdir())


def test_arguments_that_do_not_fit_name_the_component():
    with pytest.raises(TwinnetError, match="'mahalanobis'.*dim"):
        distances.create("mahalanobis")


def test_all_of_twinnets_own_names_load():
    for registry in ALL:
        for name in registry.names():
            assert registry.get(name) is not None
    assert np.isin(["cosine", "dot", "euclidean", "hamming", "mahalanobis"], distances.names()).all()
