/*
 * Recordings as a microscope: MATRIX images and pictures, line by line as they were scanned, with
 * the agent none the wiser. Actions are accepted, take one second of instrument time and change
 * nothing; after the last frame comes MICROSCOPE_FINISHED.
 *
 * MATRIX images: all traces, interleaved as scanned (a line forward then backward, all lines up,
 * then down); heights in metres by the file's own transfer function. Without a result chain the
 * counts are taken as REPLAY_M_PER_COUNT. A scan that was stopped ends early, "stopped".
 *
 * Pictures (PNG): trace forward/up only, bottom row first; height = grey / 255 *
 * REPLAY_M_PER_WHITE. A picture lower than it is wide is a square scan that was stopped.
 *
 * Both factors are powers of two, so that the samples carry the very digits of the counts and
 * grey levels: a verdict on them equals, to the bit, a verdict on the file.
 *
 * What a file does not say is assumed: .33 s per line forward and backward; sizes stay NAN.
 */
#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include "instrument/microscope.h"

#include <stddef.h>

#define REPLAY_M_PER_COUNT 0x1p-51 /* .444 fm; a real factor: 2.4e15 counts per metre, observed */
#define REPLAY_M_PER_WHITE 0x1p-30 /* .931 nm from black to white, assumed */

struct replay;

/*
 * A replay of files and folders, in the order given. Of a folder: its Z images of MATRIX and its
 * .png, sorted by base name, run and cycle, else by name; nothing below it. `points` as in struct
 * matrix_load_options.
 *
 * 0. -ENOENT: a path is not there, or nothing to replay in it; -EBADMSG: neither image nor
 * picture by its name; -ENOMEM. `error` then holds one line with the path. The files are read when
 * their turn comes; one that cannot be read is passed over with a note in the line stream.
 */
int replay_create(const char *const *paths, size_t n, uint32_t points, struct replay **ret,
                  char *error, size_t error_size);
void replay_destroy(struct replay *replay);

/* Borrows `replay`. */
struct microscope replay_microscope(struct replay *replay);

size_t replay_files(const struct replay *replay);

/* Frames sent to their end, and files passed over, so far. */
size_t replay_frames(const struct replay *replay);
size_t replay_passed_over(const struct replay *replay);

#endif
