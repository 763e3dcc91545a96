/*
 * Votes in a SQLite file (WAL). Rows are only added: undo and delete are rows, too, so that nothing
 * anybody said is lost. Every act carries a text `once` of the page's own making; an act whose
 * `once` is there already is not done a second time, and answered as the first.
 *
 * All functions: 0, or -EIO, -ENOSPC, -EBUSY and the like from the system, and what they list.
 */
#ifndef NN_VOTE_STORE_H
#define NN_VOTE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vote_store;

enum vote_store_mode {
    VOTE_STORE_WRITE, /* made when it is not there */
    VOTE_STORE_READ,  /* -ENOENT when it is not there */
};

/* -EBADMSG: not such a file. `error` then holds a sentence without the path. */
int vote_store_open(const char *path, enum vote_store_mode mode, struct vote_store **ret,
                    char *error, size_t error_size);
/* Accepts NULL. */
void vote_store_close(struct vote_store *store);

/* Who does something to which picture. Texts are UTF-8, not empty. */
struct vote_by {
    const char *user;
    const char *image;
    const char *once;
    int64_t t_utc_us;
    int64_t spent_ms; /* time the picture was looked at before */
};

/* The user's vote on the picture, in place of an earlier one. `value`: JSON, kept as it is. */
int vote_store_vote(struct vote_store *store, const struct vote_by *by, const char *value);

/* No vote of the user on the picture any more. -ENOENT: there is none. */
int vote_store_delete(struct vote_store *store, const struct vote_by *by);

/* The user passes the picture over. -EEXIST: there is a vote of the user's on it. */
int vote_store_skip(struct vote_store *store, const struct vote_by *by);

/*
 * Take back the user's last vote, delete or skip that has not been taken back; by->image is not
 * looked at. -ENOENT: there is none. *ret_image: the picture it was about; free() it.
 */
int vote_store_undo(struct vote_store *store, const struct vote_by *by, char **ret_image);

/* What stands: the last act on a picture by a user that was not taken back, except a delete. */
struct vote_standing {
    int64_t id, user_id, image_id; /* numbers within this file */
    const char *user;
    const char *image;
    int64_t t_utc_us;
    int64_t spent_ms;
    const char *value; /* NULL: passed over */
};

/* What stands lives until it returns. Other than 0 ends the round, and is then its result. */
typedef int (*vote_store_fn)(void *context, const struct vote_standing *standing);

/* All that stands, in order of time; `user` and `image` narrow it down, each may be NULL. */
int vote_store_each(struct vote_store *store, const char *user, const char *image, vote_store_fn fn,
                    void *context);

#endif
