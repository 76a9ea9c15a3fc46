#if defined(__x86_64__)
#define TARGET "avx2,fma"
#define LANES 8
#include "vectors.h"
#define ROW(name) sam_##name##_avx2
#include "exponential.h"
#include "gelu.h"
#include "narrow.h"
#include "normalise.h"
#include "outer_sum.h"
#include "transpose.h"
#endif
