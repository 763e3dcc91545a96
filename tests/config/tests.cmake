foreach(name units yaml_reader fields policy_errors policy policy_lint reference)
  tipwright_test(NAME test_config_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c
    LIBS tipwright_config PkgConfig::JANSSON)
endforeach()
tipwright_test(NAME test_config_cmd_check
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cmd_check.c ${PROJECT_SOURCE_DIR}/config/cmd_check.c
  LIBS tipwright_sim tipwright_config PkgConfig::JANSSON)
