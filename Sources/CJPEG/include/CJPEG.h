// libjpeg's interface, with its longjmp turned into a result.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t width;
    uint32_t height;
    // 1 grey, 3 colour, 4 CMYK or YCCK.
    int components;
    // What libjpeg says is wrong, where a function returns false.
    char message[200];
} cjpeg_image;

// Reads the header of a JPEG held in memory.
bool cjpeg_read_header(const uint8_t *bytes, size_t count, cjpeg_image *image);

// Decodes it whole into 3 · width · height values: 8 bits of red, green, blue. What libjpeg only warns of
// (data that ends early, codes that mean nothing) is an error here.
bool cjpeg_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, cjpeg_image *image);
