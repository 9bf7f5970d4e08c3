"""The command line: `main.py`, and one file per command.

A command is a module here with `SUMMARY` (one line), `add_arguments(parser)` and `run(arguments) -> int`, the exit status; it is found because its file
exists. Results go to stdout, messages to stderr. The one thing to know: every command is imported to print the help, so nothing heavy
may be imported outside a function.
"""
