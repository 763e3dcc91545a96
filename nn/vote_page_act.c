/* What the labelling page asks for, and what it is answered. */
#include "nn/vote_page_inside.h"

#include "nn/vote_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HTTP_OK = 200, HTTP_BAD = 400, HTTP_CONFLICT = 409, HTTP_INTERNAL = 500 };
enum { ONCE_MIN = 8, ONCE_MAX = 64, SPENT_MS_MAX = 24 * 3600 * 1000, ERROR_SIZE = 160 };

struct vote_answer vote_page_refusal(unsigned status, const char *text)
{
    return (struct vote_answer){status, json_pack("{s:s}", "error", text)};
}

static int compare_name(const void *key, const void *element)
{
    const char *const *name = element;
    return strcmp(key, *name);
}

/* The picture's place in the order, or -1. */
static int64_t place_of(const struct vote_page *page, const char *image)
{
    const struct vote_page_settings *settings = &page->settings;
    const char *const *found = bsearch(image, settings->images, settings->n_images,
                                       sizeof *settings->images, compare_name);
    return found ? (int64_t)page->place[found - settings->images] : -1;
}

/* Vote and skip of one picture, into its object. A vote that cannot be read is an error. */
static int put_standing(json_t *object, const struct vote_standing *standing)
{
    json_t *vote = standing->value ? json_loads(standing->value, 0, NULL) : json_null();
    if (!vote)
        return -EBADMSG;
    json_object_set_new(object, "vote", vote);
    json_object_set_new(object, "skipped", json_boolean(!standing->value));
    return 0;
}

struct state_round {
    const struct vote_page *page;
    json_t *pictures;
};

static int note_standing(void *context, const struct vote_standing *standing)
{
    const struct state_round *round = context;
    int64_t place = place_of(round->page, standing->image);
    return place < 0 ? 0 : put_standing(json_array_get(round->pictures, (size_t)place), standing);
}

struct vote_answer vote_page_state(struct vote_page *page)
{
    const struct vote_page_settings *settings = &page->settings;
    json_t *labels = json_array();
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        json_array_append_new(labels,
                              json_pack("{s:s, s:s}", "name", nn_label_name((enum nn_label)k),
                                        "title", nn_label_title((enum nn_label)k)));
    json_t *subkinds = json_array();
    for (int k = 0; k < VOTE_SUBKIND_COUNT; k++)
        json_array_append_new(subkinds, json_pack("{s:s, s:s}", "name",
                                                  vote_subkind_name((enum vote_subkind)k), "title",
                                                  vote_subkind_title((enum vote_subkind)k)));
    json_t *pictures = json_array();
    for (uint32_t i = 0; i < settings->n_images; i++)
        json_array_append_new(pictures,
                              json_pack("{s:s, s:n, s:b}", "name", settings->images[page->order[i]],
                                        "vote", "skipped", 0));
    json_t *body =
        json_pack("{s:s, s:o, s:o, s:i, s:o}", "user", settings->user, "labels", labels, "subkinds",
                  subkinds, "marks_max", VOTE_MARKS_MAX, "pictures", pictures);
    struct state_round round = {page, pictures};
    int status = vote_store_each(settings->store, settings->user, NULL, note_standing, &round);
    if (status < 0 || !body) {
        json_decref(body);
        return vote_page_refusal(HTTP_INTERNAL, status ? strerror(-status) : "out of memory");
    }
    return (struct vote_answer){HTTP_OK, body};
}

static int take_standing(void *context, const struct vote_standing *standing)
{
    return put_standing(context, standing);
}

/* How a picture stands after an act. `image` may be one that is not shown here. */
static struct vote_answer picture_answer(struct vote_page *page, const char *image)
{
    int64_t place = place_of(page, image);
    json_t *body = json_pack("{s:s, s:o, s:n, s:b}", "name", image, "picture",
                             place < 0 ? json_null() : json_integer(place), "vote", "skipped", 0);
    int status =
        vote_store_each(page->settings.store, page->settings.user, image, take_standing, body);
    if (status < 0 || !body) {
        json_decref(body);
        return vote_page_refusal(HTTP_INTERNAL, status ? strerror(-status) : "out of memory");
    }
    return (struct vote_answer){HTTP_OK, body};
}

enum act { ACT_VOTE, ACT_SKIP, ACT_DELETE, ACT_UNDO, ACT_COUNT };

static const struct {
    const char *name;
    size_t members; /* how many members its request has */
} acts[ACT_COUNT] = {
    [ACT_VOTE] = {"vote", 5},
    [ACT_SKIP] = {"skip", 4},
    [ACT_DELETE] = {"delete", 4},
    [ACT_UNDO] = {"undo", 2},
};

struct request {
    enum act act;
    struct vote_by by;
    char *value; /* JSON of a vote; free() it */
};

static bool is_once(const char *text)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz-";
    size_t n = text ? strlen(text) : 0;
    return n >= ONCE_MIN && n <= ONCE_MAX && strspn(text, letters) == n;
}

/* NULL when all is well, else what is wrong. */
static const char *read_picture_members(const struct vote_page *page, const json_t *json,
                                        struct request *ret, int64_t *ret_place)
{
    const json_t *picture = json_object_get(json, "picture");
    const json_t *spent = json_object_get(json, "spent_ms");
    json_int_t place = json_integer_value(picture), ms = json_integer_value(spent);
    if (!json_is_integer(picture) || place < 0 || place >= page->settings.n_images)
        return "no such picture";
    if (!json_is_integer(spent) || ms < 0)
        return "spent_ms is not a time";
    ret->by.image = page->settings.images[page->order[place]];
    ret->by.spent_ms = ms < SPENT_MS_MAX ? ms : SPENT_MS_MAX;
    *ret_place = place;
    return NULL;
}

static const char *read_value(const struct vote_page *page, const json_t *json, int64_t place,
                              struct request *ret, char error[ERROR_SIZE])
{
    const struct vote_picture_size *size = &page->sizes[place];
    struct vote_value value;
    if (vote_value_from_json(json_object_get(json, "value"), &value, error, ERROR_SIZE) < 0)
        return error;
    if (value.width != size->width || value.height != size->height)
        return "the vote is not about the picture that was shown";
    json_t *canonical = vote_value_to_json(&value);
    ret->value = json_dumps(canonical, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(canonical);
    return ret->value ? NULL : "out of memory";
}

static const char *read_request(const struct vote_page *page, const json_t *json,
                                struct request *ret, char error[ERROR_SIZE])
{
    const char *name = json_string_value(json_object_get(json, "act"));
    int act = 0;
    while (name && act < ACT_COUNT && strcmp(name, acts[act].name) != 0)
        act++;
    if (!name || act == ACT_COUNT || json_object_size(json) != acts[act].members)
        return "not an act";
    ret->act = (enum act)act;
    ret->by.user = page->settings.user;
    ret->by.t_utc_us = page->settings.now_utc_us();
    ret->by.once = json_string_value(json_object_get(json, "once"));
    if (!is_once(ret->by.once))
        return "once is not 8 to 64 small letters, digits and hyphens";
    if (act == ACT_UNDO)
        return NULL;
    int64_t place;
    const char *wrong = read_picture_members(page, json, ret, &place);
    if (!wrong && act == ACT_VOTE)
        wrong = read_value(page, json, place, ret, error);
    return wrong;
}

static struct vote_answer refuse_act(enum act act, int status)
{
    if (act == ACT_DELETE && status == -ENOENT)
        return vote_page_refusal(HTTP_CONFLICT, "there is no vote of yours on this picture");
    if (act == ACT_UNDO && status == -ENOENT)
        return vote_page_refusal(HTTP_CONFLICT, "nothing to undo");
    if (act == ACT_SKIP && status == -EEXIST)
        return vote_page_refusal(HTTP_CONFLICT, "you have voted on this picture");
    return vote_page_refusal(HTTP_INTERNAL, strerror(-status));
}

static struct vote_answer perform(struct vote_page *page, const struct request *request)
{
    struct vote_store *store = page->settings.store;
    const char *image = request->by.image;
    char *undone = NULL;
    int status = -EINVAL;
    switch (request->act) {
    case ACT_VOTE:
        status = vote_store_vote(store, &request->by, request->value);
        break;
    case ACT_SKIP:
        status = vote_store_skip(store, &request->by);
        break;
    case ACT_DELETE:
        status = vote_store_delete(store, &request->by);
        break;
    case ACT_UNDO:
        status = vote_store_undo(store, &request->by, &undone);
        image = undone;
        break;
    case ACT_COUNT:
        break;
    }
    if (status < 0 || !image)
        return refuse_act(request->act, status);
    struct vote_answer answer = picture_answer(page, image);
    free(undone);
    return answer;
}

struct vote_answer vote_page_act(struct vote_page *page, const char *body, size_t size)
{
    char error[ERROR_SIZE];
    struct request request = {.act = ACT_COUNT};
    json_t *json = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
    const char *wrong = json ? read_request(page, json, &request, error) : "not JSON";
    struct vote_answer answer =
        wrong ? vote_page_refusal(HTTP_BAD, wrong) : perform(page, &request);
    json_decref(json);
    free(request.value);
    return answer;
}
