// Vectors of LANES floats for the instruction set TARGET, both defined by the file that includes this one.
#include "kernels.h"
#include <string.h>
#pragma clang fp contract(fast)

#define KERNEL static inline __attribute__((always_inline, target(TARGET)))
typedef float vector __attribute__((ext_vector_type(LANES)));
typedef int32_t integers __attribute__((ext_vector_type(LANES)));

KERNEL vector load(const float *x) {
    vector y;
    memcpy(&y, x, sizeof y);
    return y;
}

KERNEL void store(float *x, vector y) { memcpy(x, &y, sizeof y); }

/// `a` where all bits of `mask` are set, `b` where none is.
KERNEL vector chosen(integers mask, vector a, vector b) {
    return (vector)((mask & (integers)a) | (~mask & (integers)b));
}

/// The sum of the lanes.
KERNEL float total(vector x) {
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += x[lane];
    return sum;
}
