// opt: inline-masked,dce
// The activation that both sides have is computed once, behind the choice.
"func.func"() <{sym_name = "residual", function_type = (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x1x2x2xi1>) -> tensor<1x2x2x2xf32>}> ({
^bb0(%x: tensor<1x2x2x2xf32>, %y: tensor<1x2x2x2xf32>, %m: tensor<1x1x2x2xi1>):   // check: ^bb0(%[[x]]: {{.*}}, %[[y]]: {{.*}}, %[[m]]:
  %b = "graph.relu"(%y) : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %0 = "graph.masked"(%x, %y, %m, %b) <{kind = "spatial", granularity = 1 : i64, mask_groups = 1 : i64, operandSegmentSizes = array<i32: 2, 1, 1>}> ({
  ^bb0(%c: tensor<1x2x2x2xf32>, %d: tensor<1x2x2x2xf32>):
    %1 = "graph.add"(%c, %d) : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
    %2 = "graph.relu"(%1) : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
    "graph.yield"(%2) : (tensor<1x2x2x2xf32>) -> ()
  }) : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x1x2x2xi1>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // check-next: %[[s]] = "graph.add"(%[[x]], %[[y]])
  // check-next: %[[w]] = "graph.where"(%[[m]], %[[s]], %[[y]])
  // check-next: %[[r]] = "graph.relu"(%[[w]])
  // check-next: "func.return"(%[[r]])
  "func.return"(%0) : (tensor<1x2x2x2xf32>) -> ()
}) : () -> ()

// -----
// Not where somebody else reads the background: then it would be needed twice, with the activation and without.
"func.func"() <{sym_name = "read_again", function_type = (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x1x2x2xi1>) -> (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>)}> ({
^bb0(%x: tensor<1x2x2x2xf32>, %y: tensor<1x2x2x2xf32>, %m: tensor<1x1x2x2xi1>):
  %b = "graph.relu"(%y) : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // check: %[[b]] = "graph.relu"
  %0 = "graph.masked"(%x, %m, %b) <{kind = "spatial", granularity = 1 : i64, mask_groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1>}> ({
  ^bb0(%c: tensor<1x2x2x2xf32>):
    %2 = "graph.relu"(%c) : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
    "graph.yield"(%2) : (tensor<1x2x2x2xf32>) -> ()
  }) : (tensor<1x2x2x2xf32>, tensor<1x1x2x2xi1>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // check-next: %[[a]] = "graph.relu"
  // check-next: %[[w]] = "graph.where"({{.*}}, %[[a]], %[[b]])
  // check-next: "func.return"(%[[w]], %[[b]])
  "func.return"(%0, %b) : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> ()
}) : () -> ()

// -----
// Nor where the two differ.
"func.func"() <{sym_name = "other_bounds", function_type = (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x1x2x2xi1>) -> tensor<1x2x2x2xf32>}> ({
^bb0(%x: tensor<1x2x2x2xf32>, %y: tensor<1x2x2x2xf32>, %m: tensor<1x1x2x2xi1>):
  %b = "graph.leaky_relu"(%y) <{alpha = 0.25 : f64}> : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // check: %[[b]] = "graph.leaky_relu"
  %0 = "graph.masked"(%x, %m, %b) <{kind = "spatial", granularity = 1 : i64, mask_groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1>}> ({
  ^bb0(%c: tensor<1x2x2x2xf32>):
    %2 = "graph.leaky_relu"(%c) <{alpha = 0.5 : f64}> : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
    "graph.yield"(%2) : (tensor<1x2x2x2xf32>) -> ()
  }) : (tensor<1x2x2x2xf32>, tensor<1x1x2x2xi1>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // check-next: %[[a]] = "graph.leaky_relu"
  // check-next: "graph.where"({{.*}}, %[[a]], %[[b]])
  "func.return"(%0) : (tensor<1x2x2x2xf32>) -> ()
}) : () -> ()
