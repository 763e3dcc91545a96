/* The labelling page's server: who may ask, and where things lie. */
#include "nn/vote_page_inside.h"

#include "nn/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    BODY_MAX = 1 << 16,
    CONNECTIONS_MAX = 32,
    IDLE_S = 120,
    SIDE_MAX = 8192,
    ERROR_SIZE = 400,
};

/* Nothing from anywhere else, and nobody else's frame around it. */
static const char *const headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
     " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

/* A request on its way in. */
struct incoming {
    char *body;
    size_t size;
    bool too_large;
};

/* Takes `data`, from malloc. */
static enum MHD_Result send_data(struct MHD_Connection *connection, unsigned status,
                                 const char *type, void *data, size_t size)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, data, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(data);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        MHD_add_response_header(response, headers[i][0], headers[i][1]);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* Takes the answer's body. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, struct vote_answer answer)
{
    char *text = answer.body ? json_dumps(answer.body, JSON_COMPACT) : NULL;
    json_decref(answer.body);
    if (!text)
        return MHD_NO;
    return send_data(connection, answer.status, "application/json", text, strlen(text));
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *text)
{
    return send_answer(connection, vote_page_refusal(status, text));
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* True when `text` is `before` and then one of the two names of this host with the port. */
static bool names_us(const struct vote_page *page, const char *before, const char *text)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; text && i < sizeof hosts / sizeof *hosts; i++) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "%s%s:%u", before, hosts[i], (unsigned)page->port);
        if (strcasecmp(text, wanted) == 0)
            return true;
    }
    return false;
}

/* What stands behind the token in the address, or NULL. Takes as long for any wrong token. */
static const char *behind_token(const struct vote_page *page, const char *path)
{
    size_t n = VOTE_TOKEN_SIZE - 1;
    if (strlen(path) < n + 2 || path[0] != '/' || path[n + 1] != '/')
        return NULL;
    return sodium_memcmp(path + 1, page->token, n) == 0 ? path + n + 2 : NULL;
}

/* Browsers say where a request comes from; other clients need not. */
static bool is_foreign(struct MHD_Connection *connection)
{
    const char *site = header(connection, "Sec-Fetch-Site");
    return site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* Width and height as 4 bytes each, then the levels as 2 each, all little-endian. */
static enum MHD_Result send_levels(struct MHD_Connection *connection,
                                   const struct vote_picture *picture)
{
    enum { HEAD = 8 };
    size_t n = (size_t)picture->width * picture->height;
    uint8_t *data = malloc(HEAD + 2 * n);
    if (!data)
        return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
    put_u32(data, picture->width);
    put_u32(data + 4, picture->height);
    for (size_t i = 0; i < n; i++) {
        data[HEAD + 2 * i] = (uint8_t)(picture->levels[i] & 0xFF);
        data[HEAD + 2 * i + 1] = (uint8_t)(picture->levels[i] >> 8);
    }
    return send_data(connection, MHD_HTTP_OK, "application/octet-stream", data, HEAD + 2 * n);
}

static enum MHD_Result send_picture(struct vote_page *page, struct MHD_Connection *connection,
                                    const char *number)
{
    char *end;
    unsigned long place = strtoul(number, &end, 10);
    if (number[0] < '0' || number[0] > '9' || *end || place >= page->settings.n_images)
        return refuse(connection, MHD_HTTP_NOT_FOUND, "no such picture");
    struct vote_picture picture;
    char error[ERROR_SIZE];
    int status = page->settings.read_picture(page->settings.context,
                                             page->settings.images[page->order[place]], &picture,
                                             error, sizeof error);
    if (status < 0)
        return refuse(connection, MHD_HTTP_UNPROCESSABLE_CONTENT, error);
    enum MHD_Result result;
    if (picture.width == 0 || picture.width > SIDE_MAX || picture.height == 0 ||
        picture.height > SIDE_MAX) {
        result = refuse(connection, MHD_HTTP_UNPROCESSABLE_CONTENT, "too large or empty");
    } else {
        page->sizes[place] = (struct vote_picture_size){picture.width, picture.height};
        result = send_levels(connection, &picture);
    }
    free(picture.levels);
    return result;
}

static enum MHD_Result send_file(struct MHD_Connection *connection, const char *name)
{
    for (size_t i = 0; i < vote_page_n_files; i++) {
        const struct vote_page_file *file = &vote_page_files[i];
        if (strcmp(name, file->name) != 0)
            continue;
        void *copy = malloc(file->size);
        if (!copy)
            return MHD_NO;
        memcpy(copy, file->data, file->size);
        return send_data(connection, MHD_HTTP_OK, file->type, copy, file->size);
    }
    return refuse(connection, MHD_HTTP_NOT_FOUND, "not here");
}

static enum MHD_Result get(struct vote_page *page, struct MHD_Connection *connection,
                           const char *name)
{
    static const char pictures[] = "picture/";
    if (strcmp(name, "") == 0)
        return send_file(connection, "vote.html");
    if (strcmp(name, "state") == 0)
        return send_answer(connection, vote_page_state(page));
    if (strncmp(name, pictures, sizeof pictures - 1) == 0)
        return send_picture(page, connection, name + sizeof pictures - 1);
    return send_file(connection, name);
}

static enum MHD_Result post(struct vote_page *page, struct MHD_Connection *connection,
                            const char *name, const struct incoming *incoming)
{
    const char *type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (!names_us(page, "http://", header(connection, MHD_HTTP_HEADER_ORIGIN)))
        return refuse(connection, MHD_HTTP_FORBIDDEN, "not from this page");
    if (strcmp(name, "act") != 0)
        return refuse(connection, MHD_HTTP_NOT_FOUND, "not here");
    if (!type || strcasecmp(type, "application/json") != 0)
        return refuse(connection, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "not JSON");
    if (incoming->too_large)
        return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, "too large");
    return send_answer(connection,
                       vote_page_act(page, incoming->body ? incoming->body : "", incoming->size));
}

static enum MHD_Result answer(struct vote_page *page, struct MHD_Connection *connection,
                              const char *path, const char *method, const struct incoming *incoming)
{
    if (!names_us(page, "", header(connection, MHD_HTTP_HEADER_HOST)))
        return refuse(connection, MHD_HTTP_MISDIRECTED_REQUEST, "not this host");
    const char *name = behind_token(page, path);
    if (!name)
        return refuse(connection, MHD_HTTP_NOT_FOUND, "not here; the whole address is needed");
    if (is_foreign(connection))
        return refuse(connection, MHD_HTTP_FORBIDDEN, "not from this page");
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0)
        return get(page, connection, name);
    if (strcmp(method, MHD_HTTP_METHOD_POST) == 0)
        return post(page, connection, name, incoming);
    return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "neither GET nor POST");
}

static void take_body(struct incoming *incoming, const char *data, size_t size)
{
    incoming->too_large = incoming->too_large || size > BODY_MAX - incoming->size;
    if (incoming->too_large)
        return;
    char *body = realloc(incoming->body, incoming->size + size);
    if (!body)
        abort();
    memcpy(body + incoming->size, data, size);
    incoming->body = body;
    incoming->size += size;
}

/* Called first with the head alone, then with each piece of the body, and once more at its end. */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **request)
{
    (void)version;
    struct incoming *incoming = *request;
    if (!incoming) {
        *request = calloc(1, sizeof *incoming);
        return *request ? MHD_YES : MHD_NO;
    }
    if (*data_size > 0) {
        take_body(incoming, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    return answer(user, connection, path, method, incoming);
}

static void on_completed(void *user, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode how)
{
    (void)user;
    (void)connection;
    (void)how;
    struct incoming *incoming = *request;
    if (incoming)
        free(incoming->body);
    free(incoming);
    *request = NULL;
}

/* FNV-1a, 64 bits: any two names give different numbers for all that matters here. */
static uint64_t number_of_text(const char *text)
{
    uint64_t number = 0xCBF29CE484222325U;
    for (; *text; text++)
        number = (number ^ (unsigned char)*text) * 0x100000001B3U;
    return number;
}

struct shuffled {
    uint64_t key;
    uint32_t image;
};

static int compare_shuffled(const void *a, const void *b)
{
    const struct shuffled *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->image < y->image ? -1 : x->image > y->image;
}

static void make_order(struct vote_page *page)
{
    const struct vote_page_settings *settings = &page->settings;
    uint32_t n = settings->n_images;
    struct shuffled *shuffled = calloc((size_t)n + 1, sizeof *shuffled);
    if (!shuffled)
        abort();
    for (uint32_t i = 0; i < n; i++) {
        struct nn_random random = nn_random_seed(settings->seed, number_of_text(settings->user),
                                                 number_of_text(settings->images[i]));
        shuffled[i] = (struct shuffled){nn_random_bits(&random), i};
    }
    qsort(shuffled, n, sizeof *shuffled, compare_shuffled);
    for (uint32_t i = 0; i < n; i++) {
        page->order[i] = shuffled[i].image;
        page->place[shuffled[i].image] = i;
    }
    free(shuffled);
}

static int listen_on_loopback(struct vote_page *page)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(page->settings.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    errno = 0;
    page->daemon =
        MHD_start_daemon(MHD_USE_AUTO, 0, NULL, NULL, on_request, page, MHD_OPTION_SOCK_ADDR,
                         (const struct sockaddr *)&address, MHD_OPTION_NOTIFY_COMPLETED,
                         on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
    if (!page->daemon)
        return errno ? -errno : -EIO;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(page->daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (!info)
        return -EIO;
    page->port = info->port;
    return 0;
}

static bool is_sorted(const struct vote_page_settings *settings)
{
    for (uint32_t i = 1; i < settings->n_images; i++)
        if (strcmp(settings->images[i - 1], settings->images[i]) >= 0)
            return false;
    return true;
}

int vote_page_create(const struct vote_page_settings *settings, struct vote_page **ret, char *error,
                     size_t error_size)
{
    if (!is_sorted(settings)) {
        snprintf(error, error_size, "names are not sorted");
        return -EINVAL;
    }
    if (sodium_init() < 0) {
        snprintf(error, error_size, "no random numbers");
        return -EIO;
    }
    struct vote_page *page = calloc(1, sizeof *page);
    if (!page)
        abort();
    size_t n = (size_t)settings->n_images + 1;
    page->settings = *settings;
    page->order = calloc(n, sizeof *page->order);
    page->place = calloc(n, sizeof *page->place);
    page->sizes = calloc(n, sizeof *page->sizes);
    if (!page->order || !page->place || !page->sizes)
        abort();
    make_order(page);
    unsigned char secret[VOTE_TOKEN_BYTES];
    randombytes_buf(secret, sizeof secret);
    sodium_bin2hex(page->token, sizeof page->token, secret, sizeof secret);
    int status = listen_on_loopback(page);
    if (status < 0) {
        snprintf(error, error_size, "cannot listen on 127.0.0.1, port %u: %s",
                 (unsigned)settings->port, strerror(-status));
        vote_page_destroy(page);
        return status;
    }
    snprintf(page->url, sizeof page->url, "http://127.0.0.1:%u/%s/", (unsigned)page->port,
             page->token);
    *ret = page;
    return 0;
}

const char *vote_page_url(const struct vote_page *page)
{
    return page->url;
}

int vote_page_run(struct vote_page *page, int32_t wait_ms)
{
    return MHD_run_wait(page->daemon, wait_ms) == MHD_YES ? 0 : -EIO;
}

void vote_page_destroy(struct vote_page *page)
{
    if (!page)
        return;
    if (page->daemon)
        MHD_stop_daemon(page->daemon);
    free(page->order);
    free(page->place);
    free(page->sizes);
    sodium_memzero(page->token, sizeof page->token);
    free(page);
}
