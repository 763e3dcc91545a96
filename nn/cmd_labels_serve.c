/* tipwright labels serve: look at pictures or MATRIX scans in a browser, and give votes. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "instrument/matrix_image.h"
#include "instrument/picture.h"
#include "nn/cmd_labelled.h"
#include "nn/cmd_labels.h"
#include "nn/flatten.h"
#include "nn/vote_page.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char command[] = "labels serve";

enum {
    PICTURES_MAX = 1000000,
    DEPTH_MAX = 8,
    USER_BYTES_MAX = 64,
    WAIT_MS = 250,
    LEVEL_MAX = 65535,
    PORT_MIN = 1024,
    PORT_MAX = 65535,
};

struct arguments {
    const char *images, *matrix, *store, *user;
    double port, seed;
};

struct folder {
    const char *path;
    bool matrix;
    char **names; /* relative to the folder */
    uint32_t n, room;
};

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright labels serve {--images FOLDER | --matrix FOLDER} --store VOTES.sqlite\n"
          "                              [--user NAME] [--seed N] [--port N]\n"
          "A page to look at scans and say what they show, with the keyboard. Its address, good\n"
          "for this run only, is printed; open it in a browser on this machine. H shows all keys.\n"
          "\n"
          "  --images FOLDER  PNG files in it and in the folders below\n"
          "  --matrix FOLDER  MATRIX images (Z, forward and up), without the sample's slope\n"
          "  --store FILE     where votes go; made when it is not there\n"
          "  --user NAME      whose votes they are (default: your login name)\n"
          "  --seed N         of the order in which pictures come (default 1)\n"
          "  --port N         1024 to 65535 (default: a free one); always on 127.0.0.1\n"
          "  --help           this text\n"
          "\n"
          "Every vote is stored when it is given. Ctrl-C ends the page.\n"
          "Exit status: 0 ended by Ctrl-C, 1 cannot read, write or listen, 2 usage.\n",
          out);
}

/* ---- which pictures there are ---- */

static bool is_wanted(const struct folder *folder, const char *name)
{
    struct matrix_name parts;
    size_t n = strlen(name);
    if (folder->matrix)
        return matrix_name_parse(name, &parts) == 0 && strcmp(parts.channel, "Z") == 0;
    return n > 4 && strcasecmp(name + n - 4, ".png") == 0;
}

/* Takes the name. */
static int add_name(struct folder *folder, char *name)
{
    json_t *text = json_string(name);
    if (!text) {
        terminal_note(command, "left out, as its name is not UTF-8: %s", name);
        free(name);
        return 0;
    }
    json_decref(text);
    if (folder->n == folder->room) {
        uint32_t room = folder->room ? 2 * folder->room : 256;
        char **names = realloc(folder->names, room * sizeof *names);
        if (!names || room > PICTURES_MAX) {
            folder->names = names ? names : folder->names;
            free(name);
            return names ? -EFBIG : -ENOMEM;
        }
        folder->names = names;
        folder->room = room;
    }
    folder->names[folder->n++] = name;
    return 0;
}

/* "a/b", or "b" when a is "". NULL without memory. */
static char *joined(const char *a, const char *b)
{
    size_t size = strlen(a) + strlen(b) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s%s%s", a, a[0] ? "/" : "", b);
    return path;
}

static int add_folder(struct folder *folder, const char *below, int depth);

/* A file or folder `below` the folder. Takes `below`. */
static int add_entry(struct folder *folder, char *below, int depth)
{
    struct stat is;
    char *path = joined(folder->path, below);
    int status = path ? 0 : -ENOMEM;
    bool seen = path && stat(path, &is) == 0;
    free(path);
    const char *name = strrchr(below, '/');
    if (seen && S_ISREG(is.st_mode) && is_wanted(folder, name ? name + 1 : below))
        return add_name(folder, below);
    if (seen && S_ISDIR(is.st_mode) && depth < DEPTH_MAX)
        status = add_folder(folder, below, depth + 1);
    free(below);
    return status;
}

static int add_folder(struct folder *folder, const char *below, int depth)
{
    char *path = joined(folder->path, below);
    DIR *directory = path ? opendir(path) : NULL;
    int status = directory ? 0 : -errno;
    if (status < 0)
        terminal_error(command, "%s: %s", path ? path : folder->path, strerror(-status));
    const struct dirent *entry;
    while (status == 0 && (entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        char *name = joined(below, entry->d_name);
        status = name ? add_entry(folder, name, depth) : -ENOMEM;
    }
    if (directory)
        closedir(directory);
    free(path);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static int list_pictures(struct folder *folder)
{
    int status = add_folder(folder, "", 0);
    if (status < 0)
        return status;
    if (folder->n == 0) {
        terminal_error(command, "%s: no %s in it", folder->path,
                       folder->matrix ? "MATRIX image (*.Z_mtrx)" : "PNG file");
        return -ENOENT;
    }
    qsort(folder->names, folder->n, sizeof *folder->names, compare_names);
    return 0;
}

static void folder_finish(struct folder *folder)
{
    for (uint32_t i = 0; i < folder->n; i++)
        free(folder->names[i]);
    free(folder->names);
}

/* ---- one picture ---- */

static int read_png(const char *path, struct vote_picture *ret, char *error, size_t error_size)
{
    struct picture_gray gray;
    int status = picture_read_png_gray(path, &gray, error, error_size);
    if (status < 0)
        return status;
    size_t n = (size_t)gray.width * gray.height;
    uint16_t *levels = malloc(n * sizeof *levels);
    for (size_t i = 0; levels && i < n; i++)
        levels[i] = (uint16_t)(gray.pixels[i] * (LEVEL_MAX / UINT8_MAX));
    if (levels)
        *ret = (struct vote_picture){gray.width, gray.height, levels};
    else
        snprintf(error, error_size, "out of memory");
    picture_gray_finish(&gray);
    return levels ? 0 : -ENOMEM;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Least squares, per column. */
static double slope_of(uint32_t cols, const double *line)
{
    double centre = 0.5 * (cols - 1.0), sum = 0.0, squares = 0.0;
    for (uint32_t col = 0; col < cols; col++) {
        sum += line[col] * (col - centre);
        squares += (col - centre) * (col - centre);
    }
    return squares > 0.0 ? sum / squares : 0.0;
}

/*
 * Takes from every line the slope that the sample has, the median of all lines' own, which would
 * take most of the contrast; then from each line its own median. values: (rows, cols); work: room
 * for the larger of rows and cols.
 */
static void flatten(uint32_t rows, uint32_t cols, double *values, double *work)
{
    for (uint32_t row = 0; row < rows; row++)
        work[row] = slope_of(cols, values + (size_t)row * cols);
    qsort(work, rows, sizeof *work, compare_doubles);
    double slope = work[rows / 2];
    for (uint32_t row = 0; row < rows; row++) {
        double *line = values + (size_t)row * cols;
        for (uint32_t col = 0; col < cols; col++)
            line[col] -= slope * col;
        nn_flatten_line(NN_FLATTEN_MEDIAN, cols, line, work, line);
    }
}

/*
 * Flattened lines into levels over the range of the samples that are no rails, top row first.
 * values: as flatten; row 0 = lowest y.
 */
static void trace_to_levels(const struct matrix_image *image, const struct matrix_trace *trace,
                            double *values, uint16_t *levels)
{
    bool scaled = image->transfer.function != MATRIX_UNSCALED;
    size_t cols = trace->cols, n = trace->rows * cols;
    double low = (double)INFINITY, high = -(double)INFINITY;
    for (size_t i = 0; i < n; i++)
        values[i] = scaled ? matrix_transfer_apply(&image->transfer, trace->raw[i]) : trace->raw[i];
    flatten(trace->rows, trace->cols, values, values + n);
    for (size_t i = 0; i < n; i++)
        if (!matrix_is_railed(trace->raw[i])) {
            low = fmin(low, values[i]);
            high = fmax(high, values[i]);
        }
    double scale = high > low ? LEVEL_MAX / (high - low) : 0.0;
    for (size_t row = 0; row < trace->rows; row++)
        for (size_t col = 0; col < cols; col++) {
            double level = (values[row * cols + col] - low) * scale;
            levels[(trace->rows - 1 - row) * cols + col] =
                (uint16_t)fmin(fmax(level, 0.0), LEVEL_MAX);
        }
}

static int read_matrix(const char *path, struct vote_picture *ret, char *error, size_t error_size)
{
    struct matrix_image *image;
    int status = matrix_image_load(path, NULL, &image, error, error_size);
    if (status < 0)
        return status;
    const struct matrix_trace *trace = matrix_image_trace(image, SCAN_FORWARD_UP);
    if (!trace || trace->rows == 0) {
        snprintf(error, error_size, "no complete line");
        matrix_image_destroy(image);
        return -ENODATA;
    }
    size_t n = (size_t)trace->rows * trace->cols;
    double *values = calloc(n + trace->rows + trace->cols, sizeof *values);
    uint16_t *levels = malloc(n * sizeof *levels);
    if (values && levels) {
        trace_to_levels(image, trace, values, levels);
        *ret = (struct vote_picture){trace->cols, trace->rows, levels};
    } else {
        snprintf(error, error_size, "out of memory");
        free(levels);
        status = -ENOMEM;
    }
    free(values);
    matrix_image_destroy(image);
    return status;
}

static int read_picture(void *context, const char *image, struct vote_picture *ret, char *error,
                        size_t error_size)
{
    const struct folder *folder = context;
    char *path = joined(folder->path, image);
    if (!path) {
        snprintf(error, error_size, "out of memory");
        return -ENOMEM;
    }
    int status = folder->matrix ? read_matrix(path, ret, error, error_size)
                                : read_png(path, ret, error, error_size);
    free(path);
    return status;
}

/* ---- the page ---- */

static int64_t now_utc_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The one thing that a signal handler may write to. */
static volatile sig_atomic_t asked_to_end;

static void on_end(int signal_number)
{
    (void)signal_number;
    asked_to_end = 1;
}

/* Serves until SIGINT or SIGTERM. */
static int serve(struct vote_page *page)
{
    struct sigaction action = {.sa_handler = on_end};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    puts(vote_page_url(page));
    fflush(stdout);
    int status = 0;
    while (status == 0 && !asked_to_end)
        status = vote_page_run(page, WAIT_MS);
    return status;
}

static int open_and_serve(const struct arguments *arguments, struct folder *folder)
{
    char error[400];
    struct vote_store *store;
    if (vote_store_open(arguments->store, VOTE_STORE_WRITE, &store, error, sizeof error) < 0) {
        terminal_error(command, "%s: %s", arguments->store, error);
        return EXIT_INTERNAL;
    }
    const struct vote_page_settings settings = {
        .store = store,
        .user = arguments->user,
        .images = (const char *const *)folder->names,
        .n_images = folder->n,
        .seed = (uint64_t)arguments->seed,
        .port = (uint16_t)arguments->port,
        .read_picture = read_picture,
        .context = folder,
        .now_utc_us = now_utc_us,
    };
    struct vote_page *page = NULL;
    int status = vote_page_create(&settings, &page, error, sizeof error);
    if (status == 0) {
        terminal_note(command, "%u pictures of %s, votes of %s to %s; Ctrl-C ends",
                      (unsigned)folder->n, folder->path, arguments->user, arguments->store);
        snprintf(error, sizeof error, "the server has stopped");
        status = serve(page);
    }
    if (status < 0)
        terminal_error(command, "%s", error);
    vote_page_destroy(page);
    vote_store_close(store);
    return status < 0 ? EXIT_INTERNAL : EXIT_OK;
}

/* ---- the command line ---- */

static int check_user(struct arguments *arguments)
{
    const struct passwd *person = arguments->user ? NULL : getpwuid(getuid());
    if (person)
        arguments->user = person->pw_name;
    if (!arguments->user) {
        terminal_error(command, "--user is needed: this login has no name");
        return -1;
    }
    json_t *text = json_string(arguments->user);
    size_t n = strlen(arguments->user);
    bool good = text && n > 0 && n <= USER_BYTES_MAX && !strpbrk(arguments->user, "\r\n\t");
    json_decref(text);
    if (!good)
        terminal_error(command, "--user: a name of 1 to %d bytes in UTF-8", USER_BYTES_MAX);
    return good ? 0 : -1;
}

/* 0; 1 after --help; -1 after an error. */
static int read_arguments(int argc, char **argv, struct arguments *ret)
{
    enum { IMAGES = 1, MATRIX, STORE, USER, SEED, PORT, HELP };
    static const struct option options[] = {
        {"images", required_argument, NULL, IMAGES}, {"matrix", required_argument, NULL, MATRIX},
        {"store", required_argument, NULL, STORE},   {"user", required_argument, NULL, USER},
        {"seed", required_argument, NULL, SEED},     {"port", required_argument, NULL, PORT},
        {"help", no_argument, NULL, HELP},           {NULL, 0, NULL, 0},
    };
    int option, status = 0;
    while (status == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == HELP) {
            print_usage(stdout);
            return 1;
        } else if (option == IMAGES) {
            ret->images = optarg;
        } else if (option == MATRIX) {
            ret->matrix = optarg;
        } else if (option == STORE) {
            ret->store = optarg;
        } else if (option == USER) {
            ret->user = optarg;
        } else if (option == SEED) {
            status = labelled_number(command, "--seed", optarg, 0, 1e15, &ret->seed);
        } else if (option == PORT) {
            status = labelled_number(command, "--port", optarg, PORT_MIN, PORT_MAX, &ret->port);
        } else {
            print_usage(stderr);
            return -1;
        }
    }
    if (status == 0 && (optind < argc || !ret->store || !ret->images == !ret->matrix)) {
        print_usage(stderr);
        return -1;
    }
    return status ? -1 : check_user(ret);
}

int cmd_labels_serve(int argc, char **argv)
{
    struct arguments arguments = {.seed = 1};
    int status = read_arguments(argc, argv, &arguments);
    if (status != 0)
        return status > 0 ? EXIT_OK : EXIT_USAGE;
    struct folder folder = {
        .path = arguments.images ? arguments.images : arguments.matrix,
        .matrix = arguments.matrix != NULL,
    };
    int code = list_pictures(&folder) < 0 ? EXIT_INTERNAL : open_and_serve(&arguments, &folder);
    folder_finish(&folder);
    return code;
}
