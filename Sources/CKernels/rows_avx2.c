#if defined(__x86_64__)
#define TARGET "avx2,fma"
#define LANES 8
#include "vectors.h"
#define ROW(name) sam_##name##_avx2
#include "rows.h"
#include "transpose.h"
#endif
