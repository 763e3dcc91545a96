/*
 * Fields of a JSON object, read one by one with a single error at the end, and the few conventions
 * of the wire: integers beyond 2^53 travel as strings, a number that is not known is null (NAN).
 */
#ifndef INSTRUMENT_JSON_FIELDS_H
#define INSTRUMENT_JSON_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* After the first complaint all further reads answer nothing and leave it as it is. */
struct json_fields {
    const json_t *object; /* borrowed */
    char *error;          /* sentence, always terminated; borrowed */
    size_t error_size;
    bool failed;
};

/* Duplicate keys, trailing text, NaN and nesting beyond jansson's limit are refused. Yours. */
json_t *json_fields_parse(const void *data, size_t size, char *error, size_t error_size);

void json_fields_fail(struct json_fields *fields, const char *key, const char *complaint);

/* Required fields. On failure *ret is untouched and the complaint is kept. */
void json_fields_u64(struct json_fields *fields, const char *key, uint64_t max, uint64_t *ret);
void json_fields_u32(struct json_fields *fields, const char *key, uint32_t max, uint32_t *ret);
void json_fields_i64(struct json_fields *fields, const char *key, int64_t *ret);
/* An instrument's time: refused when negative, or so large that sums of it could overflow. */
void json_fields_inst_time(struct json_fields *fields, const char *key, int64_t *ret);
void json_fields_double(struct json_fields *fields, const char *key, double *ret);
void json_fields_bool(struct json_fields *fields, const char *key, bool *ret);
/* Refused when longer than size - 1 bytes. */
void json_fields_text(struct json_fields *fields, const char *key, char *ret, size_t size);
/* 16 hexadecimal digits. */
void json_fields_session(struct json_fields *fields, const char *key, char *ret, size_t size);
/* The name's index in names[0..n). */
int json_fields_name(struct json_fields *fields, const char *key, const char *const *names, int n);
/* The member object, read with the same error; object NULL when it is not there. */
struct json_fields json_fields_object(struct json_fields *fields, const char *key);

bool json_fields_has(const struct json_fields *fields, const char *key);

/* Values to write. Yours. */
json_t *json_from_u64(uint64_t value);
json_t *json_from_i64(int64_t value);
json_t *json_from_double(double value);   /* null when not finite */
json_t *json_from_text(const char *text); /* invalid UTF-8 becomes "?" */

#endif
