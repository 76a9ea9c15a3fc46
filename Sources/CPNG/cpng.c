#define _GNU_SOURCE
#include "CPNG.h"
#include <png.h>
#include <stdio.h>
#include <string.h>

static void fail(png_structp png, png_const_charp message) {
    cpng_image *image = png_get_error_ptr(png);
    snprintf(image->message, sizeof(image->message), "%s", message);
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp message) {}

static void read_header(png_structp png, png_infop info, FILE *file, bool any_window, cpng_image *image) {
    png_init_io(png, file);
    // libpng drops an optional chunk whose checksum is wrong; here it means that the file is damaged.
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Texts and profiles are not needed, and may inflate to a thousand times their size.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    if (any_window) { png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON); }
    png_read_info(png, info);
    image->width = png_get_image_width(png, info);
    image->height = png_get_image_height(png, info);
    image->is_deep = png_get_bit_depth(png, info) == 16;
    image->channels = image->is_deep && !(png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR) ? 1 : 3;
    image->inflated_bytes = (uint64_t)png_get_rowbytes(png, info) * image->height;
}

static void read_pixels(png_structp png, png_infop info, uint8_t *pixels, const cpng_image *image) {
    png_set_palette_to_rgb(png);
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_alpha(png);
    if (image->channels == 3) { png_set_gray_to_rgb(png); }
    const uint16_t one = 1;
    if (image->is_deep && *(const uint8_t *)&one) { png_set_swap(png); }
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t row = (size_t)image->channels * (image->is_deep ? 2 : 1) * image->width;
    if (png_get_rowbytes(png, info) != row) { png_error(png, "another number of channels than expected"); }
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t y = 0; y < image->height; y++) { png_read_row(png, pixels + y * row, NULL); }
    }
}

// Reads what follows the pixels, to the end chunk. By then they are complete, and their checksums were right.
static void read_end(png_structp png, cpng_image *image) {
    if (!setjmp(png_jmpbuf(png))) {
        png_read_end(png, NULL);
    } else {
        memcpy(image->warning, image->message, sizeof(image->warning));
    }
}

bool cpng_decode(const uint8_t *bytes, size_t count, bool any_window, void *pixels, cpng_image *image) {
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, image, fail, ignore);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    FILE *file = fmemopen((void *)bytes, count, "rb");
    volatile bool done = false;
    image->message[0] = image->warning[0] = 0;
    if (!info || !file) {
        snprintf(image->message, sizeof(image->message), "out of memory");
    } else if (!setjmp(png_jmpbuf(png))) {
        read_header(png, info, file, any_window, image);
        if (pixels) {
            read_pixels(png, info, pixels, image);
            read_end(png, image);
        }
        done = true;
    }
    if (file) { fclose(file); }
    png_destroy_read_struct(&png, &info, NULL);
    return done;
}

bool cpng_read_header(const uint8_t *bytes, size_t count, cpng_image *image) {
    return cpng_decode(bytes, count, false, NULL, image);
}

bool cpng_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int bits, char **bytes,
                 size_t *count, cpng_image *image) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, image, fail, ignore);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    FILE *file = open_memstream(bytes, count);
    bool done = false;
    if (!info || !file) {
        snprintf(image->message, sizeof(image->message), "out of memory");
    } else if (!setjmp(png_jmpbuf(png))) {
        png_init_io(png, file);
        png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
        png_set_IHDR(png, info, width, height, bits, channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_write_info(png, info);
        for (uint32_t y = 0; y < height; y++) {
            png_write_row(png, pixels + (size_t)y * width * channels * (bits / 8));
        }
        png_write_end(png, info);
        done = true;
    }
    if (file && fclose(file) != 0) { done = false; }
    png_destroy_write_struct(&png, &info);
    return done;
}
