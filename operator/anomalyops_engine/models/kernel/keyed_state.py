"""The state of many models as arrays, one row a model, found by key and grown as new keys appear."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt

_State = TypeVar("_State", bound=NamedTuple)
_Parameters = TypeVar("_Parameters")


class KeyedState(ABC, Generic[_State, _Parameters]):
    """Models of one kind, as a named tuple of arrays with room to grow.

    Attributes:
        parameters: What all of them have in common.
        keys: Each model's split values, in order of first appearance.
        state: Their state; the arrays may be longer than `keys`.
    """

    def __init__(self, parameters: _Parameters, *, room: int) -> None:
        self.parameters = parameters
        self.keys: list[tuple[str, ...]] = []
        self._index: dict[tuple[str, ...], int] = {}
        self.state = self._blank(room)

    @abstractmethod
    def _blank(self, n: int) -> _State:
        """The state of `n` models that have seen nothing."""

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, key: tuple[str, ...]) -> bool:
        return key in self._index

    def keep(self, rows: npt.NDArray[np.int64]) -> None:
        """Forget all but some, given by position in ascending order, and free their memory."""
        self.keys = [self.keys[row] for row in rows]
        self._index = {key: row for row, key in enumerate(self.keys)}
        self.state = self.state._make(array[rows] for array in self.state)

    def rows(self, keys: Sequence[tuple[str, ...]]) -> npt.NDArray[np.int64]:
        """Positions of models by key; unknown ones are added in the order given."""
        for key in keys:
            if key not in self._index:
                self._index[key] = len(self.keys)
                self.keys.append(key)
        capacity = len(self.state[0])
        if len(self.keys) > capacity:
            fresh = self._blank(max(capacity + capacity // 4, len(self.keys)) - capacity)
            self.state = self.state._make(np.concatenate(pair) for pair in zip(self.state, fresh, strict=True))
        return np.array([self._index[key] for key in keys], dtype=np.int64)

    @property
    def bytes_per_model(self) -> int:
        """Bytes of state a model."""
        return sum(math.prod(array.shape[1:]) * array.itemsize for array in self.state)

    def pack(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Plain values and arrays that `unpack` makes the models from."""
        n = len(self.keys)
        return {"keys": [list(key) for key in self.keys]}, {
            name: array[:n] for name, array in self.state._asdict().items()
        }

    def unpack(self, plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """Take over the models that `pack` described; answers itself."""
        self.rows([tuple(key) for key in plain["keys"]])
        n = len(self.keys)
        for name, array in self.state._asdict().items():
            array[:n] = arrays[name]
        return self
