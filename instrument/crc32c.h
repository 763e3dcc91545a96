/*
 * CRC-32C (Castagnoli), as in iSCSI; "123456789" gives 0xe3069283.
 */
#ifndef INSTRUMENT_CRC32C_H
#define INSTRUMENT_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *data, size_t size);

#endif
