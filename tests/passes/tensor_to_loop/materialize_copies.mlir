// opt: materialize-copies
// What is returned lies in the caller's memory; an input that is returned has to be copied there.
"func.func"() <{sym_name = "main", function_type = (tensor<2x3xf32>) -> tensor<2x3xf32>}> ({
^bb0(%x: tensor<2x3xf32>):   // check: ^bb0(%[[x]]: tensor<2x3xf32>
  // check-next: %[[k]] = "tensor.kernel"(%[[x]])
  "func.return"(%x) : (tensor<2x3xf32>) -> ()
  // check: "func.return"(%[[k]])
  // remark: operand 0 is copied, because it is an input of the model
}) : () -> ()

// -----
// A slice is another look at the same memory: nothing is to be done until it is returned.
"func.func"() <{sym_name = "main", function_type = (tensor<4x3xf32>) -> tensor<2x3xf32>}> ({
^bb0(%x: tensor<4x3xf32>):
  %0 = "tensor.view"(%x) <{extents = array<i64: 2, 3>, map = affine_map<(d0, d1) -> (d0 * 2 + 1, d1)>, padding = unit}> : (tensor<4x3xf32>) -> tensor<2x3xf32>
  %1 = "tensor.kernel"(%0) <{schedule = ""}> ({
  ^bb0(%a: tensor<2x3xf32>):
    %2 = "tensor.compute"(%a) <{extents = array<i64: 2, 3>, parallel = 2 : i64, maps = [affine_map<(d0, d1) -> (d0, d1)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32):
      %3 = "arith.negf"(%e) : (f32) -> f32
      "tensor.yield"(%3) : (f32) -> ()
    }) : (tensor<2x3xf32>) -> tensor<2x3xf32>
    "tensor.yield"(%2) : (tensor<2x3xf32>) -> ()
  }) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // check: %[[v]] = "tensor.view"
  // check-next: %[[k]] = "tensor.kernel"(%[[v]])
  // check-not: tensor.kernel
  "func.return"(%1) : (tensor<2x3xf32>) -> ()
  // check: "func.return"(%[[k]])
}) : () -> ()

// -----
// Padding has no memory to look at: the view becomes a kernel, which writes into the slice of the concatenation.
"func.func"() <{sym_name = "main", function_type = (tensor<2xf32>) -> tensor<6xf32>}> ({
^bb0(%x: tensor<2xf32>):   // check: ^bb0(%[[x]]: tensor<2xf32>
  // check-next: %[[p]] = "tensor.kernel"(%[[x]])
  // check: "tensor.view"
  %0 = "tensor.view"(%x) <{extents = array<i64: 4>, map = affine_map<(d0) -> (d0 + -1)>, padding = 0.5 : f32}> : (tensor<2xf32>) -> tensor<4xf32>
  // remark: becomes a kernel, because its elements are not strided
  // check: %[[c]] = "tensor.kernel"(%[[x]])
  // check: %[[j]] = "tensor.concat"(%[[p]], %[[c]])
  %1 = "tensor.concat"(%0, %x) <{dim = 0 : i64}> : (tensor<4xf32>, tensor<2xf32>) -> tensor<6xf32>
  // remark: operand 1 is copied, because it is an input of the model
  "func.return"(%1) : (tensor<6xf32>) -> ()
  // check-next: "func.return"(%[[j]])
}) : () -> ()
