"""Does the file on the phone answer as PyTorch does? A gate with three answers, stage by stage.

stages.py      from the reference to the written file, each step asked in the same way
compare.py     walks pictures through the stages
apart.py       how far two answers are apart
task.py        the same in the measure that the task is about: AUPR, Dice, lesion recall
tolerances.py  what may differ, per precision, and why; gate.toml overrides it
figures.py     what is held against a tolerance, and which stage made it
verdict.py     all of one bundle, and what follows from it
cases.py       labelled real pictures, or phantoms · hard.py: pictures that are not eyes
against.py     two artifacts: a new toolkit's against the last release's
tables.py · as_json.py · junit.py · page.py   the outcome for whoever reads it
"""
