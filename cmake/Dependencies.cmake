# Outside libraries as imported targets. LibTorch and Arrow come from the wheels in .venv; the rest from
# Debian. LibTorch's own CMake package insists on a CUDA toolkit, so its CPU half is named here by hand:
# it then builds on a machine without nvcc, and a program starts in 0.25 s instead of 1.2 s.

find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_package(BLAS REQUIRED)
find_package(LAPACK REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET hdf5-serial)
pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET sentencepiece)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
find_package(Boost 1.74 REQUIRED)  # headers alone: Asio, Beast, Math
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)

find_library(FAISS_LIBRARY faiss REQUIRED)
find_library(METIS_LIBRARY metis REQUIRED)
add_library(faiss_static INTERFACE)
target_link_libraries(faiss_static INTERFACE ${FAISS_LIBRARY} OpenMP::OpenMP_CXX LAPACK::LAPACK BLAS::BLAS)

file(GLOB SERENDIP_SITE_PACKAGES ${CMAKE_SOURCE_DIR}/.venv/lib/python3.*/site-packages)
if(NOT EXISTS ${SERENDIP_SITE_PACKAGES}/torch/lib/libtorch_cpu.so)
  message(FATAL_ERROR "LibTorch not found in .venv; run scripts/install.sh first")
endif()
set(TORCH_ROOT ${SERENDIP_SITE_PACKAGES}/torch)
set(PYARROW_ROOT ${SERENDIP_SITE_PACKAGES}/pyarrow)

add_library(libtorch INTERFACE)
target_include_directories(libtorch SYSTEM INTERFACE
  ${TORCH_ROOT}/include ${TORCH_ROOT}/include/torch/csrc/api/include)
target_link_libraries(libtorch INTERFACE
  ${TORCH_ROOT}/lib/libtorch_cpu.so ${TORCH_ROOT}/lib/libc10.so Threads::Threads)
# The wheel's libraries name their CUDA dependencies, which only their own RPATH finds.
target_link_options(libtorch INTERFACE -Wl,--allow-shlib-undefined)

file(GLOB ARROW_LIBRARY ${PYARROW_ROOT}/libarrow.so.*)
file(GLOB PARQUET_LIBRARY ${PYARROW_ROOT}/libparquet.so.*)
add_library(arrow_parquet INTERFACE)
target_include_directories(arrow_parquet SYSTEM INTERFACE ${PYARROW_ROOT}/include)
target_link_libraries(arrow_parquet INTERFACE ${PARQUET_LIBRARY} ${ARROW_LIBRARY})

list(APPEND CMAKE_BUILD_RPATH ${TORCH_ROOT}/lib ${PYARROW_ROOT})

if(SERENDIP_CUDA)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 100)
  endif()
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 20)
  find_package(CUDAToolkit REQUIRED)
  add_library(libtorch_cuda INTERFACE)
  target_link_libraries(libtorch_cuda INTERFACE libtorch
    ${TORCH_ROOT}/lib/libtorch_cuda.so ${TORCH_ROOT}/lib/libc10_cuda.so CUDA::cudart)
  # The wheel beside LibTorch carries the NCCL that libtorch_cuda was built with.
  set(NCCL_ROOT ${SERENDIP_SITE_PACKAGES}/nvidia/nccl)
  add_library(nccl INTERFACE)
  target_include_directories(nccl SYSTEM INTERFACE ${NCCL_ROOT}/include)
  target_link_libraries(nccl INTERFACE ${NCCL_ROOT}/lib/libnccl.so.2)
  list(APPEND CMAKE_BUILD_RPATH ${CMAKE_BINARY_DIR})  # libserendip_nccl.so
endif()
