/// One row of a layer norm: see `normalise` in Tensors/LayerNorm.swift.
__attribute__((target(TARGET))) void ROW(normalise)(const float *x, float *y, long count, const float *weight,
                                                    const float *bias, float epsilon) {
    const long whole = count / LANES * LANES;
    vector sums = 0.0f, squares = 0.0f;
    for (long i = 0; i < whole; i += LANES) sums += load(x + i);
    float sum = total(sums);
    for (long i = whole; i < count; i++) sum += x[i];
    const float mean = sum / count;
    for (long i = 0; i < whole; i += LANES) squares += (load(x + i) - mean) * (load(x + i) - mean);
    float square = total(squares);
    for (long i = whole; i < count; i++) square += (x[i] - mean) * (x[i] - mean);
    const float scale = 1 / __builtin_sqrtf(square / count + epsilon);
    for (long i = 0; i < whole; i += LANES)
        store(y + i, (load(x + i) - mean) * scale * load(weight + i) + load(bias + i));
    for (long i = whole; i < count; i++) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}
