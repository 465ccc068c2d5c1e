"""Which numbers may be among the candidates: most of a history is excluded before it reaches the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_U: Final = np.uint64
# 16 MiB for 10,000,000 candidates, which let 7 % of the others pass.
_BITS_EACH: Final = 8
_LEAST_BITS: Final = 16
_MOST_BITS: Final = 29  # 64 MiB


class BitFilter:
    """
    One bit for each of the upper bits that a scattered number can have.

    :param count: how many candidates there are
    :param partition_bits: how many of the upper bits name a partition
    """

    def __init__(self, count: int, partition_bits: int) -> None:
        self._partition_bits = partition_bits
        self._bits = min(max((count * _BITS_EACH - 1).bit_length(), _LEAST_BITS), _MOST_BITS)
        self._bytes = np.zeros(1 << self._bits - 3, np.uint8)

    def add(self, partition: int, scattered: NDArray[np.uint64]) -> None:
        """
        Add the candidates of a partition.

        :param scattered: all of the partition, as ``Scatter.scattered`` returns them
        """
        of_partition = np.zeros(1 << self._bits - self._partition_bits, np.bool_)
        within = scattered << _U(self._partition_bits)
        of_partition[within >> _U(64 - self._bits + self._partition_bits)] = True
        size = len(self._bytes) >> self._partition_bits
        self._bytes[partition * size : (partition + 1) * size] = np.packbits(of_partition, bitorder="little")

    def may_have(self, scattered: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return which of these numbers may be candidates: all that are, and few others."""
        places = scattered >> _U(64 - self._bits)
        found = self._bytes.take((places >> _U(3)).view(np.int64))
        found >>= (places & _U(7)).astype(np.uint8)
        found &= np.uint8(1)
        return found.view(np.bool_)
