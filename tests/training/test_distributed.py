"""Two processes against one, really started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest
import torch

from twinnet import TwinNetwork
from twinnet.training import Trainer, TrainingConfig

SCRIPT = textwrap.dedent(
    """
    import argparse, json, os, sys
    from twinnet import TwinNetwork
    from twinnet.cli.train.settings import show_figures
    from twinnet.data.examples import Examples
    from twinnet.supervision import Supervision
    from twinnet.training import Trainer, TrainingConfig

    start, data, out, resume, layers = sys.argv[1:]
    columns = json.load(open(data))
    examples = Examples(columns, None, Supervision.PAIRS)
    config = TrainingConfig(
        out=out, epochs=2, batch_size=8, learning_rate=1e-3, checkpoint_every=3, **json.loads(layers)
    )
    result = Trainer(TwinNetwork.load(start), "infonce", examples, config).run(resume=resume == "resume")
    with open(f"{out}.losses-{os.environ['RANK']}", "w") as file:
        json.dump(result.losses, file)
    show_figures(argparse.Namespace(json=True), {"steps": len(result.losses)})
    """
)


def run_two(tmp_path, *arguments):
    (tmp_path / "train.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0",
               "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0"]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run([*command, tmp_path / "train.py", *arguments], capture_output=True, text=True,
                          env=environment, timeout=300, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["steps"] > 0  # only one of them speaks
    return [json.loads((tmp_path / f"two.losses-{rank}").read_text()) for rank in (0, 1)]


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
def test_two_processes_have_the_objective_of_one_with_the_joined_batch(make_text_network, scored, tmp_path):
    from twinnet.data.examples import Examples
    from twinnet.supervision import Supervision

    start = make_text_network().save(tmp_path / "start")
    columns = [list(column)[:37] for column in scored.columns]  # the last batch has 5 rows: 3 and 2
    (tmp_path / "data.json").write_text(json.dumps(columns))
    one = TwinNetwork.load(start)
    pairs = Examples(columns, None, Supervision.PAIRS)
    layers = {"layer_decay": 0.5, "unfreeze_every": 2}
    config = TrainingConfig(epochs=2, batch_size=8, learning_rate=1e-3, **layers)
    expected = Trainer(one, "infonce", pairs, config).run().losses
    first, second = run_two(tmp_path, start, tmp_path / "data.json", tmp_path / "two", "new", json.dumps(layers))
    assert first == second
    assert first == pytest.approx(expected, abs=1e-4)
    trained = TwinNetwork.load(tmp_path / "two")
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(trained.state_dict()[name], tensor, atol=5e-4, rtol=0)
