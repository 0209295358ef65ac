#include "cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdint.h>

/* The compiler's own __builtin_cpu_supports says no to everything if zig compiles it: it links no runtime for it. */
static enum level detect(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1)) return PLAIN;
    if (!(c & bit_OSXSAVE) || !(c & bit_AVX)) return VECTOR_128;
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6) return VECTOR_128; /* the kernel does not save the upper halves of the registers */
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2)) return VECTOR_128;
    return VECTOR_256;
}
#elif defined(__aarch64__)
static enum level detect(void) { return VECTOR_128; } /* every 64-bit ARM has NEON */
#else
static enum level detect(void) { return PLAIN; }
#endif

enum level cpu_level(void) {
    static _Atomic int known; /* cached, because cpuid traps in a virtual machine */
    if (!known) known = 1 + (int)detect();
    return (enum level)(known - 1);
}
