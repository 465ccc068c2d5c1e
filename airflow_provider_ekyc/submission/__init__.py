"""Submit a list once: an intent is recorded before it is sent, a receipt after it was accepted."""

from __future__ import annotations
