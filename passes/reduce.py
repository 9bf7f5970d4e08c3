"""Test-case reduction: a program that shows a fault becomes a small one that still shows it.

The predicate says whether a program is still interesting (crashes, gives another result); it gets only programs that verify. Steps:
drop results of `main`, cut operations out (their results become arguments of the function), drop what is dead, splice in the bodies of
kernels, in ever smaller groups (Zeller, Hildebrandt: Simplifying and isolating failure-inducing input, 2002), until none helps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..dialects.func import Function, Module
from ..dialects.ir.operation import Operation, Value
from ..dialects.ir.traits import Terminator
from ..dialects.ir.verifier import faults
from .common.dce import remove_dead

Predicate = Callable[[Module], bool]


def reduce_module(module: Module, is_interesting: Predicate, max_attempts: int = 2000) -> Module:
    """The smallest program that was found for which `is_interesting` holds, as it does for `module`, which is not changed."""
    best = _copy(module)
    attempts = _Attempts(is_interesting, max_attempts)
    size = -1
    while size != _size(best) and attempts.left:
        size = _size(best)
        for step in (_drop_results, _cut_operations, _forward_operands, _drop_arguments):
            best = _delta(best, step, attempts)
    return best


class _Attempts:
    """The predicate with a budget; programs that do not verify are not interesting."""

    def __init__(self, is_interesting: Predicate, left: int) -> None:
        self.is_interesting = is_interesting
        self.left = left

    def __call__(self, module: Module) -> bool:
        if not self.left:
            return False
        self.left -= 1
        return next(faults(module), None) is None and self.is_interesting(module)


# A step takes a program and the numbers of the things to remove, and says how many things there are.
Step = Callable[[Module, Sequence[int]], int]


def _delta(module: Module, step: Step, attempts: _Attempts) -> Module:
    """Remove groups of things, first all, then halves, then quarters, down to single ones."""
    count = step(_copy(module), ())
    group = count
    while group and attempts.left:
        start = 0
        while start < count:
            candidate = _copy(module)
            step(candidate, range(start, min(start + group, count)))
            _tidy(candidate)
            if _size(candidate) < _size(module) and attempts(candidate):
                module = candidate
                count = step(_copy(module), ())
            else:
                start += group
        group //= 2
    return module


def _copy(module: Module) -> Module:
    copy = module.clone({})
    assert isinstance(copy, Module)
    return copy


def _size(module: Module) -> int:
    """Operations, their operands, arguments: what makes a program long to read."""
    return sum(1 + len(op.operands) + sum(len(block.arguments) for region in op.regions for block in region.blocks) for op in module.walk())


def _tidy(module: Module) -> None:
    remove_dead(module)
    for function in module.functions():
        function.refresh_type()


def _drop_results(module: Module, numbers: Sequence[int]) -> int:
    """Results of functions."""
    count = 0
    for function in module.functions():
        end = function.body.terminator
        kept = [i for i in range(len(end.operands)) if count + i not in numbers]
        count += len(end.operands)
        if function.result_names:
            function.result_names = tuple(function.result_names[i] for i in kept)
        end.set_operands([end.operands[i] for i in kept], (len(kept),))
    return count


def _cut_operations(module: Module, numbers: Sequence[int]) -> int:
    """Operations of functions: their results become arguments."""
    count = 0
    for function in module.functions():
        for op in function.body:
            if op.has(Terminator):
                continue
            if count in numbers:
                _cut(function, op)
            count += 1
    return count


def _cut(function: Function, op: Operation) -> None:
    for result in op.results:
        if result.uses:
            result.replace_by(function.body.add_argument(result.type))
            if function.argument_names:
                function.argument_names = (*function.argument_names, f"cut{len(function.arguments) - 1}")
    op.erase()


def _forward_operands(module: Module, numbers: Sequence[int]) -> int:
    """Operations anywhere, whose result is replaced by an operand (or an earlier value of the block) of its type."""
    count = 0
    for op in list(module.walk()):
        if op.block is None or len(op.results) != 1 or op.has(Terminator):
            continue
        if count in numbers:
            candidates: list[Value] = [*op.operands, *op.block.arguments]
            stand_in = next((value for value in candidates if value.type == op.results[0].type), None)
            if stand_in is not None:
                op.results[0].replace_by(stand_in)
        count += 1
    return count


def _drop_arguments(module: Module, numbers: Sequence[int]) -> int:
    """Arguments of functions that are not used."""
    count = 0
    for function in module.functions():
        unused = [argument.number for argument in function.arguments if not argument.uses]
        chosen = [number for i, number in enumerate(unused, start=count) if i in numbers]
        count += len(unused)
        for number in reversed(chosen):
            function.body.erase_argument(number)
            if function.argument_names:
                function.argument_names = (*function.argument_names[:number], *function.argument_names[number + 1 :])
    return count
