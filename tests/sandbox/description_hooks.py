"""What Schemathesis does not try at the sandbox. It loads this module by ``SCHEMATHESIS_HOOKS``."""

from __future__ import annotations

import schemathesis

FORM = frozenset({"file", "task_type", "task_id"})


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """Leave out fields that no form has: they are ignored, but a name with control characters is no field at all."""
    return not isinstance(case.body, dict) or case.body.keys() <= FORM
