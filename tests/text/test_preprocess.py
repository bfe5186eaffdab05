from __future__ import annotations

import numpy as np
import pytest

from twinnet import TwinnetError
from twinnet.text.folding import folded, trivially_equal
from twinnet.text.preprocess import TextPreprocess


@pytest.fixture
def preprocess(tokenizer_json):
    return TextPreprocess(max_length=8, tokenizer=tokenizer_json, prompts={"query": "query: "})


def ids(preprocess, item):
    return preprocess.prepare([item])[0].data.tolist()


def test_words_and_ids_are_taken_as_they_are(preprocess):
    sentence = "the cat sits on a mat"
    assert ids(preprocess, sentence.split()) == ids(preprocess, sentence)
    own = ids(preprocess, sentence)
    assert ids(preprocess, own) == ids(preprocess, np.array(own)) == own


def test_a_prompt_is_put_before_strings_only(preprocess):
    prompted = preprocess.vary(prompt="query")
    for item in (["a", "cat"], [5, 6]):
        with pytest.raises(TwinnetError, match="item 1: .* which the prompt is put before"):
            prompted.prepare(["a cat", item])


@pytest.mark.parametrize("item", [["a\ud800"], [["a"], ["b", "c"]], np.ones(4, np.uint8), np.ones((2, 3), np.int64)])
def test_words_and_ids_that_are_none_are_refused(preprocess, item):
    with pytest.raises(TwinnetError, match="item 1: "):
        preprocess.prepare(["a cat", item])


def test_what_is_too_long_is_cut_and_counted(preprocess):
    (short, long, tokens) = preprocess.prepare(["a cat", "cat " * 20, list(range(5, 25))])
    assert (short.cost, short.lost) == (4, 0)
    assert (long.cost, long.lost) == (8, 20 - 6)
    assert (tokens.cost, tokens.lost) == (8, 12)
    unlimited = TextPreprocess(max_length=None, tokenizer=preprocess.tokenizer_source)
    assert unlimited.prepare(["cat " * 20])[0].cost == 22


@pytest.mark.parametrize("length", [0, -1, "x", 2.5, 1])
def test_a_length_is_a_positive_number(preprocess, length):
    with pytest.raises(TwinnetError, match="max_length"):
        preprocess.vary(max_length=length)


def test_a_batch_is_padded_only_where_it_must_be(preprocess):
    even = preprocess.collate(preprocess.prepare(["a cat", "a dog"]))
    assert set(even) == {"input_ids"}
    uneven = preprocess.collate(preprocess.prepare(["a cat", "a big red dog"]))
    assert uneven["input_ids"].tolist()[0][4:] == [0, 0]
    assert uneven["attention_mask"].tolist() == [[1, 1, 1, 1, 0, 0], [1] * 6]


def test_prompts_by_name_by_text_and_by_default(preprocess, tokenizer_json):
    plain = ids(preprocess, "query: a cat")
    assert ids(preprocess.vary(prompt="query"), "a cat") == plain
    assert ids(preprocess.vary(prompt="query: "), "a cat") == plain
    default = TextPreprocess(
        max_length=8, tokenizer=tokenizer_json, prompts={"query": "query: "}, default_prompt="query"
    )
    assert ids(default, "a cat") == plain
    assert ids(default.vary(prompt=""), "a cat") == ids(preprocess, "a cat")
    assert ids(preprocess, "a cat") != plain
    with pytest.raises(TwinnetError, match="prompt 5: expected a text"):
        preprocess.vary(prompt=5)


def test_the_length_of_a_prompt_counts_no_token_behind_it(preprocess):
    batch = preprocess.vary(prompt="query").collate(preprocess.vary(prompt="query").prepare(["a cat"]))
    assert int(batch["prefix"]) == 3  # [CLS] query :


def test_a_varied_length_leaves_the_original_alone(preprocess):
    assert len(ids(preprocess.vary(max_length=4), "cat " * 9)) == 4
    assert len(ids(preprocess, "cat " * 9)) == 8


def test_lower_case_is_added_once(tokenizer_json):
    import json

    cased = json.loads(tokenizer_json)
    cased["normalizer"]["lowercase"] = False
    keeps = TextPreprocess(tokenizer=json.dumps(cased))
    lowers = TextPreprocess(tokenizer=json.dumps(cased), lowercase=True)
    assert ids(keeps, "THE CAT") != ids(keeps, "the cat")
    assert ids(lowers, "THE CAT") == ids(keeps, "the cat")


def test_saved_and_loaded_is_the_same(preprocess, tmp_path):
    preprocess.save(tmp_path)
    again = TextPreprocess.load(tmp_path, preprocess.config)
    assert again.fingerprint() == preprocess.fingerprint()
    assert TextPreprocess(max_length=9, tokenizer=preprocess.tokenizer_source).fingerprint() != again.fingerprint()


def test_a_fixed_length_pads_and_masks_nothing(tokenizer_json):
    fixed = TextPreprocess(max_length=6, pad_id=7, fixed_length=True, tokenizer=tokenizer_json)
    prepared = fixed.prepare(["the cat", "", "the cat sits on the mat in the park", ["the", "dog"], [5, 6, 7]])
    batch = fixed.collate(prepared)
    assert batch["input_ids"].shape == (5, 6)
    assert batch.keys() == {"input_ids"}
    assert ids(fixed, "the cat") == [*ids(TextPreprocess(tokenizer=tokenizer_json), "the cat"), 7, 7]
    assert [item.lost > 0 for item in prepared] == [False, False, True, False, False]
    with pytest.raises(TwinnetError, match="max_length"):
        TextPreprocess(max_length=None, fixed_length=True, tokenizer=tokenizer_json)


def test_errors_name_the_way_out(tokenizer_json):
    with pytest.raises(TwinnetError, match="'qeury'.*'query'"):
        TextPreprocess(tokenizer=tokenizer_json, prompts={"query": "q"}, default_prompt="qeury")
    with pytest.raises(TwinnetError, match=r"tokenizer\.json"):
        TextPreprocess(tokenizer="{}")


def test_trivially_equal_texts():
    texts = ["A cat!", "a  CAT", "a dog", "Straße", "STRASSE.", ""]
    skip = trivially_equal(texts)
    i, j = np.triu_indices(len(texts), 1)
    expected = [folded(texts[a]) == folded(texts[b]) for a, b in zip(i, j, strict=True)]
    assert skip(i, j).tolist() == expected
    assert sum(expected) == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("दिन", "दान", False),
        ("cafe\u0301", "café", True),
        ("café", "cafe", False),
        ("C", "C++", False),
        ("3 < 4", "3 > 4", False),
        ("No. 5 — it's", "no 5 it’s", True),
    ],
)
def test_letters_marks_numbers_and_symbols_tell_texts_apart(one, other, same):
    assert (folded(one) == folded(other)) is same
