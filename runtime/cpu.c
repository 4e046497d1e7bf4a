/* cpu.c: see cpu.h. CPUID says what the processor has, XCR0 which registers the system saves; names and bits as in the x86-64 psABI. */
#include "cpu.h"
#if defined(__x86_64__)
#include <cpuid.h>

enum {
    FIRST = 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29, /* leaf 1, ecx: FMA MOVBE OSXSAVE AVX F16C */
    LZCNT = 1u << 5,                                              /* leaf 0x80000001, ecx */
    SEVENTH = 1u << 3 | 1u << 5 | 1u << 8,                        /* leaf 7, ebx: BMI1 AVX2 BMI2 */
    YMM = 0x6,                                                    /* XCR0: xmm, ymm */
    ZMM = 0xe6                                                    /* and masks, upper halves, zmm16 .. */
};
static const unsigned AVX512 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31; /* leaf 7, ebx: F DQ CD BW VL */

static unsigned saved_registers(void) {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}
int cpu_level(void) {
    unsigned a, b, c, d, seventh, more;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & FIRST) != FIRST) return 0;
    if (!__get_cpuid_count(7, 0, &a, &seventh, &c, &d) || (seventh & SEVENTH) != SEVENTH) return 0;
    if (!__get_cpuid(0x80000001u, &a, &b, &more, &d) || !(more & LZCNT)) return 0;
    unsigned saved = saved_registers();
    if ((saved & YMM) != YMM) return 0;
    return (seventh & AVX512) == AVX512 && (saved & ZMM) == ZMM ? 4 : 3;
}
#else
int cpu_level(void) { return 0; }
#endif
