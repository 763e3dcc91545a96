/*
 * The vector of the instruction set that a kernel source is being compiled for. The build compiles
 * each kernel source once per set and says which with NN_KERNEL_ISA (a suffix) and the compiler's
 * own switches. GCC's vector extension, which clang shares, plus a fused multiply-add and a maximum
 * where the set has them.
 */
#ifndef NN_KERNEL_VECTOR_H
#define NN_KERNEL_VECTOR_H

#include "nn/kernel.h"

#include <string.h>

#if defined __AVX512F__
#include <immintrin.h>
enum { V = 16 };
#elif defined __AVX2__
#include <immintrin.h>
enum { V = 8 };
#else
enum { V = 4 };
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
/* The name of an outward function, one per instruction set. */
#define KERNEL(name) JOIN(name##_, NN_KERNEL_ISA)

/* Before a loop of literal length over a block that is to stay in registers. */
#if defined __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define INLINE static inline __attribute__((always_inline))

#if defined __AVX512F__
#define VECTOR_BYTES 64
#elif defined __AVX2__
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
typedef float vec __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef float vec_anywhere __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef int32_t vec_int __attribute__((vector_size(VECTOR_BYTES)));

INLINE vec load(const float *from)
{
    return *(const vec *)from;
}

INLINE vec load_anywhere(const float *from)
{
    return (vec) * (const vec_anywhere *)from;
}

INLINE void store(float *to, vec value)
{
    *(vec *)to = value;
}

INLINE void store_anywhere(float *to, vec value)
{
    *(vec_anywhere *)to = (vec_anywhere)value;
}

INLINE vec splat(float value)
{
#if defined __AVX512F__
    return (vec)_mm512_set1_ps(value);
#elif defined __AVX2__
    return (vec)_mm256_set1_ps(value);
#else
    return (vec){value, value, value, value};
#endif
}

/* a b + c, rounded once where the set can. */
INLINE vec multiply_add(vec a, vec b, vec c)
{
#if defined __AVX512F__
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined __AVX2__
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

/* The larger; b where a is not a number. */
INLINE vec larger(vec a, vec b)
{
#if defined __AVX512F__
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined __AVX2__
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    vec_int mask = (vec_int)(a > b);
    return (vec)((mask & (vec_int)a) | (~mask & (vec_int)b));
#endif
}

INLINE vec square_root(vec a)
{
#if defined __AVX512F__
    return (vec)_mm512_sqrt_ps((__m512)a);
#elif defined __AVX2__
    return (vec)_mm256_sqrt_ps((__m256)a);
#else
    for (int i = 0; i < V; i++)
        a[i] = __builtin_sqrtf(a[i]);
    return a;
#endif
}

INLINE uint32_t groups_of(uint32_t count, uint32_t size)
{
    return (count + size - 1) / size;
}

#endif
