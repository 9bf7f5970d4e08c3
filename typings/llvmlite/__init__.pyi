"""Types of the part of llvmlite 0.50 that this project uses; .ci/run holds them against the installed package (stubtest)."""

__version__: str
