"""The checks of a stage, a file for each theme.

A check is a function from a `CheckInput` to a `Check` (`check.py`). `analysis/judge_stage.py` lists those of
every stage and says what a failed one means; a workload's own stand in its traits, those of a whole run in
`analysis/judge_run.py`.
"""
