// opt: absorb-scales
"func.func"() <{sym_name = "bias", function_type = (tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>) -> (tensor<1x2x2x2xf32>)}> ({
^bb0(%x: tensor<1x1x2x2xf32>, %w: tensor<2x1x1x1xf32>):   // check: ^bb0(%[[x]]: tensor<1x1x2x2xf32>, %[[w]]:
  %c = "graph.constant"() <{value = dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>}> : () -> tensor<2x1x1xf32>
  // check: %[[b]] = "graph.constant"() <{value = dense<[1.0, 2.0]>
  %0 = "graph.conv"(%x, %w) <{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> {ir.nodes = ["Conv:c"]} : (tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x2xf32>
  %1 = "graph.add"(%c, %0) {ir.nodes = ["Add:a"]} : (tensor<2x1x1xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // check-next: "graph.conv"(%[[x]], %[[w]], %[[b]]) {{.*}}ir.nodes = ["Conv:c", "Add:a"]
  // check-next: func.return
  "func.return"(%1) : (tensor<1x2x2x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "by_columns", function_type = (tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>) -> (tensor<1x2x2x2xf32>)}> ({
^bb0(%x: tensor<1x1x2x2xf32>, %w: tensor<2x1x1x1xf32>):
  %c = "graph.constant"() <{value = dense<[1.0, 2.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %0 = "graph.conv"(%x, %w) <{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x2xf32>
  %1 = "graph.add"(%0, %c) : (tensor<1x2x2x2xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  // check: graph.conv
  // check-next: graph.add
  "func.return"(%1) : (tensor<1x2x2x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "used_twice", function_type = (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>)}> ({
^bb0(%x: tensor<1x1x2x2xf32>, %w: tensor<1x1x1x1xf32>):
  %c = "graph.constant"() <{value = dense<1.0> : tensor<f32>}> : () -> tensor<f32>
  %0 = "graph.conv"(%x, %w) <{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %1 = "graph.add"(%0, %c) : (tensor<1x1x2x2xf32>, tensor<f32>) -> tensor<1x1x2x2xf32>
  // check: graph.conv
  // check-next: graph.add
  "func.return"(%0, %1) : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "gemm_minus", function_type = (tensor<2x2xf32>) -> (tensor<2x2xf32>)}> ({
^bb0(%x: tensor<2x2xf32>):
  %b = "graph.constant"() <{value = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>}> : () -> tensor<2x2xf32>
  %k = "graph.constant"() <{value = dense<[1.0, -1.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %c = "graph.constant"() <{value = dense<[10.0, 20.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %0 = "graph.gemm"(%x, %b, %k) <{alpha = 0.5 : f64, beta = 3.0 : f64, transpose_a = false, transpose_b = true, operandSegmentSizes = array<i32: 1, 1, 1>}> : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  // c - (x b / 2 + 3 k) = x (-b) / 2 + [10 - 3, 20 + 3]
  %1 = "graph.sub"(%c, %0) : (tensor<2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  // check: dense<{{\[\[-1.0, -2.0\], \[-3.0, -4.0\]\]}}>
  // check-next: dense<[7.0, 23.0]>
  // check-next: "graph.gemm"{{.*}}alpha = 0.5 : f64, beta = 1.0 : f64
  "func.return"(%1) : (tensor<2x2xf32>) -> ()
}) : () -> ()
