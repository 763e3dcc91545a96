/* tipwright bench nights: policies judged by many seeded nights on a simulated microscope. */
#include "agent/cmd_nights.h"
#include "agent/terminal.h"
#include "config/units.h"
#include "nn/model.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char nights_command[] = "bench nights";

enum { DRAWS = 1000 };

static const char default_policies[] =
    "default,no-action,always,full-frame,random,nist-ladder,rashidi-wolkow,deepspm-list,oracle";

struct settings {
    const char *policies, *scenario, *model, *verdicts, *picture, *out;
    const char *merge[NIGHTS_MERGES_MAX];
    size_t n_merge;
    bool full, json;
    struct nights_plan plan;
    char model_path[COMMAND_PATH_MAX];
};

/* Everything that is open while nights are played. */
struct bench {
    struct settings settings;
    struct nights_policy policies[NIGHT_POLICIES_MAX];
    size_t n_policies;
    struct nights_world *world;
    struct nn_model *model;
    struct night_results results;
    struct nights_film film;
};

static void print_usage(FILE *out)
{
    fputs(
        "Usage: tipwright bench nights [OPTION]...\n"
        "Play many simulated nights per policy, the same ones for each, and compare. All figures\n"
        "are of simulated hours; docs/nights.md says what each of them means.\n"
        "\n"
        "  --policies LIST    names or files, with commas: default (the shipped h-si-100), a\n"
        "                     baseline's name, oracle (sees the truth), FILE, NAME=FILE\n"
        "  --scenario WHICH   name of a shipped scenario, or its file (default)\n"
        "  --nights N         per policy (20)\n"
        "  --seed S           of the first night; the others follow (1)\n"
        "  --hours H          of a night (12)\n"
        "  --jobs J           nights at a time (as many as there are processors)\n"
        "  --verdicts WHICH   network, truth, or truth:FALSE_ALARM,MISS: wrong with these\n"
        "                     probabilities, once per partial frame (network)\n"
        "  --full             the whole agent: its own process, sockets, journal; without it,\n"
        "                     the same decisions in process\n"
        "  --model FILE       default: the shipped model\n"
        "  --out DIR          keep every night in DIR/results.jsonl and go on from there; with\n"
        "                     --full the journals stay there, too\n"
        "  --shard I/N        play the I-th of N parts; for job arrays\n"
        "  --merge FILE       join results of parts, play nothing; may stand several times\n"
        "  --picture FILE     timelines of the first nights, as PNG\n"
        "  --json             one JSON object on stdout instead of a table\n"
        "  --help             this text\n"
        "\n"
        "Exit status: 0 done, 1 failed, 2 usage, 6 policy, model or scenario refused.\n",
        out);
}

/* ---- the command line ---- */

static int usage_error(const char *name, const char *text, const char *wanted)
{
    terminal_error(nights_command, "--%s %s: %s", name, text, wanted);
    return EXIT_USAGE;
}

static int read_number(const char *name, const char *text, uint64_t low, uint64_t high,
                       uint64_t *ret)
{
    char *end, wanted[80];
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && !*end && !errno && value >= low && value <= high) {
        *ret = value;
        return EXIT_OK;
    }
    snprintf(wanted, sizeof(wanted), "a whole number from %" PRIu64 " to %" PRIu64, low, high);
    return usage_error(name, text, wanted);
}

static int read_hours(const char *text, double *ret_s)
{
    char *end;
    double hours = strtod(text, &end);
    if (end == text || *end || !(hours > 0) || !(hours <= 1000))
        return usage_error("hours", text, "a number above 0, at most 1000");
    *ret_s = hours * 3600;
    return EXIT_OK;
}

static int read_shard(const char *text, struct nights_plan *plan)
{
    char *end;
    unsigned long shard = strtoul(text, &end, 10);
    unsigned long shards = *end == '/' ? strtoul(end + 1, &end, 10) : 0;
    if (*end || shard < 1 || shard > shards || shards > 100000)
        return usage_error("shard", text, "a part I/N with 1 <= I <= N");
    plan->shard = (uint32_t)shard;
    plan->shards = (uint32_t)shards;
    return EXIT_OK;
}

static int read_verdicts(const char *text, struct nights_verdicts *ret)
{
    char *end;
    *ret = (struct nights_verdicts){.truth = strncmp(text, "truth", 5) == 0};
    if (strcmp(text, "network") == 0 || strcmp(text, "truth") == 0)
        return EXIT_OK;
    if (strncmp(text, "truth:", 6) == 0) {
        ret->false_alarm = strtod(text + 6, &end);
        bool first = end != text + 6 && *end == ',';
        const char *second = first ? end + 1 : end;
        ret->miss = strtod(second, &end);
        if (first && end != second && !*end && ret->false_alarm >= 0 && ret->false_alarm <= 1 &&
            ret->miss >= 0 && ret->miss <= 1)
            return EXIT_OK;
    }
    return usage_error("verdicts", text, "network, truth or truth:FALSE_ALARM,MISS");
}

static int add_merge(struct settings *s, const char *path)
{
    if (s->n_merge == NIGHTS_MERGES_MAX)
        return usage_error("merge", path, "too many files");
    s->merge[s->n_merge++] = path;
    return EXIT_OK;
}

static int read_option(int option, struct settings *s)
{
    uint64_t jobs = 0;
    int code = EXIT_OK;
    switch (option) {
    case 'n':
        return read_number("nights", optarg, 1, 1000000, &s->plan.nights);
    case 's':
        return read_number("seed", optarg, 0, UINT64_MAX / 2, &s->plan.first_seed);
    case 'h':
        return read_hours(optarg, &s->plan.play.length_s);
    case 'j':
        code = read_number("jobs", optarg, 1, NIGHTS_JOBS_MAX, &jobs);
        s->plan.jobs = (uint32_t)jobs;
        return code;
    case 'v':
        s->verdicts = optarg;
        return read_verdicts(optarg, &s->plan.play.verdicts);
    case 'f':
        s->full = true;
        return EXIT_OK;
    case 'o':
        s->json = true;
        return EXIT_OK;
    case 'i':
        return read_shard(optarg, &s->plan);
    case 'g':
        return add_merge(s, optarg);
    default:
        return EXIT_USAGE;
    }
}

static const struct option option_names[] = {
    {"policies", required_argument, NULL, 'p'}, {"scenario", required_argument, NULL, 'c'},
    {"model", required_argument, NULL, 'm'},    {"picture", required_argument, NULL, 'x'},
    {"out", required_argument, NULL, 'd'},      {"nights", required_argument, NULL, 'n'},
    {"seed", required_argument, NULL, 's'},     {"hours", required_argument, NULL, 'h'},
    {"jobs", required_argument, NULL, 'j'},     {"verdicts", required_argument, NULL, 'v'},
    {"full", no_argument, NULL, 'f'},           {"json", no_argument, NULL, 'o'},
    {"shard", required_argument, NULL, 'i'},    {"merge", required_argument, NULL, 'g'},
    {"help", no_argument, NULL, '?' + 256},     {NULL, 0, NULL, 0}};

/* EXIT_OK, EXIT_USAGE, or -1: help was wanted. */
static int read_settings(int argc, char **argv, struct settings *s)
{
    const char **const texts[] = {['p'] = &s->policies,
                                  ['c'] = &s->scenario,
                                  ['m'] = &s->model,
                                  ['x'] = &s->picture,
                                  ['d'] = &s->out};
    int option, code = EXIT_OK;
    optind = 1;
    while (code == EXIT_OK && (option = getopt_long(argc, argv, "", option_names, NULL)) != -1) {
        if (option == '?' + 256)
            return -1;
        if (option >= 0 && (size_t)option < sizeof(texts) / sizeof(texts[0]) && texts[option])
            *texts[option] = optarg;
        else
            code = read_option(option, s);
    }
    /* --merge a.jsonl b.jsonl, as a shell writes *.jsonl */
    for (; code == EXIT_OK && s->n_merge && optind < argc; optind++)
        code = add_merge(s, argv[optind]);
    if (code == EXIT_OK && optind < argc) {
        terminal_error(nights_command, "%s: no argument is expected", argv[optind]);
        code = EXIT_USAGE;
    }
    if (code == EXIT_OK && s->full && s->plan.play.verdicts.truth)
        code = usage_error("verdicts", s->verdicts,
                           "--full plays the agent's own program, which cannot see the truth");
    return code;
}

/* ---- policies ---- */

static void shipped_policy(const char *name, char *buf, size_t size)
{
    char file[COMMAND_PATH_MAX];
    snprintf(file, sizeof(file), "policies/baselines/%.200s.yaml", name);
    command_data_path(file, buf, size);
    if (access(buf, R_OK) == 0)
        return;
    snprintf(file, sizeof(file), "policies/%.200s.yaml",
             strcmp(name, "default") == 0 ? "h-si-100" : name);
    command_data_path(file, buf, size);
}

/* "NAME", "FILE", or NAME= and either of them; a file without a name is called by its own, without
 * ".yaml". */
static void name_policy(const char *word, struct nights_policy *policy)
{
    const char *equals = strchr(word, '=');
    const char *path = equals ? equals + 1 : word;
    const char *slash = strrchr(path, '/');
    const char *name = equals ? word : slash ? slash + 1 : path;
    size_t length = equals ? (size_t)(equals - word) : strlen(name);
    if (!equals && length > 5 && strcmp(name + length - 5, ".yaml") == 0)
        length -= 5;
    snprintf(policy->name, sizeof(policy->name), "%.*s", (int)length, name);
    if (slash || strstr(path, ".yaml"))
        snprintf(policy->path, sizeof(policy->path), "%s", path);
    else
        shipped_policy(path, policy->path, sizeof(policy->path));
    policy->sees_truth = strcmp(policy->name, "oracle") == 0;
}

static int add_policy(struct bench *bench, const char *word)
{
    struct policy_errors errors;
    if (bench->n_policies == NIGHT_POLICIES_MAX)
        return usage_error("policies", word, "too many");
    struct nights_policy *policy = &bench->policies[bench->n_policies];
    name_policy(word, policy);
    for (size_t i = 0; i < bench->n_policies; i++)
        if (strcmp(bench->policies[i].name, policy->name) == 0)
            return usage_error("policies", word, "two of one name; call one NAME=FILE");
    policy->policy = calloc(1, sizeof(*policy->policy));
    if (!policy->policy)
        abort();
    bench->n_policies++;
    int r = policy_load(policy->path, policy->policy, &errors);
    if (r < 0)
        policy_errors_print(&errors, policy->path, stderr);
    policy_errors_finish(&errors);
    return r < 0 ? EXIT_REFUSED : EXIT_OK;
}

static int load_policies(struct bench *bench)
{
    char *list = strdup(bench->settings.policies), *rest = NULL;
    int code = EXIT_OK;
    if (!list)
        abort();
    for (const char *word = strtok_r(list, ",", &rest); word && code == EXIT_OK;
         word = strtok_r(NULL, ",", &rest))
        code = add_policy(bench, word);
    free(list);
    if (code == EXIT_OK && bench->n_policies == 0)
        code = usage_error("policies", bench->settings.policies, "at least one");
    return code;
}

/* ---- playing ---- */

static bool needs_network(const struct bench *bench)
{
    if (bench->settings.plan.play.verdicts.truth)
        return false;
    for (size_t i = 0; i < bench->n_policies; i++)
        if (!bench->policies[i].sees_truth)
            return true;
    return false;
}

static int load_model(struct bench *bench)
{
    char error[300] = "";
    struct settings *s = &bench->settings;
    if (s->model)
        snprintf(s->model_path, sizeof(s->model_path), "%s", s->model);
    else
        command_data_path("models/h-si-100.tipnn", s->model_path, sizeof(s->model_path));
    if (!needs_network(bench))
        return EXIT_OK;
    if (nn_model_load(s->model_path, &bench->model, error, sizeof(error)) == 0)
        return EXIT_OK;
    terminal_error(nights_command, "%s: %s", s->model_path, error);
    return EXIT_REFUSED;
}

static void describe(const struct bench *bench, struct night_settings *ret)
{
    const struct settings *s = &bench->settings;
    *ret = (struct night_settings){.full = s->full, .length_s = s->plan.play.length_s};
    snprintf(ret->version, sizeof(ret->version), "%s", TIPWRIGHT_VERSION);
    snprintf(ret->verdicts, sizeof(ret->verdicts), "%s", s->verdicts);
    if (bench->model)
        snprintf(ret->model_hash, sizeof(ret->model_hash), "%s", nn_model_hash(bench->model));
    nights_world_describe(bench->world, ret);
}

/* Results of a file that may be there, and the file, open for more. */
static int open_results(struct bench *bench, const char *folder, FILE **ret_file)
{
    char path[COMMAND_PATH_MAX + 32], error[NIGHT_RESULTS_ERROR_MAX] = "";
    long whole = 0;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        terminal_error(nights_command, "%s: %s", folder, strerror(errno));
        return EXIT_INTERNAL;
    }
    snprintf(path, sizeof(path), "%s/results.jsonl", folder);
    int r = night_results_read(&bench->results, path, &whole, error, sizeof(error));
    if (r < 0 && r != -ENOENT) {
        terminal_error(nights_command, "%s: %s", path, error);
        return r == -EPROTO ? EXIT_REFUSED : EXIT_INTERNAL;
    }
    *ret_file = fopen(path, "a");
    bool bad = !*ret_file || ftruncate(fileno(*ret_file), whole) != 0;
    if (!bad && whole == 0)
        bad = night_settings_write(*ret_file, &bench->results.settings) < 0;
    if (!bad)
        return EXIT_OK;
    terminal_error(nights_command, "%s: %s", path, strerror(errno));
    return EXIT_INTERNAL;
}

static bool is_known_otherwise(const struct bench *bench, const struct nights_policy *policy)
{
    for (size_t i = 0; i < bench->results.n; i++)
        if (strcmp(bench->results.list[i].policy, policy->name) == 0)
            return strcmp(bench->results.list[i].policy_hash, policy->policy->hash) != 0;
    return false;
}

static int play(struct bench *bench)
{
    struct settings *s = &bench->settings;
    struct nights_plan *plan = &s->plan;
    FILE *file = NULL;
    int code = EXIT_OK;
    describe(bench, &bench->results.settings);
    if (s->out)
        code = open_results(bench, s->out, &file);
    for (size_t i = 0; i < bench->n_policies && code == EXIT_OK; i++)
        if (is_known_otherwise(bench, &bench->policies[i])) {
            terminal_error(nights_command, "%s: policy %s has changed since the nights in it",
                           s->out, bench->policies[i].name);
            code = EXIT_REFUSED;
        }
    plan->file = file;
    plan->policies = bench->policies;
    plan->n_policies = bench->n_policies;
    plan->play.world = bench->world;
    plan->play.model = bench->model;
    plan->play.model_path = s->model_path;
    plan->play.directory = s->out;
    plan->play.full = s->full;
    /* A single night's picture shows what the tip saw. */
    if (s->picture && plan->nights == 1 && bench->n_policies == 1)
        plan->film = &bench->film;
    if (code == EXIT_OK)
        code = nights_play_all(plan, &bench->results);
    if (file && fclose(file) != 0 && code == EXIT_OK) {
        terminal_error(nights_command, "%s: results not written whole", s->out);
        code = EXIT_INTERNAL;
    }
    return code;
}

static int merge(struct bench *bench)
{
    char error[NIGHT_RESULTS_ERROR_MAX] = "";
    for (size_t i = 0; i < bench->settings.n_merge; i++) {
        long whole;
        const char *path = bench->settings.merge[i];
        int r = night_results_read(&bench->results, path, &whole, error, sizeof(error));
        if (r < 0) {
            terminal_error(nights_command, "%s: %s", path, error);
            return r == -EPROTO ? EXIT_REFUSED : EXIT_INTERNAL;
        }
    }
    if (bench->results.n > 0)
        return EXIT_OK;
    terminal_error(nights_command, "no night in these files");
    return EXIT_INTERNAL;
}

/* ---- the table ---- */

struct column {
    const char *title, *measure;
    double times;
    int digits;
};

static const struct column columns[] = {
    {"uptime %", "uptime", 100, 1},          {"mean %", "uptime_mean", 100, 1},
    {"shown %", "uptime_shown", 100, 1},     {"good/min", "first_good_min", 1, 1},
    {"actions/h", "actions_per_hour", 1, 1}, {"/100 good", "actions_per_100_good_frames", 1, 2},
    {"spoiled", "good_tips_spoiled", 1, 1},  {"justified %", "justified", 100, 0},
    {"left %", "budget_left", 100, 0},
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]), CELL_BYTES = 64 };

static void write_cell(const struct nn_figure *figure, const struct column *column, char *buf)
{
    if (!isfinite(figure->value))
        snprintf(buf, CELL_BYTES, "-");
    else if (!isfinite(figure->low))
        snprintf(buf, CELL_BYTES, "%.*f", column->digits, figure->value * column->times);
    else
        snprintf(buf, CELL_BYTES, "%.*f (%.*f..%.*f)", column->digits,
                 figure->value * column->times, column->digits, figure->low * column->times,
                 column->digits, figure->high * column->times);
}

static void print_ends(const struct night_row *row)
{
    for (size_t e = 0; e < NIGHT_ENDS; e++)
        if (row->ends[e].value > 0)
            printf(" %s %.0f%%", night_end_names[e], 100 * row->ends[e].value);
    putchar('\n');
}

static void print_versus(const struct night_row *row)
{
    struct column gain = {.times = 100, .digits = 1}, ratio = {.times = 1, .digits = 2};
    char a[CELL_BYTES], b[CELL_BYTES];
    write_cell(&row->uptime_gain, &gain, a);
    write_cell(&row->first_good_ratio, &ratio, b);
    printf("%-16s %6" PRIu32 " pairs with default: uptime %s points, time to good x %s\n",
           row->policy, row->paired, a, b);
}

static void print_table(const struct night_settings *settings, const struct night_row *rows,
                        size_t n)
{
    printf("Simulated nights of %.4g h, scenario %s, verdicts: %s, %s.\n",
           settings->length_s / 3600, settings->scenario[0] ? settings->scenario : "default",
           settings->verdicts, settings->full ? "the whole agent" : "in process");
    printf("%-16s %6s", "policy", "nights");
    for (size_t c = 0; c < COLUMNS; c++)
        printf("  %-19s", columns[c].title);
    puts("  ends");
    for (size_t i = 0; i < n; i++) {
        printf("%-16s %6" PRIu32, rows[i].policy, rows[i].nights);
        for (size_t c = 0; c < COLUMNS; c++) {
            char cell[CELL_BYTES];
            write_cell(&rows[i].measures[night_measure_find(columns[c].measure)], &columns[c],
                       cell);
            printf("  %-19s", cell);
        }
        putchar(' ');
        print_ends(&rows[i]);
    }
    for (size_t i = 0; i < n; i++)
        if (rows[i].paired > 0 && strcmp(rows[i].policy, "default") != 0)
            print_versus(&rows[i]);
}

static void print_speed(const struct night_results *results)
{
    struct night_speed speed = night_results_speed(results);
    printf("Speed: %.2f s of processor time per night, %.2f s from begin to end (%.0f times real "
           "time): %.0f nights per hour and processor.\n",
           speed.cpu_s, speed.wall_s, speed.times_real_time, speed.nights_per_cpu_hour);
}

static int report(const struct bench *bench)
{
    struct night_row *rows;
    size_t n;
    const struct night_results *results = &bench->results;
    int r = night_table_make(results->list, results->n, "default", DRAWS, &rows, &n);
    if (r < 0) {
        terminal_error(nights_command, "no table: %s", strerror(-r));
        return EXIT_INTERNAL;
    }
    if (bench->settings.json) {
        r = night_table_write_json(stdout, results, rows, n);
    } else {
        print_table(&results->settings, rows, n);
        print_speed(results);
    }
    free(rows);
    int code = r < 0 ? EXIT_INTERNAL : EXIT_OK;
    if (code == EXIT_OK && bench->settings.picture)
        code = nights_picture(results, &bench->film, bench->settings.picture);
    return code;
}

static int play_and_report(struct bench *bench)
{
    int code = EXIT_OK;
    if (bench->settings.n_merge) {
        code = merge(bench);
    } else {
        code = load_policies(bench);
        if (code == EXIT_OK)
            code = load_model(bench);
        if (code == EXIT_OK)
            code = nights_world_load(bench->settings.scenario, &bench->world);
        if (code == EXIT_OK)
            code = play(bench);
    }
    return code == EXIT_OK ? report(bench) : code;
}

int cmd_nights(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct bench *bench = calloc(1, sizeof(*bench));
    if (!bench)
        abort();
    bench->settings = (struct settings){
        .policies = default_policies,
        .verdicts = "network",
        .plan = {.play = {.length_s = 12 * 3600.0},
                 .first_seed = 1,
                 .nights = 20,
                 .jobs =
                     processors > 0 && processors < NIGHTS_JOBS_MAX ? (uint32_t)processors : 1}};
    int code = read_settings(argc, argv, &bench->settings);
    if (code == EXIT_OK)
        code = play_and_report(bench);
    else
        print_usage(code < 0 ? stdout : stderr);
    night_results_finish(&bench->results);
    free(bench->film.list);
    nights_world_destroy(bench->world);
    nn_model_destroy(bench->model);
    for (size_t i = 0; i < bench->n_policies; i++)
        free(bench->policies[i].policy);
    free(bench);
    return code < 0 ? EXIT_OK : code;
}
