"""Settings for the whole test suite."""

from __future__ import annotations

from hypothesis import settings

# The same examples every time, and no clock: a slow machine must not turn a test red.
settings.register_profile("intaglio", derandomize=True, deadline=None, database=None, print_blob=True)
settings.load_profile("intaglio")
