"""The commands on good input: what they print and write, and how they leave."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from intaglio.compiler.cli.main import main
from small_models import save_relu, save_test_set
from sources import ROOT

Capture = pytest.CaptureFixture[str]
DIGITS = ROOT / "examples" / "digits"
MODEL = str(DIGITS / "digits.onnx")
SEVEN = f"image={DIGITS / 'seven.png'}"

IR = """"builtin.module"() ({
  "func.func"() <{sym_name = "main", function_type = (tensor<2x3xf32>) -> tensor<3x2xf32>}> ({
  ^bb0(%x: tensor<2x3xf32>):
    %0 = "tensor.view"(%x) <{map = affine_map<(d0, d1) -> (d1, d0)>, extents = array<i64: 3, 2>}> : (tensor<2x3xf32>) -> tensor<3x2xf32>
    %1 = "tensor.view"(%0) <{map = affine_map<(d0, d1) -> (d1, d0)>, extents = array<i64: 2, 3>}> : (tensor<3x2xf32>) -> tensor<2x3xf32>
    "func.return"(%0) : (tensor<3x2xf32>) -> ()
  }) : () -> ()
}) : () -> ()
"""


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    program = (
        "import sys\nfrom intaglio.compiler.cli.main import main\nassert main(['--help']) == 0\n"
        "heavy = [n for n in ('numpy', 'onnx', 'llvmlite', 'rich', 'PIL', 'unicorn') if n in sys.modules]\nprint(heavy, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert all(command in done.stdout for command in ("run", "compile", "inspect", "opt", "targets"))


@pytest.mark.parametrize(
    "words", [[], ["nonsense"], ["run"], ["compile", "m.onnx"], ["run", "m.onnx", "--nonsense"], ["run", "m.onnx", "--threads", "x"]]
)
def test_a_command_line_that_cannot_be_read(words: list[str], capsys: Capture) -> None:
    assert main(words) == 2
    assert "usage: intaglio" in capsys.readouterr().err


def test_targets(capsys: Capture) -> None:
    assert main(["targets"]) == 0
    assert "cortex-m0plus" in capsys.readouterr().out
    assert main(["targets", "--json"]) == 0
    targets = {target["name"]: target for target in json.loads(capsys.readouterr().out)["targets"]}
    assert targets["cortex-m4"]["flash_bytes"] == 2_097_152
    assert "host" in targets


def test_inspect(capsys: Capture) -> None:
    assert main(["inspect", MODEL, "--dim", "batch=1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["macs"], record["parameters"]) == (109_056, 11_306)  # as examples/digits/README.md has it
    assert record["layers"][0]["op_type"] == "Conv"
    assert record["layers"][0]["outputs"] == [{"shape": [1, 16, 8, 8], "element": "f32"}]
    assert record["forecast"]["flash_bytes"] > 4 * 11_306
    assert main(["inspect", MODEL, "--target", "cortex-m4"]) == 0
    assert "bind them with --dim or --shape" in capsys.readouterr().out


# run


def test_run_shows_the_best_classes_with_their_labels(capsys: Capture) -> None:
    assert main(["run", MODEL, "--input", SEVEN, "--no-cache"]) == 0
    first = next(line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("7"))
    assert first.split()[:2] == ["7", "seven"]


def test_run_prints_one_json_object(capsys: Capture) -> None:
    assert main(["run", MODEL, "--input", SEVEN, "--target", "rv64gc", "--dim", "batch=1", "--json", "--no-cache"]) == 0
    record = json.loads(capsys.readouterr().out)
    (output,) = record["outputs"]
    assert (output["name"], output["shape"], output["dtype"]) == ("probabilities", [1, 10], "float32")
    assert int(np.argmax(output["values"])) == 7
    assert record["latency_ms"] is None
    for key in ("instructions", "flash_bytes", "ram_bytes", "arena_bytes", "stack_bytes", "compile_s", "kernels"):
        assert record[key] > 0, key


def test_run_compares_with_test_folders(capsys: Capture) -> None:
    assert main(["run", MODEL, "--test-data", str(DIGITS), "--json", "--no-cache"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["max_abs_err"] < 1e-5
    assert record["latency_ms"] > 0


def test_run_fails_on_a_mismatch(tmp_path: Path, capsys: Capture) -> None:
    path = save_relu(tmp_path / "m.onnx")
    x = np.array([[-1, 2, 3], [4, -5, 6]], np.float32)
    wrong = np.maximum(x, 0)
    wrong[1, 2] += 0.25
    folder = save_test_set(tmp_path / "test", [x], [wrong])
    assert main(["run", str(path), "--test-data", str(folder), "--no-cache"]) == 1
    out = capsys.readouterr().out
    assert "largest error 0.25" in out
    assert "1 of 6" in out
    assert main(["run", str(path), "--test-data", str(folder), "--no-cache", "--atol", "0.3"]) == 0


def test_profile_prints_tables_and_writes_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", MODEL, "--input", SEVEN, "--profile", "--no-cache"]) == 0
    out, err = capsys.readouterr()
    assert "/stem/Conv" in out
    assert "digits.profile.json" in err
    record = json.loads((tmp_path / "digits.profile.json").read_text())
    assert sum(layer["macs"] for layer in record["layers"]) == 109_056
    assert sum(layer["time_us"] for layer in record["layers"]) == pytest.approx(record["total"])


# compile


def test_compile_writes_what_is_asked_for(tmp_path: Path, capsys: Capture) -> None:
    emit = "obj,header,asm,llvm,loop,tensor,graph"
    assert (
        main(
            [
                "compile",
                MODEL,
                "--target",
                "cortex-m4",
                "--dim",
                "batch=1",
                "--name",
                "net",
                "-o",
                str(tmp_path),
                "--emit",
                emit,
                "--no-cache",
            ]
        )
        == 0
    )
    names = {f"net.{suffix}" for suffix in ("o", "h", "s", "ll", "loop.mlir", "tensor.mlir", "graph.mlir")}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert "NET_ARENA_BYTES" in (tmp_path / "net.h").read_text()
    assert (tmp_path / "net.o").read_bytes()[:4] == b"\x7fELF"
    for stage in ("graph", "tensor", "loop"):
        assert main(["opt", str(tmp_path / f"net.{stage}.mlir"), "-p", "dce"]) == 0
    assert "wrote" not in capsys.readouterr().out


def test_an_open_model_can_be_shown_as_a_graph_but_not_as_code(tmp_path: Path, capsys: Capture) -> None:
    assert main(["compile", MODEL, "--target", "host", "-o", str(tmp_path), "--emit", "graph", "--no-cache"]) == 0
    assert "batch" in (tmp_path / "digits.graph.mlir").read_text()
    assert main(["compile", MODEL, "--target", "host", "-o", str(tmp_path), "--no-cache"]) == 1
    assert "bind them with --dim or --shape" in capsys.readouterr().err


# opt


def test_opt_reads_stdin_and_checks(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(IR.encode())))
    assert main(["opt", "-p", "canonicalize,dce", "--check"]) == 0
    out, err = capsys.readouterr()
    assert out.count("tensor.view") == 1
    assert "equal bit for bit" in err


def test_opt_takes_the_pipeline_from_the_first_line(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "case.mlir"
    path.write_text(f"// opt: dce\n{IR}")
    assert main(["opt", str(path)]) == 0
    assert capsys.readouterr().out.count("tensor.view") == 1


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        (IR, [], "no pipeline is given"),
        (IR, ["-p", "nonsense"], "there is no pass 'nonsense'"),
        (IR.replace("extents = array<i64: 3, 2>", "extents = array<i64: 3, 3>"), ["-p", "dce"], "tensor.view"),
        ("nonsense", ["-p", "dce"], "error: "),
        ("\x00\x1b[2J", ["-p", "dce"], "error: "),
    ],
)
def test_opt_refuses(text: str, words: list[str], said: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "case.mlir"
    path.write_text(text)
    assert main(["opt", str(path), *words]) == 1
    out, err = capsys.readouterr()
    assert (out, said in err, "\x1b" in err) == ("", True, False)


# How the program leaves.


def program(*words: str) -> list[str]:
    return [sys.executable, "-m", "intaglio", *words]


def test_a_reader_that_goes_away_is_no_error() -> None:
    with subprocess.Popen(program("targets", "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 141


def test_an_interrupt_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("intaglio.targets.load.load_target", interrupted)
    assert main(["targets"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_fault_of_ours_is_told_as_such(monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by\x1bnothing")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("intaglio.targets.load.load_target", broken)
    assert main(["targets"]) == 70
    err = capsys.readouterr().err
    assert err.startswith("internal error: ZeroDivisionError: by\\x1bnothing")
    assert "Traceback" not in err
    assert "Traceback" in next(tmp_path.glob("intaglio-crash-*")).read_text()


def test_a_bad_file_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(os.urandom(64))
    done = subprocess.run(program("run", str(tmp_path / "m.onnx")), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")


def test_a_terminal_without_unicode(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for words in (["targets"], ["run", os.fsencode(tmp_path) + b"/\xff\xe9.onnx"]):
        command: list[str | bytes] = [*program(), *words]
        done = subprocess.run(command, capture_output=True, env=environment, check=False)
        assert done.returncode == (0 if words == ["targets"] else 1)
        assert b"internal" not in done.stderr
