# The two commands: `make demo` and `make test`. Both set the environment up when it is not there.
# pip's own environment variables pass through: that is how a CPU or a CUDA build of PyTorch is
# chosen (README, "CPU or CUDA"). `make fuzz` is the long form of what `make test` does in short; its
# options go in FUZZ=. Tests run in as many processes as there are cores (JOBS=), a file's in one.

PYTHON ?= python3
VENV   := .venv
READY  := $(VENV)/.ready
DATA   ?=
JOBS   ?= auto
TESTS  ?=
OUT    ?= $(if $(DATA),demo-data,demo)

.PHONY: setup demo test check apps apps-tools apps-full fuzz bench bench-gpu clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "mobileseg needs Python 3.11 or later; name one: make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --constraint constraints.txt \
		--editable '.[executorch,coreml,onnx,sign,multigpu,cluster,serve,dev]'
	@touch $@

demo: setup
	$(VENV)/bin/mobileseg demo $(if $(DATA),--data "$(DATA)") --output "$(OUT)"

test: setup
	OMP_NUM_THREADS=1 $(VENV)/bin/pytest --numprocesses $(JOBS) --dist loadfile $(TESTS)

check: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# The demo apps, built and tried as far as Linux can; apps-full plants every fault apart.
apps-tools: setup
	.ci/app-tools

apps: apps-tools
	OMP_NUM_THREADS=1 $(VENV)/bin/pytest --numprocesses $(JOBS) --dist loadfile tests/apps

apps-full: apps-tools
	MOBILESEG_APPS_FULL=1 OMP_NUM_THREADS=1 $(VENV)/bin/pytest \
		--numprocesses $(JOBS) --dist loadfile tests/apps

fuzz: setup
	PYTHONPATH=tests $(VENV)/bin/python -m fuzz $(FUZZ)

# Every figure of benchmarks/README.md again, about an hour on two idle cores; DATA= is an IDRiD folder.
bench: setup
	@test -n "$(DATA)" || { echo "make bench needs DATA=/path/to/IDRiD, for the AUPR"; exit 2; }
	$(VENV)/bin/mobileseg bench xs-ex s-ex --data "$(DATA)" --force \
		-o benchmarks/results/artifacts-cpu.json --picture docs/speed.png
	$(VENV)/bin/python benchmarks/lean.py -o benchmarks/results/lean-cpu.json
	$(VENV)/bin/python benchmarks/scale.py -o benchmarks/results/scale-cpu.json
	$(VENV)/bin/python benchmarks/predict_scale.py -o benchmarks/results/predict-scale-cpu.json
	$(VENV)/bin/python benchmarks/metrics_speed.py --data "$(DATA)" \
		-o benchmarks/results/metrics-speed-cpu.json
	$(VENV)/bin/python benchmarks/speed_report.py

# The same for a machine with a GPU: Table 2, networks at their best, training.
bench-gpu: setup
	$(VENV)/bin/mobileseg bench --gpu --force -o benchmarks/results/gpu.json
	$(VENV)/bin/python benchmarks/training_speed.py --data "$(DATA)" \
		-o benchmarks/results/training-speed.json
	$(VENV)/bin/python benchmarks/speed_report.py

clean:
	rm -rf $(VENV) demo demo-data build dist
