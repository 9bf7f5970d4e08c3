"""Intaglio compiles ONNX models to machine code: JIT on the host, objects for small chips.

The directory this file stands in is the package: a path and a module name are the same thing.
"""

__version__ = "0.1.0"
