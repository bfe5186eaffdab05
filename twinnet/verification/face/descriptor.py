"""dlib's face descriptor network, from its .dat file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from twinnet.backbones.dlib_face import DlibFaceBackbone
from twinnet.errors import TwinnetError
from twinnet.verification.face.dlib_network import read_network


def read_descriptor(path: Path) -> DlibFaceBackbone:
    """Read `dlib_face_recognition_resnet_model_v1.dat`.

    Raises:
        TwinnetError: If the file is damaged or holds another network.
    """
    network = read_network(path)
    backbone = DlibFaceBackbone()
    convolutions = [(layer.weight, layer.bias) for layer in network.convolutions()]
    tensors = [torch.tensor(values) for pair in convolutions for values in pair]
    if network.layers[-1].name == "fc":
        tensors.append(torch.tensor(network.layers[-1].weight.T))
    wanted = backbone.state_dict()
    if [tuple(t.shape) for t in tensors] != [tuple(t.shape) for t in wanted.values()]:
        raise TwinnetError(f"{path}: a network of {len(convolutions)} convolutions that is not dlib's face descriptor")
    weights: dict[str, Tensor] = dict(zip(wanted, tensors, strict=True))
    backbone.load_state_dict(weights)
    return backbone.eval()
