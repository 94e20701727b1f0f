# Thin over the CMake presets; everything it needs is installed by scripts/install.sh.
NVCC := $(shell command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)
PRESET ?= cpu

.PHONY: install build test
install:
	@bash scripts/install.sh

build: install
	@[ -f build/$(PRESET)/build.ninja ] || .venv/bin/cmake --preset $(PRESET)
	@.venv/bin/cmake --build --preset $(PRESET)

test: build
	@.venv/bin/ctest --preset $(PRESET)
