"""Schedules as values: what they can say (`space`), what they cost (`cost`), and which one is taken (`choose`, with lists of runs `runs`).

Both choose for a `problem`, a kernel as offsets over loops, and begin with the register tile (`tile`).
"""
