/* A ring of encoded data messages. */
#include "instrument/resend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    uint64_t seq, scan;
    struct protocol_frames frames;
};

struct resend {
    struct kept ring[RESEND_MESSAGES_MAX];
    size_t first, n;
    size_t bytes;
};

struct resend *resend_create(void)
{
    struct resend *resend = calloc(1, sizeof(*resend));
    if (!resend)
        abort();
    return resend;
}

static void drop_oldest(struct resend *resend)
{
    struct kept *kept = &resend->ring[resend->first];
    resend->bytes -= kept->frames.header_size + kept->frames.samples_size;
    protocol_frames_finish(&kept->frames);
    resend->first = (resend->first + 1) % RESEND_MESSAGES_MAX;
    resend->n--;
}

void resend_destroy(struct resend *resend)
{
    if (!resend)
        return;
    while (resend->n > 0)
        drop_oldest(resend);
    free(resend);
}

void resend_keep_take(struct resend *resend, uint64_t seq, uint64_t scan,
                      struct protocol_frames frames)
{
    size_t bytes = frames.header_size + frames.samples_size;
    while (resend->n > 0 &&
           (resend->n == RESEND_MESSAGES_MAX || resend->bytes + bytes > RESEND_BYTES_MAX ||
            resend->ring[resend->first].scan + 1 < scan))
        drop_oldest(resend);
    resend->ring[(resend->first + resend->n) % RESEND_MESSAGES_MAX] =
        (struct kept){seq, scan, frames};
    resend->n++;
    resend->bytes += bytes;
}

/* Our own compact JSON; a quote inside a string is escaped, so the key is found only as a key. */
static char *mark_late(const char *header)
{
    static const char key[] = "\"flags\":[";
    const char *list = strstr(header, key);
    if (!list)
        abort();
    list += sizeof(key) - 1;
    size_t size = strlen(header) + sizeof("\"late\",");
    char *late = malloc(size);
    if (!late)
        abort();
    snprintf(late, size, "%.*s\"late\"%s%s", (int)(list - header), header, *list == ']' ? "" : ",",
             list);
    return late;
}

int resend_get(const struct resend *resend, uint64_t seq, struct protocol_frames *ret_frames)
{
    uint64_t oldest = resend->n > 0 ? resend->ring[resend->first].seq : 0;
    if (resend->n == 0 || seq < oldest || seq - oldest >= resend->n)
        return -ENOENT;
    const struct kept *kept = &resend->ring[(resend->first + (seq - oldest)) % RESEND_MESSAGES_MAX];
    *ret_frames = kept->frames;
    ret_frames->header = mark_late(kept->frames.header);
    ret_frames->header_size = strlen(ret_frames->header);
    return 0;
}
