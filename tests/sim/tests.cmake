tipwright_test(NAME test_sim_tip SOURCES sim/test_tip.c LIBS tipwright_sim)
