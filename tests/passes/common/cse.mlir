// opt: cse
"func.func"() <{sym_name = "commuted", function_type = (f32, f32) -> (f32, f32)}> ({
^bb0(%x: f32, %y: f32):   // check: ^bb0(%[[x]]: f32, %[[y]]: f32):
  %0 = "arith.addf"(%x, %y) : (f32, f32) -> f32
  // check-next: %[[s]] = "arith.addf"(%[[x]], %[[y]])
  %1 = "arith.addf"(%y, %x) : (f32, f32) -> f32
  // check-next: "func.return"(%[[s]], %[[s]])
  "func.return"(%0, %1) : (f32, f32) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "near_misses", function_type = (f32, f32) -> (f32, f32, f32, f32)}> ({
^bb0(%x: f32, %y: f32):
  %0 = "arith.subf"(%x, %y) : (f32, f32) -> f32
  %1 = "arith.subf"(%y, %x) : (f32, f32) -> f32
  // check: arith.subf
  // check-next: arith.subf
  %2 = "arith.constant"() <{value = 0.0 : f32}> : () -> f32
  %3 = "arith.constant"() <{value = -0.0 : f32}> : () -> f32
  // check-next: value = 0.0
  // check-next: value = -0.0
  "func.return"(%0, %1, %2, %3) : (f32, f32, f32, f32) -> ()
}) : () -> ()
// -----
"func.func"() <{sym_name = "regions", function_type = (tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)}> ({
^bb0(%x: tensor<2xf32>):
  %0 = "tensor.compute"(%x) <{extents = array<i64: 2>, parallel = 1 : i64, maps = [affine_map<(d0) -> (d0)>], operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32):
    %3 = "math.exp"(%e) : (f32) -> f32
    "tensor.yield"(%3) : (f32) -> ()
  }) {ir.nodes = ["Exp:a"]} : (tensor<2xf32>) -> tensor<2xf32>
  // check: %[[a]] = "tensor.compute"
  // check: ir.nodes = ["Exp:a", "Exp:b"]
  %1 = "tensor.compute"(%x) <{extents = array<i64: 2>, parallel = 1 : i64, maps = [affine_map<(d0) -> (d0)>], operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32):
    %3 = "math.exp"(%e) : (f32) -> f32
    "tensor.yield"(%3) : (f32) -> ()
  }) {ir.nodes = ["Exp:b"]} : (tensor<2xf32>) -> tensor<2xf32>
  %2 = "tensor.compute"(%x) <{extents = array<i64: 2>, parallel = 1 : i64, maps = [affine_map<(d0) -> (d0)>], operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%e: f32):
    %3 = "math.tanh"(%e) : (f32) -> f32
    "tensor.yield"(%3) : (f32) -> ()
  }) : (tensor<2xf32>) -> tensor<2xf32>
  // check-next: %[[b]] = "tensor.compute"
  // check: "func.return"(%[[a]], %[[a]], %[[b]])
  "func.return"(%0, %1, %2) : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> ()
}) : () -> ()
