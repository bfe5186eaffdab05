from __future__ import annotations

import sys

from twinnet.data.docstrings import docstring_sentences, sentences_of

DOCSTRING = """Compute the mean of an array along an axis.

The result is the same as that of :func:`mean`, but it uses ``less`` memory. It is
also `much faster <https://example.org>`_ on large arrays!

Args:
    array: The array that is averaged here.

Parameters
----------
axis : int
    The axis along which to average.

>>> This prompt is a code line.
3

.. note:: This is a directive with some words.

- This is the first item of a list.

Example::

    This is an indented block of code.

Too short. THIS IS SHOUTING AT THE READER. See foo(bar) for more about the call.
"""


def test_only_prose_is_taken():
    assert sentences_of(DOCSTRING) == [
        "Compute the mean of an array along an axis.",
        "The result is the same as that of mean, but it uses less memory.",
        "It is also much faster on large arrays!",
    ]


def test_installed_packages_hold_many_sentences():
    before = set(sys.modules)
    sentences = docstring_sentences(3_000)
    assert len(sentences) == 3_000
    assert len({" ".join(sentence.casefold().split()) for sentence in sentences}) == 3_000
    assert all(4 <= len(sentence.split()) <= 40 and sentence[-1] in ".!?" for sentence in sentences)
    assert sentences[:500] == docstring_sentences(500)
    assert not {name for name in set(sys.modules) - before if name.startswith(("pandas", "sympy", "networkx"))}
