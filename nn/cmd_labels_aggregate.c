/* tipwright labels aggregate: a Zooniverse export into a table of labels, and a workbook. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/bytes.h"
#include "nn/cmd_labels.h"
#include "nn/new_file.h"
#include "nn/votes_zooniverse.h"
#include "nn/workbook.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "labels aggregate";

enum { EXPORT_BYTES_MAX = 1 << 30 };

struct arguments {
    const char *export_path, *table, *workbook;
    struct nn_export_options read;
    struct nn_workflow_versions versions;
    struct nn_tally_options tally;
    bool tally_changed;
};

static void print_usage(FILE *out)
{
    fputs(
        "Usage: tipwright labels aggregate [OPTION]... EXPORT.csv\n"
        "Per picture and label the mean of the votes, the weighted score and the agreement, from\n"
        "a classification export of Zooniverse or of `tipwright labels export`. What was read,\n"
        "used and left out, and why, is told on stderr.\n"
        "\n"
        "  -o, --output FILE     the table (CSV); stdout without it\n"
        "  --xlsx FILE           a workbook with Mean_Score, Weighted_Score, Agreement_Score\n"
        "  --workflow ID         only rows of this workflow\n"
        "  --version V[-W]       only of these versions: 12, 12.19, 12-14, 12.3-12.19\n"
        "  --task T              only the answers of one task, e.g. T0; else all together\n"
        "  --nothing TEXT        this answer means: none of the six labels\n"
        "  --repeat-votes WHICH  of votes by one person on one picture count the first, the\n"
        "                        last, or all (default)\n"
        "  --min-votes N         leave out pictures with fewer votes\n"
        "  --drop-agreement-below X  leave out pictures whose mean agreement is lower, 0..1\n"
        "  --image-field NAME    of subject_data, names the picture (default Filename)\n"
        "  --recording-from WHAT name: all before the last -- of the picture's name (default);\n"
        "                        field:NAME: this field of subject_data\n"
        "  --latin-1             read a file that is not UTF-8 as Latin-1\n"
        "  --compat big-data-helper  as the Nottingham script counts, see docs/labels.md\n"
        "  --help                this text\n"
        "\n"
        "Exit status: 0 done, 1 unreadable, or no picture is left, 2 usage.\n",
        out);
}

static int wrong(const char *option, const char *value, const char *wanted)
{
    terminal_error(command, "%s: '%s' is not %s", option, value, wanted);
    return -1;
}

static int read_number(const char *option, const char *text, double max, double *ret_value)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0.0 && value <= max)) {
        terminal_error(command, "%s: '%s' is not a number from 0 to %g", option, text, max);
        return -1;
    }
    *ret_value = value;
    return 0;
}

enum choice {
    WORKFLOW = 1,
    VERSION,
    TASK,
    NOTHING,
    REPEAT_VOTES,
    MIN_VOTES,
    DROP_BELOW,
    IMAGE_FIELD,
    RECORDING_FROM,
    LATIN_1,
    COMPAT,
    XLSX,
    HELP
};

static int take_repeats(struct arguments *arguments, const char *text)
{
    static const char *const names[] = {
        [NN_REPEATS_ALL] = "all", [NN_REPEATS_FIRST] = "first", [NN_REPEATS_LAST] = "last"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            arguments->tally.repeats = (enum nn_repeat_votes)i;
            return 0;
        }
    return wrong("--repeat-votes", text, "first, last or all");
}

static int take_recording(struct arguments *arguments, const char *text)
{
    if (strncmp(text, "field:", 6) == 0 && text[6])
        arguments->read.recording_field = text + 6;
    else if (strcmp(text, "name") != 0)
        return wrong("--recording-from", text, "name or field:NAME");
    return 0;
}

/* Which votes and pictures count. */
static int take_choice(struct arguments *arguments, int option)
{
    double number = 0.0;
    int error = 0;
    arguments->tally_changed = true;
    if (option == REPEAT_VOTES)
        return take_repeats(arguments, optarg);
    if (option == MIN_VOTES) {
        error = read_number("--min-votes", optarg, 1e6, &number);
        arguments->tally.min_votes = (uint32_t)number;
        if (!error && (double)arguments->tally.min_votes != number)
            error = wrong("--min-votes", optarg, "a whole number");
        return error;
    }
    error = read_number("--drop-agreement-below", optarg, 1.0, &number);
    arguments->tally.drop_agreement_below = number;
    return error;
}

static int take_option(struct arguments *arguments, int option)
{
    struct nn_export_options *read = &arguments->read;
    switch (option) {
    case 'o':
        arguments->table = optarg;
        return 0;
    case XLSX:
        arguments->workbook = optarg;
        return 0;
    case WORKFLOW:
        read->workflow = optarg;
        return 0;
    case VERSION:
        if (nn_workflow_versions_parse(optarg, &arguments->versions) != 0)
            return wrong("--version", optarg, "a version or a rising range of them");
        read->versions = &arguments->versions;
        return 0;
    case TASK:
        read->task = optarg;
        return 0;
    case NOTHING:
        read->nothing = optarg;
        return 0;
    case IMAGE_FIELD:
        read->image_field = optarg;
        return 0;
    case RECORDING_FROM:
        return take_recording(arguments, optarg);
    case LATIN_1:
        read->latin_1 = true;
        return 0;
    case COMPAT:
        read->as_seed = arguments->tally.sixths = true;
        return strcmp(optarg, "big-data-helper") == 0
                   ? 0
                   : wrong("--compat", optarg, "big-data-helper");
    case REPEAT_VOTES:
    case MIN_VOTES:
    case DROP_BELOW:
        return take_choice(arguments, option);
    default:
        print_usage(stderr);
        return -1;
    }
}

/* 0; 1 after --help; -1 after an error. */
static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"xlsx", required_argument, NULL, XLSX},
        {"workflow", required_argument, NULL, WORKFLOW},
        {"version", required_argument, NULL, VERSION},
        {"task", required_argument, NULL, TASK},
        {"nothing", required_argument, NULL, NOTHING},
        {"repeat-votes", required_argument, NULL, REPEAT_VOTES},
        {"min-votes", required_argument, NULL, MIN_VOTES},
        {"drop-agreement-below", required_argument, NULL, DROP_BELOW},
        {"image-field", required_argument, NULL, IMAGE_FIELD},
        {"recording-from", required_argument, NULL, RECORDING_FROM},
        {"latin-1", no_argument, NULL, LATIN_1},
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
    if (argc - optind != 1) {
        print_usage(stderr);
        return -1;
    }
    const struct nn_export_options *read = &arguments->read;
    if (read->as_seed && (arguments->tally_changed || read->task || read->nothing)) {
        terminal_error(command, "--compat counts every vote of a row's first task: it goes with no "
                                "other choice of votes, tasks or pictures");
        return -1;
    }
    arguments->export_path = argv[optind];
    return 0;
}

static void tell_reading(const struct nn_export_report *report, const struct arguments *arguments)
{
    if (report->read_as_latin_1)
        fputs("not UTF-8: read as Latin-1\n", stderr);
    if (report->unnamed_column)
        fputs("an extra column without a name: the file went through R, NA is read as empty\n",
              stderr);
    fprintf(stderr, "rows read %" PRIu64 ", used %" PRIu64 "\n", report->rows, report->used);
    for (int i = 0; i < NN_SKIP_COUNT; i++)
        if (report->skipped[i])
            fprintf(stderr, "  skipped %" PRIu64 ": %s (first at line %" PRIu64 ")\n",
                    report->skipped[i], nn_export_skip_text((enum nn_export_skip)i),
                    report->first_line[i]);
    if (report->not_logged_in)
        fprintf(stderr, "  used %" PRIu64 " by people without an account, told apart by name\n",
                report->not_logged_in);
    if (report->other_answers && !arguments->read.as_seed) {
        fprintf(stderr, "answers that are no label: %" PRIu64, report->other_answers);
        for (int i = 0; i < NN_EXPORT_OTHERS && report->others[i].n; i++)
            fprintf(stderr, "%s '%s' %" PRIu64 "x", i ? "," : ":", report->others[i].text,
                    report->others[i].n);
        fputc('\n', stderr);
    }
}

static void tell_tally(const struct nn_tally *tally, const struct arguments *arguments)
{
    if (tally->repeats)
        fprintf(stderr, "repeat votes (same person, same picture): %" PRIu64 ", %s\n",
                tally->repeats,
                arguments->tally.repeats == NN_REPEATS_ALL     ? "all counted"
                : arguments->tally.repeats == NN_REPEATS_FIRST ? "only the first counts"
                                                               : "only the last counts");
    if (tally->few_votes)
        fprintf(stderr, "pictures left out for fewer than %u votes: %" PRIu64 "\n",
                (unsigned)arguments->tally.min_votes, tally->few_votes);
    if (tally->low_agreement)
        fprintf(stderr, "pictures left out for agreement below %g: %" PRIu64 "\n",
                arguments->tally.drop_agreement_below, tally->low_agreement);
    if (tally->own_recording)
        fprintf(stderr,
                "pictures without -- in their names: %" PRIu64 "; each is taken for a recording "
                "of its own, so a split by recording does not keep them apart\n",
                tally->own_recording);
    fprintf(stderr, "pictures %zu, votes on them %" PRIu64 "\n", tally->n, tally->votes_used);
}

int labels_write_table(const struct nn_tally *tally, const char *path)
{
    if (!path)
        return nn_tally_write_csv(tally, stdout) != 0 || fflush(stdout) != 0 ? -EIO : 0;
    struct nn_new_file file;
    int error = nn_new_file_open(path, &file);
    return error ? error : nn_new_file_close(&file, nn_tally_write_csv(tally, file.stream));
}

static int write_results(const struct nn_tally *tally, const struct arguments *arguments)
{
    int error = labels_write_table(tally, arguments->table);
    if (error) {
        terminal_error(command, "%s: %s", arguments->table ? arguments->table : "stdout",
                       strerror(-error));
        return EXIT_INTERNAL;
    }
    error = arguments->workbook ? nn_workbook_write(arguments->workbook, tally) : 0;
    if (error) {
        terminal_error(command, "%s: %s", arguments->workbook, strerror(-error));
        return EXIT_INTERNAL;
    }
    if (tally->n == 0) {
        terminal_error(command, "no picture is left");
        return EXIT_INTERNAL;
    }
    return EXIT_OK;
}

static int aggregate(const struct arguments *arguments)
{
    uint8_t *text = NULL;
    size_t size = 0;
    char error[256];
    struct nn_export_report report;
    struct nn_tally *tally = NULL;
    struct nn_votes *votes = nn_votes_create();
    int exit_code = EXIT_INTERNAL;
    int status = votes ? nn_bytes_read_file(arguments->export_path, EXPORT_BYTES_MAX, &text, &size)
                       : -ENOMEM;
    if (status == 0)
        status = nn_zooniverse_read((const char *)text, size, &arguments->read, votes, &report,
                                    error, sizeof error);
    else
        snprintf(error, sizeof error, "%s", strerror(-status));
    free(text);
    if (status != 0) {
        terminal_error(command, "%s: %s%s", arguments->export_path, error,
                       status == -EILSEQ ? "; --latin-1 reads it as Latin-1" : "");
    } else if ((status = nn_tally(votes, &arguments->tally, &tally)) != 0) {
        terminal_error(command, "%s", strerror(-status));
    } else {
        tell_reading(&report, arguments);
        tell_tally(tally, arguments);
        exit_code = write_results(tally, arguments);
    }
    nn_tally_destroy(tally);
    nn_votes_destroy(votes);
    return exit_code;
}

int cmd_labels_aggregate(int argc, char **argv)
{
    struct arguments arguments = {.read = {.image_field = "Filename"}};
    int status = read_arguments(argc, argv, &arguments);
    if (status != 0)
        return status > 0 ? EXIT_OK : EXIT_USAGE;
    return aggregate(&arguments);
}
