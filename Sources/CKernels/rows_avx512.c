#if defined(__x86_64__)
#define TARGET "avx512f,avx512bw,avx512dq,avx512vl,fma"
#define LANES 16
#include "vectors.h"
#define ROW(name) sam_##name##_avx512
#include "exponential.h"
#include "gelu.h"
#include "narrow.h"
#include "normalise.h"
#include "outer_sum.h"
#include "transpose.h"
#endif
