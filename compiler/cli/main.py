"""`intaglio`: finds the commands, reads the arguments, runs one, and turns whatever goes wrong into a message and an exit status.

0 is success, 1 the user's input, 2 a command line that cannot be read, 70 a fault of ours, 130 an interrupt, 141 a reader that
went away.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType

from ...errors import CompileError, InternalError, error, printable, quote

__all__ = ["main"]

SOFTWARE, INTERRUPTED, BROKEN_PIPE = 70, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (else that of the process); the exit status is returned."""
    _tolerate_encodings()
    try:
        arguments = _parser().parse_args(argv)
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except SystemExit as leaving:  # argparse has said why
        return leaving.code if isinstance(leaving.code, int) else 2
    except CompileError as fault:
        return _say(str(fault), 1)
    except BrokenPipeError:
        _mute_stdout()
        return BROKEN_PIPE
    except OSError as fault:
        return _unwritten(fault)
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)
    except MemoryError:
        return _say("error: the system has not enough memory for this", 1)
    except InternalError as fault:
        return _say(f"internal error: {fault}", SOFTWARE)
    except Exception as fault:
        return _say(_crash(fault), SOFTWARE)
    return status


class _ShowVersion(argparse.Action):
    """Look the version up only when it is asked for: reading the metadata takes longer than all of --help."""

    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> None:
        from importlib.metadata import version

        print(f"intaglio {version('intaglio')}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="intaglio", description="Compiles ONNX models to machine code.", allow_abbrev=False)
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="show program's version number and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in _commands():
        command = commands.add_parser(
            name, help=module.SUMMARY, description=module.__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _commands() -> list[tuple[str, ModuleType]]:
    """Every other file beside this one."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in ("__init__", "main"))
    return [(name, import_module(f".{name}", __package__)) for name in names]


def _tolerate_encodings() -> None:
    """A terminal that is not UTF-8, or a path that is no text, must not end a command: such characters are written as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(text: str, status: int) -> int:
    sys.stdout.flush()
    print(text, file=sys.stderr)
    return status


def _unwritten(fault: OSError) -> int:
    """The disk behind stdout, or behind a file of ours, is full; anything else is unforeseen."""
    if fault.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS):
        return _say(_crash(fault), SOFTWARE)
    _mute_stdout()
    place = f" to {quote(str(fault.filename))}" if fault.filename else ""
    print(
        error(f"the results cannot be written{place}: {os.strerror(fault.errno).lower()}").help("make room, or write them elsewhere"),
        file=sys.stderr,
    )
    return 1


def _mute_stdout() -> None:
    """The interpreter flushes stdout at its end; give it somewhere to go."""
    with suppress(OSError, ValueError):  # there is no real file under a test
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _crash(fault: Exception) -> str:
    """A message for what nobody foresaw; the traceback goes to a file."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="intaglio-crash-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
    ) as file:
        traceback.print_exception(fault, file=file)
    return (
        f"internal error: {type(fault).__name__}: {printable(str(fault))[:500]}\n"
        f"  this is a fault of intaglio, not of the model; please send {file.name}"
    )
