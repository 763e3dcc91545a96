/* tipwright dataset: training sets for anybody's trainer, from labels and pictures or recordings.
 */
#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/builder_picture.h"
#include "nn/cmd_dataset_source.h"
#include "nn/cmd_dataset_write.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCES_MAX = 16 };

struct arguments {
    const char *labels;
    struct dataset_source sources[SOURCES_MAX];
    unsigned n_sources;
    bool builder_given, repeats_given;
    struct nn_builder_options builder;
    struct dataset_form form;
};

static void print_usage(FILE *out)
{
    fputs(
        "Usage: tipwright dataset build --labels TABLE.csv --images DIR|--matrix DIR... -o PREFIX\n"
        "                               [OPTION]...\n"
        "       tipwright dataset export  likewise: the grey pictures and labels as they are\n"
        "Training sets for other programs: PREFIX.mat (MATLAB level 5), PREFIX_x_train.npy and so\n"
        "on (NumPy), and PREFIX_samples.csv, which names every sample's picture and recording.\n"
        "\n"
        "  --labels TABLE      from `tipwright labels`, or any table with its columns\n"
        "  --images DIR        the pictures that the table names (PNG); may be given again\n"
        "  --matrix DIR        MATRIX recordings instead: forward/up of BASE--RUN_CYCLE.Z_mtrx,\n"
        "                      a straight line taken from each scan line, stretched to 0..255\n"
        "  --builder WHICH     means (default): the six mean scores are the target;\n"
        "                      repeats: one label per sample, pictures repeated by their means;\n"
        "                      overbalanced: repeats, and every label as often as the largest\n"
        "  --repeats N         copies at mean 1 (default 4); of means: copies, all but the first\n"
        "                      flipped at random (default 1)\n"
        "  --agreement X       leave out pictures whose mean agreement is lower (default 0.4;\n"
        "                      of export 0)\n"
        "  --size N            side of the pictures in pixels (default 128)\n"
        "  --resize HOW        bicubic (default), area\n"
        "  --scale             0..1 in single precision instead of 0..255 in bytes\n"
        "  --test-share X      about this share of the pictures, in whole recordings, for testing\n"
        "                      (default 0.2; 0 to 0.5)\n"
        "  --seed N            of every random choice (default 1234)\n"
        "  --format FORM       mat, npy, both (default)\n"
        "  -o, --output PREFIX\n"
        "  --compat seed       as the Nottingham scripts build, see docs/labels.md: copies of one\n"
        "                      picture on both sides of the split, pictures turned, black samples\n"
        "  --help              this text\n"
        "\n"
        "Exit status: 0 written, 1 something is missing or cannot be written, 2 usage.\n",
        out);
}

static int wrong(const char *option, const char *value, const char *wanted)
{
    terminal_error("dataset", "%s: '%s' is not %s", option, value, wanted);
    return -1;
}

/* The value's place among `names`, or -1 after one line of error. */
static int choose(const char *option, const char *value, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(value, names[i]) == 0)
            return i;
    return wrong(option, value, "known; see --help");
}

static int read_number(const char *option, double max, double *ret_value)
{
    char *end;
    double value = strtod(optarg, &end);
    if (end == optarg || *end || !(value >= 0.0 && value <= max)) {
        terminal_error("dataset", "%s: '%s' is not a number from 0 to %g", option, optarg, max);
        return -1;
    }
    *ret_value = value;
    return 0;
}

static int read_whole(const char *option, double max, uint32_t *ret_value)
{
    double value = 0.0;
    if (read_number(option, max, &value) != 0)
        return -1;
    if (value < 1.0 || floor(value) < value)
        return wrong(option, optarg, "a whole number from 1 on");
    *ret_value = (uint32_t)value;
    return 0;
}

static int read_seed(uint64_t *ret_seed)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(optarg, &end, 10);
    if (errno || end == optarg || *end || optarg[0] == '-')
        return wrong("--seed", optarg, "a whole number");
    *ret_seed = value;
    return 0;
}

enum choice {
    LABELS = 1,
    IMAGES,
    MATRIX,
    BUILDER,
    REPEATS,
    AGREEMENT,
    SIZE,
    RESIZE,
    SCALE,
    TEST_SHARE,
    SEED,
    FORMAT,
    COMPAT,
    HELP
};

static int add_source(struct arguments *arguments, enum dataset_source_kind kind)
{
    if (arguments->n_sources == SOURCES_MAX) {
        terminal_error("dataset", "more than %d folders", SOURCES_MAX);
        return -1;
    }
    arguments->sources[arguments->n_sources++] =
        (struct dataset_source){.kind = kind, .folder = optarg};
    return 0;
}

static int take_builder_option(struct arguments *arguments, int option)
{
    static const char *const builders[] = {"means", "repeats", "overbalanced"};
    struct nn_builder_options *builder = &arguments->builder;
    int chosen;
    switch (option) {
    case BUILDER:
        chosen = choose("--builder", optarg, builders, 3);
        builder->builder = (enum nn_builder)chosen;
        arguments->builder_given = true;
        return chosen < 0 ? -1 : 0;
    case REPEATS:
        arguments->repeats_given = true;
        return read_whole("--repeats", NN_BUILDER_REPEATS_MAX, &builder->repeats);
    case AGREEMENT:
        return read_number("--agreement", 1.0, &builder->agreement);
    case TEST_SHARE:
        arguments->builder_given = true;
        return read_number("--test-share", 0.5, &builder->test_share);
    case SEED:
        return read_seed(&builder->seed);
    case COMPAT:
        builder->as_seed = true;
        return strcmp(optarg, "seed") == 0 ? 0 : wrong("--compat", optarg, "seed");
    default:
        print_usage(stderr);
        return -1;
    }
}

static int take_option(struct arguments *arguments, int option)
{
    static const char *const resizes[] = {"bicubic", "area"};
    static const char *const formats[] = {"mat", "npy", "both"};
    int chosen;
    switch (option) {
    case 'o':
        arguments->form.prefix = optarg;
        return 0;
    case LABELS:
        arguments->labels = optarg;
        return 0;
    case IMAGES:
        return add_source(arguments, DATASET_IMAGES);
    case MATRIX:
        return add_source(arguments, DATASET_MATRIX);
    case SIZE:
        return read_whole("--size", NN_BUILDER_SIDE_MAX, &arguments->form.size);
    case RESIZE:
        chosen = choose("--resize", optarg, resizes, 2);
        arguments->form.resize = (enum nn_resize)chosen;
        return chosen < 0 ? -1 : 0;
    case SCALE:
        arguments->form.scale = true;
        return 0;
    case FORMAT:
        chosen = choose("--format", optarg, formats, 3);
        arguments->form.mat = chosen != 1;
        arguments->form.npy = chosen != 0;
        return chosen < 0 ? -1 : 0;
    default:
        return take_builder_option(arguments, option);
    }
}

/* 0; 1 after --help; -1 after an error. */
static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"labels", required_argument, NULL, LABELS},
        {"images", required_argument, NULL, IMAGES},
        {"matrix", required_argument, NULL, MATRIX},
        {"builder", required_argument, NULL, BUILDER},
        {"repeats", required_argument, NULL, REPEATS},
        {"agreement", required_argument, NULL, AGREEMENT},
        {"size", required_argument, NULL, SIZE},
        {"resize", required_argument, NULL, RESIZE},
        {"scale", no_argument, NULL, SCALE},
        {"test-share", required_argument, NULL, TEST_SHARE},
        {"seed", required_argument, NULL, SEED},
        {"format", required_argument, NULL, FORMAT},
        {"output", required_argument, NULL, 'o'},
        {"compat", required_argument, NULL, COMPAT},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
        if (option == HELP) {
            print_usage(stdout);
            return 1;
        }
        if (take_option(arguments, option) != 0)
            return -1;
    }
    const struct nn_builder_options *builder = &arguments->builder;
    if (argc != optind || !arguments->labels || !arguments->form.prefix ||
        arguments->n_sources == 0) {
        print_usage(stderr);
        return -1;
    }
    if (!arguments->repeats_given)
        arguments->builder.repeats = builder->builder != NN_BUILDER_MEANS ? 4
                                     : builder->as_seed                   ? 10
                                                                          : 1;
    return 0;
}

static void tell_plan(const struct nn_builder_plan *plan, const struct arguments *arguments)
{
    fprintf(stderr, "pictures %u, left out for agreement below %g: %u\n", (unsigned)plan->pictures,
            arguments->builder.agreement, (unsigned)plan->dropped);
    for (int k = 0; arguments->builder.builder != NN_BUILDER_MEANS && k < NN_LABEL_COUNT; k++)
        fprintf(stderr, "  %-17s %u samples\n", nn_label_name((enum nn_label)k),
                (unsigned)plan->per_label[k]);
    fprintf(stderr, "samples %u: training %u, test %u\n", (unsigned)plan->n,
            (unsigned)plan->n_train, (unsigned)(plan->n - plan->n_train));
}

static int build(const struct nn_dataset *dataset, const struct arguments *arguments)
{
    struct nn_builder_plan *plan = NULL;
    int error = nn_builder_plan(dataset, &arguments->builder, &plan);
    if (error == -EINVAL) {
        terminal_error("dataset", "no sample comes of it, or all pictures are of one recording, "
                                  "which cannot be split (--test-share 0 does not)");
        return EXIT_INTERNAL;
    }
    if (error) {
        terminal_error("dataset", "%s", strerror(-error));
        return EXIT_INTERNAL;
    }
    tell_plan(plan, arguments);
    int exit_code = dataset_write_plan(dataset, plan, &arguments->form);
    nn_builder_plan_destroy(plan);
    return exit_code;
}

int cmd_dataset(int argc, char **argv)
{
    struct arguments arguments = {
        .builder = {.agreement = 0.4, .test_share = 0.2, .seed = 1234},
        .form = {.size = 128, .mat = true, .npy = true},
    };
    bool is_build = argc > 1 && strcmp(argv[1], "build") == 0;
    bool is_export = argc > 1 && strcmp(argv[1], "export") == 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (!is_build && !is_export) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (is_export)
        arguments.builder.agreement = 0.0;
    int status = read_arguments(argc - 1, argv + 1, &arguments);
    if (status != 0)
        return status > 0 ? EXIT_OK : EXIT_USAGE;
    bool builders_own =
        arguments.builder_given || arguments.repeats_given || arguments.builder.as_seed;
    if (is_export && builders_own) {
        terminal_error("dataset", "export takes the pictures as they are: no --builder, --repeats, "
                                  "--test-share or --compat");
        return EXIT_USAGE;
    }
    struct dataset_sources sources = {.list = arguments.sources, .n = arguments.n_sources};
    char error[400];
    struct nn_dataset *dataset;
    if (nn_dataset_load(arguments.labels, dataset_source_read, &sources, &dataset, error,
                        sizeof error) != 0) {
        terminal_error("dataset", "%s: %s", arguments.labels, error);
        return EXIT_INTERNAL;
    }
    int exit_code =
        is_build ? build(dataset, &arguments)
                 : dataset_write_export(dataset, arguments.builder.agreement, &arguments.form);
    nn_dataset_destroy(dataset);
    return exit_code;
}
