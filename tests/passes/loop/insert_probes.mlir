// opt: insert-probes
"func.func"() <{sym_name = "kernel_0", function_type = (!loop.buffer<f32, []>) -> ()}> ({
^bb0(%a: !loop.buffer<f32, []>):
  "func.return"() : () -> ()
}) : () -> ()
"func.func"() <{sym_name = "main", function_type = (!loop.buffer<f32, []>) -> ()}> ({
^bb0(%a: !loop.buffer<f32, []>):
  "loop.call"(%a) <{callee = "kernel_0"}> {ir.nodes = ["Relu:first"]} : (!loop.buffer<f32, []>) -> ()
  // check: "loop.probe"() <{site = 0 : i64, begin = true}> {ir.nodes = ["Relu:first"]}
  // check-next: "loop.call"
  // check-next: "loop.probe"() <{site = 0 : i64, begin = false}> {ir.nodes = ["Relu:first"]}
  "loop.call"(%a) <{callee = "kernel_0"}> : (!loop.buffer<f32, []>) -> ()
  // check-next: "loop.probe"() <{site = 1 : i64, begin = true}>
  // check-next: "loop.call"
  // check-next: "loop.probe"() <{site = 1 : i64, begin = false}>
  // check-next: "func.return"
  "func.return"() : () -> ()
}) : () -> ()
