// opt: canonicalize
// Lists and the choice that goes by them stay as they are; the evaluator tells active elements from others by the activity alone.
"func.func"() <{sym_name = "a_choice_by_runs", function_type = (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<1x2x3x4xf32>) -> (tensor<1x2x3x4xf32>, tensor<7xi32>)}> ({
^bb0(%x: tensor<1x2x3x4xf32>, %a: tensor<1x1x3x4xf32>, %b: tensor<1x2x3x4xf32>):   // check: ^bb0(%[[x]]: {{.*}}, %[[a]]: {{.*}}, %[[b]]:
  %0 = "tensor.list_runs"(%a) <{length = 2 : i64}> : (tensor<1x1x3x4xf32>) -> tensor<7xi32>
  %1 = "tensor.masked"(%x, %a, %b, %0) <{unit = array<i64: 1, 2, 1, 1>, length = 2 : i64, switches = true, operandSegmentSizes = array<i32: 1, 1, 1, 1>}> : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<1x2x3x4xf32>, tensor<7xi32>) -> tensor<1x2x3x4xf32>
  // check-next: %[[l]] = "tensor.list_runs"(%[[a]]) <{length = 2 : i64}> : (tensor<1x1x3x4xf32>) -> tensor<7xi32>
  // check-next: %[[y]] = "tensor.masked"(%[[x]], %[[a]], %[[b]], %[[l]]) <{unit = array<i64: 1, 2, 1, 1>, length = 2 : i64, switches = true,
  // check-next: "func.return"(%[[y]], %[[l]])
  "func.return"(%1, %0) : (tensor<1x2x3x4xf32>, tensor<7xi32>) -> ()
}) : () -> ()

// -----
// Three runs of 2 per row of 5: the list has room for them all, and their number.
"func.func"() <{sym_name = "room_for_every_run", function_type = (tensor<2x5xi32>) -> tensor<7xi32>}> ({
^bb0(%a: tensor<2x5xi32>):
  %0 = "tensor.list_runs"(%a) <{length = 2 : i64}> : (tensor<2x5xi32>) -> tensor<7xi32>
  "func.return"(%0) : (tensor<7xi32>) -> ()   // check: -> tensor<7xi32>
}) : () -> ()

// -----
"func.func"() <{sym_name = "runs_longer_than_rows", function_type = (tensor<3x4xf32>) -> tensor<4xi32>}> ({
^bb0(%a: tensor<3x4xf32>):
  %0 = "tensor.list_runs"(%a) <{length = 5 : i64}> : (tensor<3x4xf32>) -> tensor<4xi32>
  // error: runs of 5 elements in rows of tensor<3x4xf32>
  "func.return"(%0) : (tensor<4xi32>) -> ()
}) : () -> ()

// -----
"func.func"() <{sym_name = "a_list_without_length", function_type = (tensor<3x4xf32>, tensor<3x4xf32>, tensor<13xi32>) -> tensor<3x4xf32>}> ({
^bb0(%x: tensor<3x4xf32>, %a: tensor<3x4xf32>, %l: tensor<13xi32>):
  %0 = "tensor.masked"(%x, %a, %l) <{unit = array<i64: 1, 1>, length = 0 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<3x4xf32>, tensor<3x4xf32>, tensor<13xi32>) -> tensor<3x4xf32>
  // error: a list of runs goes with their length
  "func.return"(%0) : (tensor<3x4xf32>) -> ()
}) : () -> ()

// -----
"func.func"() <{sym_name = "a_length_without_list", function_type = (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>}> ({
^bb0(%x: tensor<3x4xf32>, %a: tensor<3x4xf32>):
  %0 = "tensor.masked"(%x, %a) <{unit = array<i64: 1, 1>, length = 2 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 0>}> : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  // error: a list of runs goes with their length
  "func.return"(%0) : (tensor<3x4xf32>) -> ()
}) : () -> ()

// -----
"func.func"() <{sym_name = "runs_of_tiles", function_type = (tensor<4x4xf32>, tensor<2x2xf32>, tensor<5xi32>) -> tensor<4x4xf32>}> ({
^bb0(%x: tensor<4x4xf32>, %a: tensor<2x2xf32>, %l: tensor<5xi32>):
  %0 = "tensor.masked"(%x, %a, %l) <{unit = array<i64: 2, 2>, length = 1 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<4x4xf32>, tensor<2x2xf32>, tensor<5xi32>) -> tensor<4x4xf32>
  // error: runs of (2, 2), not of single elements
  "func.return"(%0) : (tensor<4x4xf32>) -> ()
}) : () -> ()

// -----
"func.func"() <{sym_name = "activity_of_another_shape", function_type = (tensor<4x4xf32>, tensor<4x2xf32>) -> tensor<4x4xf32>}> ({
^bb0(%x: tensor<4x4xf32>, %a: tensor<4x2xf32>):
  %0 = "tensor.masked"(%x, %a) <{unit = array<i64: 2, 2>, length = 0 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 0, 0>}> : (tensor<4x4xf32>, tensor<4x2xf32>) -> tensor<4x4xf32>
  // error: activity of shape (4, 2) for (2, 2) tiles
  "func.return"(%0) : (tensor<4x4xf32>) -> ()
}) : () -> ()

// -----
"func.func"() <{sym_name = "background_of_another_shape", function_type = (tensor<4x4xf32>, tensor<2x2xf32>) -> tensor<4x4xf32>}> ({
^bb0(%x: tensor<4x4xf32>, %a: tensor<2x2xf32>):
  %0 = "tensor.masked"(%x, %a, %a) <{unit = array<i64: 2, 2>, length = 0 : i64, switches = false, operandSegmentSizes = array<i32: 1, 1, 1, 0>}> : (tensor<4x4xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<4x4xf32>
  // error: background tensor<2x2xf32> for tensor<4x4xf32>
  "func.return"(%0) : (tensor<4x4xf32>) -> ()
}) : () -> ()
