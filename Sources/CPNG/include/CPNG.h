// libpng's ordinary interface, with its longjmp turned into a result.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t width;
    uint32_t height;
    // What the file's compressed data must inflate to, in bytes.
    uint64_t inflated_bytes;
    // What libpng says is wrong, where a function returns false.
    char message[200];
} cpng_image;

// Reads the header of a PNG held in memory.
bool cpng_read_header(const uint8_t *bytes, size_t count, cpng_image *image);

// Decodes it whole, to its end chunk, into 3 · width · height values: 8 bits of red, green, blue; alpha is
// dropped, of 16 bits the high byte kept, gamma ignored.
bool cpng_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, cpng_image *image);

// Encodes 1 or 3 channels of 8 or 16 bits, the high byte first; `*bytes` is to be freed.
bool cpng_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int bits, char **bytes,
                 size_t *count, cpng_image *image);
