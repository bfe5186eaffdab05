"""`twinnet models` and `twinnet plugins`."""

from __future__ import annotations


def test_models(run, lines):
    models = {model["name"]: model for model in run("models")["models"]}
    assert models["all-MiniLM-L6-v2"]["dim"] == 384
    assert len(models["all-MiniLM-L6-v2"]["sha256"]) == 64
    assert models["bert-base-nli-mean-tokens"]["source"] == "hub sentence-transformers/bert-base-nli-mean-tokens"
    for model in models.values():
        assert set(model) == {"name", "task", "dim", "licence", "available", "source", "sha256", "fidelity"}
    assert [line.split()[0] for line in lines("models")] == ["name", *models]


def test_plugins(run, lines):
    plugins = run("plugins")["plugins"]
    cosine = {"kind": "distance", "name": "cosine", "target": "twinnet.distances.similarity:Cosine"}
    assert any(cosine.items() <= plugin.items() for plugin in plugins)
    assert {plugin["kind"] for plugin in plugins} >= {"preprocess", "backbone", "head", "distance", "loss", "index"}
    assert all(plugin["origin"].startswith("twinnet ") for plugin in plugins if plugin["target"].startswith("twinnet."))
    assert len(lines("plugins")) == len(plugins) + 1
