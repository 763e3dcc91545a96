/*
 * Surfaces as files: sim/surfaces/<name>.yaml into a struct sim_surface_spec.
 *
 * Unknown keys, missing ones, units and values outside their bounds are complaints with line and
 * column; a surface is accepted as a whole or not at all.
 */
#ifndef SIM_SURFACE_FILE_H
#define SIM_SURFACE_FILE_H

#include "config/policy_errors.h"
#include "sim/surface_spec.h"

/*
 * 0, or -EINVAL with the reasons in *ret_errors, which the caller frees with
 * policy_errors_finish() in either case. *ret untouched on failure.
 */
int sim_surface_parse(const char *text, size_t size, struct sim_surface_spec *ret,
                      struct policy_errors *ret_errors);

/* The same from a file; any other negative errno: not readable. */
int sim_surface_load(const char *path, struct sim_surface_spec *ret,
                     struct policy_errors *ret_errors);

/* True when a file's text looks like a surface: it names surface_version. */
bool sim_surface_recognised(const char *text, size_t size);

/* The keys of a surface file in Markdown, a section of docs/scenarios.md. */
void sim_surface_print_reference(FILE *out);

#endif
