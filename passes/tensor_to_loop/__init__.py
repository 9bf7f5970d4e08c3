"""The border between tensor and loop: kernels become functions of buffers, values get storage, `main` calls the kernels."""
