// opt: pad-results
// What a kernel makes it makes with the padding around it, and the window over it needs no condition.
"func.func"() <{sym_name = "a_kernel_puts_a_border", function_type = (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>}> ({
^bb0(%x: tensor<1x2x3x4xf32>, %a: tensor<1x1x3x4xf32>, %l: tensor<7xi32>):   // check: ^bb0(%[[x]]: {{.*}}, %[[a]]: {{.*}}, %[[l]]:
  %u = "tensor.kernel"(%x) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>):
    %n = "tensor.compute"(%v) <{extents = array<i64: 1, 2, 3, 4>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32):
      %s = "arith.negf"(%e) : (f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%n) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  // check: "tensor.view"({{.*}} <{extents = array<i64: 1, 2, 5, 6>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + -1, d3 + -1)>, padding = 0.0 : f32, margin = []}>
  // check-next: "tensor.yield"({{.*}}) : (tensor<1x2x5x6xf32>)
  %y = "tensor.kernel"(%u, %a, %l) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>, %m: tensor<1x1x3x4xf32>, %r: tensor<7xi32>):
    %p = "tensor.view"(%v) <{extents = array<i64: 1, 2, 5, 6>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + -1, d3 + -1)>, padding = 0.0 : f32}> : (tensor<1x2x3x4xf32>) -> tensor<1x2x5x6xf32>
    // check: ^bb0(%{{.*}}: tensor<1x1x3x4xf32>, %{{.*}}: tensor<7xi32>, %[[p]]: tensor<1x2x5x6xf32>)
    // check-next: "tensor.view"(%[[p]]) <{{{.*}} (d0, d1, d2, d3)>, padding = unit, margin = []}>
    %c = "tensor.compute"(%p) <{extents = array<i64: 1, 2, 3, 4, 3, 3>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 + d5)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32, %acc: f32):
      %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x5x6xf32>) -> tensor<1x2x3x4xf32>
    %k = "tensor.masked"(%c, %m, %r) <{unit = array<i64: 1, 2, 1, 1>, length = 2 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%k) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
  // check-not: tensor.view
  "func.return"(%y) : (tensor<1x2x3x4xf32>) -> ()
}) : () -> ()

// -----
// A copy of the model's own input has the border; channels lie innermost in it, because no window covers them.
"func.func"() <{sym_name = "an_input_is_copied", function_type = (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>}> ({
^bb0(%x: tensor<1x2x3x4xf32>, %a: tensor<1x1x3x4xf32>, %l: tensor<7xi32>):   // check: ^bb0(%[[x]]: {{.*}}, %[[a]]: {{.*}}, %[[l]]:
  // check-next: %[[c]] = "tensor.kernel"(%[[x]])
  // check: padding = 0.0
  // check-next: "tensor.yield"({{.*}}) : (tensor<1x2x5x6xf32, #ir.order<[0, 2, 3, 1]>>)
  // check: "tensor.kernel"(%[[a]], %[[l]], %[[c]])
  // check-not: padding = 0.0
  %y = "tensor.kernel"(%x, %a, %l) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>, %m: tensor<1x1x3x4xf32>, %r: tensor<7xi32>):
    %p = "tensor.view"(%v) <{extents = array<i64: 1, 2, 5, 6>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + -1, d3 + -1)>, padding = 0.0 : f32}> : (tensor<1x2x3x4xf32>) -> tensor<1x2x5x6xf32>
    %c = "tensor.compute"(%p) <{extents = array<i64: 1, 2, 3, 4, 3, 3>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 + d5)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32, %acc: f32):
      %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x5x6xf32>) -> tensor<1x2x3x4xf32>
    %k = "tensor.masked"(%c, %m, %r) <{unit = array<i64: 1, 2, 1, 1>, length = 2 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%k) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
  "func.return"(%y) : (tensor<1x2x3x4xf32>) -> ()
}) : () -> ()

// -----
// So has a copy of what is returned as well: the caller gets it without a border.
"func.func"() <{sym_name = "a_returned_value_is_copied", function_type = (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>)}> ({
^bb0(%x: tensor<1x2x3x4xf32>, %a: tensor<1x1x3x4xf32>, %l: tensor<7xi32>):   // check: ^bb0(%[[x]]: {{.*}}, %[[a]]: {{.*}}, %[[l]]:
  // check-next: %[[u]] = "tensor.kernel"(%[[x]])
  // check-not: padding
  // check: %[[c]] = "tensor.kernel"(%[[u]])
  // check: padding = 0.0
  // check: %[[y]] = "tensor.kernel"(%[[a]], %[[l]], %[[c]])
  %u = "tensor.kernel"(%x) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>):
    %n = "tensor.compute"(%v) <{extents = array<i64: 1, 2, 3, 4>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32):
      %s = "arith.negf"(%e) : (f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%n) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  %y = "tensor.kernel"(%u, %a, %l) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>, %m: tensor<1x1x3x4xf32>, %r: tensor<7xi32>):
    %p = "tensor.view"(%v) <{extents = array<i64: 1, 2, 5, 6>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + -1, d3 + -1)>, padding = 0.0 : f32}> : (tensor<1x2x3x4xf32>) -> tensor<1x2x5x6xf32>
    %c = "tensor.compute"(%p) <{extents = array<i64: 1, 2, 3, 4, 3, 3>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 + d5)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32, %acc: f32):
      %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x5x6xf32>) -> tensor<1x2x3x4xf32>
    %k = "tensor.masked"(%c, %m, %r) <{unit = array<i64: 1, 2, 1, 1>, length = 2 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%k) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
  // check: "func.return"(%[[y]], %[[u]])
  "func.return"(%y, %u) : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> ()
}) : () -> ()

// -----
// One border serves windows of different reach.
"func.func"() <{sym_name = "two_windows", function_type = (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>)}> ({
^bb0(%x: tensor<1x2x3x4xf32>, %a: tensor<1x1x3x4xf32>, %l: tensor<7xi32>):   // check: ^bb0(%[[x]]: {{.*}}, %[[a]]: {{.*}}, %[[l]]:
  %u = "tensor.kernel"(%x) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>):
    %n = "tensor.compute"(%v) <{extents = array<i64: 1, 2, 3, 4>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32):
      %s = "arith.negf"(%e) : (f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%n) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  // check: extents = array<i64: 1, 2, 5, 8>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + -1, d3 + -2)>, padding = 0.0
  %y = "tensor.kernel"(%u, %a, %l) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>, %m: tensor<1x1x3x4xf32>, %r: tensor<7xi32>):
    %p = "tensor.view"(%v) <{extents = array<i64: 1, 2, 5, 6>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + -1, d3 + -1)>, padding = 0.0 : f32}> : (tensor<1x2x3x4xf32>) -> tensor<1x2x5x6xf32>
    // check: "tensor.view"({{.*}} <{extents = array<i64: 1, 2, 5, 6>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3 + 1)>, padding = unit, margin = []}>
    %c = "tensor.compute"(%p) <{extents = array<i64: 1, 2, 3, 4, 3, 3>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 + d5)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32, %acc: f32):
      %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x5x6xf32>) -> tensor<1x2x3x4xf32>
    %k = "tensor.masked"(%c, %m, %r) <{unit = array<i64: 1, 2, 1, 1>, length = 2 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%k) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
  %z = "tensor.kernel"(%u, %a, %l) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>, %m: tensor<1x1x3x4xf32>, %r: tensor<7xi32>):
    %p = "tensor.view"(%v) <{extents = array<i64: 1, 2, 3, 8>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3 + -2)>, padding = 0.0 : f32}> : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x8xf32>
    // check: "tensor.view"({{.*}} <{extents = array<i64: 1, 2, 3, 8>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + 1, d3)>, padding = unit, margin = []}>
    %c = "tensor.compute"(%p) <{extents = array<i64: 1, 2, 3, 4, 1, 5>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 + d5)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32, %acc: f32):
      %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x3x8xf32>) -> tensor<1x2x3x4xf32>
    %k = "tensor.masked"(%c, %m, %r) <{unit = array<i64: 1, 2, 1, 1>, length = 2 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%k) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
  "func.return"(%y, %z) : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> ()
}) : () -> ()

// -----
// There is room for one padding only: windows with another one keep theirs.
"func.func"() <{sym_name = "two_paddings", function_type = (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>)}> ({
^bb0(%x: tensor<1x2x3x4xf32>, %a: tensor<1x1x3x4xf32>, %l: tensor<7xi32>):   // check: ^bb0(%[[x]]: {{.*}}, %[[a]]: {{.*}}, %[[l]]:
  %u = "tensor.kernel"(%x) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>):
    %n = "tensor.compute"(%v) <{extents = array<i64: 1, 2, 3, 4>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32):
      %s = "arith.negf"(%e) : (f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%n) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  // check: extents = array<i64: 1, 2, 5, 6>, {{.*}} padding = 0.0
  // check: %[[i]] = "tensor.view"(%{{.*}}) <{extents = array<i64: 1, 2, 3, 4>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + 1, d3 + 1)>, padding = unit, margin = []}>
  %y = "tensor.kernel"(%u, %a, %l) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>, %m: tensor<1x1x3x4xf32>, %r: tensor<7xi32>):
    %p = "tensor.view"(%v) <{extents = array<i64: 1, 2, 5, 6>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + -1, d3 + -1)>, padding = 0.0 : f32}> : (tensor<1x2x3x4xf32>) -> tensor<1x2x5x6xf32>
    // check: padding = unit
    %c = "tensor.compute"(%p) <{extents = array<i64: 1, 2, 3, 4, 3, 3>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 + d5)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32, %acc: f32):
      %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x5x6xf32>) -> tensor<1x2x3x4xf32>
    %k = "tensor.masked"(%c, %m, %r) <{unit = array<i64: 1, 2, 1, 1>, length = 2 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%k) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
  // check: "tensor.kernel"(%[[i]], %[[a]], %[[l]])
  %z = "tensor.kernel"(%u, %a, %l) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>, %m: tensor<1x1x3x4xf32>, %r: tensor<7xi32>):
    %p = "tensor.view"(%v) <{extents = array<i64: 1, 2, 3, 6>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3 + -1)>, padding = 1.0 : f32}> : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x6xf32>
    // check-next: ^bb0
    // check-next: padding = 1.0
    %c = "tensor.compute"(%p) <{extents = array<i64: 1, 2, 3, 4, 1, 3>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 + d5)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32, %acc: f32):
      %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x3x6xf32>) -> tensor<1x2x3x4xf32>
    %k = "tensor.masked"(%c, %m, %r) <{unit = array<i64: 1, 2, 1, 1>, length = 2 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%k) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
  "func.return"(%y, %z) : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> ()
}) : () -> ()

// -----
// Other readers see the inner part.
"func.func"() <{sym_name = "other_readers", function_type = (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>)}> ({
^bb0(%x: tensor<1x2x3x4xf32>, %a: tensor<1x1x3x4xf32>, %l: tensor<7xi32>):   // check: ^bb0(%[[x]]: {{.*}}, %[[a]]: {{.*}}, %[[l]]:
  // check-next: %[[u]] = "tensor.kernel"(%[[x]])
  // check: %[[i]] = "tensor.view"(%[[u]]) <{extents = array<i64: 1, 2, 3, 4>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + 1, d3 + 1)>, padding = unit, margin = []}>
  // check-next: "tensor.kernel"(%[[a]], %[[l]], %[[u]])
  // check: "tensor.kernel"(%[[i]])
  %u = "tensor.kernel"(%x) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>):
    %n = "tensor.compute"(%v) <{extents = array<i64: 1, 2, 3, 4>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32):
      %s = "arith.negf"(%e) : (f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%n) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  %y = "tensor.kernel"(%u, %a, %l) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>, %m: tensor<1x1x3x4xf32>, %r: tensor<7xi32>):
    %p = "tensor.view"(%v) <{extents = array<i64: 1, 2, 5, 6>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + -1, d3 + -1)>, padding = 0.0 : f32}> : (tensor<1x2x3x4xf32>) -> tensor<1x2x5x6xf32>
    %c = "tensor.compute"(%p) <{extents = array<i64: 1, 2, 3, 4, 3, 3>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 + d5)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32, %acc: f32):
      %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x5x6xf32>) -> tensor<1x2x3x4xf32>
    %k = "tensor.masked"(%c, %m, %r) <{unit = array<i64: 1, 2, 1, 1>, length = 2 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%k) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
  %z = "tensor.kernel"(%u) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>):
    %n = "tensor.compute"(%v) <{extents = array<i64: 1, 2, 3, 4>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32):
      %s = "arith.negf"(%e) : (f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%n) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  "func.return"(%y, %z) : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> ()
}) : () -> ()

// -----
// Without runs the loops keep a window inside.
"func.func"() <{sym_name = "a_kernel_without_runs_stays", function_type = (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>}> ({
^bb0(%x: tensor<1x2x3x4xf32>, %a: tensor<1x1x3x4xf32>, %l: tensor<7xi32>):   // check: ^bb0(%[[x]]: {{.*}}, %[[a]]: {{.*}}, %[[l]]:
  // check-next: %[[u]] = "tensor.kernel"(%[[x]])
  // check-not: padding
  // check: "tensor.kernel"(%[[u]])
  // check-next: ^bb0(%[[v]]: tensor<1x2x3x4xf32>)
  // check-next: "tensor.view"(%[[v]]) {{.*}} padding = 0.0
  %u = "tensor.kernel"(%x) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>):
    %n = "tensor.compute"(%v) <{extents = array<i64: 1, 2, 3, 4>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], init = unit, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32):
      %s = "arith.negf"(%e) : (f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%n) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  %y = "tensor.kernel"(%u) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>):
    %p = "tensor.view"(%v) <{extents = array<i64: 1, 2, 5, 6>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + -1, d3 + -1)>, padding = 0.0 : f32}> : (tensor<1x2x3x4xf32>) -> tensor<1x2x5x6xf32>
    %c = "tensor.compute"(%p) <{extents = array<i64: 1, 2, 3, 4, 3, 3>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 + d5)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32, %acc: f32):
      %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x5x6xf32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%c) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  "func.return"(%y) : (tensor<1x2x3x4xf32>) -> ()
}) : () -> ()

// -----
// Where everything may be computed, loops are told where the margin is.
"func.func"() <{sym_name = "loops_know_the_margin", function_type = (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>}> ({
^bb0(%x: tensor<1x2x3x4xf32>, %a: tensor<1x1x3x4xf32>, %l: tensor<7xi32>):
  %y = "tensor.kernel"(%x, %a, %l) <{schedule = ""}> ({
  ^bb0(%v: tensor<1x2x3x4xf32>, %m: tensor<1x1x3x4xf32>, %r: tensor<7xi32>):
    %p = "tensor.view"(%v) <{extents = array<i64: 1, 2, 4, 6>, map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + -1, d3 + -1)>, padding = 0.0 : f32}> : (tensor<1x2x3x4xf32>) -> tensor<1x2x4x6xf32>
    // check: "tensor.view"(%{{.*}}) <{{{.*}} padding = 0.0 : f32, margin = array<i64: 0, 0, 1, 1, 0, 0, 0, 1>}>
    %c = "tensor.compute"(%p) <{extents = array<i64: 1, 2, 3, 4, 2, 3>, parallel = 4 : i64, maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 + d5)>], init = 0.0 : f32, operandSegmentSizes = array<i32: 1, 0>}> ({
    ^bb0(%e: f32, %acc: f32):
      %s = "arith.addf"(%acc, %e) : (f32, f32) -> f32
      "tensor.yield"(%s) : (f32) -> ()
    }) : (tensor<1x2x4x6xf32>) -> tensor<1x2x3x4xf32>
    %k = "tensor.masked"(%c, %m, %r) <{unit = array<i64: 1, 2, 1, 1>, length = 2 : i64, switches = true, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
    "tensor.yield"(%k) : (tensor<1x2x3x4xf32>) -> ()
  }) : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
  "func.return"(%y) : (tensor<1x2x3x4xf32>) -> ()
}) : () -> ()
