// opt: choose-schedules{target=x86-64-v3}
// Eight lanes along the columns of the weights, three vectors of them, rows of the input beside; the short sum is written out.
"func.func"() <{sym_name = "a_product", function_type = (tensor<4x3xf32>) -> tensor<4x20xf32>}> ({
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
  // check: "tensor.kernel"({{.*}}) <{schedule = "extents=4x20x3 order=0x1 tile={{\d+}}x{{\d+}} vector=1 lanes=8 reduction=2 unroll=2
  "func.return"(%1) : (tensor<4x20xf32>) -> ()
}) : () -> ()

// -----
// A kernel keeps the schedule that it has: its constants may lie for it already.
"func.func"() <{sym_name = "a_given_one", function_type = (tensor<4x3xf32>) -> tensor<4x20xf32>}> ({
^bb0(%x: tensor<4x3xf32>):
  %0 = "tensor.constant"() <{value = dense<[[0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.375, 1.5, 1.625, 1.75, 1.875, 2.0, 2.125, 2.25, 2.375], [2.5, 2.625, 2.75, 2.875, 3.0, 3.125, 3.25, 3.375, 3.5, 3.625, 3.75, 3.875, 4.0, 4.125, 4.25, 4.375, 4.5, 4.625, 4.75, 4.875], [5.0, 5.125, 5.25, 5.375, 5.5, 5.625, 5.75, 5.875, 6.0, 6.125, 6.25, 6.375, 6.5, 6.625, 6.75, 6.875, 7.0, 7.125, 7.25, 7.375]]> : tensor<3x20xf32>, order = []}> : () -> tensor<3x20xf32>
  %1 = "tensor.kernel"(%x, %0) <{schedule = "extents=4x20x3 order=1x0 tile=1x1 vector=-1 lanes=1 reduction=2 unroll= parallel=-1"}> ({
  ^bb0(%a: tensor<4x3xf32>, %w: tensor<3x20xf32>):
    %2 = "tensor.compute"(%a, %w) <{extents = array<i64: 4, 20, 3>, parallel = 2 : i64, maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 2, 0>}> ({
    ^bb0(%e: f32, %f: f32, %acc: f32):
      %s = "math.fma"(%e, %f, %acc) : (f32, f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<4x3xf32>, tensor<3x20xf32>) -> tensor<4x20xf32>
    "tensor.yield"(%2) : (tensor<4x20xf32>) -> ()
  }) : (tensor<4x3xf32>, tensor<3x20xf32>) -> tensor<4x20xf32>
  // check: "tensor.kernel"({{.*}}) <{schedule = "extents=4x20x3 order=1x0 tile=1x1 vector=-1 lanes=1 reduction=2 unroll= parallel=-1
  "func.return"(%1) : (tensor<4x20xf32>) -> ()
}) : () -> ()

// -----
// The list outside, which the threads share: several of its runs of two pixels stand in registers, by all channels.
// opt: choose-schedules{target=x86-64-v4}
"func.func"() <{sym_name = "runs_with_vectors", function_type = (tensor<1x8x8x32xf32>, tensor<32x32xf32>, tensor<1x1x8x8xf32>, tensor<33xi32>) -> tensor<1x8x8x32xf32>}> ({
^bb0(%x: tensor<1x8x8x32xf32>, %w: tensor<32x32xf32>, %a: tensor<1x1x8x8xf32>, %l: tensor<33xi32>):
  %0 = "tensor.kernel"(%x, %w, %a, %l) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x8x8x32xf32>, %u: tensor<32x32xf32>, %m: tensor<1x1x8x8xf32>, %r: tensor<33xi32>):
    %1 = "tensor.compute"(%v, %u) <{extents = array<i64: 1, 8, 8, 32, 32>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>, affine_map<(d0, d1, d2, d3, d4) -> (d4, d3)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 2, 0>}> ({
    ^bb0(%e: f32, %f: f32, %acc: f32):
      %s = "math.fma"(%e, %f, %acc) : (f32, f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x8x8x32xf32>, tensor<32x32xf32>) -> tensor<1x8x8x32xf32>
    %2 = "tensor.view"(%m) <{extents = array<i64: 1, 8, 8, 1>, map = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1, d2)>, padding = unit}> : (tensor<1x1x8x8xf32>) -> tensor<1x8x8x1xf32>
    %3 = "tensor.masked"(%1, %2, %r) <{unit = array<i64: 1, 1, 1, 32>, length = 2 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<1x8x8x32xf32>, tensor<1x8x8x1xf32>, tensor<33xi32>) -> tensor<1x8x8x32xf32>
    "tensor.yield"(%3) : (tensor<1x8x8x32xf32>) -> ()
  }) : (tensor<1x8x8x32xf32>, tensor<32x32xf32>, tensor<1x1x8x8xf32>, tensor<33xi32>) -> tensor<1x8x8x32xf32>
  // check: schedule = "extents=1x1x64x32x32 order=1x2x0x3 tile=1x1x1x32 vector=3 lanes=16 {{.*}} parallel=1 {{.*}} runs={{[2-6]}} block=32 run_reduction=4 {{.*}} dense_from=0"
  "func.return"(%0) : (tensor<1x8x8x32xf32>) -> ()
}) : () -> ()

// -----
// With a switch everything is computed from a number of runs on, by the same blocks of channels.
// opt: choose-schedules{target=x86-64-v4}
"func.func"() <{sym_name = "runs_or_everything", function_type = (tensor<1x8x8x32xf32>, tensor<32x32xf32>, tensor<1x1x8x8xf32>, tensor<33xi32>) -> tensor<1x8x8x32xf32>}> ({
^bb0(%x: tensor<1x8x8x32xf32>, %w: tensor<32x32xf32>, %a: tensor<1x1x8x8xf32>, %l: tensor<33xi32>):
  %0 = "tensor.kernel"(%x, %w, %a, %l) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x8x8x32xf32>, %u: tensor<32x32xf32>, %m: tensor<1x1x8x8xf32>, %r: tensor<33xi32>):
    %1 = "tensor.compute"(%v, %u) <{extents = array<i64: 1, 8, 8, 32, 32>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>, affine_map<(d0, d1, d2, d3, d4) -> (d4, d3)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 2, 0>}> ({
    ^bb0(%e: f32, %f: f32, %acc: f32):
      %s = "math.fma"(%e, %f, %acc) : (f32, f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x8x8x32xf32>, tensor<32x32xf32>) -> tensor<1x8x8x32xf32>
    %2 = "tensor.view"(%m) <{extents = array<i64: 1, 8, 8, 1>, map = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1, d2)>, padding = unit}> : (tensor<1x1x8x8xf32>) -> tensor<1x8x8x1xf32>
    %3 = "tensor.masked"(%1, %2, %r) <{unit = array<i64: 1, 1, 1, 32>, length = 2 : i64, switches = true, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<1x8x8x32xf32>, tensor<1x8x8x1xf32>, tensor<33xi32>) -> tensor<1x8x8x32xf32>
    "tensor.yield"(%3) : (tensor<1x8x8x32xf32>) -> ()
  }) : (tensor<1x8x8x32xf32>, tensor<32x32xf32>, tensor<1x1x8x8xf32>, tensor<33xi32>) -> tensor<1x8x8x32xf32>
  // check: schedule = "extents=1x1x64x32x32 order=1x2x0x3 tile=1x1x{{\d+}}x32 vector=3 lanes=16 {{.*}} parallel=1 {{.*}} runs={{[2-6]}} block=32 run_reduction=4 {{.*}} dense_from={{[12]\d}}"
  "func.return"(%0) : (tensor<1x8x8x32xf32>) -> ()
}) : () -> ()

// -----
// Scalars: a run of two pixels by a few channels, and never everything.
// opt: choose-schedules{target=cortex-m4}
"func.func"() <{sym_name = "runs_of_scalars", function_type = (tensor<1x8x8x32xf32>, tensor<32x32xf32>, tensor<1x1x8x8xf32>, tensor<33xi32>) -> tensor<1x8x8x32xf32>}> ({
^bb0(%x: tensor<1x8x8x32xf32>, %w: tensor<32x32xf32>, %a: tensor<1x1x8x8xf32>, %l: tensor<33xi32>):
  %0 = "tensor.kernel"(%x, %w, %a, %l) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x8x8x32xf32>, %u: tensor<32x32xf32>, %m: tensor<1x1x8x8xf32>, %r: tensor<33xi32>):
    %1 = "tensor.compute"(%v, %u) <{extents = array<i64: 1, 8, 8, 32, 32>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>, affine_map<(d0, d1, d2, d3, d4) -> (d4, d3)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 2, 0>}> ({
    ^bb0(%e: f32, %f: f32, %acc: f32):
      %s = "math.fma"(%e, %f, %acc) : (f32, f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x8x8x32xf32>, tensor<32x32xf32>) -> tensor<1x8x8x32xf32>
    %2 = "tensor.view"(%m) <{extents = array<i64: 1, 8, 8, 1>, map = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1, d2)>, padding = unit}> : (tensor<1x1x8x8xf32>) -> tensor<1x8x8x1xf32>
    %3 = "tensor.masked"(%1, %2, %r) <{unit = array<i64: 1, 1, 1, 32>, length = 2 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<1x8x8x32xf32>, tensor<1x8x8x1xf32>, tensor<33xi32>) -> tensor<1x8x8x32xf32>
    "tensor.yield"(%3) : (tensor<1x8x8x32xf32>) -> ()
  }) : (tensor<1x8x8x32xf32>, tensor<32x32xf32>, tensor<1x1x8x8xf32>, tensor<33xi32>) -> tensor<1x8x8x32xf32>
  // check: schedule = "extents=1x1x64x32x32 order=1x2x0x3 tile=1x1x1x{{\d}} vector=3 lanes=1 {{.*}} parallel=-1 {{.*}} runs={{[1-6]}} block={{\d}} run_reduction=4 {{.*}} dense_from=0"
  "func.return"(%0) : (tensor<1x8x8x32xf32>) -> ()
}) : () -> ()
