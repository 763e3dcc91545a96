/* sim/surfaces/h-si-100.yaml as it stood when the program was built (see sim/CMakeLists.txt). */
#ifndef SIM_SURFACE_BUILTIN_H
#define SIM_SURFACE_BUILTIN_H

#include <stddef.h>

extern const unsigned char sim_surface_builtin[];
extern const size_t sim_surface_builtin_size;

#endif
