# Programs that the scenario scripts start; they lie beside the unit tests in the build tree.
function(tipwright_scenario_program name)
  cmake_parse_arguments(P "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${P_SOURCES})
  target_link_libraries(${name} PRIVATE ${P_LIBS})
endfunction()

set(SCENARIO ${CMAKE_CURRENT_LIST_DIR})
tipwright_scenario_program(fixed_model SOURCES ${SCENARIO}/fixed_model.c LIBS tipwright_nn)
tipwright_scenario_program(labelled_stripes SOURCES ${SCENARIO}/labelled_stripes.c
  LIBS tipwright_nn tipwright_instrument)
tipwright_scenario_program(logging_microscope SOURCES ${SCENARIO}/logging_microscope.c
  LIBS tipwright_instrument PkgConfig::ZMQ)
tipwright_scenario_program(kills
  SOURCES ${SCENARIO}/kills.c ${SCENARIO}/kills_lane.c ${SCENARIO}/kills_judge.c
    ${SCENARIO}/kills_operator.c
  LIBS tipwright_flags PkgConfig::ZMQ PkgConfig::JANSSON PkgConfig::SQLITE)
tipwright_scenario_program(gwyddion_reads
  SOURCES ${SCENARIO}/gwyddion_reads.c ${SCENARIO}/../instrument/gwy_compare.c
    ${SCENARIO}/../instrument/gwy.c
  LIBS tipwright_instrument PkgConfig::CHECK)
# Check's own macros use variadic extensions.
target_compile_options(gwyddion_reads PRIVATE -Wno-pedantic
  -Wno-gnu-zero-variadic-macro-arguments)
tipwright_scenario_program(onnx_make SOURCES ${SCENARIO}/onnx_make.c ${SCENARIO}/../nn/make_networks.c
  LIBS tipwright_lab)
tipwright_scenario_program(onnx_judge SOURCES ${SCENARIO}/onnx_judge.c LIBS tipwright_lab)
