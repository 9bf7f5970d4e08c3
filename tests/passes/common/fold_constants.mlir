// opt: fold-constants{max-bytes=16}
"func.func"() <{sym_name = "transpose", function_type = () -> (tensor<3x2xf32>)}> ({
  %0 = "tensor.constant"() <{value = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>}> : () -> tensor<2x3xf32>
  %1 = "tensor.view"(%0) <{extents = array<i64: 3, 2>, map = affine_map<(d0, d1) -> (d1, d0)>}> : (tensor<2x3xf32>) -> tensor<3x2xf32>
  // check: tensor.constant
  // check-next: %[[y]] = "tensor.constant"() <{value = dense<{{\[\[1.0, 4.0\], \[2.0, 5.0\], \[3.0, 6.0\]\]}}> : tensor<3x2xf32>
  // check-next: "func.return"(%[[y]])
  "func.return"(%1) : (tensor<3x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "no_bloat", function_type = () -> (tensor<9xf32>)}> ({
  %0 = "tensor.constant"() <{value = dense<[1.0]> : tensor<1xf32>}> : () -> tensor<1xf32>
  %1 = "tensor.view"(%0) <{extents = array<i64: 9>, map = affine_map<(d0) -> (0)>}> : (tensor<1xf32>) -> tensor<9xf32>
  // check: tensor.view
  // remark: not folded: the result takes 36 bytes, more than 16
  "func.return"(%1) : (tensor<9xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "scalars", function_type = () -> (i32)}> ({
  %0 = "arith.constant"() <{value = 2147483647 : i32}> : () -> i32
  %1 = "arith.addi"(%0, %0) : (i32, i32) -> i32
  // check: %[[y]] = "arith.constant"() <{value = -2 : i32}>
  // check-next: "func.return"(%[[y]])
  "func.return"(%1) : (i32) -> ()
}) : () -> ()
