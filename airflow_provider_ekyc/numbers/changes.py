"""Whether a source is still what it was when its first byte was read. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ekyc.exceptions import EkycUnreadableInputError


def refuse_change(shown: str, before: Mapping[str, object], after: Mapping[str, object] | None) -> None:
    """
    Refuse a source that changed between the first and the last byte: what was read may be a mixture.

    :param shown: the address, for the message
    :param before: what its store said of it at the first byte: size, time, ETag and the like, by name
    :param after: the same at the last byte; None if it is gone. What only one of the two has is not compared
    :raises EkycUnreadableInputError: naming what changed
    """
    if after is None:
        raise _changed(shown, "it was deleted or renamed")
    names = [name for name in before if name in after and before[name] != after[name]]
    if names:
        raise _changed(shown, f"its {', '.join(names)}")


def _changed(shown: str, what: str) -> EkycUnreadableInputError:
    return EkycUnreadableInputError(
        f"{shown} changed while it was read ({what}). Nothing was sent; a retry reads it again. Start this task after "
        f"the step that writes the input, or let that step write under another name and rename it at its end."
    )
