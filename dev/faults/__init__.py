"""
A seeded fault run: kills and faults on every call, and a count of what became of the money and the data.

``python -m dev.faults --count 200`` prints a table and, last, one line for a script. See ``docs/faults.md``.
"""
