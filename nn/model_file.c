/* Model files: reading with every doubt, writing whole. */
#include "nn/bytes.h"
#include "nn/model_inside.h"
#include "nn/random.h"
#include "nn/stream.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    VERSION = 2,
    FILE_BYTES_MAX = 512 << 20,
    TEST_SIDE_MAX = 256,
};

/* Not text, and broken by any tool that takes it for text. */
static const uint8_t magic[8] = {'T', 'I', 'P', 'N', 'N', '\r', '\n', 0x1A};

/* How far a machine's arithmetic may lead its scores away from the stored ones. */
static const float self_test_tolerance = 1e-4F;

/* A little frame and what the model said about it where it was made. */
struct self_test {
    uint32_t points, lines, seen;
    const uint8_t *gray; /* (seen, points), first line first */
    float scores[NN_LABEL_COUNT];
};

static uint32_t count_answers(uint32_t answers)
{
    uint32_t n = 0;
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        n += answers >> k & 1U;
    return n;
}

static bool labels_match(struct nn_bytes_reader *reader)
{
    bool match = nn_bytes_get_u32(reader) == NN_LABEL_COUNT;
    for (int k = 0; k < NN_LABEL_COUNT && match; k++) {
        const char *name = nn_label_name((enum nn_label)k);
        size_t size = nn_bytes_get_u8(reader);
        const uint8_t *bytes = nn_bytes_get(reader, size);
        match = bytes && size == strlen(name) && memcmp(bytes, name, size) == 0;
    }
    return match;
}

static const char *read_weights(struct nn_bytes_reader *reader, float *values, size_t n)
{
    if (nn_bytes_get_u64(reader) != n)
        return "the number of weights does not fit the architecture";
    nn_bytes_get_f32s(reader, values, n);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return "a weight is not a finite number";
    return NULL;
}

/* Layers that fit together and give one output per label answered; ret_specs: (ret_n). */
static const char *read_layers(struct nn_bytes_reader *reader, struct nn_model *model,
                               struct nn_layer_spec *ret_specs, uint32_t *ret_n)
{
    struct inside *member = &model->members[model->n_members - 1];
    uint32_t n = nn_bytes_get_u32(reader);
    if (n == 0 || n > NN_NETWORK_LAYERS_MAX)
        return "the number of layers is out of range";
    for (uint32_t i = 0; i < n; i++) {
        uint32_t numbers[NN_LAYER_SPEC_NUMBERS];
        for (int k = 0; k < NN_LAYER_SPEC_NUMBERS; k++)
            numbers[k] = nn_bytes_get_u32(reader);
        ret_specs[i] = nn_layer_spec_unpack(numbers);
    }
    struct nn_network_size size;
    if (reader->failed ||
        nn_network_measure(nn_input_shape(&model->input), ret_specs, n, &size) != 0)
        return "the layers do not fit together";
    if (size.output.c != count_answers(member->answers) || size.output.w != 1)
        return "a network does not have one output per label";
    model->work += size.work * model->input.looks;
    if (model->work > NN_NETWORK_WORK_MAX)
        return "the networks are too large together";
    if (4 * (size.weights + size.stats) > reader->left)
        return "the file ends early";
    *ret_n = n;
    return NULL;
}

static const char *read_network(struct nn_bytes_reader *reader, struct nn_model *model)
{
    struct inside *member = &model->members[model->n_members - 1];
    struct nn_layer_spec specs[NN_NETWORK_LAYERS_MAX];
    uint32_t n = 0;
    const char *reason = read_layers(reader, model, specs, &n);
    if (reason)
        return reason;
    if (nn_network_create(nn_input_shape(&model->input), specs, n, &member->trained) != 0)
        return "the layers do not fit together";
    size_t n_weights;
    size_t n_stats;
    float *weights = nn_network_weights(member->trained, &n_weights);
    float *stats = nn_network_stats(member->trained, &n_stats);
    reason = read_weights(reader, weights, n_weights);
    if (!reason)
        reason = read_weights(reader, stats, n_stats);
    if (!reason && nn_network_fold(member->trained, &member->folded) != 0)
        reason = "the layers do not fit together";
    return reason;
}

static bool decision_fits(const struct nn_decision *d)
{
    return d->low >= 0.0F && d->low <= d->threshold && d->threshold <= d->high && d->high <= 1.0F;
}

static bool read_knot(struct nn_bytes_reader *reader, struct nn_calibration_knot *knot)
{
    bool fits = true;
    knot->seen = nn_bytes_get_f32(reader);
    nn_bytes_get_f32s(reader, knot->scale, NN_LABEL_COUNT);
    nn_bytes_get_f32s(reader, knot->offset, NN_LABEL_COUNT);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        fits = fits && isfinite(knot->scale[k]) && isfinite(knot->offset[k]);
    for (int k = 0; k < NN_DECISION_COUNT; k++) {
        knot->decisions[k].threshold = nn_bytes_get_f32(reader);
        knot->decisions[k].low = nn_bytes_get_f32(reader);
        knot->decisions[k].high = nn_bytes_get_f32(reader);
        fits = fits && decision_fits(&knot->decisions[k]);
    }
    return fits;
}

static const char *read_calibration(struct nn_bytes_reader *reader,
                                    struct nn_calibration *ret_calibration)
{
    uint32_t n = nn_bytes_get_u32(reader);
    if (n == 0 || n > NN_CALIBRATION_KNOTS_MAX)
        return "the number of calibration knots is out of range";
    float before = 0.0F;
    for (uint32_t i = 0; i < n; i++) {
        struct nn_calibration_knot *knot = &ret_calibration->knots[i];
        if (!read_knot(reader, knot) || !(knot->seen > before) || !(knot->seen <= 1.0F))
            return "the calibration is not one of shares between 0 and 1";
        before = knot->seen;
    }
    ret_calibration->n = n;
    return NULL;
}

static const char *read_members(struct nn_bytes_reader *reader, struct nn_model *model)
{
    model->combine = (enum nn_combine)nn_bytes_get_u32(reader);
    uint32_t n = nn_bytes_get_u32(reader);
    if ((unsigned)model->combine > NN_COMBINE_VOTE || n == 0 || n > NN_MODEL_MEMBERS_MAX)
        return "the number of networks is out of range";
    uint32_t answered = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct inside *member = &model->members[model->n_members++];
        member->answers = nn_bytes_get_u32(reader);
        if (member->answers == 0 || member->answers > NN_MODEL_ALL_LABELS)
            return "a network does not have one output per label";
        answered |= member->answers;
        const char *reason = read_network(reader, model);
        if (!reason)
            reason = read_calibration(reader, &member->calibration);
        if (reason)
            return reason;
    }
    return answered == NN_MODEL_ALL_LABELS ? NULL : "no network answers one of the labels";
}

/* ret_text: room for `room` bytes, a zero among them at the end. */
static const char *read_text(struct nn_bytes_reader *reader, size_t room, char *ret_text)
{
    uint32_t size = nn_bytes_get_u32(reader);
    const uint8_t *bytes = size < room ? nn_bytes_get(reader, size) : NULL;
    if (!bytes || memchr(bytes, 0, size))
        return "the note is too long, or no text";
    memcpy(ret_text, bytes, size);
    return NULL;
}

static const char *read_self_test(struct nn_bytes_reader *reader, struct self_test *test)
{
    test->points = nn_bytes_get_u32(reader);
    test->lines = nn_bytes_get_u32(reader);
    test->seen = nn_bytes_get_u32(reader);
    if (test->points == 0 || test->points > TEST_SIDE_MAX || test->lines > TEST_SIDE_MAX ||
        test->seen == 0 || test->seen > test->lines)
        return "the self-test's frame is out of range";
    test->gray = nn_bytes_get(reader, (size_t)test->points * test->seen);
    nn_bytes_get_f32s(reader, test->scores, NN_LABEL_COUNT);
    return NULL;
}

/* The model's own scores of the test's frame. */
static int judge_test(const struct nn_model *model, const struct self_test *test, float *ret_scores)
{
    struct nn_stream *stream;
    int error = nn_stream_create(model, &stream);
    if (error)
        return error;
    double line[TEST_SIDE_MAX];
    error = nn_stream_begin(stream, test->points, test->lines);
    for (uint32_t row = 0; row < test->seen && !error; row++) {
        for (uint32_t i = 0; i < test->points; i++)
            line[i] = (double)test->gray[row * test->points + i] / 255.0;
        error = nn_stream_add_line(stream, row, line);
    }
    if (!error)
        error = nn_stream_scores(stream, ret_scores);
    nn_stream_destroy(stream);
    return error;
}

static const char *run_self_test(const struct nn_model *model, const struct self_test *test)
{
    float scores[NN_LABEL_COUNT] = {0};
    bool same = judge_test(model, test, scores) == 0;
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        same = same && fabsf(scores[k] - test->scores[k]) <= self_test_tolerance;
    return same ? NULL : "its self-test gives other scores here than where it was made";
}

static bool event_weight_valid(float weight)
{
    return weight >= 0.0F && weight <= 10.0F;
}

static const char *read_event(struct nn_bytes_reader *reader, struct nn_model *model)
{
    uint32_t is_there = nn_bytes_get_u32(reader);
    if (is_there > 1)
        return "its detector of tip changes is there neither once nor not at all";
    if (is_there == 0)
        return NULL;
    model->event_weight = nn_bytes_get_f32(reader);
    if (!event_weight_valid(model->event_weight) || !nn_event_net_get(reader, &model->event))
        return "its detector of tip changes is not one of this program's";
    model->has_event = true;
    return NULL;
}

/* Everything between the head and the seal. Returns the reason why not, or NULL. */
static const char *read_payload(struct nn_bytes_reader *reader, struct nn_model *model)
{
    model->input.rows = nn_bytes_get_u32(reader);
    model->input.cols = nn_bytes_get_u32(reader);
    model->input.flatten = (enum nn_flatten)nn_bytes_get_u32(reader);
    model->input.limit = nn_bytes_get_f32(reader);
    model->input.looks = nn_bytes_get_u32(reader);
    model->input.planes = nn_bytes_get_u32(reader);
    model->input.scaling = (enum nn_scaling)nn_bytes_get_u32(reader);
    model->input.lead_in = nn_bytes_get_u32(reader);
    if (!nn_input_spec_valid(&model->input))
        return "its input grid is out of range";
    if (!labels_match(reader))
        return "its labels are not this program's six";
    const char *reason = read_members(reader, model);
    if (!reason)
        reason = read_text(reader, sizeof model->note, model->note);
    if (!reason)
        reason = read_text(reader, sizeof model->recordings, model->recordings);
    if (!reason)
        reason = read_event(reader, model);
    struct self_test test = {0};
    if (!reason)
        reason = read_self_test(reader, &test);
    if (!reason && reader->failed)
        reason = "the file ends early";
    if (!reason && reader->left > 0)
        reason = "there is more in the file than belongs there";
    return reason ? reason : run_self_test(model, &test);
}

static int check_head(const uint8_t *data, size_t size, char *error, size_t error_size)
{
    struct nn_bytes_reader reader = {.at = data, .left = size};
    const uint8_t *start = nn_bytes_get(&reader, sizeof magic);
    if (!start || memcmp(start, magic, sizeof magic) != 0) {
        snprintf(error, error_size, "not a tipwright model");
        return -EPROTO;
    }
    uint32_t version = nn_bytes_get_u32(&reader);
    if (!reader.failed && version != VERSION) {
        snprintf(error, error_size, "model format %u, this program reads %d%s", (unsigned)version,
                 VERSION, version < VERSION ? "; train it anew with this program" : "");
        return -EPROTO;
    }
    uint64_t whole = nn_bytes_get_u64(&reader);
    if (reader.failed || whole != size) {
        snprintf(error, error_size, "damaged: %zu bytes instead of %llu", size,
                 reader.failed ? 0ULL : (unsigned long long)whole);
        return -EBADMSG;
    }
    if (!nn_bytes_sealed(data, size)) {
        snprintf(error, error_size, "damaged: the checksum does not match");
        return -EBADMSG;
    }
    return 0;
}

int nn_model_parse(const uint8_t *data, size_t size, struct nn_model **ret_model, char *error,
                   size_t error_size)
{
    int code = check_head(data, size, error, error_size);
    if (code)
        return code;
    struct nn_model *model = calloc(1, sizeof *model);
    if (!model) {
        snprintf(error, error_size, "out of memory");
        return -ENOMEM;
    }
    const size_t head = sizeof magic + 4 + 8;
    struct nn_bytes_reader reader = {.at = data + head, .left = size - head - NN_BYTES_SEAL};
    const char *reason = read_payload(&reader, model);
    if (reason) {
        snprintf(error, error_size, "damaged: %s", reason);
        nn_model_destroy(model);
        return -EBADMSG;
    }
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, data, size);
    sodium_bin2hex(model->hash, sizeof model->hash, hash, sizeof hash);
    *ret_model = model;
    return 0;
}

int nn_model_load(const char *path, struct nn_model **ret_model, char *error, size_t error_size)
{
    uint8_t *data;
    size_t size;
    int code = nn_bytes_read_file(path, FILE_BYTES_MAX, &data, &size);
    if (code) {
        snprintf(error, error_size, "%s", strerror(-code));
        return code;
    }
    code = nn_model_parse(data, size, ret_model, error, error_size);
    free(data);
    return code;
}

static void put_values(struct nn_bytes_writer *writer, const float *values, size_t n)
{
    nn_bytes_put_u64(writer, n);
    nn_bytes_put_f32s(writer, values, n);
}

static void put_network(struct nn_bytes_writer *writer, struct nn_network *network)
{
    uint32_t n = nn_network_layer_count(network);
    nn_bytes_put_u32(writer, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t numbers[NN_LAYER_SPEC_NUMBERS];
        nn_layer_spec_pack(&nn_network_layer(network, i)->spec, numbers);
        for (int k = 0; k < NN_LAYER_SPEC_NUMBERS; k++)
            nn_bytes_put_u32(writer, numbers[k]);
    }
    size_t size;
    const float *values = nn_network_weights(network, &size);
    put_values(writer, values, size);
    values = nn_network_stats(network, &size);
    put_values(writer, values, size);
}

static void put_calibration(struct nn_bytes_writer *writer,
                            const struct nn_calibration *calibration)
{
    nn_bytes_put_u32(writer, calibration->n);
    for (uint32_t i = 0; i < calibration->n; i++) {
        const struct nn_calibration_knot *knot = &calibration->knots[i];
        nn_bytes_put_f32s(writer, &knot->seen, 1);
        nn_bytes_put_f32s(writer, knot->scale, NN_LABEL_COUNT);
        nn_bytes_put_f32s(writer, knot->offset, NN_LABEL_COUNT);
        for (int k = 0; k < NN_DECISION_COUNT; k++) {
            const struct nn_decision *decision = &knot->decisions[k];
            nn_bytes_put_f32s(
                writer, (const float[]){decision->threshold, decision->low, decision->high}, 3);
        }
    }
}

static void put_text(struct nn_bytes_writer *writer, const char *text)
{
    nn_bytes_put_u32(writer, (uint32_t)strlen(text));
    nn_bytes_put(writer, text, strlen(text));
}

static void put_self_test(struct nn_bytes_writer *writer, const struct self_test *test)
{
    nn_bytes_put_u32(writer, test->points);
    nn_bytes_put_u32(writer, test->lines);
    nn_bytes_put_u32(writer, test->seen);
    nn_bytes_put(writer, test->gray, (size_t)test->points * test->seen);
    nn_bytes_put_f32s(writer, test->scores, NN_LABEL_COUNT);
}

static void put_head(struct nn_bytes_writer *writer, const struct nn_model_parts *parts)
{
    nn_bytes_put(writer, magic, sizeof magic);
    nn_bytes_put_u32(writer, VERSION);
    nn_bytes_put_u64(writer, 0);
    nn_bytes_put_u32(writer, parts->input.rows);
    nn_bytes_put_u32(writer, parts->input.cols);
    nn_bytes_put_u32(writer, (uint32_t)parts->input.flatten);
    nn_bytes_put_f32s(writer, &parts->input.limit, 1);
    nn_bytes_put_u32(writer, parts->input.looks);
    nn_bytes_put_u32(writer, parts->input.planes);
    nn_bytes_put_u32(writer, (uint32_t)parts->input.scaling);
    nn_bytes_put_u32(writer, parts->input.lead_in);
    nn_bytes_put_u32(writer, NN_LABEL_COUNT);
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        const char *name = nn_label_name((enum nn_label)k);
        nn_bytes_put_u8(writer, (uint8_t)strlen(name));
        nn_bytes_put(writer, name, strlen(name));
    }
}

static int encode(const struct nn_model_parts *parts, const struct self_test *test,
                  struct nn_bytes_writer *writer)
{
    put_head(writer, parts);
    nn_bytes_put_u32(writer, (uint32_t)parts->combine);
    nn_bytes_put_u32(writer, parts->n_members);
    for (uint32_t i = 0; i < parts->n_members; i++) {
        nn_bytes_put_u32(writer, parts->members[i].answers);
        put_network(writer, parts->members[i].network);
        put_calibration(writer, &parts->members[i].calibration);
    }
    put_text(writer, parts->note);
    put_text(writer, parts->recordings ? parts->recordings : "");
    nn_bytes_put_u32(writer, parts->event != NULL);
    if (parts->event) {
        nn_bytes_put_f32s(writer, &parts->event_weight, 1);
        nn_event_net_put(writer, parts->event);
    }
    put_self_test(writer, test);
    if (writer->failed)
        return -ENOMEM;
    uint64_t whole = writer->size + NN_BYTES_SEAL;
    for (size_t i = 0; i < 8; i++)
        writer->data[sizeof magic + 4 + i] = (uint8_t)(whole >> (8 * i));
    nn_bytes_seal(writer);
    return writer->failed ? -ENOMEM : 0;
}

enum { TEST_POINTS = 48, TEST_LINES = 40, TEST_SEEN = 30 };

/* Rows of a lattice with a step in the middle of the scan and some noise. */
static void draw_test(uint8_t *ret_gray)
{
    struct nn_random random = nn_random_seed(1, 2, 3);
    for (uint32_t y = 0; y < TEST_SEEN; y++)
        for (uint32_t x = 0; x < TEST_POINTS; x++) {
            uint32_t phase = (x + (y > TEST_SEEN / 2 ? 3 : 0)) % 8;
            uint32_t wave = phase < 4 ? phase : 8 - phase;
            ret_gray[y * TEST_POINTS + x] =
                (uint8_t)(60 + 30 * wave + nn_random_below(&random, 16));
        }
}

/* The parts as a model that can judge, for its self-test; free it whatever comes back. */
static int assemble(const struct nn_model_parts *parts, struct nn_model **ret_model)
{
    struct nn_model *model = calloc(1, sizeof *model);
    *ret_model = model;
    if (!model)
        return -ENOMEM;
    model->input = parts->input;
    model->combine = parts->combine;
    model->has_event = parts->event != NULL;
    if (parts->event)
        model->event = *parts->event;
    model->event_weight = parts->event_weight;
    for (uint32_t i = 0; i < parts->n_members; i++) {
        const struct nn_model_member *from = &parts->members[i];
        struct inside *member = &model->members[model->n_members++];
        member->answers = from->answers;
        member->calibration = from->calibration;
        int error = nn_network_fold(from->network, &member->folded);
        if (error)
            return error;
        if (nn_network_output(member->folded).c != count_answers(member->answers))
            return -EINVAL;
    }
    return 0;
}

static bool parts_fit(const struct nn_model_parts *parts)
{
    return parts->n_members > 0 && parts->n_members <= NN_MODEL_MEMBERS_MAX &&
           nn_input_spec_valid(&parts->input) && strlen(parts->note) < NOTE_BYTES_MAX &&
           (!parts->event ||
            (event_weight_valid(parts->event_weight) && nn_event_net_valid(parts->event))) &&
           (!parts->recordings || strlen(parts->recordings) < RECORDINGS_BYTES_MAX);
}

int nn_model_save(const char *path, const struct nn_model_parts *parts)
{
    if (!parts_fit(parts))
        return -EINVAL;
    uint8_t gray[TEST_POINTS * TEST_SEEN];
    draw_test(gray);
    struct self_test test = {
        .points = TEST_POINTS, .lines = TEST_LINES, .seen = TEST_SEEN, .gray = gray};
    struct nn_model *model;
    int error = assemble(parts, &model);
    if (!error)
        error = judge_test(model, &test, test.scores);
    struct nn_bytes_writer writer = {0};
    if (!error)
        error = encode(parts, &test, &writer);
    struct nn_model *again = NULL;
    char reason[128];
    if (!error && nn_model_parse(writer.data, writer.size, &again, reason, sizeof reason) != 0)
        error = -EINVAL;
    if (!error)
        error = nn_bytes_write_file(path, writer.data, writer.size);
    nn_model_destroy(again);
    nn_model_destroy(model);
    free(writer.data);
    return error;
}
