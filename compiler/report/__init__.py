"""What people and programs are shown; reads profiles and plans, computes nothing.

terminal.py   tables, JSON, sizes as people read them, progress; the only file that knows rich
profile.py    a profile as JSON's values, after profile.schema.json
tables.py     a profile as tables per layer and per operator
run.py        what `run` prints: outputs, the best classes, sizes, comparison
"""
