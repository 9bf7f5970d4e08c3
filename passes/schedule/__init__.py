"""Schedules as values: what they can say (`space`), what they cost (`cost`), which one is taken (`choose`)."""
