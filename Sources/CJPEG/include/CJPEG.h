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
    // Whether its codes are arithmetic, which take less than a bit for what repeats.
    bool arithmetic;
    // Where a function returns false: whether libjpeg does not read this kind of JPEG, which is not damaged.
    bool unsupported;
    // Whether decoding stopped at more scans than were to be read.
    bool too_many_scans;
    // What libjpeg says is wrong, where a function returns false.
    char message[200];
    // The first thing that libjpeg warned of and that loses no pixel; empty where there was none.
    char warning[200];
} cjpeg_image;

// Reads the header of a JPEG held in memory.
bool cjpeg_read_header(const uint8_t *bytes, size_t count, cjpeg_image *image);

// Decodes it whole into width · height values of each pixel: red, green, blue, or of four components those four as
// the file has them (Adobe's inverted CMYK). A warning of libjpeg which means that data is missing or wrong is an error
// here, and so are more scans than `most_scans`.
bool cjpeg_decode(const uint8_t *bytes, size_t count, int most_scans, uint8_t *pixels, cjpeg_image *image);
