/* A result chain from arbitrary bytes, summarized and searched. */
#include "instrument/matrix_chain.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In every build, with or without NDEBUG. */
static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static void count_file(void *user, const char *file_name, int64_t t_utc_s)
{
    (void)t_utc_s;
    require(!strchr(file_name, '\n'));
    ++*(uint64_t *)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[256] = "";
    uint64_t n_files = 0;
    struct matrix_chain_summary summary;
    int whole =
        matrix_chain_summarize(data, size, count_file, &n_files, &summary, error, sizeof error);
    require(whole < 0 ? error[0] != '\0' : n_files == summary.files);
    struct matrix_recording recording;
    int found = matrix_chain_find(data, size, "fuzz--1_1.Z_mtrx", UINT64_C(0x0000000200440043),
                                  &recording, error, sizeof error);
    /* Searching stops at the file's name, so it may get by where the whole does not. */
    if (whole == 0)
        require(found == 0);
    if (found == 0)
        require((recording.transfer.function == MATRIX_UNSCALED) ==
                (recording.unscaled_because != NULL));
    return 0;
}
