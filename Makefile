# The two commands: `make demo` and `make test`. Both set the environment up when it is not there.
# pip's own environment variables pass through: that is how a CPU or a CUDA build of PyTorch is
# chosen (README, "CPU or CUDA"). `make fuzz` is the long form of what `make test` does in short; its
# options go in FUZZ=.

PYTHON ?= python3
VENV   := .venv
READY  := $(VENV)/.ready
DATA   ?=
OUT    ?= $(if $(DATA),demo-data,demo)

.PHONY: setup demo test check fuzz clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "mobileseg needs Python 3.11 or later; name one: make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --constraint constraints.txt \
		--editable '.[executorch,coreml,onnx,sign,multigpu,cluster,dev]'
	@touch $@

demo: setup
	$(VENV)/bin/mobileseg demo $(if $(DATA),--data "$(DATA)") --output "$(OUT)"

test: setup
	$(VENV)/bin/pytest

check: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

fuzz: setup
	PYTHONPATH=tests $(VENV)/bin/python -m fuzz $(FUZZ)

clean:
	rm -rf $(VENV) demo demo-data build dist
