"""Operators become computations and views: the border from graph to tensor, one file per operator family.

A file `<family>.py` holds the lowerings of `dialects/graph/<family>.py`; every file here is imported, so that they are registered.
`convert` is the pass `graph-to-tensor`; `maps` has the index maps that families share.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
