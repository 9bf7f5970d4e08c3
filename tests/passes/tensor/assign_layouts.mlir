// opt: assign-layouts
// Only the weights have the output channels: they lie innermost, where vectors will run along them.
"func.func"() <{sym_name = "a_convolution", function_type = (tensor<1x2x5x5xf32>) -> tensor<1x4x4x4xf32>}> ({
^bb0(%x: tensor<1x2x5x5xf32>):
  %0 = "tensor.constant"() <{value = dense<[[[[-2.0, -1.875], [-1.75, -1.625]], [[-1.5, -1.375], [-1.25, -1.125]]], [[[-1.0, -0.875], [-0.75, -0.625]], [[-0.5, -0.375], [-0.25, -0.125]]], [[[0.0, 0.125], [0.25, 0.375]], [[0.5, 0.625], [0.75, 0.875]]], [[[1.0, 1.125], [1.25, 1.375]], [[1.5, 1.625], [1.75, 1.875]]]]> : tensor<4x2x2x2xf32>, order = []}> : () -> tensor<4x2x2x2xf32>
  %1 = "tensor.kernel"(%x, %0) <{schedule = ""}> ({
  ^bb0(%a: tensor<1x2x5x5xf32>, %w: tensor<4x2x2x2xf32>):
    %2 = "tensor.compute"(%a, %w) <{extents = array<i64: 1, 4, 4, 4, 2, 2, 2>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 + d5, d3 + d6)>, affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d4, d5, d6)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 2, 0>}> ({
    ^bb0(%e: f32, %f: f32, %acc: f32):
      %s = "math.fma"(%e, %f, %acc) : (f32, f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x5x5xf32>, tensor<4x2x2x2xf32>) -> tensor<1x4x4x4xf32>
    "tensor.yield"(%2) : (tensor<1x4x4x4xf32>) -> ()
  }) : (tensor<1x2x5x5xf32>, tensor<4x2x2x2xf32>) -> tensor<1x4x4x4xf32>
  // check: "tensor.yield"({{.*}} : (tensor<1x4x4x4xf32, #ir.order<[0, 2, 3, 1]>>) -> ()
  // check: (tensor<1x2x5x5xf32>, tensor<4x2x2x2xf32>) -> tensor<1x4x4x4xf32, #ir.order<[0, 2, 3, 1]>>
  "func.return"(%1) : (tensor<1x4x4x4xf32>) -> ()
}) : () -> ()

// -----
// What reads it follows, by map or by lookup; a transpose becomes another look at the same memory.
"func.func"() <{sym_name = "what_follows", function_type = (tensor<1x2x5x5xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>)}> ({
^bb0(%x: tensor<1x2x5x5xf32>):
  %0 = "tensor.constant"() <{value = dense<[[[[-2.0, -1.875], [-1.75, -1.625]], [[-1.5, -1.375], [-1.25, -1.125]]], [[[-1.0, -0.875], [-0.75, -0.625]], [[-0.5, -0.375], [-0.25, -0.125]]], [[[0.0, 0.125], [0.25, 0.375]], [[0.5, 0.625], [0.75, 0.875]]], [[[1.0, 1.125], [1.25, 1.375]], [[1.5, 1.625], [1.75, 1.875]]]]> : tensor<4x2x2x2xf32>, order = []}> : () -> tensor<4x2x2x2xf32>
  %1 = "tensor.kernel"(%x, %0) <{schedule = ""}> ({
  ^bb0(%a: tensor<1x2x5x5xf32>, %w: tensor<4x2x2x2xf32>):
    %2 = "tensor.compute"(%a, %w) <{extents = array<i64: 1, 4, 4, 4, 2, 2, 2>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 + d5, d3 + d6)>, affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d4, d5, d6)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 2, 0>}> ({
    ^bb0(%e: f32, %f: f32, %acc: f32):
      %s = "math.fma"(%e, %f, %acc) : (f32, f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x5x5xf32>, tensor<4x2x2x2xf32>) -> tensor<1x4x4x4xf32>
    "tensor.yield"(%2) : (tensor<1x4x4x4xf32>) -> ()
  }) : (tensor<1x2x5x5xf32>, tensor<4x2x2x2xf32>) -> tensor<1x4x4x4xf32>
  %3 = "tensor.kernel"(%1) <{schedule = ""}> ({
  ^bb0(%a: tensor<1x4x4x4xf32>):
    %4 = "tensor.compute"(%a, %a) <{extents = array<i64: 1, 4, 4, 4>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], init = unit, operandSegmentSizes = array<i32: 1, 1>}> ({
    // check: ^bb0(%{{.*}}: f32, %{{.*}}: tensor<1x4x4x4xf32, #ir.order<[0, 2, 3, 1]>>):
    ^bb0(%e: f32, %t: tensor<1x4x4x4xf32>):
      %i = "tensor.index"() <{dim = 3 : i64}> : () -> index
      %l = "tensor.extract_at"(%t, %i, %i, %i, %i) : (tensor<1x4x4x4xf32>, index, index, index, index) -> f32
      %s = "arith.addf"(%e, %l) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
    "tensor.yield"(%4) : (tensor<1x4x4x4xf32>) -> ()
  }) : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  // check: (tensor<1x4x4x4xf32, #ir.order<[0, 2, 3, 1]>>) -> tensor<1x4x4x4xf32, #ir.order<[0, 2, 3, 1]>>
  %5 = "tensor.view"(%1) <{extents = array<i64: 1, 4, 4, 4>, map = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1, d2)>, padding = unit}> : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  // check-next: "tensor.view"({{.*}} (tensor<1x4x4x4xf32, #ir.order<[0, 2, 3, 1]>>) -> tensor<1x4x4x4xf32>
  %6 = "tensor.view"(%3) <{extents = array<i64: 1, 4, 4, 4>, map = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1, d2)>, padding = unit}> : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  "func.return"(%6, %5) : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> ()
}) : () -> ()

// -----
// What the model returns and no reduction makes lies as it is returned, so that it is turned where it is made.
"func.func"() <{sym_name = "returned", function_type = (tensor<1x2x5x5xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>}> ({
^bb0(%x: tensor<1x2x5x5xf32>, %y: tensor<1x4x4x4xf32>):
  %0 = "tensor.constant"() <{value = dense<[[[[-2.0, -1.875], [-1.75, -1.625]], [[-1.5, -1.375], [-1.25, -1.125]]], [[[-1.0, -0.875], [-0.75, -0.625]], [[-0.5, -0.375], [-0.25, -0.125]]], [[[0.0, 0.125], [0.25, 0.375]], [[0.5, 0.625], [0.75, 0.875]]], [[[1.0, 1.125], [1.25, 1.375]], [[1.5, 1.625], [1.75, 1.875]]]]> : tensor<4x2x2x2xf32>, order = []}> : () -> tensor<4x2x2x2xf32>
  %1 = "tensor.kernel"(%x, %0) <{schedule = ""}> ({
  ^bb0(%a: tensor<1x2x5x5xf32>, %w: tensor<4x2x2x2xf32>):
    %2 = "tensor.compute"(%a, %w) <{extents = array<i64: 1, 4, 4, 4, 2, 2, 2>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 + d5, d3 + d6)>, affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d4, d5, d6)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 2, 0>}> ({
    ^bb0(%e: f32, %f: f32, %acc: f32):
      %s = "math.fma"(%e, %f, %acc) : (f32, f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x5x5xf32>, tensor<4x2x2x2xf32>) -> tensor<1x4x4x4xf32>
    "tensor.yield"(%2) : (tensor<1x4x4x4xf32>) -> ()
  }) : (tensor<1x2x5x5xf32>, tensor<4x2x2x2xf32>) -> tensor<1x4x4x4xf32>
  %3 = "tensor.kernel"(%1, %y) <{schedule = ""}> ({
  ^bb0(%a: tensor<1x4x4x4xf32>, %b: tensor<1x4x4x4xf32>):
    %4 = "tensor.compute"(%a, %b) <{extents = array<i64: 1, 4, 4, 4>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], init = unit, operandSegmentSizes = array<i32: 2, 0>}> ({
    ^bb0(%e: f32, %f: f32):
      %s = "arith.addf"(%e, %f) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
    "tensor.yield"(%4) : (tensor<1x4x4x4xf32>) -> ()
  }) : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  // check: "tensor.yield"({{.*}} : (tensor<1x4x4x4xf32>) -> ()
  // check-next: (tensor<1x4x4x4xf32, #ir.order<[0, 2, 3, 1]>>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  // check-next: "func.return"
  "func.return"(%3) : (tensor<1x4x4x4xf32>) -> ()
}) : () -> ()
