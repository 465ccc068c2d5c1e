"""What is known of S3: its client, its errors, and an object put there whole or not at all."""

from __future__ import annotations
