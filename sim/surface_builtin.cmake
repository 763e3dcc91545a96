# Writes the default surface into a C source: cmake -DTO=out.c -P surface_builtin.cmake
file(READ ${CMAKE_CURRENT_LIST_DIR}/surfaces/h-si-100.yaml hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${TO} "#include \"sim/surface_builtin.h\"
const unsigned char sim_surface_builtin[] = {\n${bytes}};
const size_t sim_surface_builtin_size = sizeof sim_surface_builtin;\n")
