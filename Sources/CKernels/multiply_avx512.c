#if defined(__x86_64__)
#define TARGET "avx512f,avx512bw,avx512dq,avx512vl,fma"
#define LANES 16
#include "vectors.h"
#define ROWS 12
#define PANELS 2

#define TILE tile_f32
#define MULTIPLY sam_multiply_f32_avx512
#define DOT(sum, a, b) ((sum) + (vector)(a) * (vector)(b))
#include "multiply.h"

// A bfloat16 is the upper half of a float.
#define TILE tile_bf16
#define MULTIPLY sam_multiply_bf16_avx512
#define DOT(sum, a, b)                                                                                           \
    ((sum) + (vector)((a) << 16) * (vector)((b) << 16)                                                           \
     + (vector)((a) & (int32_t)0xffff0000) * (vector)((b) & (int32_t)0xffff0000))
#include "multiply.h"
#endif
