"""The IR core: types, attributes, operations with regions, and what every dialect needs of them.

An operation is declared once (`definition`); the declaration gives constructor, accessors, verifier, printer, parser and
documentation. `printer` and `parser` use MLIR's generic form. Nothing here knows a dialect.
"""
