// target[count, 16] = the transpose of 16 rows of `count` elements of 32 bits.

typedef float sixteen __attribute__((ext_vector_type(16)));

__attribute__((target(TARGET))) void ROW(transpose)(const float *const *rows, float *target, long count) {
    long k = 0;
    for (; k + 16 <= count; k += 16) {
        sixteen x[16], y[16];
#pragma clang loop unroll(full)
        for (int row = 0; row < 16; row++) memcpy(&x[row], rows[row] + k, sizeof x[row]);
        // Four times each row is interleaved with the one that is eight rows below: then all are columns.
#pragma clang loop unroll(full)
        for (int round = 0; round < 4; round++) {
#pragma clang loop unroll(full)
            for (int row = 0; row < 8; row++) {
                y[2 * row] = __builtin_shufflevector(x[row], x[row + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6,
                                                     22, 7, 23);
                y[2 * row + 1] = __builtin_shufflevector(x[row], x[row + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                                         13, 29, 14, 30, 15, 31);
            }
#pragma clang loop unroll(full)
            for (int row = 0; row < 16; row++) x[row] = y[row];
        }
#pragma clang loop unroll(full)
        for (int column = 0; column < 16; column++) memcpy(target + (k + column) * 16, &x[column], sizeof x[column]);
    }
    for (; k < count; k++)
        for (int row = 0; row < 16; row++) target[k * 16 + row] = rows[row][k];
}
