"""Where a submission is remembered: an intent before it is sent, a receipt after it was taken."""

from __future__ import annotations
