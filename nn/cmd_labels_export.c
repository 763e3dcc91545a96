/* tipwright labels export: the votes of a store as Zooniverse's CSV, and the marks. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/cmd_labels.h"
#include "nn/new_file.h"
#include "nn/vote_export.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char command[] = "labels export";

typedef int (*export_fn)(struct vote_store *store, FILE *out);

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright labels export VOTES.sqlite [-o EXPORT.csv] [--marks MARKS.csv]\n"
          "The votes given on the labelling page in the form of a Zooniverse export, which\n"
          "`tipwright labels aggregate` reads. One row per person and picture: what stands now.\n"
          "\n"
          "  -o, --output FILE  where to; stdout without it\n"
          "  --marks FILE       lines at which people marked a tip change, as a table of its own\n"
          "  --help             this text\n"
          "\n"
          "Exit status: 0 done, 1 cannot read or write, 2 usage.\n",
          out);
}

/* Into a new file that takes the path's place when it is complete. */
static int write_file(struct vote_store *store, export_fn export, const char *path)
{
    struct nn_new_file file;
    int status = nn_new_file_open(path, &file);
    if (status == 0)
        status = nn_new_file_close(&file, export(store, file.stream));
    if (status < 0)
        terminal_error(command, "%s: %s", path, strerror(-status));
    return status;
}

static int export_all(struct vote_store *store, const char *output, const char *marks)
{
    int status = 0;
    if (output) {
        status = write_file(store, vote_export_classifications, output);
    } else {
        status = vote_export_classifications(store, stdout);
        if (status == 0 && (fflush(stdout) != 0 || ferror(stdout)))
            status = -EIO;
        if (status < 0)
            terminal_error(command, "%s", strerror(-status));
    }
    if (status == 0 && marks)
        status = write_file(store, vote_export_marks, marks);
    return status;
}

int cmd_labels_export(int argc, char **argv)
{
    enum { MARKS = 1, HELP };
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"marks", required_argument, NULL, MARKS},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    const char *output = NULL, *marks = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
        if (option == HELP) {
            print_usage(stdout);
            return EXIT_OK;
        }
        if (option == 'o') {
            output = optarg;
        } else if (option == MARKS) {
            marks = optarg;
        } else {
            print_usage(stderr);
            return EXIT_USAGE;
        }
    }
    if (argc - optind != 1) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    char error[300];
    struct vote_store *store;
    if (vote_store_open(argv[optind], VOTE_STORE_READ, &store, error, sizeof error) < 0) {
        terminal_error(command, "%s: %s", argv[optind], error);
        return EXIT_INTERNAL;
    }
    int status = export_all(store, output, marks);
    vote_store_close(store);
    return status < 0 ? EXIT_INTERNAL : EXIT_OK;
}
