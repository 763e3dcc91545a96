set(NN_TESTS ${CMAKE_CURRENT_LIST_DIR})
tipwright_test(NAME test_nn_layer SOURCES ${NN_TESTS}/test_layer.c LIBS tipwright_nn)
tipwright_test(NAME test_nn_kernel SOURCES ${NN_TESTS}/test_kernel.c LIBS tipwright_nn)
tipwright_test(NAME test_nn_engine SOURCES ${NN_TESTS}/test_engine.c
  LIBS tipwright_nn PkgConfig::SODIUM)
tipwright_test(NAME test_nn_stream SOURCES ${NN_TESTS}/test_stream.c ${NN_TESTS}/make_model.c
  LIBS tipwright_nn)
tipwright_test(NAME test_nn_model_file SOURCES ${NN_TESTS}/test_model_file.c
  ${NN_TESTS}/make_model.c LIBS tipwright_nn PkgConfig::SODIUM)
tipwright_test(NAME test_nn_learning SOURCES ${NN_TESTS}/test_learning.c ${NN_TESTS}/make_dataset.c
  LIBS tipwright_nn)
foreach(name train view search)
  tipwright_test(NAME test_nn_${name} SOURCES ${NN_TESTS}/test_${name}.c
    ${NN_TESTS}/make_dataset.c LIBS tipwright_nn)
endforeach()
tipwright_test(NAME test_nn_architecture SOURCES ${NN_TESTS}/test_architecture.c
  ${PROJECT_SOURCE_DIR}/nn/cmd_architecture.c ${PROJECT_SOURCE_DIR}/agent/command.c
  ${PROJECT_SOURCE_DIR}/agent/terminal.c LIBS tipwright_config)
target_compile_definitions(test_nn_architecture PRIVATE TIPWRIGHT_DATADIR_FROM_BINDIR=""
  TIPWRIGHT_SOURCEDIR="${PROJECT_SOURCE_DIR}" TIPWRIGHT_BUILDDIR="${PROJECT_BINARY_DIR}")
tipwright_test(NAME test_nn_votes SOURCES ${NN_TESTS}/test_votes.c LIBS tipwright_lab)
tipwright_test(NAME test_nn_builder SOURCES ${NN_TESTS}/test_builder.c LIBS tipwright_lab)
tipwright_test(NAME test_nn_npy SOURCES ${NN_TESTS}/test_npy.c LIBS tipwright_lab PkgConfig::MATIO)
tipwright_test(NAME test_nn_dataset SOURCES ${NN_TESTS}/test_dataset.c LIBS tipwright_nn)
tipwright_test(NAME test_nn_evaluate SOURCES ${NN_TESTS}/test_evaluate.c ${NN_TESTS}/make_dataset.c
  LIBS tipwright_nn)
tipwright_test(NAME test_nn_metrics SOURCES ${NN_TESTS}/test_metrics.c LIBS tipwright_nn)
tipwright_test(NAME test_nn_report SOURCES ${NN_TESTS}/test_report.c LIBS tipwright_lab
  PkgConfig::JANSSON)
tipwright_test(NAME test_nn_chart SOURCES ${NN_TESTS}/test_chart.c LIBS tipwright_lab
  PkgConfig::CAIRO)
tipwright_test(NAME test_nn_onnx SOURCES ${NN_TESTS}/test_onnx.c ${NN_TESTS}/make_networks.c
  LIBS tipwright_lab)
tipwright_test(NAME test_nn_vote_store SOURCES ${NN_TESTS}/test_vote_store.c
  LIBS tipwright_lab PkgConfig::SQLITE PkgConfig::JANSSON)
tipwright_test(NAME test_nn_new_file SOURCES ${NN_TESTS}/test_new_file.c LIBS tipwright_nn)
tipwright_test(NAME test_nn_crew SOURCES ${NN_TESTS}/test_crew.c LIBS tipwright_nn)
tipwright_test(NAME test_nn_rows SOURCES ${NN_TESTS}/test_rows.c LIBS tipwright_nn)
tipwright_test(NAME test_nn_event SOURCES ${NN_TESTS}/test_event.c LIBS tipwright_nn)
tipwright_test(NAME test_nn_event_train SOURCES ${NN_TESTS}/test_event_train.c LIBS tipwright_nn)
