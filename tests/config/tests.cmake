foreach(name units yaml_reader policy_errors policy policy_lint reference)
  tipwright_test(NAME test_config_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c
    LIBS tipwright_config PkgConfig::JANSSON)
endforeach()
