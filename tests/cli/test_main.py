from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from twinnet.cli.main import COMMANDS, main

TWINNET = [sys.executable, "-m", "twinnet"]
HEAVY = {"torch", "numpy", "transformers", "sklearn", "scipy", "pyarrow", "matplotlib", "tqdm"}


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name, summary in COMMANDS.items():
        assert f"{name} {summary}" in shown


def test_every_command_is_a_module():
    folder = Path(sys.modules["twinnet.cli.main"].__file__).parent
    shared = {"__init__", "__pycache__", "corpus", "items", "main", "options", "output"}
    modules = {path.stem for path in folder.iterdir()} - shared
    assert sorted(name.replace("-", "_") for name in COMMANDS) == sorted(modules)


@pytest.mark.parametrize("command", [[name] for name in COMMANDS] + [["train", "nli"], ["eval", "sts"]])
def test_help_of_a_command_imports_nothing_heavy(command):
    program = (
        f"import sys; from twinnet.cli.main import main\ntry: main([*{command}, '--help'])\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"usage: twinnet {' '.join(command)}")
    assert not {name.partition(".")[0] for name in done.stderr.split()} & HEAVY


@pytest.mark.parametrize("task", ["sts", "nli", "pairs", "triplets"])
def test_help_of_training_says_what_the_columns_are(task, capsys):
    columns = {
        "sts": "score (0 to 5), s1, s2",
        "nli": "label, premise, hypothesis",
        "pairs": "anchor, positive",
        "triplets": "anchor, positive, negative",
    }
    with pytest.raises(SystemExit, match="0"):
        main(["train", task, "--help"])
    assert f"DATA has the columns {columns[task]}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "arguments",
    [[], ["pair"], ["pairs"], ["pairs", "a.txt", "--top", "0"], ["pairs", "a.txt", "--topp", "3"], ["train", "stss"]],
)
def test_a_wrong_command_line_is_bad_input(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "twinnet" in capsys.readouterr().err


def test_an_output_that_is_full_is_reported():
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*TWINNET, "plugins"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "twinnet: error: the output: No space left on device\n"


def test_a_reader_that_goes_away_is_no_error():
    with subprocess.Popen([*TWINNET, "plugins"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


INTERRUPT_AT_WORK = """
import os, signal, sys, threading, time
from twinnet.cli.main import main

def interrupt():
    while not any(thread.name.startswith(sys.argv[1]) for thread in threading.enumerate()):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

# A shell that starts the tests in the background makes them, and so this program, deaf to the signal.
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=interrupt, daemon=True).start()
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def interrupted():
    """Runs a command and interrupts it as soon as its worker thread has begun."""

    def interrupted(thread, *command):
        command = [sys.executable, "-c", INTERRUPT_AT_WORK, thread, *command]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "twinnet: interrupted\n")

    return interrupted


def test_an_interrupted_encode_leaves_nothing(interrupted, model, write, tmp_path):
    corpus = write("long.txt", *(f"the cat number {i} sits on the mat" for i in range(50_000)))
    (tmp_path / "out").mkdir()
    interrupted("twinnet-prepare", "encode", corpus, "--out", tmp_path / "out" / "embeddings.npy", "--model", model)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_interrupted_training_leaves_only_its_log(interrupted, model, write, tmp_path):
    data = write("pairs.tsv", "anchor,positive", *(f"the cat number {i},cat {i}" for i in range(20_000)))
    interrupted("twinnet-batch", "train", "pairs", data, "--model", model, "--out", tmp_path / "out" / "trained")
    left = sorted(path.name for path in (tmp_path / "out").rglob("*"))
    assert left == [".lock", "log.jsonl", "trained.training"]
