/* tipwright labels from-night: what operators said of frames, as labels and pictures to train on.
 */
#include "agent/command.h"
#include "agent/correction.h"
#include "agent/journal_read.h"
#include "agent/terminal.h"
#include "instrument/picture.h"
#include "nn/cmd_labels.h"
#include "nn/votes.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char command[] = "labels from-night";

enum { NAME_SIZE = 128, PATH_SIZE = 4096, PICTURE_BYTES_MAX = 64 << 20 };

/* One person's last word on one frame. */
struct word {
    int64_t night, t_utc_us;
    char who[NAME_SIZE];
    struct correction correction;
};

struct words {
    struct word *list;
    size_t n, room;
    uint64_t read, unreadable, again;
    bool out_of_memory;
};

struct arguments {
    const char *state, *folder;
    uint64_t night; /* 0: all */
};

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright labels from-night [OPTION]... STATE_DIR -o FOLDER\n"
          "What operators said of frames with `tipwright judge`, as FOLDER/labels.csv and\n"
          "FOLDER/images/*.png for `tipwright train`. An agent may be running there.\n"
          "A label that was not named counts as the network saw it, from 0.5 up. Of one person's\n"
          "words on one frame the last ones count, label by label. Each night is a recording.\n"
          "\n"
          "  -o, --output FOLDER  made if missing; files in it are replaced\n"
          "  --night N            only this night; else every night\n"
          "  --help               this text\n"
          "\n"
          "Exit status: 0 done, 1 unreadable, or nothing was said, 2 usage.\n",
          out);
}

/* ---- the journal's events ---- */

static struct word *find_word(struct words *words, const struct word *word)
{
    for (size_t i = 0; i < words->n; i++)
        if (words->list[i].night == word->night && strcmp(words->list[i].who, word->who) == 0 &&
            strcmp(words->list[i].correction.picture, word->correction.picture) == 0)
            return &words->list[i];
    return NULL;
}

static void add_word(struct words *words, const struct word *word)
{
    struct word *earlier = find_word(words, word);
    if (earlier) {
        words->again++;
        earlier->t_utc_us = word->t_utc_us;
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            if (word->correction.says[k] >= 0)
                earlier->correction.says[k] = word->correction.says[k];
        return;
    }
    if (words->n == words->room) {
        size_t room = words->room ? 2 * words->room : 64;
        struct word *more = realloc(words->list, room * sizeof *more);
        if (!more) {
            words->out_of_memory = true;
            return;
        }
        words->list = more;
        words->room = room;
    }
    words->list[words->n++] = *word;
}

static void take_event(void *data, const char *line, const struct journal_cell *cells, size_t n)
{
    struct words *words = data;
    struct word word = {0};
    const char *kind = "", *text = "";
    (void)line;
    for (size_t i = 0; i < n; i++) {
        const struct journal_cell *cell = &cells[i];
        const char *cell_text = cell->type == JOURNAL_TEXT ? cell->text : "";
        if (strcmp(cell->name, "kind") == 0)
            kind = cell_text;
        else if (strcmp(cell->name, "text") == 0)
            text = cell_text;
        else if (strcmp(cell->name, "who") == 0)
            snprintf(word.who, sizeof word.who, "%s", cell_text);
        else if (strcmp(cell->name, "night") == 0)
            word.night = cell->integer;
        else if (strcmp(cell->name, "t_utc_us") == 0)
            word.t_utc_us = cell->integer;
    }
    if (strcmp(kind, "judge") != 0)
        return;
    words->read++;
    if (correction_read(text, &word.correction) < 0)
        words->unreadable++;
    else
        add_word(words, &word);
}

static int read_words(const struct arguments *arguments, struct words *words)
{
    char error[256];
    struct journal_reader *reader;
    if (journal_reader_open(arguments->state, &reader, error, sizeof error) != 0) {
        terminal_error(command, "%s", error);
        return -EIO;
    }
    int status = journal_reader_list(reader, JOURNAL_EVENTS, arguments->night, take_event, words);
    journal_reader_close(reader);
    if (status == 0 && words->out_of_memory)
        status = -ENOMEM;
    if (status != 0)
        terminal_error(command, "%s: %s", arguments->state, strerror(-status));
    return status;
}

/* ---- pictures ---- */

static int copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb");
    if (!in)
        return -errno;
    FILE *out = fopen(to, "wb");
    int error = out ? 0 : -errno;
    char block[1 << 14];
    size_t n, total = 0;
    while (!error && (n = fread(block, 1, sizeof block, in)) > 0) {
        total += n;
        if (total > PICTURE_BYTES_MAX)
            error = -EFBIG;
        else if (fwrite(block, 1, n, out) != n)
            error = -EIO;
    }
    if (!error && ferror(in))
        error = -EIO;
    fclose(in);
    if (out && fclose(out) != 0 && !error)
        error = -errno;
    return error;
}

/* "SESSION--PICTURE": a recording per night, named after the state directory. */
static void name_image(const struct word *word, const char *session, char *buf, size_t size)
{
    const char *slash = strrchr(word->correction.picture, '/');
    snprintf(buf, size, "%s-night%" PRId64 "--%s", session, word->night,
             slash ? slash + 1 : word->correction.picture);
}

/* 0, or negative after one line of error. */
static int take_picture(const struct arguments *arguments, const struct word *word,
                        const char *image, struct nn_vote *vote)
{
    char from[PATH_SIZE], to[PATH_SIZE], reason[160];
    struct picture_gray gray;
    int a = snprintf(from, sizeof from, "%s/%s", arguments->state, word->correction.picture);
    int b = snprintf(to, sizeof to, "%s/images/%s", arguments->folder, image);
    if (a >= PATH_SIZE || b >= PATH_SIZE) {
        terminal_error(command, "%s: %s", image, strerror(ENAMETOOLONG));
        return -ENAMETOOLONG;
    }
    int error = picture_read_png_gray(from, &gray, reason, sizeof reason);
    if (error) {
        terminal_error(command, "%s: %s", from, reason);
        return error;
    }
    vote->width_px = gray.width;
    vote->height_px = gray.height;
    picture_gray_finish(&gray);
    error = copy_file(from, to);
    if (error)
        terminal_error(command, "%s: %s", to, strerror(-error));
    return error;
}

/* 1: used; 0: left out; negative: errno after one line of error. */
static int take_word(const struct arguments *arguments, const struct word *word,
                     const char *session, struct nn_votes *votes)
{
    char image[NAME_SIZE + CORRECTION_PICTURE_MAX + 32], when[32];
    struct nn_vote vote = {.image = image, .person = word->who, .when = when};
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        int holds = correction_holds(&word->correction, (enum nn_label)k);
        if (holds < 0)
            return 0;
        vote.says[k] = (float)holds;
    }
    name_image(word, session, image, sizeof image);
    snprintf(when, sizeof when, "%020" PRId64, word->t_utc_us);
    int error = take_picture(arguments, word, image, &vote);
    if (!error)
        error = nn_votes_add(votes, &vote);
    return error ? error : 1;
}

static int make_folder(const char *path)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return 0;
    terminal_error(command, "%s: %s", path, strerror(errno));
    return -errno;
}

/* The state directory's last name; letters that a path or a table could trip over become '_'. */
static int session_of(const char *state, char *buf, size_t size)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    char here[PATH_SIZE];
    if (strcmp(state, ".") == 0) {
        if (!getcwd(here, sizeof here)) {
            terminal_error(command, "%s: %s", state, strerror(errno));
            return -errno;
        }
        state = here;
    }
    size_t end = strlen(state);
    while (end > 0 && state[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && state[begin - 1] != '/')
        begin--;
    snprintf(buf, size, "%.*s", (int)(end - begin), state + begin);
    if (!buf[0] || strcmp(buf, "..") == 0) {
        terminal_error(command, "%s: give the directory by its name, which the recording gets",
                       state);
        return -EINVAL;
    }
    for (char *at = buf; *at; at++)
        if (!strchr(letters, *at))
            *at = '_';
    return 0;
}

/* ---- the whole ---- */

static int take_words(const struct arguments *arguments, const struct words *words,
                      struct nn_votes *votes)
{
    char path[PATH_SIZE], session[NAME_SIZE];
    uint64_t unsaid = 0;
    if (snprintf(path, sizeof path, "%s/images", arguments->folder) >= PATH_SIZE)
        return -ENAMETOOLONG;
    int status = session_of(arguments->state, session, sizeof session);
    if (status == 0)
        status = make_folder(arguments->folder);
    if (status == 0)
        status = make_folder(path);
    for (size_t i = 0; i < words->n && status == 0; i++) {
        int used = take_word(arguments, &words->list[i], session, votes);
        unsaid += used == 0;
        status = used < 0 ? used : 0;
    }
    fprintf(stderr, "corrections read %" PRIu64 "\n", words->read);
    if (words->unreadable)
        fprintf(stderr, "  left out %" PRIu64 ": not a correction's text\n", words->unreadable);
    if (words->again)
        fprintf(stderr, "  %" PRIu64 " by the same person on the same frame, added to the first\n",
                words->again);
    if (unsaid)
        fprintf(stderr, "  left out %" PRIu64 ": not all labels named, and the network had none\n",
                unsaid);
    return status;
}

static int from_night(const struct arguments *arguments)
{
    struct words words = {0};
    struct nn_votes *votes = nn_votes_create();
    struct nn_tally *tally = NULL;
    const struct nn_tally_options all = {0};
    char path[PATH_SIZE];
    int exit_code = EXIT_INTERNAL;
    if (!votes) {
        terminal_error(command, "%s", strerror(ENOMEM));
        return EXIT_INTERNAL;
    }
    snprintf(path, sizeof path, "%s/labels.csv", arguments->folder);
    bool is_read = read_words(arguments, &words) == 0;
    if (is_read && words.n == 0) {
        terminal_error(command, "%s: no operator has corrected a frame", arguments->state);
    } else if (is_read && take_words(arguments, &words, votes) == 0) {
        int status = nn_tally(votes, &all, &tally);
        if (status == 0 && tally->n > 0)
            status = labels_write_table(tally, path);
        if (status != 0)
            terminal_error(command, "%s: %s", path, strerror(-status));
        else if (tally->n == 0)
            terminal_error(command, "no correction could be used");
        else
            fprintf(stderr, "pictures %zu, by people %" PRIu64 "\n", tally->n, tally->votes_used);
        exit_code = status == 0 && tally->n > 0 ? EXIT_OK : EXIT_INTERNAL;
    }
    nn_tally_destroy(tally);
    nn_votes_destroy(votes);
    free(words.list);
    return exit_code;
}

static int read_night(const char *text, uint64_t *ret_night)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < 1) {
        terminal_error(command, "--night: '%s' is not a night's number", text);
        return -1;
    }
    *ret_night = (uint64_t)value;
    return 0;
}

int cmd_labels_from_night(int argc, char **argv)
{
    enum { NIGHT = 1, HELP };
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"night", required_argument, NULL, NIGHT},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    struct arguments arguments = {0};
    int option;
    while ((option = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
        if (option == HELP) {
            print_usage(stdout);
            return EXIT_OK;
        } else if (option == 'o') {
            arguments.folder = optarg;
        } else if (option == NIGHT) {
            if (read_night(optarg, &arguments.night) != 0)
                return EXIT_USAGE;
        } else {
            print_usage(stderr);
            return EXIT_USAGE;
        }
    }
    if (argc - optind != 1 || !arguments.folder ||
        strlen(arguments.folder) + sizeof "/labels.csv" > PATH_SIZE) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    arguments.state = argv[optind];
    return from_night(&arguments);
}
