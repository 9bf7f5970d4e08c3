// opt: canonicalize
"func.func"() <{sym_name = "dead", function_type = (tensor<2xf32>) -> (tensor<2xf32>)}> ({
^bb0(%x: tensor<2xf32>):   // check: ^bb0(%[[x]]:
  %0 = "tensor.view"(%x) <{extents = array<i64: 2>, map = affine_map<(d0) -> (-d0 + 1)>, padding = unit}> : (tensor<2xf32>) -> tensor<2xf32>
  %1 = "tensor.concat"(%0, %0) <{dim = 0 : i64}> : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  // check-not: tensor.
  "func.return"(%x) : (tensor<2xf32>) -> ()
  // check-next: "func.return"(%[[x]])
}) : () -> ()
// -----
"func.func"() <{sym_name = "leaves_bad_programs", function_type = (tensor<2xf32>) -> (tensor<3xf32>)}> ({
^bb0(%x: tensor<2xf32>):
  %0 = "tensor.view"(%x) <{extents = array<i64: 3>, map = affine_map<(d0) -> (d0)>, padding = unit}> : (tensor<2xf32>) -> tensor<3xf32>
  // error: leaves tensor<2xf32>, and there is no padding
  "func.return"(%0) : (tensor<3xf32>) -> ()
}) : () -> ()
