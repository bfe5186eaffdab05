"""Choices stand in the command line once more, because its help must not import the library."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import get_args

import pytest

from twinnet import acceleration
from twinnet.cli import options, track
from twinnet.cli.train.settings import add_settings
from twinnet.data.formats import PARSERS
from twinnet.operating_point import Rule
from twinnet.tracking import peers, tables
from twinnet.training import config
from twinnet.video import writer


def test_choices_are_those_of_the_library():
    assert options.PRECISIONS == acceleration.PRECISIONS
    assert tuple(PARSERS) == options.FORMATS
    assert get_args(Rule) == options.RULES
    assert track.FORMATS == tables.FORMATS
    assert peers.PEERS == options.PEERS
    assert tuple(writer.CODECS) == options.VIDEOS


@pytest.mark.parametrize(
    ("option", "known"),
    [
        ("--optimizer", config.OPTIMIZERS),
        ("--schedule", tuple(config.SCHEDULES)),
        ("--precision", config.PRECISIONS),
    ],
)
def test_choices_of_training_are_those_of_the_trainer(option, known):
    parser = ArgumentParser()
    add_settings(parser, loss="infonce")
    (choices,) = [action.choices for action in parser._actions if option in action.option_strings]
    assert sorted(choices) == sorted(known)
