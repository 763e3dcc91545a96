tipwright_test(NAME test_zsock
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_zsock.c ${CMAKE_CURRENT_LIST_DIR}/wakeups.c
    ${CMAKE_CURRENT_LIST_DIR}/wakeups_bad.c
  LIBS tipwright_instrument PkgConfig::ZMQ)
tipwright_test(NAME test_matrix_reference
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_matrix_reference.c
  LIBS tipwright_instrument PkgConfig::JANSSON PkgConfig::SODIUM)
tipwright_test(NAME test_matrix_write
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_matrix_write.c
    ${CMAKE_CURRENT_LIST_DIR}/matrix_night.c ${CMAKE_CURRENT_LIST_DIR}/gwy.c
    ${CMAKE_CURRENT_LIST_DIR}/gwy_compare.c
  LIBS tipwright_instrument)
tipwright_test(NAME test_matrix_damage
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_matrix_damage.c ${CMAKE_CURRENT_LIST_DIR}/matrix_night.c
  LIBS tipwright_instrument)
tipwright_test(NAME test_ends
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ends.c ${CMAKE_CURRENT_LIST_DIR}/link.c
    ${CMAKE_CURRENT_LIST_DIR}/fake_microscope.c
  LIBS tipwright_instrument PkgConfig::ZMQ)
tipwright_test(NAME test_picture
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_picture.c
  LIBS tipwright_instrument PkgConfig::PNG)
tipwright_test(NAME test_protocol
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_protocol.c LIBS tipwright_instrument)
tipwright_test(NAME test_keys
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_keys.c ${CMAKE_CURRENT_LIST_DIR}/link.c
    ${CMAKE_CURRENT_LIST_DIR}/fake_microscope.c
  LIBS tipwright_instrument PkgConfig::ZMQ)
tipwright_test(NAME test_action
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_action.c LIBS tipwright_instrument)
tipwright_test(NAME test_matrix_commands
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_matrix_commands.c ${CMAKE_CURRENT_LIST_DIR}/matrix_night.c
    ${CMAKE_CURRENT_LIST_DIR}/gwy.c ${PROJECT_SOURCE_DIR}/instrument/cmd_info.c
    ${PROJECT_SOURCE_DIR}/instrument/cmd_convert.c ${PROJECT_SOURCE_DIR}/agent/terminal.c
  LIBS tipwright_instrument tipwright_nn PkgConfig::JANSSON)
