/* Type and shape of an array that is handed on to others. */
#ifndef NN_ARRAY_FORM_H
#define NN_ARRAY_FORM_H

#include <stddef.h>

enum nn_array_type { NN_ARRAY_U8, NN_ARRAY_F32, NN_ARRAY_F64 };

enum { NN_ARRAY_RANK_MAX = 3 };

struct nn_array_form {
    enum nn_array_type type;
    unsigned rank; /* 1 .. NN_ARRAY_RANK_MAX */
    size_t sizes[NN_ARRAY_RANK_MAX];
};

#endif
