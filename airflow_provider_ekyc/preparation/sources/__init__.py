"""What a list may be: files, objects and queries, each as blocks of lines."""

from __future__ import annotations
