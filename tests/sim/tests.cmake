tipwright_test(NAME test_sim_tip SOURCES sim/test_tip.c LIBS tipwright_sim)
tipwright_test(NAME test_sim_surface SOURCES sim/test_surface.c LIBS tipwright_sim)
tipwright_test(NAME test_sim_scanner SOURCES sim/test_scanner.c LIBS tipwright_sim)
tipwright_test(NAME test_sim_feedback SOURCES sim/test_feedback.c LIBS tipwright_sim)
tipwright_test(NAME test_sim_simulated SOURCES sim/test_simulated.c sim/drive.c LIBS tipwright_sim)
tipwright_test(NAME test_sim_replay SOURCES sim/test_replay.c sim/drive.c LIBS tipwright_sim)
tipwright_test(NAME test_sim_serve SOURCES sim/test_serve.c LIBS tipwright_sim PkgConfig::ZMQ)
tipwright_test(NAME test_sim_record_gwyddion
  SOURCES sim/test_record_gwyddion.c sim/drive.c instrument/gwy_compare.c instrument/gwy.c
  LIBS tipwright_sim)
tipwright_test(NAME test_sim_shows SOURCES sim/test_shows.c LIBS tipwright_sim)
tipwright_test(NAME test_sim_scenario SOURCES sim/test_scenario.c LIBS tipwright_sim)
tipwright_test(NAME test_sim_faults SOURCES sim/test_faults.c LIBS tipwright_sim)
tipwright_test(NAME test_sim_images SOURCES sim/test_images.c LIBS tipwright_sim)
