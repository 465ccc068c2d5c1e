"""The start page as a new user reads it, with the wheel alone. ``make stranger`` is ``python -m dev.stranger``."""
