"""From a checked model to an artefact: import, the pipelines of the three stages, code generation.

In come a `ModelFile` and `Options` whose dims and shapes bind every extent; out comes an `Artefact`. Whoever wants to see the program
between the stages gives `observe`, which is called with the stage's name and the module before the next stage changes it.
The one thing to know: this is the only file that knows the whole way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import TypeAlias

from ..codegen.build import CompiledObject, build_object
from ..codegen.sizes import Sizes
from ..dialects import func
from ..dialects.ir.location import Node
from ..dialects.ir.types import BufferType, TensorType
from ..dialects.loop import Call
from ..errors import CompileError, error, printable, quote
from ..passes import pipelines as _named  # noqa: F401 - registers passes and pipelines
from ..passes.graph.insert_masks import InsertMasks
from ..passes.graph.place_masks import PlaceMasks, densities_text
from ..passes.graph.recognize_masks import RecognizeMasks
from ..passes.manager import Instrument, Pass, Pipeline, Report
from ..targets.description import Target
from ..targets.load import load_target
from .artefact import Artefact, Layer, Manifest, Port
from .frontend.importer import import_model
from .frontend.problems import shown_path
from .frontend.reader import ModelFile
from .inspect import work_by_node
from .mask_regions import RegionRecorder
from .masks import DEFAULT_MASKS, MaskOptions
from .options import Options

__all__ = ["STAGES", "Observer", "build", "import_graph", "lower", "open_manifest", "pipeline_for"]

Observer: TypeAlias = Callable[[str, func.Module], None]

# Each stage with the pipelines that end in it; the first begins where the importer ends.
STAGES: Mapping[str, tuple[str, ...]] = {
    "graph": ("graph",),
    "tensor": ("graph-to-tensor", "tensor"),
    "loop": ("tensor-to-loop", "loop"),
}
PROBES = "insert-probes"


def _ignore(stage: str, module: func.Module) -> None:
    """Watch nothing."""


def import_graph(file: ModelFile, options: Options) -> func.Module:
    """The model as a graph, with what the options bind."""
    return import_model(file, dict(options.dims), dict(options.shapes), options.observe)


def open_manifest(module: func.Module, options: Options, external: tuple[tuple[str, str], ...] = ()) -> Manifest:
    """Inputs and outputs of an imported model, which may leave extents open."""
    main = module.function("main")
    return Manifest(
        name=options.name,
        target=options.target,
        inputs=tuple(_port(name, value.type) for name, value in zip(main.argument_names, main.arguments, strict=True)),
        outputs=tuple(_port(name, value.type) for name, value in zip(main.result_names, main.returned, strict=True)),
        profile=options.profile,
        threads=options.threads > 1,
        external=external,
        observed=len(options.observe),
    )


def _port(name: str, type_: object) -> Port:
    if not isinstance(type_, TensorType):
        raise CompileError(error(f"{quote(name)} is {type_}, and only tensors go in and out of compiled code"))
    return Port(name, type_.shape, str(type_.element), type_.names)


def pipeline_for(text: str, target: str, masks: MaskOptions = DEFAULT_MASKS) -> Pipeline:
    """The pipeline `text`, with every pass that asks for a machine given this one, and those about masks what the user chose."""
    return Pipeline(tuple(_chosen(_aimed(pass_, target), masks) for pass_ in Pipeline.parse(text).passes))


def _aimed(pass_: Pass, target: str) -> Pass:
    takes = is_dataclass(pass_) and any(field.name == "target" for field in fields(pass_))
    return replace(pass_, target=target) if takes else pass_  # type: ignore[type-var]


def _chosen(pass_: Pass, masks: MaskOptions) -> Pass:
    match pass_:
        case RecognizeMasks():
            return replace(pass_, strict=masks.strict)
        case InsertMasks():
            return replace(pass_, thresholds=densities_text(dict(masks.thresholds)), observe=masks.saliencies)
        case PlaceMasks():
            densities = densities_text(dict(masks.densities))
            return replace(pass_, decision=masks.decision, density=masks.density, densities=densities, observe=masks.observe)
    return pass_


def lower(
    file: ModelFile,
    module: func.Module,
    options: Options,
    observe: Observer = _ignore,
    until: str = "loop",
    instruments: Sequence[Instrument] = (),
) -> list[Report]:
    """Take an imported `module` to the end of the stage `until`; it is changed in place."""
    reports: list[Report] = []
    for stage, names in STAGES.items():
        if stage == "tensor":
            _refuse_open(file, open_manifest(module, options), load_target(options.target))
        text = ",".join((*names, PROBES) if stage == "loop" and options.profile else names)
        with _errors_in(file):
            reports += pipeline_for(text, options.target, options.masks).run(module, instruments)
        observe(stage, module)
        if stage == until:
            break
    return reports


def build(
    file: ModelFile,
    module: func.Module,
    options: Options,
    external: tuple[tuple[str, str], ...] = (),
    observe: Observer = _ignore,
) -> Artefact:
    """Compile an imported `module`, whose extents are all known; it is changed in place."""
    target = load_target(options.target)
    ports = open_manifest(module, options, external)
    _refuse_open(file, ports, target)
    _refuse_huge(file, module, target)
    work = work_by_node(module)
    recorder = RegionRecorder()

    def note(stage: str, module: func.Module) -> None:
        nonlocal ports
        if stage == "graph":
            ports = _with_masks(ports, open_manifest(module, options, external), recorder)
        observe(stage, module)

    reports = lower(file, module, options, note, instruments=[recorder])
    with _errors_in(file):
        built = build_object(module, target, options.name, profile=options.profile, threads=options.threads > 1)
    _refuse_too_large(file, built, ports, target)
    return _artefact(built, ports, _layers(module, built, work), reports)


@contextmanager
def _errors_in(file: ModelFile) -> Iterator[None]:
    """Passes and code generation know nodes; the file that these stand in is known here."""
    try:
        yield
    except CompileError as fault:
        raise fault.within(shown_path(file.path)) from fault


def _with_masks(imported: Manifest, after_graph: Manifest, recorder: RegionRecorder) -> Manifest:
    """The manifest with the regions, and their masks among the outputs if they are observed."""
    added = after_graph.outputs[len(imported.outputs) :]
    return replace(imported, outputs=(*imported.outputs, *added), observed=imported.observed + len(added), regions=recorder.regions)


def _refuse_open(file: ModelFile, ports: Manifest, target: Target) -> None:
    found = []
    for port in ports.inputs:
        place = f"{shown_path(file.path)}, input {quote(port.name)}: {port.element}, {' x '.join(_extent(e) for e in port.extents)}"
        for extent in port.extents:
            if isinstance(extent, str):
                message = f"dimension {quote(extent)} of input {quote(port.name)} has no value"
                fault = error(f"{message}, and {target.name} needs every extent at compile time").at(place)
                found.append(fault.help(f"bind it, for example with --dim {printable(extent)}=1"))
        if None in port.extents:
            shape = "x".join("1" if not isinstance(e, int) else str(e) for e in port.extents)
            message = f"input {quote(port.name)} has an extent without a name, and {target.name} needs every extent at compile time"
            found.append(error(message).at(place).help(f"give the shape, for example with --shape {printable(port.name)}={shape}"))
    if found:
        raise CompileError.of(dict.fromkeys(found))


def _extent(extent: int | str | None) -> str:
    return "?" if extent is None else printable(str(extent))


def _refuse_huge(file: ModelFile, module: func.Module, target: Target) -> None:
    """Before any work: a single value that cannot be in the machine's memory. The sum is known when the arena is planned."""
    most = memory_bytes() if target.hosted else 1 << target.pointer_bits
    for op in module.function("main").body:
        for result in op.results:
            if isinstance(result.type, TensorType) and result.type.is_static and result.type.nbytes > most:
                message = f"a value of {result.type.nbytes} bytes, {result.type}, does not fit into the {most} bytes of {target.name}"
                fault = error(message).at(f"{shown_path(file.path)}, {', '.join(op.location.places) or op.name}")
                raise CompileError(fault.help("bind smaller extents, or take the operation out of the model"))


def memory_bytes() -> int:
    """The memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _refuse_too_large(file: ModelFile, built: CompiledObject, ports: Manifest, target: Target) -> None:
    """On a chip, what does not fit in is told here, before anything is written or run."""
    facts = built.facts
    ports_bytes = sum(
        field.elements * _width(port)
        for fields_, given in ((facts.inputs, ports.inputs), (facts.outputs, ports.outputs))
        for field, port in zip(fields_, given, strict=True)
    )
    found = []
    ram_bytes = memory_bytes() if target.name == "host" else target.ram_bytes
    if target.flash_bytes and facts.flash_bytes > target.flash_bytes:
        fault = error(f"the model takes {facts.flash_bytes} bytes of flash, and {target.name} has {target.flash_bytes}")
        found.append(fault.note(facts.flash_parts))
    if ram_bytes and facts.ram_bytes + ports_bytes > ram_bytes:
        parts = f"arena {facts.arena_bytes}, stack {facts.stack_bytes or 0}, inputs and outputs {ports_bytes}"
        total = facts.ram_bytes + ports_bytes
        found.append(error(f"the model takes {total} bytes of RAM, and {target.name} has {ram_bytes}").note(parts))
    if found:
        hint = "take a larger target ('intaglio targets' lists them) or a smaller model; 'intaglio inspect' shows which layers are large"
        raise CompileError.of(each.at(shown_path(file.path)).help(hint) for each in found)


def _width(port: Port) -> int:
    return port.dtype.itemsize


def _artefact(built: CompiledObject, ports: Manifest, layers: tuple[Layer, ...], reports: list[Report]) -> Artefact:
    facts = built.facts
    manifest = replace(
        ports,
        **{field.name: getattr(facts, field.name) for field in fields(Sizes)},
        sites=facts.sites,
        kernels=built.kernels,
        layers=layers,
        remarks=tuple(str(remark) for report in reports for remark in report.remarks),
    )
    return Artefact(manifest, built.object, built.header, built.text)


# Layers.


def _layers(module: func.Module, built: CompiledObject, work: Mapping[Node, int]) -> tuple[Layer, ...]:
    """The calls of kernels in `main`, in order: call number i is the site i of a profile."""
    calls = [op for op in module.function("main").body if isinstance(op, Call)]
    names = [function.sym_name for function in module.functions() if function.sym_name != "main"]
    symbols = dict(zip(names, built.kernels, strict=True))
    shares = _shares(calls, work)
    return tuple(
        Layer(
            kernel=symbols[call.callee],
            nodes=tuple((node.name, node.op_type) for node in call.location.nodes),
            macs=macs,
            bytes=sum(value.type.nbytes for value in call.buffers if isinstance(value.type, BufferType)),
        )
        for call, macs in zip(calls, shares, strict=True)
    )


def _shares(calls: list[Call], work: Mapping[Node, int]) -> list[int]:
    """The multiply-accumulates of each call.

    Of those that a node became, one that names it first is taken to do its work (what a mask is made for comes behind), and of these the
    one that moves most bytes.
    """
    shares = [0] * len(calls)
    for node, macs in work.items():
        places = {i: call.location.nodes.index(node) for i, call in enumerate(calls) if node in call.location.nodes}
        if places and macs:
            shares[min(places, key=lambda i: (places[i], -_input_bytes(calls[i])))] += macs
    return shares


def _input_bytes(call: Call) -> int:
    return sum(value.type.nbytes for value in call.buffers if isinstance(value.type, BufferType))
