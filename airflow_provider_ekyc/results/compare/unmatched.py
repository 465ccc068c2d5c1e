"""What was sent, out of the input of the submit operator, for the ledger that compares it with the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.numbers.lines import line_blocks
from airflow_provider_ekyc.numbers.number_keys import read_keys
from airflow_provider_ekyc.numbers.prepare import HashedSource
from airflow_provider_ekyc.results.compare.ledger import NumberLedger, Unmatched

if TYPE_CHECKING:
    from airflow_provider_ekyc.spool import Spool
    from airflow_provider_ekyc.submission.record import Submission

_READ_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class NotCompared:
    """
    Nothing was compared.

    :param reason: why, in a sentence or two; it holds counts, never a phone number
    """

    reason: str


_CHANGED: Final = NotCompared(
    "The input has changed since it was submitted (its SHA-256 is another). Name the file that was sent, or keep "
    "each run's input under a name of its own."
)


def spool_sent(source: BinaryIO, submission: Submission | None, ledger: NumberLedger) -> NotCompared | None:
    """
    Give the ledger the numbers that were sent, read out of the input, if the input is still what was sent.

    Preparing the input again would show the same, in ten times the time. Instead its bytes must have the SHA-256
    that they had when it was submitted; then each line is what it was. Without a submission nobody knows that: then
    each line that is a number, with or without ``+``, is one that was sent.

    :param source: the input, a binary file, read once to its end; what it holds needs no more memory than a block
    :param submission: of the submit operator, None if it is not known
    :param ledger: what it holds of the input means nothing if the answer is not None
    :return: None if the ledger has them; otherwise why it has not
    :raises EkycSpoolError: if the disk is full
    :raises EkycUnreadableInputError: if the connection to the input breaks
    """
    if submission is not None and submission.input_sha256 is None:
        return NotCompared(
            "The submission has no SHA-256 of its input: it was made by an earlier version of this package, or "
            "put together by hand."
        )
    hashed = HashedSource(source)
    # Where lines were dropped as invalid, one without "+" was too. Where none was, either all have it, or it was not
    # asked for (check_e164=False) and a number without it was sent as well.
    plus = submission is not None and submission.invalid > 0
    others = 0
    try:
        for block in line_blocks(cast("BinaryIO", hashed), _READ_BYTES):
            if submission is not None and others > submission.invalid:
                continue  # not comparable; but what has changed and what never held numbers are two reasons
            keys, others_here = read_keys(block, plus=plus, answers=False)
            others += others_here
            ledger.add_sent(keys)
    except EkycNumbersError:  # what is no text was never sent
        return _CHANGED
    if submission is None:
        return None
    if hashed.sha256 != submission.input_sha256:
        return _CHANGED
    if others != submission.invalid:
        return NotCompared(
            "The input contains lines that are no phone numbers and were sent: only numbers can be compared."
        )
    return None


def find_unmatched(ledger: NumberLedger, submission: Submission | None, target: Spool) -> Unmatched | NotCompared:
    """
    Compare what was sent with the result.

    :param ledger: has both: the first by :func:`spool_sent`, the second out of the result
    :param submission: of the submit operator, None if it is not known
    :param target: an empty spool file, gets the numbers that are not in the result, as :meth:`NumberLedger.unmatched`
        writes them; it stays empty if nothing is compared
    :raises EkycSpoolError: if the disk is full
    """
    found = ledger.unmatched(target)
    if submission is None and not found.sent:
        return NotCompared("The input contains no phone number: only numbers can be compared.")
    if submission is None or found.sent == submission.rows:
        return found
    target.seek(0)
    target.truncate()
    return NotCompared(
        f"The input contains {found.sent:,} different numbers, but {submission.rows:,} were sent: lines that differ "
        f"only in their writing, such as a missing +, were sent as different ones."
    )
