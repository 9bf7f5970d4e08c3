// opt: fuse-kernels
// What follows a reduction on its own elements shares its loops.
"func.func"() <{sym_name = "bias_follows", function_type = (tensor<4x3xf32>, tensor<4xf32>) -> tensor<4xf32>}> ({
^bb0(%x: tensor<4x3xf32>, %b: tensor<4xf32>):   // check: ^bb0(%[[x]]: tensor<4x3xf32>, %[[b]]: tensor<4xf32>)
  %0 = "tensor.compute"(%x) <{extents = array<i64: 4, 3>, parallel = 1 : i64, maps = [affine_map<(d0, d1) -> (d0, d1)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32, %acc: f32):
    %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) {ir.nodes = ["ReduceSum:sum"]} : (tensor<4x3xf32>) -> tensor<4xf32>
  %1 = "tensor.compute"(%0, %b) <{extents = array<i64: 4>, parallel = 1 : i64, maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], init = unit, operandSegmentSizes = array<i32: 2, 0>}> ({
  ^bb0(%e: f32, %f: f32):
    %s = "arith.addf"(%e, %f) : (f32, f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) {ir.nodes = ["Add:bias"]} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  "func.return"(%1) : (tensor<4xf32>) -> ()
  // check-next: %[[k]] = "tensor.kernel"(%[[x]], %[[b]])
  // check: {ir.nodes = ["ReduceSum:sum", "Add:bias"]} : (tensor<4x3xf32>, tensor<4xf32>) -> tensor<4xf32>
  // check-next: "func.return"(%[[k]])
}) : () -> ()

// -----
// A part of the elements is no epilogue: the loops would write the others nowhere.
"func.func"() <{sym_name = "a_slice_stays_apart", function_type = (tensor<4x3xf32>) -> (tensor<4xf32>, tensor<2xf32>)}> ({
^bb0(%x: tensor<4x3xf32>):   // check: ^bb0(%[[x]]: tensor<4x3xf32>)
  %0 = "tensor.compute"(%x) <{extents = array<i64: 4, 3>, parallel = 1 : i64, maps = [affine_map<(d0, d1) -> (d0, d1)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32, %acc: f32):
    %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) : (tensor<4x3xf32>) -> tensor<4xf32>
  %1 = "tensor.compute"(%0) <{extents = array<i64: 2>, parallel = 1 : i64, maps = [affine_map<(d0) -> (d0)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32):
    %s = "arith.negf"(%e) : (f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) : (tensor<4xf32>) -> tensor<2xf32>
  "func.return"(%0, %1) : (tensor<4xf32>, tensor<2xf32>) -> ()
  // check-next: %[[a]] = "tensor.kernel"(%[[x]])
  // check: %[[b]] = "tensor.kernel"(%[[a]])
  // check: "func.return"(%[[a]], %[[b]])
}) : () -> ()

// -----
// A lookup needs its table in memory: the table's maker is another kernel.
"func.func"() <{sym_name = "a_table_is_made_first", function_type = (tensor<4xf32>) -> tensor<4xf32>}> ({
^bb0(%x: tensor<4xf32>):   // check: ^bb0(%[[x]]: tensor<4xf32>)
  %0 = "tensor.compute"(%x) <{extents = array<i64: 4>, parallel = 1 : i64, maps = [affine_map<(d0) -> (d0)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32):
    %s = "arith.negf"(%e) : (f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "tensor.compute"(%0, %0) <{extents = array<i64: 4>, parallel = 1 : i64, maps = [affine_map<(d0) -> (d0)>], init = unit, operandSegmentSizes = array<i32: 1, 1>}> ({
  ^bb0(%e: f32, %table: tensor<4xf32>):
    %i = "tensor.index"() <{dim = 0 : i64}> : () -> index
    %t = "tensor.extract_at"(%table, %i) : (tensor<4xf32>, index) -> f32
    %s = "arith.addf"(%e, %t) : (f32, f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  "func.return"(%1) : (tensor<4xf32>) -> ()
  // check-next: %[[a]] = "tensor.kernel"(%[[x]])
  // check: %[[b]] = "tensor.kernel"(%[[a]])
  // check: "func.return"(%[[b]])
}) : () -> ()

// -----
// Two reductions are two loop nests, even where one feeds the other.
"func.func"() <{sym_name = "two_reductions", function_type = (tensor<4x3xf32>) -> tensor<f32>}> ({
^bb0(%x: tensor<4x3xf32>):   // check: ^bb0(%[[x]]: tensor<4x3xf32>)
  %0 = "tensor.compute"(%x) <{extents = array<i64: 4, 3>, parallel = 1 : i64, maps = [affine_map<(d0, d1) -> (d0, d1)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32, %acc: f32):
    %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) : (tensor<4x3xf32>) -> tensor<4xf32>
  %1 = "tensor.compute"(%0) <{extents = array<i64: 4>, parallel = 0 : i64, maps = [affine_map<(d0) -> (d0)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32, %acc: f32):
    %s = "arith.maximumf"(%acc, %e) : (f32, f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) : (tensor<4xf32>) -> tensor<f32>
  "func.return"(%1) : (tensor<f32>) -> ()
  // check-next: %[[a]] = "tensor.kernel"(%[[x]])
  // check: %[[b]] = "tensor.kernel"(%[[a]])
  // check: "func.return"(%[[b]])
}) : () -> ()

// -----
// A masked value ends its kernel: only a choice that is the last step is skipped as a tile.
"func.func"() <{sym_name = "a_masked_value_ends", function_type = (tensor<4x4xf32>, tensor<2x2xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>}> ({
^bb0(%x: tensor<4x4xf32>, %a: tensor<2x2xf32>, %b: tensor<4x4xf32>):   // check: ^bb0(%[[x]]: {{.*}}, %[[a]]: {{.*}}, %[[b]]:
  %0 = "tensor.masked"(%x, %a, %b) <{unit = array<i64: 2, 2>, operandSegmentSizes = array<i32: 1, 1, 1, 0>}> : (tensor<4x4xf32>, tensor<2x2xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = "tensor.compute"(%0) <{extents = array<i64: 4, 4>, parallel = 2 : i64, maps = [affine_map<(d0, d1) -> (d0, d1)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32):
    %s = "arith.negf"(%e) : (f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  "func.return"(%1) : (tensor<4x4xf32>) -> ()
  // check: %[[k]] = "tensor.kernel"(
  // check: %[[n]] = "tensor.kernel"(%[[k]])
  // check: "func.return"(%[[n]])
}) : () -> ()

// -----
// A choice without a list behind a reduction is a gate: what follows it still joins, since nothing but the background of the gate is left there.
"func.func"() <{sym_name = "what_follows_a_gate_joins", function_type = (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4xf32>) -> tensor<4xf32>}> ({
^bb0(%x: tensor<4x8xf32>, %a: tensor<4x1xf32>, %b: tensor<4xf32>):
  %0 = "tensor.compute"(%x) <{extents = array<i64: 4, 8>, parallel = 1 : i64, maps = [affine_map<(d0, d1) -> (d0, d1)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32, %acc: f32):
    %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) : (tensor<4x8xf32>) -> tensor<4xf32>
  %v = "tensor.view"(%a) <{extents = array<i64: 4>, map = affine_map<(d0) -> (d0, 0)>}> : (tensor<4x1xf32>) -> tensor<4xf32>
  %1 = "tensor.masked"(%0, %v, %b) <{unit = array<i64: 1>, operandSegmentSizes = array<i32: 1, 1, 1, 0>}> : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = "tensor.compute"(%1) <{extents = array<i64: 4>, parallel = 1 : i64, maps = [affine_map<(d0) -> (d0)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32):
    %s = "arith.negf"(%e) : (f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) : (tensor<4xf32>) -> tensor<4xf32>
  "func.return"(%2) : (tensor<4xf32>) -> ()
  // check: %[[k]] = "tensor.kernel"(
  // check-not: "tensor.kernel"(
  // check: "func.return"(%[[k]])
}) : () -> ()

// -----
// A choice of pixels without a list is made in a kernel of its own, with all that only leads to it.
"func.func"() <{sym_name = "a_choice_of_pixels_stays_apart", function_type = (tensor<1x4x2x2x3xf32>, tensor<1x1x2x2xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>}> ({
^bb0(%x: tensor<1x4x2x2x3xf32>, %a: tensor<1x1x2x2xf32>, %b: tensor<1x4x2x2xf32>):   // check: ^bb0(%[[x]]: {{.*}}, %[[a]]: {{.*}}, %[[b]]:
  %0 = "tensor.compute"(%x) <{extents = array<i64: 1, 4, 2, 2, 3>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32, %acc: f32):
    %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) : (tensor<1x4x2x2x3xf32>) -> tensor<1x4x2x2xf32>
  %1 = "tensor.compute"(%0) <{extents = array<i64: 1, 4, 2, 2>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32):
    %s = "arith.negf"(%e) : (f32) -> f32
    "tensor.yield"(%s) : (f32) -> ()
  }) : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
  %2 = "tensor.masked"(%1, %a, %b) <{unit = array<i64: 1, 4, 1, 1>, operandSegmentSizes = array<i32: 1, 1, 1, 0>}> : (tensor<1x4x2x2xf32>, tensor<1x1x2x2xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
  "func.return"(%2) : (tensor<1x4x2x2xf32>) -> ()
  // check: %[[s]] = "tensor.kernel"(%[[x]])
  // check: %[[k]] = "tensor.kernel"(%[[s]], %[[a]], %[[b]])
  // check: "arith.negf"
  // check: "tensor.masked"
  // check: "func.return"(%[[k]])
}) : () -> ()
