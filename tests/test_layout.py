"""The walls: which folders are shipped, that imports only run downwards, and what may be imported where."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import pytest

from sources import NOT_SHIPPED, ROOT, Import, Module, files, modules, names_of_modules

FLOORS = {"errors": 0, "targets": 1, "dialects": 1, "codegen": 2, "passes": 2, "runtime": 2, "compiler": 3}
ROOT_MODULES = ("__init__", "__main__", "backend", "errors")

# Inside a floor: what a folder of `dialects` may use besides `errors` and itself.
SUPPORT = ("dialects.ir", "dialects.arith", "dialects.math", "dialects.quant", "dialects.func")
DIALECTS = {
    "dialects.ir": (),
    **dict.fromkeys(SUPPORT[1:], ("dialects.ir",)),
    **dict.fromkeys(("dialects.graph", "dialects.tensor", "dialects.loop"), SUPPORT),
}
# Only the border folders know two of the three forms of a program.
FORMS = {
    "passes.graph": ("graph",),
    "passes.graph_to_tensor": ("graph", "tensor"),
    "passes.tensor": ("tensor",),
    "passes.tensor_to_loop": ("tensor", "loop"),
    "passes.loop": ("loop",),
    "codegen": ("loop",),
}
# Packages from outside, and the only places that may import them.
OUTSIDE = {
    "numpy": ("",),
    "ml_dtypes": ("",),
    "networkx": ("passes",),
    "onnx": ("compiler",),
    "google": ("compiler",),  # protobuf, which onnx brings
    "PIL": ("compiler", "runtime.images"),
    "rich": ("compiler",),
    "llvmlite": ("codegen", "runtime.jit", "runtime.emulator", "targets.host"),
    "unicorn": ("runtime.emulator",),
    "capstone": ("runtime.emulator",),
    "elftools": ("runtime.emulator", "codegen"),
    "ziglang": ("runtime.emulator", "codegen"),
}
HEAVY = ("PIL", "llvmlite", "networkx", "onnx", "rich", "unicorn")


def inside(name: str) -> str:
    """`intaglio.passes.tensor` is `passes.tensor`; the package itself is the empty string."""
    return name.removeprefix("intaglio").removeprefix(".")


def is_within(name: str, folder: str) -> bool:
    """`passes.tensor.fuse` is within `passes.tensor` and `passes`, and everything is within the empty name."""
    return folder == "" or name == folder or name.startswith(folder + ".")


def floor(name: str) -> int:
    """How high a module stands; the doors in the root are on top."""
    return FLOORS.get(name.partition(".")[0], 4)


def ours(module: Module) -> Iterator[tuple[Import, str]]:
    """The imports of a module that stay in the package, with their name inside it."""
    for item in module.imports():
        if item.level:
            yield item, inside(item.target)


def faults_between(source: str, target: str) -> Iterator[str]:
    """What is wrong with `source` importing `target`, both named from the package's root."""
    same_folder = source.partition(".")[0] == target.partition(".")[0]
    if floor(target) > floor(source) or (floor(target) == floor(source) < 4 and not same_folder):
        yield f"floor {floor(source)} imports floor {floor(target)}"
    for folder, allowed in DIALECTS.items():
        if is_within(source, folder) and target != "errors" and not any(is_within(target, place) for place in (folder, *allowed)):
            yield f"{folder} may use {', '.join(('errors', *allowed))} only"
    for folder, forms in FORMS.items():
        form = target.removeprefix("dialects.").partition(".")[0]
        if is_within(source, folder) and target.startswith("dialects.") and form in ("graph", "tensor", "loop") and form not in forms:
            yield f"{folder} knows {' and '.join(forms)} only"


def test_packages_are_listed_in_full() -> None:
    folders = sorted({module.path.parent.relative_to(ROOT) for module in modules()})
    expected = [".".join(["intaglio", *folder.parts]) for folder in folders]
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    lines = "".join(f'    "{name}",\n' for name in expected)
    assert listed == expected, f"in pyproject.toml, [tool.setuptools]:\npackages = [\n{lines}]"


def test_every_folder_says_what_it_is() -> None:
    folders = {module.path.parent for module in modules()}
    assert not [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").exists()]


def test_the_root_holds_the_doors_only() -> None:
    assert not {path.stem for path in ROOT.glob("*.py")} - set(ROOT_MODULES)
    known = {*FLOORS, *NOT_SHIPPED, *ROOT_MODULES}
    assert not {module.path.relative_to(ROOT).with_suffix("").parts[0] for module in modules()} - known


@pytest.mark.parametrize(
    ("source", "target", "allowed"),
    [
        ("compiler.driver", "passes.manager", True),
        ("passes.tensor.fuse", "passes.common.dce", True),
        ("passes.tensor.fuse", "dialects.tensor.view", True),
        ("passes.tensor.fuse", "dialects.graph", False),
        ("passes.manager", "codegen.object", False),
        ("runtime.loader", "compiler.driver", False),
        ("dialects.graph.join", "dialects.arith", True),
        ("dialects.graph.join", "dialects.tensor", False),
        ("dialects.ir.types", "errors", True),
        ("dialects.ir.types", "dialects.arith", False),
        ("dialects.loop.nest", "targets.abi", False),
        ("targets.load", "dialects.ir", False),
        ("", "compiler.driver", True),
        ("errors", "targets.abi", False),
        ("compiler.driver", "", False),
    ],
)
def test_the_walls_stand_where_they_should(source: str, target: str, allowed: bool) -> None:
    assert (not list(faults_between(source, target))) == allowed


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_imports_run_downwards(module: Module) -> None:
    source = inside(module.name)
    faults = [f"{module.path}:{item.line}: {text}: {target}" for item, target in ours(module) for text in faults_between(source, target)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_imports_inside_the_package_are_relative(module: Module) -> None:
    # `import dialects` would load a second copy of every class, if the current directory is the checkout
    own = {"intaglio", *FLOORS}
    assert not [item for item in module.imports() if not item.level and item.target.partition(".")[0] in own]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_relative_imports_lead_somewhere(module: Module) -> None:
    missing = [item for item, _ in ours(module) if item.target not in names_of_modules()]
    assert not missing, f"{module.path}: {missing}"


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_outside_packages_stay_where_they_belong(module: Module) -> None:
    source = inside(module.name)
    for item in module.imports():
        package = item.target.partition(".")[0]
        if item.level or package in sys.stdlib_module_names or package in ("intaglio", *FLOORS):
            continue
        assert package in OUTSIDE, f"{module.path}:{item.line}: {package} is no dependency"
        places = OUTSIDE[package]
        assert any(is_within(source, place) for place in places), f"{module.path}:{item.line}: {package} belongs to {places}"


def test_errors_imports_nothing_but_the_standard_library() -> None:
    (errors,) = (module for module in modules() if module.name == "intaglio.errors")
    assert not [item for item in errors.imports() if item.target.partition(".")[0] not in sys.stdlib_module_names]


@pytest.mark.parametrize("name", ["intaglio", "intaglio.runtime.loader", "intaglio.compiler.cli.main"])
def test_heavy_imports_wait_for_their_first_use(name: str) -> None:
    if name not in names_of_modules():
        pytest.skip(f"{name} does not exist")
    program = f"import sys, {name}; print(*[heavy for heavy in {HEAVY} if heavy in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_no_machine_paths_in_the_tree() -> None:
    pattern = re.compile(rb"(?<![\w./<-])/(work|opt|root|home|Users)/[A-Za-z]")
    found = [
        f"{path.relative_to(ROOT)}: {match.group().decode()}"
        for path in files()
        if path.suffix not in (".onnx", ".pb", ".png")
        for match in pattern.finditer(path.read_bytes())
    ]
    assert not found
