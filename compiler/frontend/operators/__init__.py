"""One file per operator family: how each ONNX operator, of any version, becomes operations of the graph dialect.

A rule is a function marked `@importer("Conv", since=1)`; it is found because every file of this folder is imported here.
`registry` holds the rules and the `NodeContext` that a rule reads its node through.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
