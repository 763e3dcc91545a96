/*
 * Where tips really changed in known frames: lines marked by people, or a simulator's own book.
 *
 * The table of marks is CSV with a header and the columns image, first_line, last_line and what:
 * `step` (first_line is the first that shows the other tip), `streak` (bad lines, the same picture
 * after) or `unsure`. Lines count from 0 in the order of scanning, a picture's bottom row first.
 */
#ifndef NN_EVENT_MARKS_H
#define NN_EVENT_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nn_event_mark_kind { NN_EVENT_MARK_STEP, NN_EVENT_MARK_STREAK, NN_EVENT_MARK_UNSURE };

struct nn_event_mark {
    char *image;
    uint32_t first, last;
    enum nn_event_mark_kind kind;
};

struct nn_event_marks {
    struct nn_event_mark *marks; /* in the file's order */
    uint32_t n;
};

/*
 * 0, or negative errno with a sentence in `error`: -ENOENT and the like, -EBADMSG (a column
 * missing, a value not a line, a kind not known), -EFBIG. *ret_marks is untouched on failure.
 */
int nn_event_marks_load(const char *path, struct nn_event_marks *ret_marks, char *error,
                        size_t error_size);
void nn_event_marks_finish(struct nn_event_marks *marks);

/* What is known of a frame: the first line after each change, rising, and lines that say nothing
 * either way. */
struct nn_event_truth {
    uint32_t lines;
    uint32_t n_changes;
    uint32_t *changes; /* room for (lines) */
    bool *excused;     /* (lines) */
};

/* Nothing happens in the frame yet. 0, -ENOMEM. */
int nn_event_truth_create(uint32_t lines, struct nn_event_truth *ret_truth);
void nn_event_truth_finish(struct nn_event_truth *truth);

/* Excuse lines first .. last as far as there are such. */
void nn_event_truth_excuse(struct nn_event_truth *truth, int64_t first, int64_t last);

/*
 * What the image's marks say of its `lines` lines, or of the same picture scanned from the other
 * end. ret_marked: whether the image has marks at all. 0, -ENOMEM.
 */
int nn_event_marks_truth(const struct nn_event_marks *marks, const char *image, uint32_t lines,
                         bool upside_down, struct nn_event_truth *ret_truth, bool *ret_marked);

/*
 * What the hazard should be after each line, and how much that counts: 1 for the lines of
 * NN_EVENT_REACH, the first of them half as much; nothing counts for some lines after.
 * ret_wanted, ret_weight: (lines).
 */
void nn_event_truth_targets(const struct nn_event_truth *truth, float *ret_wanted,
                            float *ret_weight);

/* Alarms against the truth. Changes in the first lines have nothing to be compared with. */
enum { NN_EVENT_CHECK_FIRST = 10, NN_EVENT_CHECK_LATES = 4 };

/* How many lines late an alarm may be: 0, 1, 2, 4. */
uint32_t nn_event_check_late(uint32_t index);

struct nn_event_check {
    uint32_t changes;
    uint32_t noticed[NN_EVENT_CHECK_LATES];
    uint32_t false_alarms; /* near no change and on no line that is excused */
};

/* logits: (truth->lines), of the hazards; an alarm is raised above `threshold`, a logit, too. */
struct nn_event_check nn_event_check_frame(const struct nn_event_truth *truth, const float *logits,
                                           float threshold);

/* The lowest threshold, a logit, with at most this many false alarms per frame. n > 0 */
float nn_event_check_threshold(uint32_t n, const struct nn_event_truth *truths,
                               const float *const *logits, double false_alarms);

#endif
