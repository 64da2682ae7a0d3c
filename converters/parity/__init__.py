"""Does the file on the phone answer as PyTorch does? A gate with three answers, stage by stage.

stages.py        from the reference to the written file, each step asked in the same way
compare.py       walks pictures through the stages
difference.py    how far two answers are apart
task_metrics.py  the same in the measure that the task is about: AUPR, Dice, lesion recall
tolerances.py    what may differ, per precision, and why; gate.toml overrides it
metrics.py       what is held against a tolerance, and which stage made it
result.py        all of one bundle, and what follows from it
cases.py         labelled real pictures, or phantoms · edge_cases.py: pictures that are not eyes
baseline.py      two artifacts: a new toolkit's against the last release's
mac_results.py   what a bundle's verify_on_mac.py measured, read back
text_tables.py · json_report.py · junit_report.py · html_report.py   for whoever reads it
"""
