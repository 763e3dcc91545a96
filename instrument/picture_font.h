/*
 * A small bitmap font for captions in pictures: ASCII and the micro sign, 5 x 8 dots in a cell of
 * 6 x 9. Text is UTF-8; a character without a glyph is drawn as '?'.
 */
#ifndef INSTRUMENT_PICTURE_FONT_H
#define INSTRUMENT_PICTURE_FONT_H

#include <stdint.h>

enum {
    PICTURE_GLYPH_WIDTH = 5,
    PICTURE_GLYPH_HEIGHT = 8,
    PICTURE_CELL_WIDTH = 6,
    PICTURE_CELL_HEIGHT = 9
};

/*
 * The next character's glyph, 8 rows from the top, bit 4 = leftmost dot; *text moves behind it.
 * NULL at the end of the text. Borrowed, lives for ever.
 */
const uint8_t *picture_next_glyph(const char **text);

/* Characters in the text. */
uint32_t picture_text_length(const char *text);

#endif
