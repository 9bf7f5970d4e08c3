"""Lets benchmarks import what stands in `examples/dynamic`: import it first."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "examples" / "dynamic"))
