"""What `compile --emit` writes: the content of every file, before any of them is written.

In come a model file, options and kinds; out come the manifest (None where no code was asked for) and bytes by file name. The one
thing to know: the programs between the stages are not kept in the cache, so asking for one of them compiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CompileError, error, quote
from .artefact import Artefact, Manifest
from .options import Options
from .save import manifest_text, shared_library

if TYPE_CHECKING:
    from ..dialects import func

__all__ = ["KINDS", "emit"]

KINDS = ("obj", "header", "shared", "asm", "llvm", "loop", "tensor", "graph", "example")
STAGE_KINDS = ("graph", "tensor", "loop")


def emit(
    path: Path, options: Options, kinds: Sequence[str], cached: bool, progress: Callable[[str], None]
) -> tuple[Manifest | None, dict[str, bytes]]:
    """The files of `kinds`, in their order."""
    if {"shared", "example"} & set(kinds):
        _refuse_unfit(options, kinds)
    texts = _stage_texts(path, options, [kind for kind in STAGE_KINDS if kind in kinds], progress)
    if all(kind in STAGE_KINDS for kind in kinds):
        return None, texts
    artefact = _artefact(path, options, cached, progress)
    files: dict[str, bytes] = {}
    for kind in kinds:
        files |= {name: text for name, text in texts.items() if name.endswith(f".{kind}.mlir")} or _code_files(kind, artefact)
    return artefact.manifest, files


def _refuse_unfit(options: Options, kinds: Sequence[str]) -> None:
    """Before a long compilation: kinds that the target does not have."""
    from ..targets.load import load_target

    target = load_target(options.target)
    if "shared" in kinds and not target.hosted:
        raise CompileError(error(f"{target.name} has no shared libraries").help("take the object instead: --emit obj,header"))
    if "example" in kinds and target.family not in ("arm", "riscv"):
        raise CompileError(error(f"there is no example for {target.name}").help("examples are for Cortex-M and RISC-V chips"))


def _stage_texts(path: Path, options: Options, stages: Sequence[str], progress: Callable[[str], None]) -> dict[str, bytes]:
    """The programs at the end of these stages; the first is compiled from the file, whatever is in the cache."""
    if not stages:
        return {}
    from ..dialects.ir.printer import print_operation
    from .frontend.reader import read_model
    from .stages import import_graph, lower

    texts: dict[str, bytes] = {}

    def keep(stage: str, module: func.Module) -> None:
        progress(stage)
        if stage in stages:
            texts[f"{options.name}.{stage}.mlir"] = (print_operation(module).rstrip("\n") + "\n").encode()

    progress("import")
    file = read_model(path)
    lower(file, import_graph(file, options), options, keep, until=stages[-1])
    return texts


def _artefact(path: Path, options: Options, cached: bool, progress: Callable[[str], None]) -> Artefact:
    from .driver import compile

    dims, shapes = dict(options.dims), dict(options.shapes)
    model = compile(
        path,
        options.target,
        options.threads,
        dims,
        shapes,
        options.profile,
        name=options.name,
        cache=cached,
        progress=progress,
        load=False,
        masks=options.masks,
        observe=options.observe,
    )
    if not model.is_compiled:
        opened = ", ".join(quote(port.name) for port in model.inputs if not port.is_static)
        raise CompileError(
            error(f"extents of {opened} are open, and a file of code needs every extent").help("bind them with --dim or --shape")
        )
    return model.artefact


def _code_files(kind: str, artefact: Artefact) -> Mapping[str, bytes]:
    name = artefact.manifest.name
    match kind:
        case "obj":
            return {f"{name}.o": artefact.object}
        case "header":
            return {f"{name}.h": artefact.header.encode()}
        case "shared":
            return {f"{name}.so": shared_library(artefact), f"{name}.h": artefact.header.encode(), f"{name}.json": manifest_text(artefact)}
        case "llvm":
            return {f"{name}.ll": artefact.text.encode()}
        case "asm":
            return {f"{name}.s": _assembly(artefact)}
        case "example":
            return _example(artefact)
    raise AssertionError(kind)


def _assembly(artefact: Artefact) -> bytes:
    from ..codegen.object import Machine, emit_assembly
    from ..targets.load import load_target

    target = load_target(artefact.manifest.target)
    machine = Machine.of(target, middle_level=0 if target.hosted else 2)  # as build_object takes it
    return emit_assembly(artefact.text, machine).encode()


def _example(artefact: Artefact) -> dict[str, bytes]:
    """A folder with a C program around the model, the object and the header."""
    from ..codegen.header import Facts, Field
    from ..codegen.packages import package_files
    from ..targets.load import load_target

    manifest = artefact.manifest
    ins, outs = (
        tuple(Field(port.name, tuple(extent or 0 for extent in port.shape), port.element) for port in ports)
        for ports in (manifest.inputs, manifest.outputs)
    )
    names = [field.name for field in fields(Facts) if field.name not in ("inputs", "outputs")]
    facts = Facts(inputs=ins, outputs=outs, **{name: getattr(manifest, name) for name in names})
    texts = package_files(facts, load_target(manifest.target))
    files = {f"{manifest.name}.o": artefact.object, f"{manifest.name}.h": artefact.header.encode()}
    files |= {name: text.encode() for name, text in texts.items()}
    return {f"{manifest.name}_example/{name}": content for name, content in files.items()}
