"""``python -m airflow_provider_ekyc.sandbox`` is the command ``ekyc-sandbox``."""

from __future__ import annotations

import sys

from airflow_provider_ekyc.sandbox.command import main

sys.exit(main())
