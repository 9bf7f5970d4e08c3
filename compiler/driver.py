"""`compile()`: a model file to something that can be called.

In come a path and what the user chooses; out comes a `Model`. It is compiled at once when every extent is known, else for the
shapes of each call, and the last few such specialisations are kept. The one thing to know: the way from the cache imports neither
onnx nor the passes, which is what makes it quick, so those imports stand inside functions.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..errors import CompileError, error, quote
from .artefact import Artefact, Manifest, Port
from .feeds import Array, bound_shapes, checked_feeds
from .frontend.problems import shown_path
from .masks import DEFAULT_MASKS, MaskOptions
from .options import Options

if TYPE_CHECKING:
    from ..dialects import func
    from ..runtime.model import NativeModel
    from .frontend.reader import ModelFile

__all__ = ["Model", "Progress", "Run", "compile"]

Progress: TypeAlias = Callable[[str], None]
MOST_SPECIALISATIONS = 8  # each holds its weights


def _ignore(stage: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One call: outputs by name, observed values beside them, and what it took.

    Of `latency_ms` and the chip's figures, those that do not apply are None.
    """

    outputs: dict[str, Array]
    artefact: Artefact
    latency_ms: float | None = None
    instructions: int | None = None
    stack_bytes: int | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    by_layer: tuple[int, ...] = ()  # ticks or instructions of every layer, where they were measured
    observed: Mapping[str, Array] = field(default_factory=dict)


def compile(
    path: str | os.PathLike[str],
    target: str = "host",
    threads: int = 1,
    dims: Mapping[str, int] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    profile: bool = False,
    *,
    name: str | None = None,
    cache: bool = True,
    progress: Progress = _ignore,
    load: bool = True,
    masks: MaskOptions = DEFAULT_MASKS,
    observe: Sequence[str] = (),
) -> Model:
    """The ONNX model at `path`, compiled for `target`. Raises CompileError with everything that is wrong with it.

    `dims` and `shapes` bind what the file leaves open; on the host the rest is taken from the arrays of each call. `name` begins the C
    symbols. With `cache` false, nothing is read from or written to the disk. `progress` is told the stages as they pass. With `load` false,
    code for the host is not loaded before the first call. `masks` are choices about spatially dynamic networks. `observe`
    names inner values of the file that `run` returns beside the outputs.
    """
    file = Path(path)
    options = Options.of(
        file, name=name, target=target, threads=threads, dims=dims, shapes=shapes, profile=profile, masks=masks, observe=observe
    )
    model = Model(_Compiler(file, options, cache, progress))
    if load and target == "host" and model.is_compiled:
        model.load()
    return model


class _Compiler:
    """Makes artefacts of one file for several shapes: from the cache, else by the passes."""

    def __init__(self, path: Path, options: Options, cached: bool, progress: Progress) -> None:
        self.path = path
        self.options = options
        self.cached = cached
        self.progress = progress
        self.file: ModelFile | None = None
        self.seconds = 0.0  # spent so far

    def artefact(self, shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()) -> Artefact:
        """The artefact for the options and `shapes`; one without an object where extents are still open and the target allows it."""
        start = time.perf_counter()
        bound = dict([*self.options.shapes, *shapes])
        options = replace(self.options, shapes=tuple(sorted(bound.items())))
        found = self._stored(options) or self._made(options)
        self.seconds += time.perf_counter() - start
        return found

    def _stored(self, options: Options) -> Artefact | None:
        if not self.cached:
            return None
        from .store import Store

        try:
            return Store(self.path).get(options)
        except (OSError, ValueError):  # the reader says properly what is wrong with the file
            return None

    def _made(self, options: Options) -> Artefact:
        from .frontend.reader import read_model
        from .stages import build, import_graph, open_manifest

        self.progress("import")
        file = self.file = self.file or read_model(self.path)
        module = import_graph(file, options)
        external = self._external(file)
        manifest = open_manifest(module, options, external)
        if options.target == "host" and not all(port.is_static for port in manifest.inputs):
            artefact = Artefact(manifest)
        else:
            artefact = build(file, module, options, external, self._tell)
        self._keep(options, file, artefact)
        return artefact

    def _tell(self, stage: str, module: func.Module) -> None:
        self.progress(stage)

    def _external(self, file: ModelFile) -> tuple[tuple[str, str], ...]:
        from .store import external_digests

        return external_digests(self.path.parent, list(file.external.opened)) if self.cached else ()

    def _keep(self, options: Options, file: ModelFile, artefact: Artefact) -> None:
        if self.cached:
            from .store import Store

            Store(self.path).put(options, file.digest, artefact)


class Model:
    """A compiled model. `inputs` and `outputs` are its ports, `report` what passes left alone and why, `manifest` everything else."""

    def __init__(self, compiler: _Compiler) -> None:
        self._compiler = compiler
        self._base = compiler.artefact()
        self._native: OrderedDict[tuple[tuple[str, tuple[int, ...]], ...], tuple[Artefact, NativeModel]] = OrderedDict()
        self._last = self._base

    @property
    def options(self) -> Options:
        """What was chosen."""
        return self._compiler.options

    @property
    def path(self) -> Path:
        """The file it was made from."""
        return self._compiler.path

    @property
    def is_compiled(self) -> bool:
        """Whether there is code already; a model with open extents has it after its first call."""
        return bool(self._last.object)

    @property
    def artefact(self) -> Artefact:
        """The latest specialisation: object, header and manifest."""
        return self._last

    @property
    def inputs(self) -> tuple[Port, ...]:
        """Names, shapes (None where open) and element types."""
        return self._base.manifest.inputs

    @property
    def outputs(self) -> tuple[Port, ...]:
        """Names, shapes (None where open) and element types."""
        manifest = self._base.manifest
        return manifest.outputs[: len(manifest.outputs) - manifest.observed]

    @property
    def manifest(self) -> Manifest:
        """Sizes, kernels and layers of the latest specialisation."""
        return self._last.manifest

    @property
    def report(self) -> tuple[str, ...]:
        """What the compiler recognised or left alone, in the names of the model's nodes."""
        return self._last.manifest.remarks

    @property
    def compile_seconds(self) -> float:
        """Spent compiling so far, all specialisations together."""
        return self._compiler.seconds

    def load(self) -> None:
        """Link the code into this process now, so that the first call is as quick as the others."""
        self._specialised(())

    def run(self, inputs: Mapping[str, object]) -> dict[str, Array]:
        """The outputs for `inputs`, arrays by name, and what is observed. Raises CompileError when they do not fit."""
        if self.options.target != "host":
            done = self.measure(inputs, repeats=0)
            return {**done.outputs, **done.observed}
        return self._for(inputs)[1].run(inputs)

    def __call__(self, value: object) -> dict[str, Array]:
        """`run` for a model with one input."""
        if len(self.inputs) != 1:
            names = ", ".join(quote(port.name) for port in self.inputs) or "none"
            raise CompileError(error(f"the model has {len(self.inputs)} inputs: {names}").help("give them by name: model.run({...})"))
        return self.run({self.inputs[0].name: value})

    def measure(self, inputs: Mapping[str, object], repeats: int = 9) -> Run:
        """`run` with what it took: on a chip the instructions, on the host the median time of up to `repeats` further runs."""
        if self.options.target == "host":
            return self._measure_native(inputs, repeats)
        from .chip import run_on_chip

        done = run_on_chip(self._base, self._checked(inputs))
        named = dict(zip((port.name for port in self.manifest.outputs), done.outputs, strict=False))  # counters may follow
        outputs, observed = self._parted(named)
        sizes = (done.stack_bytes, done.flash_bytes, done.ram_bytes)
        return Run(outputs, self._base, None, done.instructions, *sizes, done.by_layer, observed)

    def _parted(self, named: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        """The outputs of the model itself, and what is observed."""
        own = {port.name for port in self.outputs}
        parts = [{name: array for name, array in named.items() if (name in own) == wanted} for wanted in (True, False)]
        return parts[0], parts[1]

    def save(self, folder: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write object, header and manifest, for the host also the shared library that `intaglio.load()` opens; the paths are returned."""
        from .save import save

        if not self.is_compiled:
            opened = ", ".join(quote(port.name) for port in self.inputs if not port.is_static)
            raise CompileError(
                error(f"nothing is compiled yet: extents of {opened} are open").help("bind them with dims or shapes, or run it once")
            )
        return save(self._last, Path(folder))

    def _measure_native(self, inputs: Mapping[str, object], repeats: int) -> Run:
        artefact, native = self._for(inputs)
        outputs, observed = self._parted(native.run(inputs))
        native.take_counters()  # of the first run, which warms caches
        times: list[float] = []
        deadline = time.perf_counter() + MEASURE_SECONDS
        while len(times) < max(repeats, 1) and (not times or time.perf_counter() < deadline):
            start = time.perf_counter()
            native.run(inputs)
            times.append(time.perf_counter() - start)
        ticks = tuple(int(row[1]) // len(times) for row in native.take_counters())
        return Run(outputs, artefact, sorted(times)[len(times) // 2] * 1e3, by_layer=ticks, observed=observed)

    def _for(self, inputs: Mapping[str, object]) -> tuple[Artefact, NativeModel]:
        """The specialisation for these arrays."""
        if self._base.object:
            return self._specialised(())
        return self._specialised(bound_shapes(self.inputs, self._checked(inputs)))

    def _checked(self, inputs: Mapping[str, object]) -> tuple[Array, ...]:
        try:
            return checked_feeds(self.inputs, inputs)
        except CompileError as fault:
            raise fault.within(shown_path(self.path)) from None

    def _specialised(self, shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> tuple[Artefact, NativeModel]:
        found = self._native.get(shapes)
        if found is None:
            artefact = self._compiler.artefact(shapes) if shapes else self._base
            found = self._native[shapes] = artefact, _load(artefact, self.options.threads)
            if len(self._native) > MOST_SPECIALISATIONS:
                self._native.popitem(last=False)
        self._native.move_to_end(shapes)
        self._last = found[0]
        return found


MEASURE_SECONDS = 0.5


def _load(artefact: Artefact, threads: int) -> NativeModel:
    from ..runtime.jit import load_object
    from ..runtime.manifest import Manifest as NativeManifest
    from ..runtime.model import NativeModel

    return NativeModel(NativeManifest.from_mapping(artefact.manifest.record()), load_object(artefact.object), threads)
