// opt: canonicalize
"func.func"() <{sym_name = "ones", function_type = (tensor<1x2x2x2xf32>) -> (tensor<1x2x2x2xf32>)}> ({
^bb0(%x: tensor<1x2x2x2xf32>):   // check: ^bb0(%[[x]]:
  %m = "graph.constant"() <{value = dense<[[[[1, 1], [1, 1]]]]> : tensor<1x1x2x2xi32>}> : () -> tensor<1x1x2x2xi32>
  %0 = "graph.masked"(%x, %m) <{kind = "spatial", granularity = 1 : i64, mask_groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> ({
  ^bb0(%a: tensor<1x2x2x2xf32>):
    %1 = "graph.relu"(%a) : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
    "graph.yield"(%1) : (tensor<1x2x2x2xf32>) -> ()
  }) : (tensor<1x2x2x2xf32>, tensor<1x1x2x2xi32>) -> tensor<1x2x2x2xf32>
  // check-next: %[[y]] = "graph.relu"(%[[x]])
  // check-next: "func.return"(%[[y]])
  "func.return"(%0) : (tensor<1x2x2x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "zeros", function_type = (tensor<1x2x2x2xf32>, tensor<2x1x1xf32>) -> (tensor<1x2x2x2xf32>)}> ({
^bb0(%x: tensor<1x2x2x2xf32>, %b: tensor<2x1x1xf32>):   // check: ^bb0(%[[x]]: {{.*}}, %[[b]]:
  %m = "graph.constant"() <{value = dense<[[[[0.0]]]]> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %0 = "graph.masked"(%x, %m, %b) <{kind = "layer", granularity = 1 : i64, mask_groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1>}> ({
  ^bb0(%a: tensor<1x2x2x2xf32>):
    %1 = "graph.relu"(%a) : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
    "graph.yield"(%1) : (tensor<1x2x2x2xf32>) -> ()
  }) : (tensor<1x2x2x2xf32>, tensor<1x1x1x1xf32>, tensor<2x1x1xf32>) -> tensor<1x2x2x2xf32>
  // check-next: "graph.expand"(%[[b]])
  // check-not: graph.masked
  "func.return"(%0) : (tensor<1x2x2x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "nothing", function_type = (tensor<1x2x2x2xf32>, tensor<1x2x2x2xi1>) -> (tensor<1x2x2x2xf32>)}> ({
^bb0(%x: tensor<1x2x2x2xf32>, %m: tensor<1x2x2x2xi1>):   // check: ^bb0(%[[x]]:
  %0 = "graph.masked"(%x, %m, %x) <{kind = "spatial", granularity = 1 : i64, mask_groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 1>}> ({
  ^bb0(%a: tensor<1x2x2x2xf32>):
    "graph.yield"(%a) : (tensor<1x2x2x2xf32>) -> ()
  }) : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xi1>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // check-next: "func.return"(%[[x]])
  "func.return"(%0) : (tensor<1x2x2x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "groups_stay", function_type = (tensor<2x4x2x2xf32>, tensor<1x2x2x2xi1>) -> (tensor<2x4x2x2xf32>)}> ({
^bb0(%x: tensor<2x4x2x2xf32>, %m: tensor<1x2x2x2xi1>):
  // check: graph.masked
  %0 = "graph.masked"(%x, %m) <{kind = "spatial", granularity = 1 : i64, mask_groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> ({
  ^bb0(%a: tensor<2x4x2x2xf32>):
    %1 = "graph.relu"(%a) : (tensor<2x4x2x2xf32>) -> tensor<2x4x2x2xf32>
    "graph.yield"(%1) : (tensor<2x4x2x2xf32>) -> ()
  }) : (tensor<2x4x2x2xf32>, tensor<1x2x2x2xi1>) -> tensor<2x4x2x2xf32>
  "func.return"(%0) : (tensor<2x4x2x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "a_mask_of_rows", function_type = (tensor<1x2x2x2xf32>, tensor<1x1x2x1xi1>) -> (tensor<1x2x2x2xf32>)}> ({
^bb0(%x: tensor<1x2x2x2xf32>, %m: tensor<1x1x2x1xi1>):
  %0 = "graph.masked"(%x, %m) <{kind = "spatial", granularity = 1 : i64, mask_groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> ({
  // error: which is no spatial mask in 1 groups
  ^bb0(%a: tensor<1x2x2x2xf32>):
    "graph.yield"(%a) : (tensor<1x2x2x2xf32>) -> ()
  }) : (tensor<1x2x2x2xf32>, tensor<1x1x2x1xi1>) -> tensor<1x2x2x2xf32>
  "func.return"(%0) : (tensor<1x2x2x2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "tiles_that_do_not_divide", function_type = (tensor<1x2x2x2xf32>, tensor<1x1x2x2xi1>) -> (tensor<1x2x2x2xf32>)}> ({
^bb0(%x: tensor<1x2x2x2xf32>, %m: tensor<1x1x2x2xi1>):
  %0 = "graph.masked"(%x, %m) <{kind = "spatial", granularity = 3 : i64, mask_groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>}> ({
  // error: tiles of 3 x 3 do not divide
  ^bb0(%a: tensor<1x2x2x2xf32>):
    "graph.yield"(%a) : (tensor<1x2x2x2xf32>) -> ()
  }) : (tensor<1x2x2x2xf32>, tensor<1x1x2x2xi1>) -> tensor<1x2x2x2xf32>
  "func.return"(%0) : (tensor<1x2x2x2xf32>) -> ()
}) : () -> ()
