#include "CJPEG.h"
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>

typedef struct {
    struct jpeg_error_mgr manager;
    jmp_buf escape;
    cjpeg_image *image;
} failure;

static void fail(j_common_ptr jpeg) {
    failure *failed = (failure *)jpeg->err;
    char message[JMSG_LENGTH_MAX];
    failed->manager.format_message(jpeg, message);
    snprintf(failed->image->message, sizeof(failed->image->message), "%s", message);
    longjmp(failed->escape, 1);
}

static void judge(j_common_ptr jpeg, int level) {
    if (level < 0) { fail(jpeg); }
}

static void say_nothing(j_common_ptr jpeg) {}

static void read_pixels(struct jpeg_decompress_struct *jpeg, uint8_t *pixels) {
    jpeg->out_color_space = JCS_RGB;
    jpeg_start_decompress(jpeg);
    size_t row = (size_t)3 * jpeg->output_width;
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW line = pixels + jpeg->output_scanline * row;
        jpeg_read_scanlines(jpeg, &line, 1);
    }
    jpeg_finish_decompress(jpeg);
}

bool cjpeg_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, cjpeg_image *image) {
    struct jpeg_decompress_struct jpeg = {0};
    failure failed = {.image = image};
    volatile bool done = false;
    jpeg.err = jpeg_std_error(&failed.manager);
    failed.manager.error_exit = fail;
    failed.manager.emit_message = judge;
    failed.manager.output_message = say_nothing;
    if (!setjmp(failed.escape)) {
        jpeg_create_decompress(&jpeg);
        jpeg_mem_src(&jpeg, bytes, count);
        jpeg_read_header(&jpeg, TRUE);
        image->width = jpeg.image_width;
        image->height = jpeg.image_height;
        image->components = jpeg.num_components;
        if (pixels) { read_pixels(&jpeg, pixels); }
        done = true;
    }
    jpeg_destroy_decompress(&jpeg);
    return done;
}

bool cjpeg_read_header(const uint8_t *bytes, size_t count, cjpeg_image *image) {
    return cjpeg_decode(bytes, count, NULL, image);
}
