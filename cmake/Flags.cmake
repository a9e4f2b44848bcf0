# SPDX-License-Identifier: MIT
# Warnings for every build, hardening for Release, sanitizers for Debug, counters for coverage, marks for fuzzing.
include(CheckCCompilerFlag)

add_compile_definitions(_GNU_SOURCE WALKV_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion
                    -Wno-sign-conversion -Wvla -Wformat=2 -Wundef -fno-strict-aliasing)

# Texts for people are cut to their buffers on purpose; gcc alone has this warning.
check_c_compiler_flag(-Wformat-truncation HAVE_FORMAT_TRUNCATION)
if(HAVE_FORMAT_TRUNCATION)
  add_compile_options(-Wno-format-truncation)
endif()

option(WALKV_WERROR "Treat warnings as errors" OFF)
if(WALKV_WERROR)
  add_compile_options(-Werror)
endif()

option(WALKV_FUZZ "Build the fuzz targets, and everything for them (clang only)" OFF)
if(WALKV_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "WALKV_FUZZ needs clang, which brings libFuzzer, and this is ${CMAKE_C_COMPILER_ID}: "
                        "use a build directory of its own with -DCMAKE_C_COMPILER=clang, or tests/fuzz/run")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

option(WALKV_SANITIZE "Build with ASan and UBSan (always on in Debug)" OFF)
option(WALKV_COVERAGE "Count which branches run, with gcov; scripts/coverage makes this build and reads it" OFF)
if(WALKV_COVERAGE)
  # Neither sanitizers nor hardening: both bring branches of their own. walkvd has a second thread, hence atomic.
  add_compile_options(--coverage -O0 -fprofile-abs-path -fprofile-update=atomic)
  add_link_options(--coverage)
elseif(WALKV_SANITIZE OR WALKV_FUZZ OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
else()
  # Across files: 5 % fewer instructions for a GET.
  include(CheckIPOSupported)
  check_ipo_supported(RESULT across_files OUTPUT ignored LANGUAGES C)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${across_files})
  add_compile_options(-fstack-protector-strong)
  add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie> -Wl,-z,relro,-z,now,-z,noexecstack)
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    set(control_flow -mbranch-protection=standard)
  else()
    set(control_flow -fcf-protection=full)
  endif()
  foreach(flag -fstack-clash-protection ${control_flow})
    string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
    check_c_compiler_flag(${flag} ${have})
    if(${have})
      add_compile_options(${flag})
    endif()
  endforeach()
endif()
