// libpng's ordinary interface, with its longjmp turned into a result.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t width;
    uint32_t height;
    // Whether samples have 16 bits.
    bool is_deep;
    // Of a pixel as it is decoded: 3, or of 16-bit grey 1.
    int channels;
    // What the file's compressed data must inflate to, in bytes.
    uint64_t inflated_bytes;
    // What libpng says is wrong, where a function returns false.
    char message[200];
    // What is wrong after the last pixel; empty where nothing is.
    char warning[200];
} cpng_image;

// Reads the header of a PNG held in memory.
bool cpng_read_header(const uint8_t *bytes, size_t count, cpng_image *image);

// Decodes it whole into width · height pixels of `channels` samples of 8 bits, or of 16 in the machine's order where the
// file has so many; alpha is dropped, gamma and texts ignored.
//
// `any_window`: the compressed data may reach farther back than it declares.
bool cpng_decode(const uint8_t *bytes, size_t count, bool any_window, void *pixels, cpng_image *image);

// Encodes 1 or 3 channels of 8 or 16 bits, the high byte first; `*bytes` is to be freed.
bool cpng_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int bits, char **bytes,
                 size_t *count, cpng_image *image);
