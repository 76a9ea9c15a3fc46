// The inner loops that need a processor's own vector instructions: one function an instruction set, all the same.
// Each is documented beside its plain definition in Swift (Tensors/Kernels.swift), which tests hold it to.
#pragma once
#include <stdbool.h>
#include <stdint.h>

/// What the processor has: 0 what every one of its kind has, 1 AVX2 with FMA, 2 AVX-512, 3 AVX-512 with BF16.
int sam_instruction_set(void);

/// product[rows, 16 · panels] = left[rows, inner] · right[inner, 16 · panels], or that added to it.
///
/// Strides count elements of 32 bits: floats, or pairs of bfloat16 whose products are summed.
typedef struct {
    const void *left;
    long left_row, left_inner; // from one row, and from one of inner, to the next
    const void *right;
    long right_inner, right_panel; // from one of inner, and from one panel of 16 columns, to the next
    float *product;
    long product_row;
    long rows, inner, panels;
    bool accumulate;
} sam_product;

#define SAM_KERNELS(name)                                                                                        \
    void sam_multiply_f32_##name(sam_product);                                                                   \
    void sam_multiply_bf16_##name(sam_product);                                                                  \
    float sam_maximum_##name(const float *x, long count);                                                        \
    float sam_exponentiate_##name(float *x, long count, float maximum);                                          \
    void sam_gelu_##name(float *x, long count);                                                                  \
    void sam_normalise_##name(const float *x, float *y, long count, const float *weight, const float *bias,      \
                              float epsilon);                                                                    \
    void sam_outer_sum_##name(const float *x, long rows, const float *y, long columns, float *sums);             \
    void sam_narrow_##name(const float *x, uint16_t *y, long count);                                             \
    void sam_transpose_##name(const float *const *rows, float *target, long count);

#if defined(__x86_64__)
SAM_KERNELS(avx2)
SAM_KERNELS(avx512)
void sam_multiply_bf16_avx512bf16(sam_product);
void sam_narrow_avx512bf16(const float *x, uint16_t *y, long count);
#endif
