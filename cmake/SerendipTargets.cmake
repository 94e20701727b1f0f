# serendip_library(NAME SOURCES … LINK … [TORCH]): one static library with the project's warnings.
# TORCH marks the few libraries whose sources see LibTorch; they share one precompiled header. It holds what most of them
# use: all of torch/torch.h would cost each unit 2 s more.

add_library(serendip_options INTERFACE)
target_compile_options(serendip_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Werror>)
target_include_directories(serendip_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/csrc)
# LibTorch's include folder carries a fmt of its own, newer than the one that spdlog is built with: a
# folder of links, searched first, keeps every source on Debian's.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/first_include)
get_target_property(fmt_include fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
file(CREATE_LINK ${fmt_include}/fmt ${CMAKE_BINARY_DIR}/first_include/fmt SYMBOLIC)
target_include_directories(serendip_options BEFORE INTERFACE ${CMAKE_BINARY_DIR}/first_include)
# OpenMP everywhere: without it at::parallel_for is serial, and a precompiled header fits one setting only.
target_link_libraries(serendip_options INTERFACE fmt::fmt OpenMP::OpenMP_CXX)
# x86-64-v3 (AVX2, 2013 and later): the host loops vectorise, and no float contraction across builds.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(serendip_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-march=x86-64-v3;-ffp-contract=off>)
endif()
if(SERENDIP_SANITIZE)
  target_compile_options(serendip_options INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer)
  target_link_options(serendip_options INTERFACE -fsanitize=address,undefined)
endif()
if(SERENDIP_FUZZ)
  target_compile_options(serendip_options INTERFACE -fsanitize=fuzzer-no-link -Wno-error)
endif()

add_library(serendip_torch_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/torch_pch.cpp)
target_link_libraries(serendip_torch_pch PUBLIC serendip_options libtorch)
target_precompile_headers(serendip_torch_pch PRIVATE <torch/autograd.h> <torch/utils.h>)

function(serendip_library name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC serendip_options ${ARG_LINK})
  if(ARG_TORCH)
    target_link_libraries(${name} PUBLIC libtorch)
    target_precompile_headers(${name} REUSE_FROM serendip_torch_pch)
  endif()
endfunction()

# serendip_test(NAME SOURCES … LINK … [TORCH] [SLOW]): one GoogleTest binary, each test its own ctest entry.
function(serendip_test name)
  cmake_parse_arguments(ARG "TORCH;SLOW" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE serendip_options ${ARG_LINK} GTest::gtest GTest::gtest_main)
  if(ARG_TORCH)
    target_link_libraries(${name} PRIVATE libtorch)
    target_precompile_headers(${name} REUSE_FROM serendip_torch_pch)
    # The header was precompiled for a library: -fPIC, not an executable's -fPIE.
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC)
  endif()
  set(labels fast)
  if(ARG_SLOW)
    set(labels slow)
  endif()
  # Tests run side by side: a thread that waits must not spin.
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120
    PROPERTIES LABELS ${labels} TIMEOUT 300
    ENVIRONMENT "OMP_WAIT_POLICY=PASSIVE;SERENDIP_SOURCE_DIR=${CMAKE_SOURCE_DIR};SERENDIP_BINARY=$<TARGET_FILE:serendip>")
endfunction()
