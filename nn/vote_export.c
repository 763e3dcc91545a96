/* Votes as CSV (RFC 4180, LF). */
#include "nn/vote_export.h"

#include "nn/table.h"
#include "nn/vote_value.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The one workflow this program offers; the version rises when its tasks change. */
#define WORKFLOW_ID "1"
#define WORKFLOW_NAME "tipwright labels"
#define WORKFLOW_VERSION "1.1"

enum { TIME_SIZE = 40, US_PER_S = 1000000, US_PER_MS = 1000 };

/* Takes the JSON. */
static int write_json(FILE *out, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text)
        return -ENOMEM;
    nn_table_put(out, text);
    free(text);
    return 0;
}

enum time_form { TIME_ISO, TIME_ZOONIVERSE };

static void format_time(int64_t t_utc_us, enum time_form form, char ret[TIME_SIZE])
{
    time_t seconds = (time_t)(t_utc_us / US_PER_S);
    struct tm fields;
    ret[0] = '\0';
    if (!gmtime_r(&seconds, &fields))
        return;
    if (form == TIME_ISO)
        strftime(ret, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &fields);
    else
        strftime(ret, TIME_SIZE, "%Y-%m-%d %H:%M:%S UTC", &fields);
}

static int read_value(const struct vote_standing *standing, struct vote_value *ret)
{
    char error[160];
    json_t *json = json_loads(standing->value, JSON_REJECT_DUPLICATES, NULL);
    int status = json ? vote_value_from_json(json, ret, error, sizeof error) : -EINVAL;
    json_decref(json);
    return status ? -EBADMSG : 0;
}

static json_t *metadata(const struct vote_standing *standing, const struct vote_value *value)
{
    char started[TIME_SIZE], finished[TIME_SIZE];
    format_time(standing->t_utc_us - standing->spent_ms * US_PER_MS, TIME_ISO, started);
    format_time(standing->t_utc_us, TIME_ISO, finished);
    json_t *json = json_pack("{s:s, s:s, s:s, s:b, s:s, s:I, s:[{s:I, s:I}]}", "source",
                             "tipwright", "started_at", started, "finished_at", finished,
                             "live_project", 1, "workflow_version", WORKFLOW_VERSION, "spent_ms",
                             (json_int_t)standing->spent_ms, "subject_dimensions", "naturalWidth",
                             (json_int_t)value->width, "naturalHeight", (json_int_t)value->height);
    if (json && isfinite(value->low))
        json_object_set_new(json, "contrast",
                            json_pack("{s:f, s:f}", "low", value->low, "high", value->high));
    return json;
}

static json_t *task(const char *name, const char *label, json_t *value)
{
    return json_pack("{s:s, s:s, s:o}", "task", name, "task_label", label, "value", value);
}

/* Titles of the labels that are more there than not; of a segment, or the whole picture. */
static json_t *chosen_labels(const struct vote_value *value, const struct vote_segment *segment)
{
    json_t *list = json_array();
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        enum nn_label label = (enum nn_label)k;
        double score = segment ? segment->scores[k] : vote_value_score(value, label);
        if (score >= 0.5)
            json_array_append_new(list, json_string(nn_label_title(label)));
    }
    return list;
}

static json_t *chosen_subkinds(const struct vote_segment *segments, uint32_t n)
{
    json_t *list = json_array();
    for (int k = 0; k < VOTE_SUBKIND_COUNT; k++) {
        bool chosen = false;
        for (uint32_t i = 0; i < n; i++)
            chosen = chosen || segments[i].subkinds[k];
        if (chosen)
            json_array_append_new(list, json_string(vote_subkind_title((enum vote_subkind)k)));
    }
    return list;
}

/* As Zooniverse's drawing task has points: x and y in pixels from the top left. */
static json_t *drawn_marks(const struct vote_value *value)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < value->n_marks; i++)
        json_array_append_new(list,
                              json_pack("{s:i, s:i, s:s, s:f, s:I, s:[]}", "tool", 0, "frame", 0,
                                        "tool_label", "Tip change", "x", value->width / 2.0, "y",
                                        (json_int_t)value->marks[i], "details"));
    return list;
}

static json_t *segment_list(const struct vote_value *value)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i <= value->n_marks; i++) {
        const struct vote_segment *segment = &value->segments[i];
        uint32_t from, to;
        vote_value_rows(value, i, &from, &to);
        json_t *scores = json_object();
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            json_object_set_new(scores, nn_label_title((enum nn_label)k),
                                json_real(segment->scores[k]));
        json_array_append_new(list, json_pack("{s:I, s:I, s:o, s:o, s:o}", "from_row",
                                              (json_int_t)from, "to_row", (json_int_t)to, "choices",
                                              chosen_labels(value, segment), "scores", scores,
                                              "subkinds", chosen_subkinds(segment, 1)));
    }
    return list;
}

static json_t *annotations(const struct vote_value *value)
{
    json_t *list = json_array();
    json_array_append_new(list, task("T0", "Which of these can you see? Select all that apply",
                                     chosen_labels(value, NULL)));
    json_array_append_new(list, task("T1", "What makes it bad?",
                                     chosen_subkinds(value->segments, value->n_marks + 1)));
    json_array_append_new(list, task("T2", "Where does the tip change?", drawn_marks(value)));
    json_array_append_new(list, task("T3", "Parts between marks", segment_list(value)));
    for (int k = 0; value->graded && k < NN_LABEL_COUNT; k++) {
        char name[8], question[64], score[16];
        snprintf(name, sizeof name, "T%d", 4 + k);
        snprintf(question, sizeof question, "How clearly: %s", nn_label_title((enum nn_label)k));
        snprintf(score, sizeof score, "%.2f", vote_value_score(value, (enum nn_label)k));
        json_array_append_new(list, task(name, question, json_string(score)));
    }
    return list;
}

/* Zooniverse gives each picture a number and keys the object by it. */
static json_t *subject(const struct vote_standing *standing)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, standing->image_id);
    return json_pack("{s:{s:n, s:s}}", id, "retired", "Filename", standing->image);
}

static int write_classification(void *context, const struct vote_standing *standing)
{
    FILE *out = context;
    struct vote_value value;
    char created[TIME_SIZE];
    if (!standing->value)
        return 0;
    int status = read_value(standing, &value);
    if (status < 0)
        return status;
    format_time(standing->t_utc_us, TIME_ZOONIVERSE, created);
    fprintf(out, "%" PRId64 ",", standing->id);
    nn_table_put(out, standing->user);
    fprintf(out, ",%" PRId64 ",," WORKFLOW_ID "," WORKFLOW_NAME "," WORKFLOW_VERSION ",%s,,,",
            standing->user_id, created);
    status = write_json(out, metadata(standing, &value));
    fputc(',', out);
    if (status == 0)
        status = write_json(out, annotations(&value));
    fputc(',', out);
    if (status == 0)
        status = write_json(out, subject(standing));
    fprintf(out, ",%" PRId64 "\n", standing->image_id);
    return status;
}

int vote_export_classifications(struct vote_store *store, FILE *out)
{
    fputs("classification_id,user_name,user_id,user_ip,workflow_id,workflow_name,"
          "workflow_version,created_at,gold_standard,expert,metadata,annotations,subject_data,"
          "subject_ids\n",
          out);
    return vote_store_each(store, NULL, NULL, write_classification, out);
}

static int write_marks(void *context, const struct vote_standing *standing)
{
    FILE *out = context;
    struct vote_value value;
    if (!standing->value)
        return 0;
    int status = read_value(standing, &value);
    if (status < 0)
        return status;
    for (uint32_t i = value.n_marks; i-- > 0;) {
        uint32_t line = value.height - value.marks[i];
        nn_table_put(out, standing->image);
        fputc(',', out);
        nn_table_put(out, standing->user);
        fprintf(out, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%.6f\n", value.height, value.marks[i],
                line, (double)line / value.height);
    }
    return 0;
}

int vote_export_marks(struct vote_store *store, FILE *out)
{
    fputs("image,user,height_px,row,line,fraction\n", out);
    return vote_store_each(store, NULL, NULL, write_marks, out);
}
