#include "CJPEG.h"
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>

typedef struct {
    struct jpeg_error_mgr manager;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    cjpeg_image *image;
    int most_scans;
} decoding;

static void fail(j_common_ptr jpeg) {
    decoding *self = (decoding *)jpeg->err;
    switch (self->manager.msg_code) {
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED: self->image->unsupported = true;
    }
    char message[JMSG_LENGTH_MAX];
    self->manager.format_message(jpeg, message);
    snprintf(self->image->message, sizeof(self->image->message), "%s", message);
    longjmp(self->escape, 1);
}

// Levels below 0 are warnings. Each of those listed leaves every pixel what it is; the others mean that data is gone.
static void judge(j_common_ptr jpeg, int level) {
    if (level >= 0) { return; }
    decoding *self = (decoding *)jpeg->err;
    switch (self->manager.msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_PROGRESSION: break;
    default: fail(jpeg);
    }
    if (self->image->warning[0]) { return; }
    char message[JMSG_LENGTH_MAX];
    self->manager.format_message(jpeg, message);
    snprintf(self->image->warning, sizeof(self->image->warning), "%s", message);
}

static void say_nothing(j_common_ptr jpeg) {}

static void count_scans(j_common_ptr jpeg) {
    decoding *self = (decoding *)jpeg->err;
    int scans = ((j_decompress_ptr)jpeg)->input_scan_number;
    if (scans <= self->most_scans) { return; }
    self->image->too_many_scans = true;
    longjmp(self->escape, 1);
}

static void read_pixels(struct jpeg_decompress_struct *jpeg, uint8_t *pixels) {
    jpeg->out_color_space = jpeg->num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(jpeg);
    size_t row = (size_t)jpeg->output_components * jpeg->output_width;
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW line = pixels + jpeg->output_scanline * row;
        jpeg_read_scanlines(jpeg, &line, 1);
    }
    jpeg_finish_decompress(jpeg);
}

bool cjpeg_decode(const uint8_t *bytes, size_t count, int most_scans, uint8_t *pixels, cjpeg_image *image) {
    struct jpeg_decompress_struct jpeg = {0};
    decoding self = {.image = image, .most_scans = most_scans, .progress.progress_monitor = count_scans};
    volatile bool done = false;
    jpeg.err = jpeg_std_error(&self.manager);
    self.manager.error_exit = fail;
    self.manager.emit_message = judge;
    self.manager.output_message = say_nothing;
    image->unsupported = image->too_many_scans = false;
    image->message[0] = image->warning[0] = 0;
    if (!setjmp(self.escape)) {
        jpeg_create_decompress(&jpeg);
        jpeg.progress = &self.progress;
        jpeg_mem_src(&jpeg, bytes, count);
        jpeg_read_header(&jpeg, TRUE);
        image->width = jpeg.image_width;
        image->height = jpeg.image_height;
        image->components = jpeg.num_components;
        image->arithmetic = jpeg.arith_code;
        if (pixels) { read_pixels(&jpeg, pixels); }
        done = true;
    }
    jpeg_destroy_decompress(&jpeg);
    return done;
}

bool cjpeg_read_header(const uint8_t *bytes, size_t count, cjpeg_image *image) {
    return cjpeg_decode(bytes, count, 0, NULL, image);
}
