"""Who is there: the models of some entities by key, and when each had data last."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel.keyed_state import KeyedState
from anomalyops_engine.scoring.memory import Key

IntArray = npt.NDArray[np.int64]

_NAME_BYTES = 64


def name_bytes(key: Key) -> int:
    """Bytes that remembering a name takes, about."""
    return sum(map(len, key)) + _NAME_BYTES


def member_codes(keys: Sequence[Key]) -> IntArray:
    """A number for the member of each key, which is its last part."""
    codes = {member: code for code, member in enumerate(dict.fromkeys(key[-1] for key in keys))}
    return np.array([codes[key[-1]] for key in keys], dtype=np.int64)


def members_present(groups: IntArray, members: IntArray) -> npt.NDArray[np.float64]:
    """How many different members the group of each row has.

    Args:
        groups: (m,) each row's group.
        members: (m,) each row's member, by number.
    """
    width = int(members.max(initial=0)) + 1
    present, counts = np.unique(np.unique(groups * width + members) // width, return_counts=True)
    return counts[np.searchsorted(present, groups)].astype(np.float64)


def rows_of_members(groups: IntArray, members: IntArray) -> IntArray:
    """How many rows of its group each row's member has; see `members_present`."""
    _, inverse, counts = np.unique(
        groups * (int(members.max(initial=0)) + 1) + members, return_inverse=True, return_counts=True
    )
    rows: IntArray = counts[inverse]
    return rows


class Roster:
    """The models of some entities.

    Attributes:
        bank: Their state.
    """

    def __init__(self, bank: KeyedState[Any, Any]) -> None:
        self.bank = bank
        self._last_data = np.zeros(0, dtype=np.int64)
        self._name_bytes = 0

    def __len__(self) -> int:
        return len(self.bank)

    def __contains__(self, key: Key) -> bool:
        return key in self.bank

    def cost(self, key: Key) -> int:
        """Bytes that a model of this key takes."""
        return self.bank.bytes_per_model + self._last_data.itemsize + name_bytes(key)

    @property
    def bytes(self) -> int:
        """Bytes of all models."""
        return len(self) * (self.bank.bytes_per_model + self._last_data.itemsize) + self._name_bytes

    @property
    def bytes_of_one_at_least(self) -> int:
        """The same where the one model of an unsplit detector is always given room, also before it is there."""
        return self.bytes or self.cost(())

    def rows(self, keys: Sequence[Key], first: IntArray) -> IntArray:
        """Positions of models by key; new ones are added in order of appearance.

        Args:
            keys: The keys; the same one may come several times.
            first: (keys,) the first bucket of each.
        """
        order = sorted(range(len(keys)), key=lambda k: (first[k], keys[k]))
        known = len(self)
        self.bank.rows([keys[k] for k in order])
        self._name_bytes += sum(name_bytes(key) for key in self.bank.keys[known:])
        fresh = np.zeros(len(self) - known, dtype=np.int64)
        self._last_data = np.concatenate([self._last_data, fresh])
        return self.bank.rows(keys)

    def admitted(self, keys: Sequence[Key], first: IntArray, refused: Collection[Key]) -> IntArray:
        """Positions of models by key, as `rows`; -1 for new ones that are refused."""
        place = np.full(len(keys), -1, dtype=np.int64)
        kept = np.array([key in self or key not in refused for key in keys], dtype=np.bool_)
        place[kept] = self.rows([key for key, keep in zip(keys, kept.tolist(), strict=True) if keep], first[kept])
        return place

    def see(self, rows: IntArray, buckets: IntArray) -> None:
        """Note the numbers of buckets in which models, other than -1, had data."""
        np.maximum.at(self._last_data, rows[rows >= 0], buckets[rows >= 0])

    def prune(self, oldest: int) -> None:
        """Give up the models whose latest data lie before bucket number `oldest`."""
        kept = np.flatnonzero(self._last_data >= oldest)
        if len(kept) < len(self):
            self.bank.keep(kept)
            self._last_data = self._last_data[kept]
            self._name_bytes = sum(map(name_bytes, self.bank.keys))

    def pack(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Plain values and arrays for a snapshot."""
        plain, arrays = self.bank.pack()
        return plain, {**arrays, "last_data": self._last_data}

    def unpack(self, plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take over what `pack` described."""
        self.bank.unpack(plain, arrays)
        self._last_data = arrays["last_data"].astype(np.int64)
        self._name_bytes = sum(map(name_bytes, self.bank.keys))


def pack_rosters(rosters: dict[str, Roster]) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Plain values and arrays of several rosters, by name."""
    plain: dict[str, Any] = {}
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, roster in rosters.items():
        plain[name], own = roster.pack()
        arrays |= {f"{name}.{array}": content for array, content in own.items()}
    return plain, arrays


def unpack_rosters(rosters: dict[str, Roster], plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Take over what `pack_rosters` described."""
    for name, roster in rosters.items():
        prefix = f"{name}."
        own = {array.removeprefix(prefix): arrays[array] for array in arrays if array.startswith(prefix)}
        roster.unpack(plain[name], own)
