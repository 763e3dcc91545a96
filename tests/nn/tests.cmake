tipwright_test(NAME test_nn_layer SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_layer.c LIBS tipwright_nn)
