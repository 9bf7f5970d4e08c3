"""Machines: what the compiler asks of one, and what generated code and its callers agree on.

description.py   `Target`, a frozen record of everything a pass or the code generator may ask
load.py          `load_target("cortex-m4")`, `target_names()`; data/*.toml holds one file per target
host.py          `detect_host()`: the machine this process runs on, as a `Target`
abi.py           status codes, the C entry, section names, arena alignment
linker.py        shared libraries for the host, images for chips, with the soft-float routines they need
cache.py         the folder for what is built once, files written whole

To add a target, add its file in data/. This floor imports `errors` only.
"""
