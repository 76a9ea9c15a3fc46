/// eˣ for x up to 0: see `exponential` in Tensors/Exponential.swift.
KERNEL vector exponential(vector x) {
    x = blend(x < -87, (vector)(-87.0f), x);
    const vector magic = 12582912.0f + 127;
    vector shifted = x * 1.44269504f + magic;
    vector whole = shifted - magic;
    vector rest = (x - whole * 0.693359375f) - whole * -2.1219444e-4f;
    vector power = 0.0013814613181613216f;
    power = power * rest + 0.0083687098231077089f;
    power = power * rest + 0.041668387362842112f;
    power = power * rest + 0.16666520689843886f;
    power = power * rest + 0.49999993451700658f;
    power = power * rest + 1;
    power = power * rest + 1;
    return power * (vector)((integers)shifted << 23);
}

/// max xᵢ.
__attribute__((target(TARGET))) float ROW(maximum)(const float *x, long count) {
    vector largest = -__builtin_inff();
    long i = 0;
    for (; i + LANES <= count; i += LANES) largest = blend(load(x + i) > largest, load(x + i), largest);
    float result = largest_lane(largest);
    for (; i < count; i++) result = x[i] > result ? x[i] : result;
    return result;
}

/// Replaces xᵢ by exp(xᵢ − maximum), and returns the sum.
__attribute__((target(TARGET))) float ROW(exponentiate)(float *x, long count, float maximum) {
    vector sum = 0.0f;
    long i = 0;
    for (; i + LANES <= count; i += LANES) {
        vector power = exponential(load(x + i) - maximum);
        store(x + i, power);
        sum += power;
    }
    float result = total(sum);
    if (i < count) {
        vector tail = -__builtin_inff();
        memcpy(&tail, x + i, (count - i) * sizeof(float));
        tail = exponential(tail - maximum);
        memcpy(x + i, &tail, (count - i) * sizeof(float));
        for (int lane = 0; lane < count - i; lane++) result += tail[lane];
    }
    return result;
}
