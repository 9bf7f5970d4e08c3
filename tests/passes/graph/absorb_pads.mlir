// opt: absorb-pads
"func.func"() <{sym_name = "into_conv", function_type = (tensor<1x1x2x2xf32>, tensor<1x1x3x3xf32>) -> (tensor<1x1x2x3xf32>)}> ({
^bb0(%x: tensor<1x1x2x2xf32>, %w: tensor<1x1x3x3xf32>):   // check: ^bb0(%[[x]]: tensor<1x1x2x2xf32>, %[[w]]:
  %0 = "graph.pad"(%x) <{pads = array<i64: 0, 0, 1, 0, 0, 0, 0, 2>, mode = "constant", value = 0.0 : f32}> : (tensor<1x1x2x2xf32>) -> tensor<1x1x3x4xf32>
  %1 = "graph.conv"(%0, %w) <{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 1, 1, 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<1x1x3x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x2x3xf32>
  // check-next: "graph.conv"(%[[x]], %[[w]]) {{.*}} pads = array<i64: 1, 1, 1, 2>
  "func.return"(%1) : (tensor<1x1x2x3xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "ones_stay", function_type = (tensor<1x1x2x2xf32>, tensor<1x1x3x3xf32>) -> (tensor<1x1x1x2xf32>)}> ({
^bb0(%x: tensor<1x1x2x2xf32>, %w: tensor<1x1x3x3xf32>):
  %0 = "graph.pad"(%x) <{pads = array<i64: 0, 0, 1, 0, 0, 0, 0, 2>, mode = "constant", value = 1.0 : f32}> : (tensor<1x1x2x2xf32>) -> tensor<1x1x3x4xf32>
  // check: graph.pad
  %1 = "graph.conv"(%0, %w) <{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<1x1x3x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x1x2xf32>
  "func.return"(%1) : (tensor<1x1x1x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "average_counts_the_pad", function_type = (tensor<1x1x2x2xf32>) -> (tensor<1x1x2x2xf32>)}> ({
^bb0(%x: tensor<1x1x2x2xf32>):   // check: ^bb0(%[[x]]:
  %0 = "graph.pad"(%x) <{pads = array<i64: 0, 0, 1, 1, 0, 0, 0, 0>, mode = "constant", value = 0.0 : f32}> : (tensor<1x1x2x2xf32>) -> tensor<1x1x3x3xf32>
  %1 = "graph.average_pool"(%0) <{kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = false}> : (tensor<1x1x3x3xf32>) -> tensor<1x1x2x2xf32>
  // check-next: "graph.average_pool"(%[[x]]) {{.*}}pads = array<i64: 1, 1, 0, 0>{{.*}}count_include_pad = true
  "func.return"(%1) : (tensor<1x1x2x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "zero_is_not_the_lowest", function_type = (tensor<1x1x2x2xf32>) -> (tensor<1x1x2x2xf32>)}> ({
^bb0(%x: tensor<1x1x2x2xf32>):
  %0 = "graph.pad"(%x) <{pads = array<i64: 0, 0, 1, 1, 0, 0, 0, 0>, mode = "constant", value = 0.0 : f32}> : (tensor<1x1x2x2xf32>) -> tensor<1x1x3x3xf32>
  %1 = "graph.max_pool"(%0) <{kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, ceil_mode = false}> : (tensor<1x1x3x3xf32>) -> tensor<1x1x2x2xf32>
  // check: graph.pad
  // check-next: graph.max_pool
  "func.return"(%1) : (tensor<1x1x2x2xf32>) -> ()
}) : () -> ()
