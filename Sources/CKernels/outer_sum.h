/// sums[rows, columns] = x[rows, 1] + y[columns]; vectors read and write up to LANES - 1 beyond y and the last row.
__attribute__((target(TARGET))) void ROW(outer_sum)(const float *x, long rows, const float *y, long columns,
                                                    float *sums) {
    for (long row = 0; row < rows; row++)
        for (long i = 0; i < columns; i += LANES) store(sums + row * columns + i, x[row] + load(y + i));
}
