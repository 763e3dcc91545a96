/* tipwright sim --images: a labelled set of simulated images. */
#include "sim/cmd_images.h"

#include "agent/command.h"
#include "agent/terminal.h"
#include "config/units.h"
#include "instrument/picture.h"
#include "nn/flatten.h"
#include "nn/labels.h"
#include "nn/new_file.h"
#include "sim/cmd_options.h"
#include "sim/frame_labels.h"
#include "sim/images.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { IMAGES_MAX = 1000000, JOBS_MAX = 64, NAME_MAX_CHARS = 80 };

static const char command[] = "sim";

/* One image of the set as its tables have it. */
struct entry {
    uint32_t run, cycle, width, height;
    unsigned responses;
    double votes[SIM_FRAME_LABEL_COUNT];
    struct sim_frame_marks marks;
    double frame_m;
    uint32_t events;
    enum sim_tip_state state;
};

struct plan {
    uint32_t first, count; /* images of one run */
};

struct job {
    struct sim_images_options options;
    const char *folder;
    bool labels;
    uint32_t images, jobs;
    struct plan *runs;
    uint32_t n_runs;
    struct entry *entries; /* (images) */
    pthread_mutex_t lock;  /* over what follows */
    uint32_t next_run, done;
    int error;
    struct progress progress;
};

/* A run in the making. */
struct run_job {
    struct job *job;
    uint32_t next; /* image */
    double *flat;
    uint8_t *pixels;
};

enum option_value {
    OPTION_IMAGES = 256,
    OPTION_LABELS,
    OPTION_OUT,
    OPTION_SEED,
    OPTION_CLASSES,
    OPTION_START,
    OPTION_POINTS,
    OPTION_JOBS,
    OPTION_HELP
};

static const struct option options[] = {{"images", required_argument, NULL, OPTION_IMAGES},
                                        {"labels", no_argument, NULL, OPTION_LABELS},
                                        {"out", required_argument, NULL, OPTION_OUT},
                                        {"seed", required_argument, NULL, OPTION_SEED},
                                        {"classes", required_argument, NULL, OPTION_CLASSES},
                                        {"start", required_argument, NULL, OPTION_START},
                                        {"points", required_argument, NULL, OPTION_POINTS},
                                        {"jobs", required_argument, NULL, OPTION_JOBS},
                                        {"help", no_argument, NULL, OPTION_HELP},
                                        {NULL, 0, NULL, 0}};

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright sim --images N --out DIR [OPTION]...\n"
          "A set of simulated images: DIR/images/*.png, and with --labels what people would say\n"
          "about them, in the columns of a real set.\n"
          "\n"
          "  --images N       how many\n"
          "  --out DIR        where to\n"
          "  --labels         write DIR/labels.csv, and DIR/truth.csv with what is behind each\n"
          "  --seed N         everything random comes from this (default 1)\n"
          "  --classes KIND   prior: runs of cycles with an operator, as real sets have them\n"
          "                   (default); equal: single images, every class as often\n"
          "  --start STATE    single images that begin with this tip state\n"
          "  --points N       samples per line (default: 300, or 512 for one of seven)\n"
          "  --jobs N         threads (default 1); the outcome is the same\n"
          "  --help           this text\n",
          out);
}

bool cmd_images_wanted(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--images") == 0 || strncmp(argv[i], "--images=", 9) == 0)
            return true;
    return false;
}

static void recording_name(const struct job *job, uint32_t run, char *ret, size_t size)
{
    snprintf(ret, size, "simulated_%" PRIu64 "-%03" PRIu32, job->options.seed,
             1 + run / SIM_IMAGES_RUNS_PER_RECORDING);
}

static void image_name(const struct job *job, const struct entry *entry, char *ret, size_t size)
{
    char recording[NAME_MAX_CHARS];
    recording_name(job, entry->run, recording, sizeof(recording));
    snprintf(ret, size, "%s--%" PRIu32 "_%" PRIu32 ".png", recording,
             1 + entry->run % SIM_IMAGES_RUNS_PER_RECORDING, entry->cycle);
}

/* Every line flattened by itself, as the agent does; ret_flat (lines, points). */
static void flatten(const struct sim_image *image, double *ret_flat)
{
    for (uint32_t y = 0; y < image->lines; y++)
        nn_flatten_line(NN_FLATTEN_LINEAR, image->points,
                        image->heights_m + (size_t)y * image->points, NULL,
                        ret_flat + (size_t)y * image->points);
}

/* 8 bits from the lowest to the highest sample of the frame, top row first. */
static void stretch(const struct sim_image *image, const double *flat, uint8_t *ret_pixels)
{
    size_t n = (size_t)image->points * image->lines;
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, flat[i]);
        high = fmax(high, flat[i]);
    }
    double scale = high > low ? 255 / (high - low) : 0;
    for (uint32_t y = 0; y < image->lines; y++) {
        const double *in = flat + (size_t)y * image->points;
        uint8_t *out = ret_pixels + (size_t)(image->lines - 1 - y) * image->points;
        for (uint32_t x = 0; x < image->points; x++)
            out[x] = (uint8_t)lround(scale * (in[x] - low));
    }
}

static int write_picture(const struct job *job, const struct entry *entry, uint8_t *pixels)
{
    char name[2 * NAME_MAX_CHARS], path[COMMAND_PATH_MAX];
    image_name(job, entry, name, sizeof(name));
    int n = snprintf(path, sizeof(path), "%s/images/%s", job->folder, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;
    struct picture_gray gray = {entry->width, entry->height, pixels};
    return picture_gray_write_png(path, &gray);
}

static int vote(const struct job *job, const struct sim_image *image, const double *flat,
                struct entry *entry)
{
    struct sim_frame_view view = {.heights = flat,
                                  .points = image->points,
                                  .lines = image->lines,
                                  .g1 = {image->g1[0], image->g1[1]},
                                  .g2 = {image->g2[0], image->g2[1]},
                                  .events = image->events,
                                  .n_events = image->n_events};
    double scores[SIM_FRAME_LABEL_COUNT];
    struct sim_random random;
    int r = sim_frame_measure(&view, &entry->marks);
    if (r < 0)
        return r;
    sim_frame_scores(&entry->marks, scores);
    sim_random_seed(&random, sim_hash(job->options.seed, SIM_STREAM_IMAGES, image->run),
                    SIM_STREAM_IMAGES, 2 + image->cycle);
    entry->responses = sim_frame_votes(scores, &random, entry->votes);
    return 0;
}

static int take_image(void *ctx, const struct sim_image *image)
{
    struct run_job *run = ctx;
    struct job *job = run->job;
    size_t n = (size_t)image->points * image->points;
    if (!run->flat) {
        run->flat = malloc(n * sizeof(double));
        run->pixels = malloc(n);
        if (!run->flat || !run->pixels)
            return -ENOMEM;
    }
    struct entry *entry = &job->entries[run->next++];
    *entry = (struct entry){.run = image->run,
                            .cycle = image->cycle,
                            .width = image->points,
                            .height = image->lines,
                            .frame_m = image->frame_m,
                            .events = (uint32_t)image->n_events,
                            .state = image->state};
    flatten(image, run->flat);
    stretch(image, run->flat, run->pixels);
    int r = vote(job, image, run->flat, entry);
    return r < 0 ? r : write_picture(job, entry, run->pixels);
}

static void *work(void *ctx)
{
    struct job *job = ctx;
    pthread_mutex_lock(&job->lock);
    while (job->next_run < job->n_runs && job->error == 0) {
        uint32_t number = job->next_run++;
        const struct plan *plan = &job->runs[number];
        struct run_job run = {.job = job, .next = plan->first};
        pthread_mutex_unlock(&job->lock);
        int r = sim_images_run(&job->options, number, plan->count, take_image, &run);
        free(run.flat);
        free(run.pixels);
        pthread_mutex_lock(&job->lock);
        if (r < 0)
            job->error = r;
        job->done += plan->count;
        progress_update(&job->progress, job->done, NULL);
    }
    pthread_mutex_unlock(&job->lock);
    return NULL;
}

static void write_labels(const struct job *job, FILE *out)
{
    fputs("image,recording,run,cycle,width_px,height_px,responses", out);
    for (int label = 0; label < NN_LABEL_COUNT; label++)
        fprintf(out, ",%s", nn_label_name((enum nn_label)label));
    fputs(",mean_agreement\n", out);
    for (uint32_t i = 0; i < job->images; i++) {
        const struct entry *e = &job->entries[i];
        char name[2 * NAME_MAX_CHARS], recording[NAME_MAX_CHARS];
        double agreement = 0;
        image_name(job, e, name, sizeof(name));
        recording_name(job, e->run, recording, sizeof(recording));
        fprintf(out, "%s,%s,%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%u", name, recording,
                1 + e->run % SIM_IMAGES_RUNS_PER_RECORDING, e->cycle, e->width, e->height,
                e->responses);
        for (int label = 0; label < SIM_FRAME_LABEL_COUNT; label++) {
            fprintf(out, ",%.6g", e->votes[label]);
            agreement += 2 * fabs(e->votes[label] - .5) / SIM_FRAME_LABEL_COUNT;
        }
        fprintf(out, ",%.6g\n", agreement);
    }
}

static void write_truth(const struct job *job, FILE *out)
{
    fputs("image,state,frame_nm,events,rows_pm,dimers_over_rows,pairs_over_rows,asymmetry_rad,"
          "lattice_over_noise,lattice_over_range,iqr_over_range,visible,event_step,largest_step\n",
          out);
    for (uint32_t i = 0; i < job->images; i++) {
        const struct entry *e = &job->entries[i];
        const struct sim_frame_marks *m = &e->marks;
        char name[2 * NAME_MAX_CHARS];
        image_name(job, e, name, sizeof(name));
        fprintf(out, "%s,%s,%.4g,%" PRIu32 ",%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g\n",
                name, sim_tip_state_name(e->state), e->frame_m * 1e9, e->events,
                m->amplitude * 1e12, m->dimers, m->pairs, m->asymmetry, m->lattice, m->shown,
                m->contrast, m->visible, m->events, m->step);
    }
}

static int write_table(const struct job *job, const char *name,
                       void (*write)(const struct job *job, FILE *out))
{
    char path[COMMAND_PATH_MAX];
    struct nn_new_file file;
    int n = snprintf(path, sizeof(path), "%s/%s", job->folder, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;
    int r = nn_new_file_open(path, &file);
    if (r < 0)
        return r;
    write(job, file.stream);
    return nn_new_file_close(&file, 0);
}

static int make_folders(const struct job *job)
{
    char path[COMMAND_PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/images", job->folder);
    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;
    if (mkdir(job->folder, 0777) < 0 && errno != EEXIST)
        return -errno;
    return mkdir(path, 0777) < 0 && errno != EEXIST ? -errno : 0;
}

static int plan_runs(struct job *job)
{
    job->entries = calloc(job->images, sizeof(*job->entries));
    job->runs = calloc(job->images, sizeof(*job->runs));
    if (!job->entries || !job->runs)
        return -ENOMEM;
    for (uint32_t first = 0; first < job->images;) {
        uint32_t count = sim_images_in_run(&job->options, job->n_runs);
        if (count > job->images - first)
            count = job->images - first;
        job->runs[job->n_runs++] = (struct plan){first, count};
        first += count;
    }
    return 0;
}

static int make_set(struct job *job)
{
    pthread_t threads[JOBS_MAX];
    uint32_t started = 0;
    int r = plan_runs(job);
    if (r == 0)
        r = make_folders(job);
    if (r < 0)
        return r;
    progress_start(&job->progress, "images", job->images);
    while (started + 1 < job->jobs && pthread_create(&threads[started], NULL, work, job) == 0)
        started++;
    work(job);
    while (started)
        pthread_join(threads[--started], NULL);
    if (job->error < 0) {
        progress_end(&job->progress);
        return job->error;
    }
    progress_finish(&job->progress);
    if (!job->labels)
        return 0;
    r = write_table(job, "labels.csv", write_labels);
    return r < 0 ? r : write_table(job, "truth.csv", write_truth);
}

static int read_option(int option, struct job *job)
{
    switch (option) {
    case OPTION_IMAGES:
        return sim_option_count("images", 1, IMAGES_MAX, &job->images);
    case OPTION_LABELS:
        job->labels = true;
        return EXIT_OK;
    case OPTION_OUT:
        job->folder = optarg;
        return EXIT_OK;
    case OPTION_SEED:
        return sim_option_seed(&job->options.seed);
    case OPTION_CLASSES:
        job->options.equal = strcmp(optarg, "equal") == 0;
        if (!job->options.equal && strcmp(optarg, "prior") != 0)
            return sim_option_refused("classes", "prior or equal");
        return EXIT_OK;
    case OPTION_START:
        job->options.state = sim_tip_state_from_name(optarg);
        return job->options.state >= 0 ? EXIT_OK : sim_option_refused("start", "no such tip state");
    case OPTION_POINTS:
        return sim_option_count("points", 64, 1024, &job->options.points);
    case OPTION_JOBS:
        return sim_option_count("jobs", 1, JOBS_MAX, &job->jobs);
    default:
        return EXIT_USAGE;
    }
}

int cmd_images(int argc, char **argv)
{
    struct job job = {
        .options = {.seed = 1, .state = -1}, .jobs = 1, .lock = PTHREAD_MUTEX_INITIALIZER};
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == OPTION_HELP) {
            print_usage(stdout);
            return EXIT_OK;
        }
        int r = read_option(option, &job);
        if (r != EXIT_OK)
            return r;
    }
    if (optind < argc || !job.folder || !job.images) {
        terminal_error(command, "--images wants a number and --out DIR, nothing else");
        return EXIT_USAGE;
    }
    int r = make_set(&job);
    if (r < 0)
        terminal_error(command, "%s: %s", job.folder, strerror(-r));
    free(job.entries);
    free(job.runs);
    return r < 0 ? EXIT_INTERNAL : EXIT_OK;
}
