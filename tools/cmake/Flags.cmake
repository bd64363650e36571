# The language, the warnings and the hardening of every file, as one interface target.
option(TOCSIN_WERROR "Warnings are errors" OFF)
set(TOCSIN_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")
option(TOCSIN_COVERAGE "Instrument for gcov" OFF)
option(TOCSIN_FUZZ "Build the libFuzzer targets (clang)" OFF)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

add_library(tc_flags INTERFACE)
target_include_directories(tc_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_definitions(tc_flags INTERFACE _GNU_SOURCE TOCSIN_VERSION="${PROJECT_VERSION}")
target_compile_options(tc_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wpointer-arith
    -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Wredundant-decls -Wundef -Wformat=2
    -Wdouble-promotion -Wfloat-equal -Wswitch-enum -Wimplicit-fallthrough -Wvla -Wunused-macros)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(tc_flags INTERFACE
        -Wcast-align=strict -Wformat-signedness -Wformat-overflow=2 -Wformat-truncation=2
        -Wnull-dereference -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wjump-misses-init
        -Walloca -Wframe-larger-than=16384 -Wdate-time -Wunused-const-variable=2)
else()
    target_compile_options(tc_flags INTERFACE
        -Wmissing-variable-declarations -Wunreachable-code-aggressive -Wcomma -Wassign-enum
        -Wconditional-uninitialized -Wloop-analysis)
endif()
if(TOCSIN_WERROR)
    target_compile_options(tc_flags INTERFACE -Werror)
endif()

if(TOCSIN_SANITIZE)
    target_compile_options(tc_flags INTERFACE
        -fsanitize=${TOCSIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(tc_flags INTERFACE -fsanitize=${TOCSIN_SANITIZE})
    # The sanitizers move frames and see paths that the plain build does not have.
    target_compile_options(tc_flags INTERFACE -Wno-frame-larger-than)
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        target_compile_options(tc_flags INTERFACE
            -Wno-null-dereference -Wno-format-truncation -Wno-format-overflow)
    endif()
else()
    target_compile_options(tc_flags INTERFACE
        -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
        $<$<C_COMPILER_ID:GNU>:-ftrivial-auto-var-init=zero> -fno-common
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
    target_link_options(tc_flags INTERFACE
        -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
target_link_options(tc_flags INTERFACE -Wl,--as-needed)
if(TOCSIN_FUZZ) # so that libFuzzer sees the branches of the libraries too
    target_compile_options(tc_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(TOCSIN_COVERAGE)
    target_compile_options(tc_flags INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(tc_flags INTERFACE --coverage)
endif()
