"""`intaglio.backend`: ONNX's interface to backends, as its functions.

    import intaglio.backend
    outputs = intaglio.backend.prepare(onnx.load("model.onnx")).run([x])
"""

from __future__ import annotations

from .compiler.onnx_backend import IntaglioBackend, IntaglioRep

__all__ = ["IntaglioBackend", "IntaglioRep", "prepare", "run_model", "run_node", "supports_device"]

prepare = IntaglioBackend.prepare
run_model = IntaglioBackend.run_model
run_node = IntaglioBackend.run_node
supports_device = IntaglioBackend.supports_device
