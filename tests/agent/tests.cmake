foreach(name decide guard journal)
  tipwright_test(NAME test_agent_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c
    LIBS tipwright_agent PkgConfig::SQLITE)
endforeach()
tipwright_test(NAME test_agent_journal_faults
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_journal_faults.c ${CMAKE_CURRENT_LIST_DIR}/fault_vfs.c
  LIBS tipwright_agent PkgConfig::SQLITE)
foreach(name intake frame console correction)
  tipwright_test(NAME test_agent_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c
    LIBS tipwright_agent PkgConfig::JANSSON)
endforeach()
foreach(name belief course learn night_score night_results)
  tipwright_test(NAME test_agent_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c
    LIBS tipwright_agent)
endforeach()
tipwright_test(NAME test_agent_judge SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_judge.c
  LIBS tipwright_agent)
tipwright_test(NAME test_agent_night
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_night.c ${CMAKE_CURRENT_LIST_DIR}/fake_instrument.c
  LIBS tipwright_agent PkgConfig::ZMQ)
# nftw() is X/Open's.
target_compile_definitions(test_agent_night PRIVATE _XOPEN_SOURCE=700)
# The whole agent against a simulated microscope, so that it links the simulator, too.
tipwright_test(NAME test_agent_player SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_player.c
  LIBS tipwright_agent tipwright_sim PkgConfig::ZMQ)
target_compile_definitions(test_agent_player PRIVATE _XOPEN_SOURCE=700)
