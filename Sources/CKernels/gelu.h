/// x · Φ(x): see `applyGELU` in Tensors/GELU.swift.
KERNEL vector gelu(vector x) {
    vector distance = blend(x < 0, -x, x) * 0.70710677f;
    vector t = blend(distance > 5e7f, (vector)(5e7f), distance);
    vector numerator = 0.031853232959209443f;
    numerator = numerator * t + 0.22478472546755385f;
    numerator = numerator * t + 0.72236148165020697f;
    numerator = numerator * t + 1.2296495477205689f;
    numerator = numerator * t + 1;
    vector denominator = 0.056457542704192142f;
    denominator = denominator * t + 0.39845105371009637f;
    denominator = denominator * t + 1.3081012717217768f;
    denominator = denominator * t + 2.3831056613434258f;
    denominator = denominator * t + 2.3580290518714344f;
    denominator = denominator * t + 1;
    vector tail = x * 0.5f * exponential(x * x * -0.5f) * numerator / denominator;
    return blend(x > 0, x - tail, tail);
}

__attribute__((target(TARGET))) void ROW(gelu)(float *x, long count) {
    long i = 0;
    for (; i + LANES <= count; i += LANES) store(x + i, gelu(load(x + i)));
    if (i < count) {
        vector tail = 0.0f;
        memcpy(&tail, x + i, (count - i) * sizeof(float));
        tail = gelu(tail);
        memcpy(x + i, &tail, (count - i) * sizeof(float));
    }
}
