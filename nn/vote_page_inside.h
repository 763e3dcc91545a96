/* What the labelling page's two halves share: the server, and what it answers. */
#ifndef NN_VOTE_PAGE_INSIDE_H
#define NN_VOTE_PAGE_INSIDE_H

#include "nn/vote_page.h"

#include <jansson.h>

struct MHD_Daemon;

enum { VOTE_TOKEN_BYTES = 16, VOTE_TOKEN_SIZE = 2 * VOTE_TOKEN_BYTES + 1 };

struct vote_picture_size {
    uint32_t width, height;
};

struct vote_page {
    struct vote_page_settings settings;
    struct MHD_Daemon *daemon;
    uint16_t port;
    char token[VOTE_TOKEN_SIZE];
    char url[80];
    uint32_t *order;                 /* (n_images) places in settings.images, as they are shown */
    uint32_t *place;                 /* (n_images) where in `order` each picture is */
    struct vote_picture_size *sizes; /* (n_images) by place in `order`; 0: not looked at yet */
};

/* A file of the page, compiled in; see nn/page. */
struct vote_page_file {
    const char *name;
    const char *type;
    const unsigned char *data;
    size_t size;
};
extern const struct vote_page_file vote_page_files[];
extern const size_t vote_page_n_files;

/* An HTTP answer's status, and its body as JSON; yours. */
struct vote_answer {
    unsigned status;
    json_t *body;
};

/* Who votes, the labels, and all pictures in order with what stands on them. */
struct vote_answer vote_page_state(struct vote_page *page);

/* One act, from the body of a POST. */
struct vote_answer vote_page_act(struct vote_page *page, const char *body, size_t size);

/* {"error": text}. */
struct vote_answer vote_page_refusal(unsigned status, const char *text);

#endif
