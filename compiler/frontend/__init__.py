"""ONNX to graph, and the one place where foreign files are checked.

- `reader`: a model file, read and checked: what comes out can be trusted in names, sizes and order
- `names`: values and nodes: duplicates, undefined names, cycles, the order of execution
- `tensors`: a TensorProto, checked against its bytes, as a NumPy array
- `external`: data outside the model file, inside its folder only
- `files`: opening and reading, regular files of bounded size only
- `inputs`: arrays for a model's inputs from .npy, .npz, .pb and pictures; ONNX test folders
- `npy`: NumPy's own files, without believing their headers
- `pictures`: a picture as the array that an input of a given shape wants
- `importer`: a checked model as a module of the graph dialect, dims bound, constants folded
- `bindings`: types of the inputs, with what the user binds
- `versions`: which operator sets are read
- `functions`: operators that are defined by others; what is not supported, in one go
- `folding`: constant operations evaluated on the spot, within a budget
- `operators/`: the import rules, one file per family
- `problems`: the collector behind all of them: many diagnostics, bounded in number and length
"""
