// opt: canonicalize
"func.func"() <{sym_name = "transposes", function_type = (tensor<2x3x4xf32>) -> (tensor<4x2x3xf32>, tensor<2x3x4xf32>)}> ({
^bb0(%x: tensor<2x3x4xf32>):   // check: ^bb0(%[[x]]:
  %0 = "graph.transpose"(%x) <{perm = array<i64: 1, 2, 0>}> : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = "graph.transpose"(%0) <{perm = array<i64: 1, 2, 0>}> : (tensor<3x4x2xf32>) -> tensor<4x2x3xf32>
  %2 = "graph.transpose"(%1) <{perm = array<i64: 1, 2, 0>}> : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
  // check-next: %[[y]] = "graph.transpose"(%[[x]]) <{perm = array<i64: 2, 0, 1>}>
  // check-next: "func.return"(%[[y]], %[[x]])
  "func.return"(%1, %2) : (tensor<4x2x3xf32>, tensor<2x3x4xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "reshapes", function_type = (tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<3x2xf32>)}> ({
^bb0(%x: tensor<2x3xf32>):   // check: ^bb0(%[[x]]:
  %0 = "graph.reshape"(%x) <{shape = array<i64: -1>, copied = []}> : (tensor<2x3xf32>) -> tensor<6xf32>
  %1 = "graph.reshape"(%0) <{shape = array<i64: 2, 3>, copied = []}> : (tensor<6xf32>) -> tensor<2x3xf32>
  %2 = "graph.reshape"(%1) <{shape = array<i64: 3, -1>, copied = []}> : (tensor<2x3xf32>) -> tensor<3x2xf32>
  // check-next: %[[y]] = "graph.reshape"(%[[x]]) <{shape = array<i64: 3, -1>
  // check-next: "func.return"(%[[x]], %[[y]])
  "func.return"(%1, %2) : (tensor<2x3xf32>, tensor<3x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "expand_to_its_own_shape", function_type = (tensor<1x2x3xf32>) -> (tensor<4x2x3xf32>)}> ({
^bb0(%x: tensor<1x2x3xf32>):   // check: ^bb0(%[[x]]:
  %0 = "graph.expand"(%x) <{shape = array<i64: 2, 1>}> : (tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %1 = "graph.expand"(%0) <{shape = array<i64: 4, 2, 1>}> : (tensor<1x2x3xf32>) -> tensor<4x2x3xf32>
  %2 = "graph.expand"(%1) <{shape = array<i64: 4, 2, 3>}> : (tensor<4x2x3xf32>) -> tensor<4x2x3xf32>
  // check-next: %[[y]] = "graph.expand"(%[[x]]) <{shape = array<i64: 4, 2, 1>}>
  // check-next: "func.return"(%[[y]])
  "func.return"(%2) : (tensor<4x2x3xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "every_element_repeated", function_type = (tensor<1x1x2x2xf32>) -> (tensor<1x1x4x6xf32>, tensor<1x1x4x6xf32>)}> ({
^bb0(%x: tensor<1x1x2x2xf32>):   // check: ^bb0(%[[x]]:
  %w = "graph.constant"() <{value = dense<[[[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]]> : tensor<1x1x2x3xf32>}> : () -> tensor<1x1x2x3xf32>
  %v = "graph.constant"() <{value = dense<[[[[1.0, 1.0, 1.0], [1.0, 2.0, 1.0]]]]> : tensor<1x1x2x3xf32>}> : () -> tensor<1x1x2x3xf32>
  %0 = "graph.conv_transpose"(%x, %w) <{strides = array<i64: 2, 3>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<1x1x2x2xf32>, tensor<1x1x2x3xf32>) -> tensor<1x1x4x6xf32>
  %1 = "graph.conv_transpose"(%x, %v) <{strides = array<i64: 2, 3>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<1x1x2x2xf32>, tensor<1x1x2x3xf32>) -> tensor<1x1x4x6xf32>
  // check: "graph.resize"(%[[x]])
  // check: graph.conv_transpose
  // check-not: graph.conv_transpose
  "func.return"(%0, %1) : (tensor<1x1x4x6xf32>, tensor<1x1x4x6xf32>) -> ()
}) : () -> ()
