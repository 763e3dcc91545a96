/* What the schema says, for people (docs/policy.md) and for editors (JSON Schema). */
#ifndef CONFIG_REFERENCE_H
#define CONFIG_REFERENCE_H

#include <stdio.h>

/* docs/policy.md, complete. A test compares the two. */
void reference_print(FILE *out);

/* JSON Schema, draft 2020-12. It cannot express everything the program checks. */
void reference_print_schema(FILE *out);

#endif
