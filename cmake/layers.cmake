# One static library per layer; the arrows ui -> app -> engine -> kernels are its link lines.
#
#   add_layer(engine USES kernels USES_INSIDE spdlog::spdlog)   once, in the layer's own folder
#   add_to_layer(engine HEADERS a.h b.h SOURCES a.cpp b.cpp)    in each subfolder
#
# Headers are a file set, so that the target all_verify_interface_header_sets proves that each of
# them compiles on its own. USES is what the headers need, USES_INSIDE what only the sources need.
function(add_layer name)
  cmake_parse_arguments(LAYER "" "" "USES;USES_INSIDE" ${ARGN})
  add_library(${name} STATIC)
  target_include_directories(${name} PUBLIC ${LONGLEAF_ROOT})
  target_link_libraries(${name} PUBLIC ${LAYER_USES} PRIVATE ${LAYER_USES_INSIDE})
endfunction()

function(add_to_layer name)
  cmake_parse_arguments(PART "" "" "HEADERS;SOURCES;USES;USES_INSIDE" ${ARGN})
  if(PART_HEADERS)
    target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${LONGLEAF_ROOT} FILES ${PART_HEADERS})
  endif()
  if(PART_SOURCES)
    target_sources(${name} PRIVATE ${PART_SOURCES})
  endif()
  if(PART_USES)
    target_link_libraries(${name} PUBLIC ${PART_USES})
  endif()
  if(PART_USES_INSIDE)
    target_link_libraries(${name} PRIVATE ${PART_USES_INSIDE})
  endif()
endfunction()

# One Qt Test program per file: add_unit_test(tests_engine_json json_test.cpp USES engine LABELS unit)
function(add_unit_test name source)
  cmake_parse_arguments(TEST "" "" "USES;LABELS;SOURCES;ARGS" ${ARGN})
  add_executable(${name} ${source} ${TEST_SOURCES})
  set_target_properties(${name} PROPERTIES AUTOMOC ON)
  target_link_libraries(${name} PRIVATE ${TEST_USES} Qt6::Core Qt6::Test)
  target_compile_definitions(${name} PRIVATE LONGLEAF_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                             LONGLEAF_BINARY_DIR="${CMAKE_BINARY_DIR}")
  add_test(NAME ${name} COMMAND ${name} ${TEST_ARGS})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT
    "QT_QPA_PLATFORM=offscreen;XDG_RUNTIME_DIR=${CMAKE_BINARY_DIR}" LABELS "${TEST_LABELS}")
endfunction()
