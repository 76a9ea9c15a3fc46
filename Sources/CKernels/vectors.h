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
KERNEL vector blend(integers mask, vector a, vector b) {
    return (vector)((mask & (integers)a) | (~mask & (integers)b));
}

// Lanes are put together by halves: one after another, each would wait for the one before.
typedef float f32x8 __attribute__((ext_vector_type(8)));
typedef float four __attribute__((ext_vector_type(4)));
#if LANES == 16
#define HALVES(x, together) together((x).lo, (x).hi)
#else
#define HALVES(x, together) (x)
#endif
#define PLUS(a, b) ((a) + (b))
#define LARGER(a, b) ((a) > (b) ? (a) : (b))

/// The sum of the lanes.
KERNEL float total(vector x) {
    f32x8 y = HALVES(x, PLUS);
    four z = y.lo + y.hi;
    return (z[0] + z[2]) + (z[1] + z[3]);
}

/// The largest lane.
KERNEL float largest_lane(vector x) {
    f32x8 y = HALVES(x, LARGER);
    four z = LARGER(y.lo, y.hi);
    return LARGER(LARGER(z[0], z[2]), LARGER(z[1], z[3]));
}
