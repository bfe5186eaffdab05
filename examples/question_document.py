"""A question side and a document side with heads of their own, beside one head for both, on the Cranfield collection.

python examples/question_document.py CRANFIELD [--folds N] [--epochs N] [--out FOLDER]

all-MiniLM-L6-v2 stays frozen and embeds everything once. Behind it a residual linear layer is trained, which changes
nothing at first: one for both sides, one for each, or one for the questions alone, so that documents keep their
embeddings. It learns from judged answers and from the documents' titles, each with a document that is found too early.
The questions are cross-validated: one fold to report, one to choose the epoch, the others to learn from.
"""

import argparse
from pathlib import Path

import numpy as np
from torch import nn

import twinnet
from twinnet import Tower, TwinNetwork
from twinnet.data.cranfield import read_cranfield
from twinnet.data.examples import Examples
from twinnet.data.samplers import DistinctBatches
from twinnet.evaluation.comparison import mean_difference
from twinnet.evaluation.retrieval import per_query
from twinnet.heads import Dense
from twinnet.supervision import Supervision
from twinnet.training import Trainer, TrainingConfig

EARLY = 30  # among so many documents a wrong one is found too early
ANSWERS = 16  # learned from for each question, the best ones
PROMPT = "question: "
KINDS = ("one head", "two heads", "question head")
COMPARED = [(kind, "untrained") for kind in ("question prompt", *KINDS)] + [(kind, "one head") for kind in KINDS[1:]]


class Collection:
    """Documents and the questions that have an answer, with their embeddings."""

    def __init__(self, folder: Path, minilm: TwinNetwork) -> None:
        documents, questions, gains = read_cranfield(folder)
        asked = [name for name in questions if gains.get(name)]
        place = {name: row for row, name in enumerate(documents)}
        self.gains = [{place[name]: gain for name, gain in gains[question].items()} for question in asked]
        self.documents = minilm.encode(list(documents.values()))
        self.questions = minilm.encode([questions[name] for name in asked])
        self.prompted = minilm.encode([questions[name] for name in asked], prompt=PROMPT)
        parts = [text.partition(" . ")[::2] for text in documents.values()]  # the text begins with the title
        self.titles, self.abstracts = (minilm.encode(list(part)) for part in zip(*parts, strict=True))

    def found(self, network: TwinNetwork, rows: np.ndarray, *, prompted: bool = False) -> np.ndarray:
        """nDCG@10 of some questions."""
        questions = network.encode(list((self.prompted if prompted else self.questions)[rows]))
        _, ranking = twinnet.search(questions, network.encode(list(self.documents), side="right"), k=10)
        return per_query(ranking.tolist(), [self.gains[row] for row in rows], k=10)["ndcg@10"]

    def triplets(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[Examples, DistinctBatches]:
        """Questions with an answer, and titles with their abstract, each with a wrong one."""
        _, early = twinnet.search(self.questions, self.documents, k=EARLY)
        _, early_abstracts = twinnet.search(self.titles, self.abstracts, k=EARLY)
        rows_of_items, names = [], []
        for row in rows.tolist():
            wrong = [document for document in early[row] if document not in self.gains[row]]
            for answer in sorted(self.gains[row], key=self.gains[row].__getitem__, reverse=True)[:ANSWERS]:
                rows_of_items.append((self.questions[row], self.documents[answer], self.documents[rng.choice(wrong)]))
                names.append((f"question {row}", f"document {answer}"))
        for row, title in enumerate(self.titles):
            wrong = [abstract for abstract in early_abstracts[row] if abstract != row]
            rows_of_items.append((title, self.abstracts[row], self.abstracts[rng.choice(wrong)]))
            names.append((f"title {row}", f"abstract {row}"))
        examples = Examples(tuple(map(list, zip(*rows_of_items, strict=True))), None, Supervision.TRIPLETS)
        return examples, DistinctBatches(list(zip(*names, strict=True)), batch_size=64)


def unchanging(width: int) -> Dense:
    """A layer that adds nothing yet to what goes in."""
    layer = Dense(width, width, bias=False, residual=True)
    nn.init.zeros_(layer.linear.weight)
    return layer


def build(kind: str, width: int) -> TwinNetwork:
    vectors = {"name": "vectors", "width": width}
    others = {"one head": None, "two heads": Tower(vectors, unchanging(width)), "question head": Tower(vectors, [])}
    return TwinNetwork(vectors, unchanging(width), "cosine", other=others[kind])


def train(kind: str, data: Collection, learn: np.ndarray, choose: np.ndarray) -> TwinNetwork:
    examples, batches = data.triplets(learn, np.random.default_rng(0))
    network = build(kind, data.documents.shape[1])
    config = TrainingConfig(
        epochs=options.epochs, learning_rate=3e-4, weight_decay=0.0, schedule="constant", warmup=0.0
    )
    choice = {"evaluator": lambda net: {"ndcg": data.found(net, choose).mean()}, "metric": "ndcg"}
    Trainer(network, "infonce", examples, config, batches=batches, **choice).run()
    return network


def behind(minilm: TwinNetwork, trained: TwinNetwork) -> TwinNetwork:
    """The trained layers behind the network whose embeddings they were trained on."""
    text = minilm.tower
    question, document = ([*text.head, *trained.side(side).head] for side in ("left", "right"))
    other = Tower(text.backbone, document, text.preprocess)
    return TwinNetwork(text.backbone, question, "cosine", text.preprocess, other)


parser = argparse.ArgumentParser()
parser.add_argument("cranfield", type=Path)
parser.add_argument("--folds", type=int, default=5)
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--out", type=Path, help="a new folder for the network with two heads of the last fold")
options = parser.parse_args()

minilm = twinnet.load("all-MiniLM-L6-v2")
data = Collection(options.cranfield, minilm)
folds = np.array_split(np.random.default_rng(0).permutation(len(data.gains)), options.folds)
everything, untrained = np.arange(len(data.gains)), build("one head", data.documents.shape[1])
figures = {"untrained": data.found(untrained, everything)}
figures["question prompt"] = data.found(untrained, everything, prompted=True)
for kind in KINDS:
    figures[kind] = np.empty_like(figures["untrained"])
    for number, fold in enumerate(folds):
        choose = (number + 1) % len(folds)
        learn = np.concatenate([rows for i, rows in enumerate(folds) if i not in (number, choose)])
        network = train(kind, data, learn, folds[choose])
        figures[kind][fold] = data.found(network, fold)
    if kind == "two heads" and options.out:
        behind(minilm, network).save(options.out)
for kind, figure in figures.items():
    print(f"{kind}: nDCG@10 {figure.mean():.4f} on {len(figure)} questions")
for kind, peer in COMPARED:
    found = mean_difference(figures[kind], figures[peer])
    print(f"{kind} against {peer}: {found['value']:+.4f} ({found['low']:+.4f} to {found['high']:+.4f})")
