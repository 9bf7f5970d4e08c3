// opt: absorb-transposes
"func.func"() <{sym_name = "around_a_layer", function_type = (tensor<1x2x3x4xf32>) -> (tensor<1x2x3x4xf32>)}> ({
^bb0(%x: tensor<1x2x3x4xf32>):   // check: ^bb0(%[[x]]:
  %0 = "graph.transpose"(%x) <{perm = array<i64: 0, 2, 3, 1>}> : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %c = "graph.constant"() <{value = dense<[1.0, 2.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %1 = "graph.add"(%c, %0) : (tensor<2xf32>, tensor<1x3x4x2xf32>) -> tensor<1x3x4x2xf32>
  %2 = "graph.relu"(%1) : (tensor<1x3x4x2xf32>) -> tensor<1x3x4x2xf32>
  // check-not: graph.transpose
  // check: %[[c]] = "graph.constant"() <{value = dense<{{\[\[\[\[1.0\]\], \[\[2.0\]\]\]\]}}> : tensor<1x2x1x1xf32>
  // check-next: %[[a]] = "graph.add"(%[[c]], %[[x]])
  // check-next: "graph.relu"(%[[a]])
  %3 = "graph.transpose"(%2) <{perm = array<i64: 0, 3, 1, 2>}> : (tensor<1x3x4x2xf32>) -> tensor<1x2x3x4xf32>
  // check-next: func.return
  "func.return"(%3) : (tensor<1x2x3x4xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "concat", function_type = (tensor<2x3xf32>) -> (tensor<4x3xf32>)}> ({
^bb0(%x: tensor<2x3xf32>):   // check: ^bb0(%[[x]]:
  %0 = "graph.transpose"(%x) <{perm = array<i64: 1, 0>}> : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = "graph.concat"(%0, %0) <{axis = 1 : i64}> : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x4xf32>
  %2 = "graph.transpose"(%1) <{perm = array<i64: 1, 0>}> : (tensor<3x4xf32>) -> tensor<4x3xf32>
  // check-next: "graph.concat"(%[[x]], %[[x]]) <{axis = 0 : i64}>
  // check-next: func.return
  "func.return"(%2) : (tensor<4x3xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "used_twice", function_type = (tensor<2x3xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>)}> ({
^bb0(%x: tensor<2x3xf32>):
  %0 = "graph.transpose"(%x) <{perm = array<i64: 1, 0>}> : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = "graph.relu"(%0) : (tensor<3x2xf32>) -> tensor<3x2xf32>
  // check: graph.transpose
  // check-next: graph.relu
  "func.return"(%0, %1) : (tensor<3x2xf32>, tensor<3x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "other_operand_not_transposed", function_type = (tensor<2x3xf32>, tensor<3x2xf32>) -> (tensor<3x2xf32>)}> ({
^bb0(%x: tensor<2x3xf32>, %y: tensor<3x2xf32>):
  %0 = "graph.transpose"(%x) <{perm = array<i64: 1, 0>}> : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = "graph.add"(%0, %y) : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  // check: graph.transpose
  // check-next: graph.add
  "func.return"(%1) : (tensor<3x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "product_of_channels", function_type = (tensor<1x2x3x4xf32>) -> (tensor<1x2x3x4xf32>)}> ({
^bb0(%x: tensor<1x2x3x4xf32>):   // check: ^bb0(%[[x]]:
  %w = "graph.constant"() <{value = dense<[[0.25, -0.5], [2.0, 1.0]]> : tensor<2x2xf32>}> : () -> tensor<2x2xf32>
  %0 = "graph.transpose"(%x) <{perm = array<i64: 0, 2, 3, 1>}> : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "graph.matmul"(%0, %w) : (tensor<1x3x4x2xf32>, tensor<2x2xf32>) -> tensor<1x3x4x2xf32>
  %2 = "graph.transpose"(%1) <{perm = array<i64: 0, 3, 1, 2>}> : (tensor<1x3x4x2xf32>) -> tensor<1x2x3x4xf32>
  // check-not: graph.transpose
  // check: "graph.conv"(%[[x]]
  // check-next: func.return
  "func.return"(%2) : (tensor<1x2x3x4xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "flags_that_have_no_channels", function_type = (tensor<1x2x3x4xf32>, tensor<3x4x1xi1>, tensor<1xf32>) -> (tensor<1x2x3x4xf32>)}> ({
^bb0(%x: tensor<1x2x3x4xf32>, %m: tensor<3x4x1xi1>, %v: tensor<1xf32>):   // check: ^bb0(%[[x]]: {{.*}}, %[[m]]: {{.*}}, %[[v]]:
  %0 = "graph.transpose"(%x) <{perm = array<i64: 0, 2, 3, 1>}> : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "graph.where"(%m, %v, %0) : (tensor<3x4x1xi1>, tensor<1xf32>, tensor<1x3x4x2xf32>) -> tensor<1x3x4x2xf32>
  %2 = "graph.transpose"(%1) <{perm = array<i64: 0, 3, 1, 2>}> : (tensor<1x3x4x2xf32>) -> tensor<1x2x3x4xf32>
  // check-not: graph.transpose
  // check: %[[flags]] = "graph.reshape"(%[[m]]) <{shape = array<i64: 1, 1, 3, 4>
  // check: "graph.where"(%[[flags]]
  "func.return"(%2) : (tensor<1x2x3x4xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "product_with_what_is_computed", function_type = (tensor<1x2x3x4xf32>, tensor<2x2xf32>) -> (tensor<1x3x4x2xf32>)}> ({
^bb0(%x: tensor<1x2x3x4xf32>, %w: tensor<2x2xf32>):
  %0 = "graph.transpose"(%x) <{perm = array<i64: 0, 2, 3, 1>}> : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "graph.matmul"(%0, %w) : (tensor<1x3x4x2xf32>, tensor<2x2xf32>) -> tensor<1x3x4x2xf32>
  // check: graph.matmul
  // check-not: graph.conv
  "func.return"(%1) : (tensor<1x3x4x2xf32>) -> ()
}) : () -> ()
