// opt: dce
"func.func"() <{sym_name = "kernel", function_type = (tensor<2xf32>, tensor<3xf32>) -> (tensor<2xf32>)}> ({
^bb0(%x: tensor<2xf32>, %y: tensor<3xf32>):   // check: ^bb0(%[[x]]: tensor<2xf32>, %[[y]]
  %0, %1 = "tensor.kernel"(%y, %x) <{schedule = ""}> ({
  ^bb0(%b: tensor<3xf32>, %a: tensor<2xf32>):
    %2 = "tensor.concat"(%b, %b) <{dim = 0 : i64}> : (tensor<3xf32>, tensor<3xf32>) -> tensor<6xf32>
    %3 = "tensor.concat"(%a) <{dim = 0 : i64}> : (tensor<2xf32>) -> tensor<2xf32>
    // check: %[[k]] = "tensor.kernel"(%[[x]])
    // check-not: tensor<3xf32>
    "tensor.yield"(%2, %3) : (tensor<6xf32>, tensor<2xf32>) -> ()
    // check: "tensor.yield"({{%\d+}}) :
  }) : (tensor<3xf32>, tensor<2xf32>) -> (tensor<6xf32>, tensor<2xf32>)
  // check: "func.return"(%[[k]])
  "func.return"(%1) : (tensor<2xf32>) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "effects_stay", function_type = (!loop.buffer<4xf32, [1]>) -> ()}> ({
^bb0(%x: !loop.buffer<4xf32, [1]>):
  %0 = "loop.load"(%x) <{map = affine_map<() -> (1)>, lanes = 1 : i64, axis = 0 : i64, valid = 0 : i64}> : (!loop.buffer<4xf32, [1]>) -> f32
  %1 = "arith.addf"(%0, %0) : (f32, f32) -> f32
  "loop.store"(%0, %x) <{map = affine_map<() -> (2)>, axis = 0 : i64, valid = 0 : i64}> : (f32, !loop.buffer<4xf32, [1]>) -> ()
  // check: loop.load
  // check-next: loop.store
  "func.return"() : () -> ()
}) : () -> ()
