"""Every transformation: the pass manager, rewriting and conversion drivers, and one folder per stage and per border between stages.

`manager` has passes, pipelines and instruments, `rewrite` the greedy driver, `conversion` the lowerings, `reduce` the reduction
of failing programs, `pipelines` the named pipelines. A pass is one file, named after what it does.
"""
