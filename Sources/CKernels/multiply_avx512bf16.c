#if defined(__x86_64__)
#include <immintrin.h>
#define TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma"
#define LANES 16
#include "vectors.h"
#define ROWS 12
#define PANELS 2

#define TILE tile_bf16
#define MULTIPLY sam_multiply_bf16_avx512bf16
#define DOT(sum, a, b) ((vector)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(a), (__m512bh)(b)))
#include "multiply.h"

#define ROW(name) sam_##name##_avx512bf16
#define NARROW(x) ((halves)_mm512_cvtneps_pbh((__m512)(x)))
#include "narrow.h"
#endif
