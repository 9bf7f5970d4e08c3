"""Choose how each kernel's results lie in memory: the dim that vectors will run along innermost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...dialects import tensor
from ...dialects.func import Function, Module, Return
from ...dialects.ir.affine import Affine, AffineMap
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Argument, Operation, Value
from ...dialects.ir.types import TensorType
from ...dialects.tensor.view import tensor_type
from ...errors import CompileError
from ..analysis.domain import Domain, Reads, access_strides, domain, reads
from ..manager import Pass, Report
from ..tensor_to_loop.copies import copy_kernel
from ..tensor_to_loop.strided import Strided, view_layout


@dataclass(frozen=True)
class AssignLayouts(Pass, name="assign-layouts", runs_on=("tensor",)):
    """Give every result of a kernel an `order`; constants, inputs and outputs of the model stay row-major.

    Before: %y = tensor.kernel(%x, %w) : tensor<1x64x56x56xf32>
    After:  %y = tensor.kernel(%x, %w) : tensor<1x64x56x56xf32, #ir.order<[0, 2, 3, 1]>>

    A convolution or matmul with constant weights puts the dim that only the weights have (the output channels) innermost. A window with
    padding puts the largest dim that no window covers innermost, or the one along which an input of the model lies. What the model
    returns and no reduction makes lies as it is returned, and so does what it is chosen by. Everything else follows its largest input. An
    order that is there stays. Views follow their source where the elements need not move, others the vectors that read them.
    """

    def run(self, module: Module, report: Report) -> None:
        for function in module.functions():
            for op in function.body:
                if isinstance(op, tensor.Kernel):
                    _lay_out(op, report)
                elif isinstance(op, tensor.View):
                    _follow_source(op)
                elif isinstance(op, tensor.Concat):
                    _follow_inputs(op)
            _refresh(function)


def _refresh(function: Function) -> None:
    function.refresh_type()


def _lay_out(kernel: tensor.Kernel, report: Report) -> None:
    for argument, value in zip(kernel.body.arguments, kernel.inputs, strict=True):
        argument.type = value.type
    for op in kernel.body:
        if isinstance(op, tensor.Compute):
            _retype_captured(op)
    if any(tensor_type(value).order for value in kernel.outputs) or isinstance(kernel.body.first, tensor.ListRuns):
        return
    try:
        domain_ = domain(kernel)
    except CompileError as refusal:
        report.remark(kernel, f"stays row-major: {refusal.diagnostics[0].message}")
        return
    if domain_.root is None and all(isinstance(user, Return) for value in kernel.outputs for user in value.users):
        _flatten_activities(kernel)
        return
    reads_ = reads(domain_)
    inner = _vector_dim(kernel, domain_, reads_)
    if inner is not None and _turn_inputs(kernel, domain_, reads_, inner):
        report.count("inputs turned")
        domain_ = domain(kernel)
        reads_ = reads(domain_)
    ranking = _ranking(kernel, domain_, reads_)
    for output, value, result in zip(domain_.outputs, kernel.body.terminator.operands, kernel.outputs, strict=True):
        order = _order_of(output.map, ranking, tensor_type(output.value))
        output.value.type = tensor_type(output.value).with_order(order)
        value.type = tensor_type(value).with_order(order)
        result.type = value.type
        if order != tuple(range(len(order))):
            report.count("reordered")


def _flatten_activities(kernel: tensor.Kernel) -> None:
    """Exchange what choices ask for copies that lie as the result does: there is a row of it for many of the result."""
    for op in kernel.body:
        if isinstance(op, tensor.Masked) and isinstance(op.active, Argument) and tensor_type(op.active).order:
            copy = copy_kernel(Builder(before=kernel, location=op.location), kernel.inputs[op.active.number], ())
            kernel.set_operand(op.active.number, copy)
            op.active.type = copy.type


def _retype_captured(op: tensor.Compute) -> None:
    """A body takes what it captures as it is laid out."""
    for value, argument in zip(op.captured, op.body.arguments[len(op.inputs) :], strict=False):
        argument.type = value.type


def _turn_inputs(kernel: tensor.Kernel, domain_: Domain, reads_: Reads, inner: int) -> bool:
    """Exchange inputs of the model that vectors along `inner` would have to gather for copies that lie the other way, and so what is
    made from them element by element.

    True if there were any. What kernels make is laid out by those kernels, and turning it again costs more than it gains (shufflenet).
    Views that must be moved anyway are moved to where they serve.
    """
    turned = False
    for access in reads_.accesses:
        value = kernel.inputs[access.argument.number]
        axis = next((i for i, s in enumerate(access.subscripts) if s.coefficient(inner)), None)
        if axis is None or not (_follows_inputs(value) or _is_moved(value)) or access.argument.type != value.type:
            continue
        if access.offset(tensor_type(value).strides).simplify(domain_.ranges).coefficient(inner) not in (0, 1):
            copy = _turned(kernel, value, axis)
            kernel.set_operand(access.argument.number, copy)
            access.argument.type = copy.type
            if isinstance(value.owner, tensor.View) and not value.uses:
                value.owner.erase()
            turned = True
    return turned


def _follows_inputs(value: Value) -> bool:
    """Whether a value lies as the model's inputs do, and nothing of its own says how it should."""
    owner = value.owner
    if isinstance(owner, tensor.Kernel) and not tensor_type(value).order:
        plain = all(isinstance(op, tensor.Compute) and not op.has_reduction for op in owner.body if not isinstance(op, tensor.Yield))
        return plain and all(isinstance(source, Argument) or isinstance(source.owner, tensor.Constant) for source in owner.inputs)
    return isinstance(value, Argument)


def _is_moved(value: Value) -> bool:
    """Whether a value is a view whose elements do not lie in its source as it has them, such as the mask of every channel of a group."""
    view = value.owner
    if not isinstance(view, tensor.View):
        return False
    return view_layout(view, Strided(0, tensor_type(view.source).strides)) is None


def _turned(kernel: tensor.Kernel, value: Value, axis: int) -> Value:
    """`value` with `axis` innermost: a copy that was made before for another kernel, or a new one."""
    type_ = tensor_type(value)
    order = [dim for dim in (type_.order or range(type_.rank)) if dim != axis] + [axis]
    wanted = type_.with_order(order)
    for user in value.users:
        if isinstance(user, tensor.Kernel) and len(user.inputs) == 1 and user.outputs[0].type == wanted and _is_copy(user):
            return user.outputs[0]
    return copy_kernel(Builder(before=_first_user(kernel, value), location=kernel.location), value, order)


def _first_user(kernel: tensor.Kernel, value: Value) -> Operation:
    """The first operation of the function that uses `value`, so that a copy can serve those after it."""
    block = kernel.block
    assert block is not None
    return next(op for op in block if value in op.operands)


def _is_copy(kernel: tensor.Kernel) -> bool:
    inside = [op for op in kernel.body if not isinstance(op, tensor.Yield)]
    return len(inside) == 1 and isinstance(inside[0], tensor.Compute) and inside[0].body.first is inside[0].body.last


def _ranking(kernel: tensor.Kernel, domain_: Domain, reads_: Reads) -> list[int]:
    """Parallel dims of the domain, outermost first."""
    dims = list(range(len(domain_.parallel)))
    follow = _largest_input(kernel, domain_, reads_)
    if follow is not None:
        strides = access_strides(follow, dims)
        dims.sort(key=lambda dim: (-strides[dim] if strides[dim] else -(1 << 60), dim))
    inner = _vector_dim(kernel, domain_, reads_)
    if inner is not None:
        dims = [dim for dim in range(len(domain_.parallel)) if dim != inner] + [inner]
    return dims


def _vector_dim(kernel: tensor.Kernel, domain_: Domain, reads_: Reads) -> int | None:
    if domain_.root is None:
        return None
    constant: dict[int, None] = {}
    varying: dict[int, None] = {}
    for access in reads_.accesses:
        if access.of_root:
            is_constant = isinstance(kernel.inputs[access.argument.number].owner, tensor.Constant)
            for subscript in access.subscripts:
                (constant if is_constant else varying).update(dict.fromkeys(subscript.dims()))
    only_weights = [dim for dim in range(len(domain_.parallel)) if dim in constant and dim not in varying]
    if only_weights:
        return max(only_weights, key=lambda dim: domain_.parallel[dim])
    if reads_.guards or _has_windows(reads_):
        covered = {dim for guard in reads_.guards for dim in guard.subscript.dims()} | _window_dims(reads_)
        plain = [dim for dim in range(1, len(domain_.parallel)) if dim not in covered and domain_.parallel[dim] > 1]
        along = _along_inputs(kernel, domain_, reads_)
        return max(plain, key=lambda dim: (dim in along, domain_.parallel[dim]), default=None)
    return None


def _along_inputs(kernel: tensor.Kernel, domain_: Domain, reads_: Reads) -> set[int]:
    """The dims along which inputs of the model lie."""
    found: set[int] = set()
    for access in reads_.accesses:
        value = kernel.inputs[access.argument.number]
        if isinstance(value, Argument):
            offset = access.offset(tensor_type(value).strides).simplify(domain_.ranges)
            found.update(dim for dim in range(len(domain_.parallel)) if offset.coefficient(dim) == 1)
    return found


def _has_windows(reads_: Reads) -> bool:
    return bool(_window_dims(reads_))


def _window_dims(reads_: Reads) -> set[int]:
    """Dims that share a subscript with another: windows slide over them."""
    return {
        dim
        for access in reads_.accesses
        if access.of_root
        for subscript in access.subscripts
        if len(subscript.dims()) > 1
        for dim in subscript.dims()
    }


def _largest_input(kernel: tensor.Kernel, domain_: Domain, reads_: Reads) -> Affine | None:
    """Offsets of the largest input that is no constant, over the domain's dims; of equal ones, one that a kernel made."""
    best: tuple[tuple[int, bool], Affine] | None = None
    for access in reads_.accesses:
        value = kernel.inputs[access.argument.number]
        if isinstance(value.owner, tensor.Constant):
            continue
        type_ = tensor_type(value)
        rank = type_.elements, not isinstance(value, Argument)
        if best is None or rank > best[0]:
            best = (rank, access.offset(type_.strides).simplify(domain_.ranges))
    return None if best is None else best[1]


def _order_of(map_: AffineMap, ranking: list[int], type_: TensorType) -> tuple[int, ...]:
    """Dims of an output, outermost first, by the place in `ranking` of the innermost domain dim that each depends on."""
    place = {dim: i for i, dim in enumerate(ranking)}
    keys = [max((place[dim] for dim in subscript.dims() if dim in place), default=-1) for subscript in map_.results]
    units = [extent == 1 for extent in type_.extents]
    order = sorted(range(type_.rank), key=lambda dim: (keys[dim], dim))
    moved = [dim for dim in order if not units[dim]]
    return tuple(range(type_.rank)) if moved == sorted(moved) else tuple(order)


def _follow_source(view: tensor.View) -> None:
    """The order in which a view's elements lie in its source's memory; where they must be moved, that of the source's dims behind them."""
    source = tensor_type(view.source)
    if view.padding is not None or not source.order:
        return
    ranges = [(0, max(extent - 1, 0)) for extent in view.extents]
    offset = Affine()
    for subscript, stride in zip(view.map.results, source.strides, strict=True):
        offset = offset + subscript * stride
    strides = access_strides(offset.simplify(ranges), range(len(view.extents)))
    candidate = _ordered(view, strides)
    if not all(stride == own for stride, own, extent in zip(strides.values(), candidate.strides, view.extents, strict=True) if extent > 1):
        candidate = _ordered(view, {dim: _finest(view, source, dim) for dim in strides})
    view.output.type = candidate


def _ordered(view: tensor.View, strides: Mapping[int, int]) -> TensorType:
    """The view's type with the larger strides outside."""
    order = sorted(range(len(view.extents)), key=lambda dim: (view.extents[dim] > 1, -strides[dim], dim))
    return tensor_type(view.output).with_order(order)


def _finest(view: tensor.View, source: TensorType, dim: int) -> int:
    """The least stride of the source's dims that `dim` walks over."""
    walked = (
        stride
        for subscript, stride, extent in zip(view.map.results, source.strides, source.extents, strict=True)
        if extent > 1 and dim in subscript.dims()
    )
    return min(walked, default=0)


def _follow_inputs(concat: tensor.Concat) -> None:
    """The order that most elements of the inputs have."""
    weights: dict[tuple[int, ...], int] = {}
    for value in concat.inputs:
        type_ = tensor_type(value)
        weights[type_.order] = weights.get(type_.order, 0) + type_.elements
    order = max(weights, key=lambda key: weights[key])
    concat.output.type = tensor_type(concat.output).with_order(order or range(tensor_type(concat.output).rank))
