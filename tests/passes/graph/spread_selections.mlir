// opt: spread-selections,canonicalize
"func.func"() <{sym_name = "rows_by_subscripts", function_type = (tensor<1x2x2x3xf32>, tensor<1x2x2xi1>) -> (tensor<1x2x2x3xf32>)}> ({
^bb0(%x: tensor<1x2x2x3xf32>, %m: tensor<1x2x2xi1>):   // check: ^bb0(%[[x]]: {{.*}}, %[[m]]:
  %w = "graph.constant"() <{value = dense<[[0.25, -0.5, 0.5], [-1.0, 2.0, 0.25], [-0.5, 0.5, -1.0]]> : tensor<3x3xf32>}> : () -> tensor<3x3xf32>
  %0 = "graph.nonzero"(%m) : (tensor<1x2x2xi1>) -> tensor<3x?xi64>
  %1 = "graph.transpose"(%0) <{perm = array<i64: 1, 0>}> : (tensor<3x?xi64>) -> tensor<?x3xi64>
  %2 = "graph.gather_nd"(%x, %1) <{batch_dims = 0 : i64}> : (tensor<1x2x2x3xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  %3 = "graph.matmul"(%2, %w) : (tensor<?x3xf32>, tensor<3x3xf32>) -> tensor<?x3xf32>
  %4 = "graph.scatter_nd"(%x, %1, %3) : (tensor<1x2x2x3xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<1x2x2x3xf32>
  // check-not: graph.nonzero
  // check: graph.conv
  // check: graph.where
  // check-not: graph.scatter_nd
  "func.return"(%4) : (tensor<1x2x2x3xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "rows_that_meet_stay", function_type = (tensor<1x2x2x3xf32>, tensor<1x2x2xi1>) -> (tensor<1x2x2x3xf32>)}> ({
^bb0(%x: tensor<1x2x2x3xf32>, %m: tensor<1x2x2xi1>):
  %0 = "graph.nonzero"(%m) : (tensor<1x2x2xi1>) -> tensor<3x?xi64>
  %1 = "graph.transpose"(%0) <{perm = array<i64: 1, 0>}> : (tensor<3x?xi64>) -> tensor<?x3xi64>
  %2 = "graph.gather_nd"(%x, %1) <{batch_dims = 0 : i64}> : (tensor<1x2x2x3xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  %3 = "graph.reduce_sum"(%2) <{axes = array<i64: 0>, keepdims = true}> : (tensor<?x3xf32>) -> tensor<1x3xf32>
  %4 = "graph.add"(%2, %3) : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
  %5 = "graph.scatter_nd"(%x, %1, %4) : (tensor<1x2x2x3xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<1x2x2x3xf32>
  // check: graph.scatter_nd
  // remark: may mix rows
  "func.return"(%5) : (tensor<1x2x2x3xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "single_elements", function_type = (tensor<2x3xf32>, tensor<2x3xi1>) -> (tensor<2x3xf32>)}> ({
^bb0(%x: tensor<2x3xf32>, %m: tensor<2x3xi1>):   // check: ^bb0(%[[x]]: {{.*}}, %[[m]]:
  %0 = "graph.nonzero"(%m) : (tensor<2x3xi1>) -> tensor<2x?xi64>
  %1 = "graph.transpose"(%0) <{perm = array<i64: 1, 0>}> : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %2 = "graph.gather_nd"(%x, %1) <{batch_dims = 0 : i64}> : (tensor<2x3xf32>, tensor<?x2xi64>) -> tensor<?xf32>
  %3 = "graph.exp"(%2) : (tensor<?xf32>) -> tensor<?xf32>
  %4 = "graph.scatter_nd"(%x, %1, %3) <{reduction = "add"}> : (tensor<2x3xf32>, tensor<?x2xi64>, tensor<?xf32>) -> tensor<2x3xf32>
  // check: %[[e]] = "graph.exp"(%[[x]])
  // check: %[[sum]] = "graph.add"(%[[x]], %[[e]])
  // check: "graph.where"(%[[m]], %[[sum]], %[[x]])
  "func.return"(%4) : (tensor<2x3xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "whole_pictures", function_type = (tensor<3x2x4x4xf32>, tensor<3xi1>) -> (tensor<3x2x4x4xf32>)}> ({
^bb0(%x: tensor<3x2x4x4xf32>, %m: tensor<3xi1>):   // check: ^bb0(%[[x]]: {{.*}}, %[[m]]:
  %0 = "graph.nonzero"(%m) : (tensor<3xi1>) -> tensor<1x?xi64>
  %1 = "graph.transpose"(%0) <{perm = array<i64: 1, 0>}> : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %2 = "graph.gather_nd"(%x, %1) <{batch_dims = 0 : i64}> : (tensor<3x2x4x4xf32>, tensor<?x1xi64>) -> tensor<?x2x4x4xf32>
  %3 = "graph.reduce_mean"(%2) <{axes = array<i64: 2, 3>, keepdims = true}> : (tensor<?x2x4x4xf32>) -> tensor<?x2x1x1xf32>
  %4 = "graph.sub"(%2, %3) : (tensor<?x2x4x4xf32>, tensor<?x2x1x1xf32>) -> tensor<?x2x4x4xf32>
  %5 = "graph.scatter_nd"(%x, %1, %4) <{reduction = "none"}> : (tensor<3x2x4x4xf32>, tensor<?x1xi64>, tensor<?x2x4x4xf32>) -> tensor<3x2x4x4xf32>
  // check-not: graph.nonzero
  // check: graph.reduce_mean
  // check: graph.where
  // check-not: graph.scatter_nd
  "func.return"(%5) : (tensor<3x2x4x4xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "pictures_that_meet_stay", function_type = (tensor<3x2x4x4xf32>, tensor<3xi1>) -> (tensor<3x2x4x4xf32>)}> ({
^bb0(%x: tensor<3x2x4x4xf32>, %m: tensor<3xi1>):
  %0 = "graph.nonzero"(%m) : (tensor<3xi1>) -> tensor<1x?xi64>
  %1 = "graph.transpose"(%0) <{perm = array<i64: 1, 0>}> : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %2 = "graph.gather_nd"(%x, %1) <{batch_dims = 0 : i64}> : (tensor<3x2x4x4xf32>, tensor<?x1xi64>) -> tensor<?x2x4x4xf32>
  %3 = "graph.reduce_sum"(%2) <{axes = array<i64: 0>, keepdims = true}> : (tensor<?x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %4 = "graph.add"(%2, %3) : (tensor<?x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  %5 = "graph.scatter_nd"(%x, %1, %4) <{reduction = "none"}> : (tensor<3x2x4x4xf32>, tensor<?x1xi64>, tensor<?x2x4x4xf32>) -> tensor<3x2x4x4xf32>
  // check: graph.scatter_nd
  // remark: may mix what is picked
  "func.return"(%5) : (tensor<3x2x4x4xf32>) -> ()
}) : () -> ()
