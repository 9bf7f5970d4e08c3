"""Memory planning in numbers: blocks with sizes and lifetimes in, offsets in one arena out. Knows no dialect.

`liveness` makes blocks from steps that touch them, `order` looks for an order of the steps that needs less, `plan` gives every block
its offset, `bound` says what no plan can do without.
"""
