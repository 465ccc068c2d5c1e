"""How many rows each file gets. Pure."""

from __future__ import annotations

from airflow_provider_ekyc.exceptions import EkycNumbersError


def even_sizes(rows: int, *, least: int, most: int) -> list[int]:
    """
    Divide rows into as few files as possible, whose sizes differ by one row at the most; the larger ones first.

    :param rows: at least one
    :param least: fewest rows of a file
    :param most: most rows of a file
    :return: rows of each file
    :raises EkycNumbersError: if no such division exists, which is possible only where ``most`` is less than
        ``2 * least - 1``
    """
    count = -(-rows // most)
    size, larger = divmod(rows, count)
    if size < least:
        raise EkycNumbersError(
            f"{rows:,} numbers can't be divided into files of {least:,} to {most:,} rows each. Nothing was submitted "
            f"or charged. Set max_rows to {2 * least - 1:,} or more, then clear this task."
        )
    return [size + 1] * larger + [size] * (count - larger)
