/* The network that tells tip changes, and its file. */
#include "nn/event.h"

#include "nn/bytes.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, NUMBERS = 6, FILE_BYTES_MAX = 1 << 20 };

#define NORM 1.5

static const uint8_t magic[8] = {'T', 'I', 'P', 'E', 'V', '\r', '\n', 0x1A};

/* What a file must agree on with this program. */
static const uint32_t numbers[NUMBERS] = {VERSION,         NN_EVENT_COLS, NN_EVENT_FEATURES,
                                          NN_EVENT_WINDOW, NN_EVENT_WIDE, NN_EVENT_NARROW};

void nn_event_begin(struct nn_event *event, const struct nn_event_net *net, uint32_t points)
{
    memset(event, 0, sizeof *event);
    event->net = net;
    nn_event_trace_begin(&event->trace, points);
}

static float dot(uint32_t n, const float *a, const float *b)
{
    float sum = 0.0F;
    for (uint32_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* What the features of one line bring to the first layer. Sums side by side wait for each other
 * less; each is added up in the order of the features. */
static void add_wide(const struct nn_event_net *net, uint32_t ago, const float *features,
                     float *wide)
{
    enum { ABREAST = 8 };
    for (int u = 0; u < NN_EVENT_WIDE; u += ABREAST) {
        float sums[ABREAST] = {0.0F};
        for (uint32_t i = 0; i < NN_EVENT_FEATURES; i++)
            for (int k = 0; k < ABREAST; k++)
                sums[k] += net->wide[u + k][ago][i] * features[i];
        for (int k = 0; k < ABREAST; k++)
            wide[u + k] += sums[k];
    }
}

static float logit_now(const struct nn_event *event)
{
    const struct nn_event_net *net = event->net;
    float wide[NN_EVENT_WIDE];
    memcpy(wide, net->wide_bias, sizeof wide);
    for (uint32_t ago = 0; ago < NN_EVENT_WINDOW; ago++)
        add_wide(net, ago,
                 event->features[(event->newest + NN_EVENT_WINDOW - ago) % NN_EVENT_WINDOW], wide);
    for (int u = 0; u < NN_EVENT_WIDE; u++)
        wide[u] = fmaxf(wide[u], 0.0F);
    float sum = net->out_bias;
    for (int u = 0; u < NN_EVENT_NARROW; u++)
        sum += net->out[u] *
               fmaxf(net->narrow_bias[u] + dot(NN_EVENT_WIDE, net->narrow[u], wide), 0.0F);
    return sum;
}

bool nn_event_add_line(struct nn_event *event, uint32_t row, const double *samples)
{
    event->newest = (event->newest + 1) % NN_EVENT_WINDOW;
    nn_event_trace_add(&event->trace, row, samples, event->features[event->newest]);
    float logit = fmaxf(fminf(logit_now(event), 30.0F), -30.0F);
    event->hazard = 1.0F / (1.0F + expf(-logit));
    event->sum += exp(NORM * (double)logit);
    if (event->hazard <= event->net->threshold ||
        (event->alarms > 0 && row - event->alarm_row <= NN_EVENT_REFRACTORY))
        return false;
    event->alarms++;
    event->alarm_row = row;
    event->alarm_hazard = event->hazard;
    return true;
}

float nn_event_score(const struct nn_event *event)
{
    double odds = pow(event->sum, 1.0 / NORM);
    return (float)(odds / (1.0 + odds));
}

float nn_event_logit(const struct nn_event *event)
{
    const double most = 15.0;
    if (!(event->sum > 0.0))
        return (float)-most;
    return (float)fmax(fmin(log(event->sum) / NORM, most), -most);
}

/* The net is nothing but floats, in the order of its file. */
enum { NET_FLOATS = sizeof(struct nn_event_net) / sizeof(float) };

bool nn_event_net_valid(const struct nn_event_net *net)
{
    float values[NET_FLOATS];
    memcpy(values, net, sizeof values);
    bool finite = true;
    for (int i = 0; i < NET_FLOATS; i++)
        finite = finite && isfinite(values[i]);
    return finite && net->threshold > 0.0F && net->threshold < 1.0F;
}

void nn_event_net_put(struct nn_bytes_writer *writer, const struct nn_event_net *net)
{
    for (int i = 0; i < NUMBERS; i++)
        nn_bytes_put_u32(writer, numbers[i]);
    float values[NET_FLOATS];
    memcpy(values, net, sizeof values);
    nn_bytes_put_f32s(writer, values, NET_FLOATS);
}

bool nn_event_net_get(struct nn_bytes_reader *reader, struct nn_event_net *ret_net)
{
    for (int i = 0; i < NUMBERS; i++)
        if (nn_bytes_get_u32(reader) != numbers[i])
            return false;
    float values[NET_FLOATS];
    nn_bytes_get_f32s(reader, values, NET_FLOATS);
    struct nn_event_net net;
    memcpy(&net, values, sizeof net);
    if (reader->failed || !nn_event_net_valid(&net))
        return false;
    *ret_net = net;
    return true;
}

static int parse(const uint8_t *data, size_t size, struct nn_event_net *ret_net, const char **why)
{
    struct nn_bytes_reader reader = {.at = data, .left = size};
    const uint8_t *start = nn_bytes_get(&reader, sizeof magic);
    *why = "not a detector of tip changes";
    if (!start || memcmp(start, magic, sizeof magic) != 0)
        return -EPROTO;
    *why = "damaged: the checksum does not match";
    if (!nn_bytes_sealed(data, size))
        return -EBADMSG;
    *why = "a detector of another version than this program's, or damaged";
    struct nn_event_net net;
    if (!nn_event_net_get(&reader, &net) || reader.left != NN_BYTES_SEAL)
        return -EBADMSG;
    *ret_net = net;
    return 0;
}

int nn_event_net_load(const char *path, struct nn_event_net *ret_net, char *error,
                      size_t error_size)
{
    uint8_t *data;
    size_t size;
    int code = nn_bytes_read_file(path, FILE_BYTES_MAX, &data, &size);
    if (code) {
        snprintf(error, error_size, "%s", strerror(-code));
        return code;
    }
    const char *why;
    code = parse(data, size, ret_net, &why);
    if (code)
        snprintf(error, error_size, "%s", why);
    free(data);
    return code;
}

int nn_event_net_save(const char *path, const struct nn_event_net *net)
{
    if (!nn_event_net_valid(net))
        return -EINVAL;
    struct nn_bytes_writer writer = {0};
    nn_bytes_put(&writer, magic, sizeof magic);
    nn_event_net_put(&writer, net);
    nn_bytes_seal(&writer);
    int error = writer.failed ? -ENOMEM : nn_bytes_write_file(path, writer.data, writer.size);
    free(writer.data);
    return error;
}
