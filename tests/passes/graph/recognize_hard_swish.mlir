// opt: recognize-hard-swish
// rtol: 1e-6 a product with 1/6 instead of a quotient, each rounded in f32
"func.func"() <{sym_name = "divided_last", function_type = (tensor<8xf32>) -> (tensor<8xf32>)}> ({
^bb0(%x: tensor<8xf32>):   // check: ^bb0(%[[x]]:
  %three = "graph.constant"() <{value = dense<3.0> : tensor<f32>}> : () -> tensor<f32>
  %zero = "graph.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %six = "graph.constant"() <{value = dense<6.0> : tensor<f32>}> : () -> tensor<f32>
  %0 = "graph.add"(%x, %three) : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = "graph.clip"(%0, %zero, %six) <{operandSegmentSizes = array<i32: 1, 1, 1>}> : (tensor<8xf32>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  %2 = "graph.mul"(%x, %1) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %3 = "graph.div"(%2, %six) : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  // check-next: %[[y]] = "graph.hard_swish"(%[[x]])
  // check-next: "func.return"(%[[y]])
  "func.return"(%3) : (tensor<8xf32>) -> ()
}) : () -> ()
// -----
// rtol: 1e-6 as above
"func.func"() <{sym_name = "gate_scaled_first", function_type = (tensor<8xf32>) -> (tensor<8xf32>)}> ({
^bb0(%x: tensor<8xf32>):   // check: ^bb0(%[[x]]:
  %three = "graph.constant"() <{value = dense<[3.0]> : tensor<1xf32>}> : () -> tensor<1xf32>
  %zero = "graph.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %six = "graph.constant"() <{value = dense<6.0> : tensor<f32>}> : () -> tensor<f32>
  %sixth = "graph.constant"() <{value = dense<0.1666666716337204> : tensor<f32>}> : () -> tensor<f32>
  %0 = "graph.add"(%three, %x) : (tensor<1xf32>, tensor<8xf32>) -> tensor<8xf32>
  %1 = "graph.clip"(%0, %zero, %six) <{operandSegmentSizes = array<i32: 1, 1, 1>}> : (tensor<8xf32>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  %2 = "graph.mul"(%1, %sixth) : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %3 = "graph.mul"(%2, %x) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  // check-next: graph.hard_swish
  "func.return"(%3) : (tensor<8xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "another_factor", function_type = (tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>)}> ({
^bb0(%x: tensor<8xf32>, %y: tensor<8xf32>):
  %three = "graph.constant"() <{value = dense<3.0> : tensor<f32>}> : () -> tensor<f32>
  %zero = "graph.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %six = "graph.constant"() <{value = dense<6.0> : tensor<f32>}> : () -> tensor<f32>
  %0 = "graph.add"(%x, %three) : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = "graph.clip"(%0, %zero, %six) <{operandSegmentSizes = array<i32: 1, 1, 1>}> : (tensor<8xf32>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  %2 = "graph.mul"(%y, %1) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %3 = "graph.div"(%2, %six) : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  // check: graph.div
  "func.return"(%3) : (tensor<8xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "other_bound", function_type = (tensor<8xf32>) -> (tensor<8xf32>)}> ({
^bb0(%x: tensor<8xf32>):
  %three = "graph.constant"() <{value = dense<3.0> : tensor<f32>}> : () -> tensor<f32>
  %zero = "graph.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %five = "graph.constant"() <{value = dense<5.0> : tensor<f32>}> : () -> tensor<f32>
  %six = "graph.constant"() <{value = dense<6.0> : tensor<f32>}> : () -> tensor<f32>
  %0 = "graph.add"(%x, %three) : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = "graph.clip"(%0, %zero, %five) <{operandSegmentSizes = array<i32: 1, 1, 1>}> : (tensor<8xf32>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  %2 = "graph.mul"(%x, %1) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %3 = "graph.div"(%2, %six) : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  // check: graph.div
  "func.return"(%3) : (tensor<8xf32>) -> ()
}) : () -> ()
