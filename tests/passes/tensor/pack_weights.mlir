// opt: pack-weights
// Blocks of one tile along the lanes; the last is filled up with zeros.
"func.func"() <{sym_name = "columns", function_type = (tensor<4x3xf32>) -> tensor<4x20xf32>}> ({
^bb0(%x: tensor<4x3xf32>):
  %0 = "tensor.constant"() <{value = dense<[[0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.375, 1.5, 1.625, 1.75, 1.875, 2.0, 2.125, 2.25, 2.375], [2.5, 2.625, 2.75, 2.875, 3.0, 3.125, 3.25, 3.375, 3.5, 3.625, 3.75, 3.875, 4.0, 4.125, 4.25, 4.375, 4.5, 4.625, 4.75, 4.875], [5.0, 5.125, 5.25, 5.375, 5.5, 5.625, 5.75, 5.875, 6.0, 6.125, 6.25, 6.375, 6.5, 6.625, 6.75, 6.875, 7.0, 7.125, 7.25, 7.375]]> : tensor<3x20xf32>, order = []}> : () -> tensor<3x20xf32>
  %1 = "tensor.kernel"(%x, %0) <{schedule = "extents=4x20x3 order=0x1 tile=4x8 vector=1 lanes=8 reduction=2 unroll= parallel=-1"}> ({
  ^bb0(%a: tensor<4x3xf32>, %w: tensor<3x20xf32>):
    %2 = "tensor.compute"(%a, %w) <{extents = array<i64: 4, 20, 3>, parallel = 2 : i64, maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 2, 0>}> ({
    ^bb0(%e: f32, %f: f32, %acc: f32):
      %s = "math.fma"(%e, %f, %acc) : (f32, f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<4x3xf32>, tensor<3x20xf32>) -> tensor<4x20xf32>
    "tensor.yield"(%2) : (tensor<4x20xf32>) -> ()
  }) : (tensor<4x3xf32>, tensor<3x20xf32>) -> tensor<4x20xf32>
  // check: %[[w]] = "tensor.constant"() {{.*}} -> tensor<3x3x8xf32>
  // check: "tensor.kernel"(%{{.*}}, %[[w]])
  // check: "tensor.view"({{.*}} -> ((d1) floordiv 8, d0, (d1) mod 8)
  "func.return"(%1) : (tensor<4x20xf32>) -> ()
}) : () -> ()

// -----
// Without a schedule nothing is known of how it will be read.
"func.func"() <{sym_name = "unscheduled", function_type = (tensor<4x3xf32>) -> tensor<4x20xf32>}> ({
^bb0(%x: tensor<4x3xf32>):
  %0 = "tensor.constant"() <{value = dense<[[0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.375, 1.5, 1.625, 1.75, 1.875, 2.0, 2.125, 2.25, 2.375], [2.5, 2.625, 2.75, 2.875, 3.0, 3.125, 3.25, 3.375, 3.5, 3.625, 3.75, 3.875, 4.0, 4.125, 4.25, 4.375, 4.5, 4.625, 4.75, 4.875], [5.0, 5.125, 5.25, 5.375, 5.5, 5.625, 5.75, 5.875, 6.0, 6.125, 6.25, 6.375, 6.5, 6.625, 6.75, 6.875, 7.0, 7.125, 7.25, 7.375]]> : tensor<3x20xf32>, order = []}> : () -> tensor<3x20xf32>
  %1 = "tensor.kernel"(%x, %0) <{schedule = ""}> ({
  ^bb0(%a: tensor<4x3xf32>, %w: tensor<3x20xf32>):
    %2 = "tensor.compute"(%a, %w) <{extents = array<i64: 4, 20, 3>, parallel = 2 : i64, maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 2, 0>}> ({
    ^bb0(%e: f32, %f: f32, %acc: f32):
      %s = "math.fma"(%e, %f, %acc) : (f32, f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<4x3xf32>, tensor<3x20xf32>) -> tensor<4x20xf32>
    "tensor.yield"(%2) : (tensor<4x20xf32>) -> ()
  }) : (tensor<4x3xf32>, tensor<3x20xf32>) -> tensor<4x20xf32>
  // check: "tensor.kernel"
  // check-not: "tensor.view"
  "func.return"(%1) : (tensor<4x20xf32>) -> ()
}) : () -> ()

// -----
// A table that a body looks things up in stays as it is.
"func.func"() <{sym_name = "a_table", function_type = (tensor<4x3xf32>) -> tensor<4xf32>}> ({
^bb0(%x: tensor<4x3xf32>):
  %0 = "tensor.constant"() <{value = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>, order = []}> : () -> tensor<2x2xf32>
  %1 = "tensor.kernel"(%x, %0) <{schedule = "extents=4x2 order=0 tile=1 vector=-1 lanes=1 reduction=1 unroll= parallel=-1"}> ({
  ^bb0(%a: tensor<4x3xf32>, %t: tensor<2x2xf32>):
    %2 = "tensor.compute"(%a, %t, %t) <{extents = array<i64: 4, 2>, parallel = 1 : i64, maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1, 0)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 2, 1>}> ({
    ^bb0(%e: f32, %f: f32, %table: tensor<2x2xf32>, %acc: f32):
      %i = "tensor.index"() <{dim = 1 : i64}> : () -> index
      %l = "tensor.extract_at"(%table, %i, %i) : (tensor<2x2xf32>, index, index) -> f32
      %m = "arith.mulf"(%e, %l) : (f32, f32) -> f32
      %n = "arith.mulf"(%m, %f) : (f32, f32) -> f32
      %s = "arith.addf"(%acc, %n) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<4x3xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<4xf32>
    "tensor.yield"(%2) : (tensor<4xf32>) -> ()
  }) : (tensor<4x3xf32>, tensor<2x2xf32>) -> tensor<4xf32>
  // check: "tensor.kernel"
  // check-not: "tensor.view"
  "func.return"(%1) : (tensor<4xf32>) -> ()
}) : () -> ()
