// opt: absorb-batch-norms
"func.func"() <{sym_name = "into_conv", function_type = (tensor<1x1x2x2xf32>) -> (tensor<1x2x2x2xf32>)}> ({
^bb0(%x: tensor<1x1x2x2xf32>):   // check: ^bb0(%[[x]]:
  %w = "graph.constant"() <{value = dense<[[[[1.0]]], [[[3.0]]]]> : tensor<2x1x1x1xf32>}> : () -> tensor<2x1x1x1xf32>
  %scale = "graph.constant"() <{value = dense<[2.0, 4.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %bias = "graph.constant"() <{value = dense<[1.0, 0.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %mean = "graph.constant"() <{value = dense<[3.0, 5.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %var = "graph.constant"() <{value = dense<[4.0, 16.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  // scale / sqrt(variance) is [1, 1], bias - mean * that is [-2, -5]
  // check: %[[w]] = "graph.constant"() <{value = dense<{{\[\[\[\[1.0\]\]\], \[\[\[3.0\]\]\]\]}}>
  // check-next: %[[b]] = "graph.constant"() <{value = dense<[-2.0, -5.0]>
  %0 = "graph.conv"(%x, %w) <{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> {ir.nodes = ["Conv:c"]} : (tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x2xf32>
  // check-next: %[[y]] = "graph.conv"(%[[x]], %[[w]], %[[b]])
  %1 = "graph.batch_normalization"(%0, %scale, %bias, %mean, %var) <{epsilon = 0.0 : f64}> {ir.nodes = ["BatchNormalization:n"]} : (tensor<1x2x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  // check-next: "func.return"(%[[y]])
  "func.return"(%1) : (tensor<1x2x2x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "alone", function_type = (tensor<1x2x2x2xf32>) -> (tensor<1x2x2x2xf32>)}> ({
^bb0(%x: tensor<1x2x2x2xf32>):   // check: ^bb0(%[[x]]:
  %scale = "graph.constant"() <{value = dense<[2.0, 4.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %bias = "graph.constant"() <{value = dense<[1.0, 0.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %mean = "graph.constant"() <{value = dense<[3.0, 5.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %var = "graph.constant"() <{value = dense<[4.0, 16.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  // check: %[[a]] = "graph.mul"(%[[x]],
  // check: %[[y]] = "graph.add"(%[[a]],
  %1 = "graph.batch_normalization"(%x, %scale, %bias, %mean, %var) <{epsilon = 0.0 : f64}> : (tensor<1x2x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  "func.return"(%1) : (tensor<1x2x2x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "parameters_from_outside", function_type = (tensor<1x2x2x2xf32>, tensor<2xf32>) -> (tensor<1x2x2x2xf32>)}> ({
^bb0(%x: tensor<1x2x2x2xf32>, %p: tensor<2xf32>):
  %1 = "graph.batch_normalization"(%x, %p, %p, %p, %p) <{epsilon = 64.0 : f64}> : (tensor<1x2x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  // check: graph.batch_normalization
  // remark: left: its parameters are no constants
  "func.return"(%1) : (tensor<1x2x2x2xf32>) -> ()
}) : () -> ()
