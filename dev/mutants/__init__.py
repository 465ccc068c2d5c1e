"""
Changes the code in small ways, one at a time, and runs the tests: a change that no test notices is a survivor.

``python -m dev.mutants``; ``docs/mutants.md`` describes it. mutmut makes the changes and runs the tests; this folder
picks modules and tests, bounds the time, and compares the survivors with those that ``survivors`` explains.
"""
