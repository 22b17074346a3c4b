# How every target of pmend is made: one language standard, one set of warnings, headers that stand on their own.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Compiles each header of a file set alone: build the target all_verify_interface_header_sets.
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

option(PMEND_WERROR "Warnings are errors" OFF)
set(PMEND_SANITIZE "" CACHE STRING "Sanitizers for the whole build: address,undefined or thread")
option(PMEND_FUZZ "Targets in tests/fuzz are programs of libFuzzer; with the preset fuzz" OFF)

add_library(pmend_warnings INTERFACE)
target_compile_options(pmend_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Wswitch-enum -Wformat=2
  # Designated initialisers leave out members on purpose; those have their defaults.
  -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond;-Wduplicated-branches;-Wlogical-op>
  # Optimising, g++ 12 takes "text" + std::string() for an overlapping copy (GCC bug 105651); we have 200 of those.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>,$<CONFIG:Release>>:-Wno-restrict>
  $<$<BOOL:${PMEND_WERROR}>:-Werror>)
# Asio's fences are not understood by TSan; g++ says so for each use.
if(PMEND_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(pmend_warnings INTERFACE -Wno-tsan)
endif()

cmake_path(GET CMAKE_BINARY_DIR FILENAME preset)
if(preset MATCHES "^[at]san$" AND NOT PMEND_SANITIZE)
  message(FATAL_ERROR "CMake has forgotten the settings of the preset ${preset}, as its compiler is another one now: remove ${CMAKE_BINARY_DIR}")
endif()
if(PMEND_SANITIZE)
  add_compile_options(-fsanitize=${PMEND_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PMEND_SANITIZE})
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  add_compile_definitions(_GLIBCXX_ASSERTIONS _FORTIFY_SOURCE=2)
  add_compile_options(-fstack-protector-strong -fstack-clash-protection)
  add_link_options(-pie -Wl,-z,relro,-z,now)
endif()

# pmend_library(NAME BASE DIR SOURCES … HEADERS … [DEPS …] [PRIVATE_DEPS …])
# One static library per folder. BASE is the directory that #include paths start from.
function(pmend_library name)
  cmake_parse_arguments(ARG "" "BASE" "SOURCES;HEADERS;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(pmend_${name} STATIC)
  add_library(pmend::${name} ALIAS pmend_${name})
  target_sources(pmend_${name}
    PRIVATE ${ARG_SOURCES}
    PUBLIC FILE_SET HEADERS BASE_DIRS ${ARG_BASE} FILES ${ARG_HEADERS})
  target_link_libraries(pmend_${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS} pmend_warnings)
  # Whether a header compiles alone needs no debug information. CMake makes that target too late to give it options.
  target_compile_options(pmend_${name} INTERFACE
    $<$<STREQUAL:$<TARGET_PROPERTY:NAME>,pmend_${name}_verify_interface_header_sets>:-g0>)
endfunction()

# pmend_program(NAME SOURCES … DEPS …)
function(pmend_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} pmend_warnings)
endfunction()

# pmend_test(NAME LABEL SOURCES … DEPS … [TIMEOUT SECONDS])
# Every test case becomes one ctest test with the given label. The target LABEL_tests builds what a label needs.
function(pmend_test name label)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;PROPERTIES" ${ARGN})
  # Not optimised and with sanitizers, the longest unit tests take 20 s of a processor that nobody else uses.
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 180)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  # Unit tests are built where they run: by default only with sanitizers.
  if(label STREQUAL "unit")
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} pmend_warnings)
  # Not beside the programs under test: bin/ holds what is installed.
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT TARGET ${label}_tests)
    add_custom_target(${label}_tests)
  endif()
  add_dependencies(${label}_tests ${name})
  gtest_discover_tests(${name}
    TEST_PREFIX "${label}/"
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${label} TIMEOUT ${ARG_TIMEOUT} ${ARG_PROPERTIES})
endfunction()
