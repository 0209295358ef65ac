/* The instructions that this processor has. Kernels of all levels give the same bytes. */
#ifndef TINYPICS_CPU_H
#define TINYPICS_CPU_H

enum level { PLAIN, VECTOR_128, VECTOR_256 }; /* none; SSE4.1 or NEON; AVX2 */

/* The highest level that the processor and the kernel support. */
enum level cpu_level(void);

#endif
