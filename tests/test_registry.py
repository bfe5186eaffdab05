from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from tests.plugin_packages import run, twinnet
from twinnet import TwinnetError, load
from twinnet.distances import Dot
from twinnet.errors import unknown_name
from twinnet.registry import ALL, Registry, distances, heads, losses

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
        function = os.path:join

        [twinnet.losses]
        quits = toy_quits:Loss

        [twinnet.models]
        toy-model = toy_models:MODEL
        tracker = toy_models:MODEL
        text = toy_models:TEXT
        lost = toy_models:MISSING
        """,
    "toy_quits.py": "print('on standard output')\nraise SystemExit('no licence')",
    "toy_models.py": """
        print("on standard output")
        from twinnet.models import Model
        from twinnet.models.sources import PackageData

        MODEL = Model("toy-model", "image", 8, "MIT", (PackageData("toy", "weights", "toy"),))
        TEXT = "toy-model"
        """,
    "rival-3.dist-info/METADATA": "Metadata-Version: 2.1\nName: rival\nVersion: 3\n",
    "rival-3.dist-info/entry_points.txt": """
        [twinnet.distances]
        chebyshev-too = toy:Chebyshev
        contested = rival:Thing
        """,
    "other-4.dist-info/METADATA": "Metadata-Version: 2.1\nName: other\nVersion: 4\n",
    "other-4.dist-info/entry_points.txt": """
        [twinnet.distances]
        contested = other:Thing
        """,
}

PROBLEMS = [
    "distance 'broken' of package toy 1.2 cannot be imported (ModuleNotFoundError: No module named "
    "'toy_that_is_missing'): reinstall or remove that package",
    "distance 'contested' is claimed by other 4 and rival 3: uninstall one of them",
    "distance 'cosine' is claimed by toy 1.2 and twinnet 0.1.0: uninstall toy 1.2, or let it choose another name",
    "distance 'function' of package toy 1.2 is no class of a distance",
    "loss 'quits' of package toy 1.2 cannot be imported (SystemExit: no licence)",
    "model 'lost' of package toy 1.2 cannot be imported (AttributeError",
    "model 'text' of package toy 1.2 is no twinnet.models.Model of that name: 'toy-model'",
    "model 'tracker' is claimed by toy 1.2 and twinnet 0.1.0: uninstall toy 1.2, or let it choose another name",
]

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
distances.create("dot")
for name in ("tracker", "text"):
    try:
        load(name)
    except ValueError as error:
        print("load", name, "->", error)
try:
    load("toy-model")
except ValueError as error:
    print("load toy-model ->", error)
"""


@pytest.fixture
def site(tmp_path):
    """A folder as pip leaves it behind after installing a plugin."""
    for name, content in PLUGIN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(content).strip() + "\n")
    return tmp_path


def test_an_installed_plugin_is_used_by_name_and_its_faults_name_the_package(site):
    done = run([sys.executable, "-c", USE], site, cwd=site)
    assert done.returncode == 0, done.stderr
    for name in ("cosine", "broken"):
        (problem,) = (problem for problem in PROBLEMS if f"'{name}'" in problem)
        assert f"{name} -> {problem}" in done.stdout
    assert "load tracker -> model 'tracker' is claimed by toy 1.2 and twinnet 0.1.0" in done.stdout
    assert "load text -> model 'text' of package toy 1.2 is no twinnet.models.Model" in done.stdout
    assert "load toy-model -> " in done.stdout
    with pytest.raises(TwinnetError, match=r"saved: the network has parts of toy 1\.2: install that first"):
        load(site / "saved")


def test_the_listings_name_faults_and_show_the_rest(site):
    done = twinnet(site, "plugins", "--json")
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert {"chebyshev", "cosine", "dot", "toy-projection"} <= {plugin["name"] for plugin in listed["plugins"]}
    for found, expected in zip(sorted(listed["problems"]), PROBLEMS, strict=True):
        assert found.startswith(expected)
        assert f"twinnet: {found}\n" in done.stderr
    done = twinnet(site, "models", "--json")
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert {"toy-model", "tracker", "all-MiniLM-L6-v2"} <= {model["name"] for model in listed["models"]}
    assert not {"text", "lost"} & {model["name"] for model in listed["models"]}
    assert len(listed["problems"]) == 3


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
    with pytest.raises(TwinnetError, match=r"@losses\.register"):
        losses.name_of(object())


def test_arguments_that_do_not_fit_name_the_component():
    with pytest.raises(TwinnetError, match="'mahalanobis'.*dim"):
        distances.create("mahalanobis")
    with pytest.raises(TwinnetError, match="head 'dense'"):
        heads.create({"name": "dense", "in_features": 4, "out_features": -1})


@pytest.mark.parametrize("spec", [5, {"name": 5}, {"dim": 5}, None, ["cosine"]])
def test_what_is_no_spec_is_refused(spec):
    with pytest.raises(TwinnetError, match="distance .*expected a name"):
        distances.create_with(spec)
    with pytest.raises(TwinnetError, match="distance .*expected a name"):
        distances.create(spec)


def test_of_many_names_some_are_listed():
    assert len(str(unknown_name("thing", "#", map(str, range(1000))))) < 200
    assert "and 970 more" in str(unknown_name("thing", "#", map(str, range(1000))))


def test_all_of_twinnets_own_names_load():
    for registry in ALL:
        for name in registry.names():
            assert registry.get(name) is not None
    assert np.isin(["cosine", "dot", "euclidean", "hamming", "mahalanobis"], distances.names()).all()


class Named(Dot):
    def __init__(self, name="twice"):
        super().__init__()


class Several(Dot):
    def __init__(self, *factors):
        super().__init__()


@pytest.mark.parametrize(("kind", "argument"), [(Named, "name"), (Several, r"\*factors")])
def test_arguments_that_a_saved_network_cannot_hold_are_refused(kind, argument):
    local = Registry("distance")
    local.register("mine")(kind)
    with pytest.raises(TwinnetError, match=f"its argument {argument}"):
        local.spec_of(kind("thrice"))
