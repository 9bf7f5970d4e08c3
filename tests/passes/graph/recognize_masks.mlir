// opt: recognize-masks
"func.func"() <{sym_name = "residual_and_activation", function_type = (tensor<1x2x4x4xf32>, tensor<1x1x4x4xi1>) -> (tensor<1x2x4x4xf32>)}> ({
^bb0(%x: tensor<1x2x4x4xf32>, %m: tensor<1x1x4x4xi1>):   // check: ^bb0(%[[x]]: tensor<1x2x4x4xf32>, %[[m]]:
  %w = "graph.constant"() <{value = dense<[[[[-1.0, 2.0, 0.25], [-0.5, 0.5, -1.0], [2.0, 0.25, -0.5]], [[0.5, -1.0, 2.0], [0.25, -0.5, 0.5], [-1.0, 2.0, 0.25]]], [[[-0.5, 0.5, -1.0], [2.0, 0.25, -0.5], [0.5, -1.0, 2.0]], [[0.25, -0.5, 0.5], [-1.0, 2.0, 0.25], [-0.5, 0.5, -1.0]]]]> : tensor<2x2x3x3xf32>}> : () -> tensor<2x2x3x3xf32>
  %0 = "graph.cast"(%m) <{to = f32}> : (tensor<1x1x4x4xi1>) -> tensor<1x1x4x4xf32>
  // check-next: %[[mask]] = "graph.cast"(%[[m]])
  %1 = "graph.conv"(%x, %w) <{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<1x2x4x4xf32>, tensor<2x2x3x3xf32>) -> tensor<1x2x4x4xf32>
  %2 = "graph.mul"(%0, %1) : (tensor<1x1x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  // check-next: %[[background]] = "graph.relu"(%[[x]])
  %3 = "graph.add"(%x, %2) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  // check-next: %[[y]] = "graph.masked"(%[[x]], %[[mask]], %[[background]]) <{kind = "spatial", granularity = 1 : i64, mask_groups = 1 : i64
  // check: graph.conv
  // check-next: graph.add
  // check-next: graph.relu
  // check-next: graph.yield
  %4 = "graph.relu"(%3) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  // check: "func.return"(%[[y]])
  // check-not: graph.mul
  // remark: only where it is 1
  "func.return"(%4) : (tensor<1x2x4x4xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "choice_with_the_work_on_the_other_side", function_type = (tensor<1x2x4x4xf32>, tensor<1x1x4x4xi1>) -> (tensor<1x2x4x4xf32>)}> ({
^bb0(%x: tensor<1x2x4x4xf32>, %m: tensor<1x1x4x4xi1>):   // check: ^bb0(%[[x]]: tensor<1x2x4x4xf32>, %[[m]]:
  %w = "graph.constant"() <{value = dense<[[[[2.0]], [[0.25]]], [[[-0.5]], [[0.5]]]]> : tensor<2x2x1x1xf32>}> : () -> tensor<2x2x1x1xf32>
  %1 = "graph.conv"(%x, %w) <{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  // check-next: %[[mask]] = "graph.not"(%[[m]])
  %2 = "graph.where"(%m, %x, %1) : (tensor<1x1x4x4xi1>, tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  // check-next: "graph.masked"(%[[x]], %[[mask]], %[[x]])
  // check-not: graph.where
  "func.return"(%2) : (tensor<1x2x4x4xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "any_number_is_no_mask", function_type = (tensor<1x2x4x4xf32>, tensor<1x1x4x4xf32>) -> (tensor<1x2x4x4xf32>)}> ({
^bb0(%x: tensor<1x2x4x4xf32>, %m: tensor<1x1x4x4xf32>):
  %w = "graph.constant"() <{value = dense<[[[[-1.0]], [[2.0]]], [[[0.25]], [[-0.5]]]]> : tensor<2x2x1x1xf32>}> : () -> tensor<2x2x1x1xf32>
  %1 = "graph.conv"(%x, %w) <{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %2 = "graph.mul"(%1, %m) : (tensor<1x2x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32>
  // check: graph.mul
  // check-not: graph.masked
  // remark: it is not proven to be 0 or 1 (it holds numbers from -inf to inf or NaN)
  "func.return"(%2) : (tensor<1x2x4x4xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "used_elsewhere", function_type = (tensor<1x2x4x4xf32>, tensor<1x1x4x4xi1>) -> (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>)}> ({
^bb0(%x: tensor<1x2x4x4xf32>, %m: tensor<1x1x4x4xi1>):
  %w = "graph.constant"() <{value = dense<[[[[0.5]], [[-1.0]]], [[[2.0]], [[0.25]]]]> : tensor<2x2x1x1xf32>}> : () -> tensor<2x2x1x1xf32>
  %1 = "graph.conv"(%x, %w) <{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %2 = "graph.where"(%m, %1, %x) : (tensor<1x1x4x4xi1>, tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  // check: graph.where
  // check-not: graph.masked
  // remark: it is used elsewhere, by the results of the model
  "func.return"(%1, %2) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> ()
}) : () -> ()
// -----
// opt: recognize-masks{strict=true}
"func.func"() <{sym_name = "strict_products_stay", function_type = (tensor<1x2x4x4xf32>, tensor<1x1x4x4xi1>) -> (tensor<1x2x4x4xf32>)}> ({
^bb0(%x: tensor<1x2x4x4xf32>, %m: tensor<1x1x4x4xi1>):
  %w = "graph.constant"() <{value = dense<[[[[-0.5]], [[0.5]]], [[[-1.0]], [[2.0]]]]> : tensor<2x2x1x1xf32>}> : () -> tensor<2x2x1x1xf32>
  %0 = "graph.cast"(%m) <{to = f32}> : (tensor<1x1x4x4xi1>) -> tensor<1x1x4x4xf32>
  %1 = "graph.conv"(%x, %w) <{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %2 = "graph.mul"(%1, %0) : (tensor<1x2x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32>
  // check: graph.mul
  // check-not: graph.masked
  // remark: which strict masks keep
  "func.return"(%2) : (tensor<1x2x4x4xf32>) -> ()
}) : () -> ()
