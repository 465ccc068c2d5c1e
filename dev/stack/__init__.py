"""The local stack: Airflow, an S3 server and the sandbox of the API, all on 127.0.0.1.

For development, the demo and the integration tests; not part of the wheel.
"""

from __future__ import annotations
