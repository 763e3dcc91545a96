/* Reads grey PNGs; writes PNG and GSF. */
#include "instrument/picture.h"

#include "instrument/picture_draw.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No text or profile in a picture of ours comes near this. */
enum { PNG_CHUNK_MAX = 8 << 20 };

static const char *const map_names[PICTURE_MAP_COUNT] = {
    [PICTURE_GRAY] = "gray", [PICTURE_GOLD] = "gold"};

const char *picture_map_name(enum picture_map map)
{
    return map_names[map];
}

int picture_map_from_name(const char *name)
{
    for (int i = 0; i < PICTURE_MAP_COUNT; i++)
        if (strcmp(name, map_names[i]) == 0)
            return i;
    return -1;
}

void picture_gray_finish(struct picture_gray *gray)
{
    free(gray->pixels);
    *gray = (struct picture_gray){0};
}

/* libpng reports by longjmp; what must survive it lives here, behind a pointer. */
struct png_job {
    png_structp png;
    png_infop info;
    FILE *file;
    char *error;
    size_t error_size;
    uint8_t *samples; /* as decoded: (height, width, channels) */
    uint32_t width, height, channels;
    jmp_buf failed;
};

static void on_png_error(png_structp png, png_const_charp message)
{
    struct png_job *job = png_get_error_ptr(png);
    if (job->error)
        snprintf(job->error, job->error_size, "PNG: %s", message);
    longjmp(job->failed, 1);
}

static void on_png_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* Ask libpng for 8-bit grey or RGB whatever the file holds, then read all rows. */
static void decode_rows(struct png_job *job)
{
    png_init_io(job->png, job->file);
    png_set_user_limits(job->png, PICTURE_SIDE_MAX, PICTURE_SIDE_MAX);
    png_set_chunk_malloc_max(job->png, PNG_CHUNK_MAX);
    png_read_info(job->png, job->info);
    png_byte type = png_get_color_type(job->png, job->info);
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(job->png);
    if (type == PNG_COLOR_TYPE_GRAY)
        png_set_expand_gray_1_2_4_to_8(job->png);
    png_set_scale_16(job->png);
    png_set_strip_alpha(job->png);
    int passes = png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    job->width = png_get_image_width(job->png, job->info);
    job->height = png_get_image_height(job->png, job->info);
    job->channels = png_get_channels(job->png, job->info);
    size_t stride = png_get_rowbytes(job->png, job->info);
    if (stride != (size_t)job->width * job->channels || (job->channels != 1 && job->channels != 3))
        png_error(job->png, "colour type not understood");
    job->samples = malloc(stride * job->height);
    if (!job->samples)
        png_error(job->png, "not enough memory");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < job->height; y++)
            png_read_row(job->png, job->samples + y * stride, NULL);
    png_read_end(job->png, NULL);
}

static int decode(struct png_job *job)
{
    job->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, job, on_png_error, on_png_warning);
    job->info = job->png ? png_create_info_struct(job->png) : NULL;
    int status = -EBADMSG;
    if (job->info && setjmp(job->failed) == 0) {
        decode_rows(job);
        status = 0;
    }
    png_destroy_read_struct(&job->png, &job->info, NULL);
    return status;
}

/* Grey stays exactly as it is; colour becomes luma. */
static void to_gray(struct png_job *job)
{
    size_t n = (size_t)job->width * job->height;
    for (size_t i = 0; job->channels == 3 && i < n; i++) {
        const uint8_t *rgb = job->samples + 3 * i;
        unsigned luma = 2126u * rgb[0] + 7152u * rgb[1] + 722u * rgb[2];
        job->samples[i] = (uint8_t)((luma + 5000) / 10000);
    }
}

int picture_read_png_gray(const char *path, struct picture_gray *ret, char *error,
                          size_t error_size)
{
    struct png_job job = {.error = error, .error_size = error_size};
    job.file = fopen(path, "rb");
    if (!job.file) {
        int status = -errno;
        snprintf(error, error_size, "%s", strerror(-status));
        return status;
    }
    snprintf(error, error_size, "PNG: not enough memory");
    int status = decode(&job);
    fclose(job.file);
    if (status < 0) {
        free(job.samples);
        return status;
    }
    to_gray(&job);
    *ret = (struct picture_gray){job.width, job.height, job.samples};
    return 0;
}

static bool is_text_key(const char *key)
{
    size_t n = strlen(key);
    if (n < 1 || n > 79 || key[0] == ' ' || key[n - 1] == ' ')
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)key[i] < 0x20 || (unsigned char)key[i] > 0x7E)
            return false;
    return true;
}

static void write_texts(struct png_job *job, const struct picture_options *options)
{
    for (size_t i = 0; i < options->n_texts; i++) {
        /* libpng's struct is not const, though it copies. */
        char key[80], *value = strdup(options->texts[i].value);
        if (!value)
            png_error(job->png, "not enough memory");
        snprintf(key, sizeof key, "%s", options->texts[i].key);
        png_text text = {.compression = PNG_TEXT_COMPRESSION_NONE, .key = key, .text = value};
        png_set_text(job->png, job->info, &text, 1);
        free(value);
    }
}

static void encode_rows(struct png_job *job, const struct picture_canvas *canvas,
                        const struct picture_options *options)
{
    png_init_io(job->png, job->file);
    png_set_IHDR(job->png, job->info, canvas->width, canvas->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    write_texts(job, options);
    png_write_info(job->png, job->info);
    for (uint32_t y = 0; y < canvas->height; y++)
        png_write_row(job->png, canvas->rgb + (size_t)3 * canvas->width * y);
    png_write_end(job->png, NULL);
}

static int encode(FILE *file, const struct picture_canvas *canvas,
                  const struct picture_options *options)
{
    struct png_job job = {.file = file};
    job.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &job, on_png_error, on_png_warning);
    job.info = job.png ? png_create_info_struct(job.png) : NULL;
    int status = job.info ? -EIO : -ENOMEM;
    if (job.info && setjmp(job.failed) == 0) {
        encode_rows(&job, canvas, options);
        status = 0;
    }
    png_destroy_write_struct(&job.png, &job.info);
    return status;
}

/* A file that gets its name only when it is complete. */
struct new_file {
    const char *path;
    char *temporary;
    FILE *stream;
};

static int new_file_open(const char *path, struct new_file *ret)
{
    size_t size = strlen(path) + sizeof ".part";
    char *temporary = malloc(size);
    if (!temporary)
        return -ENOMEM;
    snprintf(temporary, size, "%s.part", path);
    FILE *stream = fopen(temporary, "wb");
    if (!stream) {
        int status = -errno;
        free(temporary);
        return status;
    }
    *ret = (struct new_file){path, temporary, stream};
    return 0;
}

/* `status` is the writer's; a file that failed is removed. */
static int new_file_close(struct new_file *file, int status)
{
    if (ferror(file->stream) && status == 0)
        status = -EIO;
    if (fclose(file->stream) != 0 && status == 0)
        status = -errno;
    if (status == 0 && rename(file->temporary, file->path) < 0)
        status = -errno;
    if (status < 0)
        unlink(file->temporary);
    free(file->temporary);
    return status;
}

int picture_write_png(const char *path, const struct picture_frame *frame,
                      const struct picture_options *options)
{
    static const struct picture_options defaults = {0};
    if (!options)
        options = &defaults;
    for (size_t i = 0; i < options->n_texts; i++)
        if (!is_text_key(options->texts[i].key))
            return -EINVAL;
    struct picture_canvas canvas = {0};
    int status = picture_draw(frame, options, &canvas);
    if (status < 0)
        return status;
    struct new_file file = {0};
    status = new_file_open(path, &file);
    if (file.stream)
        status = new_file_close(&file, encode(file.stream, &canvas, options));
    free(canvas.rgb);
    return status;
}

static int encode_gray(FILE *file, const struct picture_gray *gray)
{
    struct png_job job = {.file = file};
    job.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &job, on_png_error, on_png_warning);
    job.info = job.png ? png_create_info_struct(job.png) : NULL;
    int status = job.info ? -EIO : -ENOMEM;
    if (job.info && setjmp(job.failed) == 0) {
        png_init_io(job.png, job.file);
        png_set_IHDR(job.png, job.info, gray->width, gray->height, 8, PNG_COLOR_TYPE_GRAY,
                     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        /* Quick: sets of thousands of noisy pictures gain little from more. */
        png_set_compression_level(job.png, 3);
        png_write_info(job.png, job.info);
        for (uint32_t y = 0; y < gray->height; y++)
            png_write_row(job.png, gray->pixels + (size_t)gray->width * y);
        png_write_end(job.png, NULL);
        status = 0;
    }
    png_destroy_write_struct(&job.png, &job.info);
    return status;
}

int picture_gray_write_png(const char *path, const struct picture_gray *gray)
{
    struct new_file file = {0};
    int status = new_file_open(path, &file);
    return file.stream ? new_file_close(&file, encode_gray(file.stream, gray)) : status;
}

static void write_float(FILE *stream, double value)
{
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(bits >> (8 * i));
    fwrite(bytes, 1, sizeof bytes, stream);
}

/* Text header padded with 1 to 4 NUL bytes to a multiple of 4, as the format asks. */
static void write_gsf_header(FILE *stream, const struct picture_frame *frame)
{
    char header[1024];
    size_t n = 0;
    n += (size_t)snprintf(header, sizeof header,
                          "Gwyddion Simple Field 1.0\nXRes = %" PRIu32 "\nYRes = %" PRIu32 "\n",
                          frame->width, frame->height);
    if (isfinite(frame->width_m) && frame->width_m > 0 && isfinite(frame->height_m) &&
        frame->height_m > 0)
        n += (size_t)snprintf(header + n, sizeof header - n,
                              "XReal = %.17g\nYReal = %.17g\nXYUnits = m\n", frame->width_m,
                              frame->height_m);
    if (frame->unit && frame->unit[0])
        n += (size_t)snprintf(header + n, sizeof header - n, "ZUnits = %.15s\n", frame->unit);
    if (frame->title)
        n += (size_t)snprintf(header + n, sizeof header - n, "Title = %.255s\n", frame->title);
    fwrite(header, 1, n, stream);
    for (size_t pad = 4 - n % 4; pad > 0; pad--)
        fputc(0, stream);
}

static bool has_size(const struct picture_frame *frame)
{
    return frame->width >= 1 && frame->width <= PICTURE_SIDE_MAX && frame->height >= 1 &&
           frame->height <= PICTURE_SIDE_MAX;
}

/* NAN where the row is missing. */
static double cell(const struct picture_frame *frame, uint32_t row, uint32_t col)
{
    bool seen = !frame->seen || frame->seen[row];
    return seen ? frame->values[(size_t)row * frame->width + col] : (double)NAN;
}

int picture_write_gsf(const char *path, const struct picture_frame *frame)
{
    if (!has_size(frame))
        return -EINVAL;
    struct new_file file = {0};
    int status = new_file_open(path, &file);
    if (!file.stream)
        return status;
    write_gsf_header(file.stream, frame);
    for (uint32_t y = 0; y < frame->height; y++)
        for (uint32_t x = 0; x < frame->width; x++)
            write_float(file.stream, cell(frame, frame->height - 1 - y, x));
    return new_file_close(&file, 0);
}

int picture_write_csv(const char *path, const struct picture_frame *frame)
{
    if (!has_size(frame))
        return -EINVAL;
    struct new_file file = {0};
    int status = new_file_open(path, &file);
    if (!file.stream)
        return status;
    for (uint32_t row = 0; row < frame->height; row++)
        for (uint32_t col = 0; col < frame->width; col++) {
            double value = cell(frame, row, col);
            if (isfinite(value))
                fprintf(file.stream, "%.17g", value);
            fputc(col + 1 < frame->width ? ',' : '\n', file.stream);
        }
    return new_file_close(&file, 0);
}
