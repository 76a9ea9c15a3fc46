// MULTIPLY: see sam_product. The product is made in tiles of up to ROWS rows and PANELS panels, as large as the
// registers hold; DOT(sum, a, b) adds the products of elements.

KERNEL void TILE(const int rows, const int panels, const int32_t *left, const int32_t *right, const int32_t *ahead,
                 float *product, const sam_product *p) {
    vector sum[ROWS][PANELS * 16 / LANES] = {};
    const int vectors = panels * 16 / LANES;
    for (long k = 0; k < p->inner; k++) {
        __builtin_prefetch(ahead + k * 16, 0, 2);
        integers b[PANELS * 16 / LANES];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++)
            memcpy(&b[v], right + v * LANES / 16 * p->right_panel + v * LANES % 16, sizeof b[v]);
#pragma clang loop unroll(full)
        for (int row = 0; row < rows; row++) {
            integers a = (integers)(left[row * p->left_row]);
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sum[row][v] = DOT(sum[row][v], a, b[v]);
        }
        left += p->left_inner;
        right += p->right_inner;
    }
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            float *place = product + row * p->product_row + v * LANES;
            store(place, p->accumulate ? load(place) + sum[row][v] : sum[row][v]);
        }
}

__attribute__((target(TARGET))) void MULTIPLY(sam_product p) {
    for (long panel = 0; panel < p.panels;) {
        const int32_t *right = (const int32_t *)p.right + panel * p.right_panel;
        const bool wide = p.panels - panel >= PANELS;
        for (long row = 0; row < p.rows;) {
            const int32_t *left = (const int32_t *)p.left + row * p.left_row;
            float *product = p.product + row * p.product_row + panel * 16;
            // The first tiles have the next panels brought near.
            const long next = panel + PANELS + row / ROWS;
            const int32_t *ahead = row / ROWS < PANELS && next < p.panels ? right + (next - panel) * p.right_panel
                                                                          : right;
#define RUN(tile_rows)                                                                                           \
    do {                                                                                                         \
        if (wide) TILE(tile_rows, PANELS, left, right, ahead, product, &p);                                      \
        else TILE(tile_rows, 1, left, right, ahead, product, &p);                                                \
        row += tile_rows;                                                                                        \
    } while (0)
            if (p.rows - row >= ROWS) RUN(ROWS);
            else if (p.rows - row >= 4) RUN(4);
            else RUN(1);
        }
        panel += wide ? PANELS : 1;
    }
}
#undef RUN
#undef DOT
#undef TILE
#undef MULTIPLY
