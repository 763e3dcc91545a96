/*
 * The labelling page: an HTTP server on loopback that shows pictures to one person and puts what
 * the person says into a vote_store. libmicrohttpd within the caller's thread; no thread of its
 * own.
 *
 * Nobody else's page may use it: it listens on 127.0.0.1 only, answers only under a random token
 * in its address, to requests that name this host (against DNS rebinding), and takes changes only
 * by POST with JSON from its own origin. It loads nothing from elsewhere.
 */
#ifndef NN_VOTE_PAGE_H
#define NN_VOTE_PAGE_H

#include "nn/vote_store.h"

#include <stddef.h>
#include <stdint.h>

/* What is looked at: (height, width) grey levels, row 0 on top, 0 .. 65535 over its own range. */
struct vote_picture {
    uint32_t width, height; /* 1 .. 8192 */
    uint16_t *levels;       /* from malloc */
};

/* 0, or negative errno with a sentence in `error`; *ret is then untouched. */
typedef int (*vote_picture_reader)(void *context, const char *image, struct vote_picture *ret,
                                   char *error, size_t error_size);

struct vote_page_settings {
    struct vote_store *store;
    const char *user;
    const char *const *images; /* names, each once, sorted byte by byte */
    uint32_t n_images;
    uint64_t seed; /* of the order in which pictures come */
    uint16_t port; /* 0: a free one */
    vote_picture_reader read_picture;
    void *context;               /* for it */
    int64_t (*now_utc_us)(void); /* wall clock, for stamps */
};

struct vote_page;

/*
 * Starts to listen. Everything in `settings` is borrowed until the page is destroyed. 0;
 * -EINVAL: names not sorted; -EADDRINUSE and the like; -EIO: no server. `error` then holds a
 * sentence.
 *
 * The order depends on seed, user and each picture's name alone, so that pictures that come later
 * do not stir up the others.
 */
int vote_page_create(const struct vote_page_settings *settings, struct vote_page **ret, char *error,
                     size_t error_size);

/* "http://127.0.0.1:PORT/TOKEN/". Borrowed, lives as long as the page. */
const char *vote_page_url(const struct vote_page *page);

/* Answers what comes within `wait_ms`, then returns; also at a signal. 0, or -EIO. */
int vote_page_run(struct vote_page *page, int32_t wait_ms);

/* Accepts NULL. */
void vote_page_destroy(struct vote_page *page);

#endif
