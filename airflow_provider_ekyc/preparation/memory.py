"""What it means when memory runs out while a list is prepared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_ekyc.exceptions import Charge, EkycError


@contextmanager
def memory_errors() -> Iterator[None]:
    """
    Raise the ``MemoryError`` of the block as an error that says what to do.

    :raises EkycError: of the kind ``memory``; a retry may help
    """
    try:
        yield
    except MemoryError:
        raise EkycError(
            "Memory ran out on this worker. Nothing was submitted or charged, and no manifest was written. A retry "
            "prepares the list again. Give the task more memory, or run it where fewer tasks run at a time.",
            kind="memory",
            retryable=True,
            charge=Charge.NONE,
        ) from None
