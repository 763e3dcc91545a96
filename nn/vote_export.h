/*
 * Votes as tables: Zooniverse's classification export, and the marks. docs/labelling.md has the
 * columns.
 */
#ifndef NN_VOTE_EXPORT_H
#define NN_VOTE_EXPORT_H

#include "nn/vote_store.h"

#include <stdio.h>

/*
 * One row per vote that stands, in order of time. 0, -EBADMSG (a vote in the store is not one of
 * vote_value's), or what vote_store_each says. Look at ferror() of `out` afterwards.
 */
int vote_export_classifications(struct vote_store *store, FILE *out);

/* One row per mark, of all votes that stand. Likewise. */
int vote_export_marks(struct vote_store *store, FILE *out);

#endif
