"""
Fuzzing: made-up archives, answers of the API and number files, and what must hold for each of them.

``python -m dev.fuzz --count 10000`` prints a table, what went wrong and, last, one line for a script. See
``docs/fuzzing.md``.
"""
