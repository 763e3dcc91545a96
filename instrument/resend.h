/*
 * The last two scans' data messages, kept so that lost ones can be sent once more, marked late.
 */
#ifndef INSTRUMENT_RESEND_H
#define INSTRUMENT_RESEND_H

#include "instrument/protocol.h"

enum { RESEND_MESSAGES_MAX = 16384, RESEND_BYTES_MAX = 64 * 1024 * 1024 };

struct resend;

/* Never NULL. */
struct resend *resend_create(void);
void resend_destroy(struct resend *resend);

/* Takes the frames; seq rises by one from call to call. Messages of scans before the last one, and
 * the oldest beyond the caps, go. */
void resend_keep_take(struct resend *resend, uint64_t seq, uint64_t scan,
                      struct protocol_frames frames);

/*
 * A kept message with the flag "late" added. 0, or -ENOENT. The header is yours, free(); samples
 * are borrowed until the next resend_keep_take().
 */
int resend_get(const struct resend *resend, uint64_t seq, struct protocol_frames *ret_frames);

#endif
