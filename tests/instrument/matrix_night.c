#include "tests/instrument/matrix_night.h"

#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scan_geometry night_geometry(uint32_t points, uint32_t lines, bool x_retrace, bool y_retrace)
{
    return (struct scan_geometry){
        .points = points,
        .lines = lines,
        .x_retrace = x_retrace,
        .y_retrace = y_retrace,
        .width_m = 2e-8,
        .height_m = 1.5e-8,
        .x_offset_m = -1.6e-8,
        .y_offset_m = 2.8e-7,
        .angle_deg = 45,
        .raster_time_s = 5e-4,
        .bias_v = -2.0,
        .setpoint_a = 5e-11,
    };
}

uint32_t night_all_samples(const struct scan_geometry *g)
{
    return g->points * g->lines * (g->x_retrace ? 2 : 1) * (g->y_retrace ? 2 : 1);
}

void night_path(const struct night *night, const char *file, char *ret_path, size_t size)
{
    snprintf(ret_path, size, "%s/%s", night->folder, file);
}

struct matrix_session_options night_options(const struct night *night, const char *base,
                                            const struct scan_geometry *g, bool record_current)
{
    return (struct matrix_session_options){
        .folder = night->folder,
        .base = base,
        .sample_name = "H:Si(100)",
        .comment = "a night of the tests",
        .geometry = *g,
        .preamp = MATRIX_PREAMP_333NA,
        .record_current = record_current,
    };
}

void night_open(struct night *night, const char *base, const struct scan_geometry *g,
                bool record_current)
{
    *night = (struct night){
        .geometry = *g, .record_current = record_current, .t_utc_s = NIGHT_START_UTC_S};
    const char *temporary = getenv("TMPDIR");
    snprintf(night->folder, sizeof night->folder, "%s/tipwright-night-XXXXXX",
             temporary ? temporary : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(night->folder));
    struct matrix_session_options options = night_options(night, base, g, record_current);
    ck_assert_int_eq(matrix_session_open(&options, night->t_utc_s, &night->session), 0);
}

double night_value(enum matrix_channel channel, enum scan_trace trace, uint32_t row, uint32_t col)
{
    double place = sin(0.7 * col + 0.3 * row) + 0.01 * col + 0.1 * row + (int)trace;
    return channel == MATRIX_CHANNEL_Z ? -5.1e-7 + 1e-10 * place : 3e-10 + 2e-11 * place;
}

/* One raster line of one channel, the n-th of the scan. */
static void append_line(struct night *night, enum matrix_channel channel, uint32_t n,
                        uint32_t n_samples)
{
    const struct scan_geometry *g = &night->geometry;
    bool up = n < g->lines;
    uint32_t row = up ? n : 2 * g->lines - 1 - n;
    double forward[64], backward[64];
    ck_assert_uint_le(g->points, 64);
    for (uint32_t col = 0; col < g->points; col++) {
        forward[col] = night_value(channel, up ? SCAN_FORWARD_UP : SCAN_FORWARD_DOWN, row, col);
        backward[col] = night_value(channel, up ? SCAN_BACKWARD_UP : SCAN_BACKWARD_DOWN, row, col);
    }
    ck_assert_int_eq(matrix_session_append(night->session, channel, forward, backward, n_samples),
                     0);
}

void night_image(struct night *night, uint32_t run, uint32_t cycle, uint32_t n_samples)
{
    uint32_t raster = night->geometry.points * (night->geometry.x_retrace ? 2 : 1);
    night->t_utc_s += 60;
    ck_assert_int_eq(matrix_session_start_image(night->session, run, cycle, night->t_utc_s), 0);
    for (uint32_t n = 0; n * raster < n_samples; n++) {
        uint32_t left = n_samples - n * raster;
        for (int channel = 0; channel <= (int)night->record_current; channel++)
            append_line(night, (enum matrix_channel)channel, n, left < raster ? left : raster);
    }
    night->t_utc_s += 60;
}

void night_finish(struct night *night)
{
    DIR *folder = opendir(night->folder);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[1024];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        night_path(night, entry->d_name, path, sizeof path);
        ck_assert_int_eq(unlink(path), 0);
    }
    closedir(folder);
    ck_assert_int_eq(rmdir(night->folder), 0);
}
