typedef uint32_t u32xN __attribute__((ext_vector_type(LANES)));
typedef uint16_t halves __attribute__((ext_vector_type(LANES)));

/// To bfloat16: see `bfloat16` in Tensors/Kernels.swift. NARROW(x) is the processor's own instruction where it has one.
#ifndef NARROW
KERNEL halves narrow(vector x) {
    u32xN bits = (u32xN)x;
    u32xN rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    u32xN is_nan = (u32xN)((bits & 0x7fffffff) > 0x7f800000);
    return __builtin_convertvector((is_nan & (bits >> 16 | 0x40)) | (~is_nan & rounded), halves);
}
#define NARROW narrow
#endif

__attribute__((target(TARGET))) void ROW(narrow)(const float *x, uint16_t *y, long count) {
    long i = 0;
    for (; i + LANES <= count; i += LANES) {
        halves narrowed = NARROW(load(x + i));
        memcpy(y + i, &narrowed, sizeof narrowed);
    }
    if (i < count && i > 0) {
        // The last vector once more, from where it is whole.
        halves narrowed = NARROW(load(x + count - LANES));
        memcpy(y + count - LANES, &narrowed, sizeof narrowed);
    } else if (i < count) {
        vector tail = 0.0f;
        memcpy(&tail, x + i, (count - i) * sizeof(float));
        halves narrowed = NARROW(tail);
        memcpy(y + i, &narrowed, (count - i) * sizeof(uint16_t));
    }
}
