/* cpu.h: which of the two levels this processor and system have. GCC's own question is 5 KB. */
#ifndef NN_CPU_H
#define NN_CPU_H

/* 4: x86-64-v4, 3: x86-64-v3, 0: neither. */
int cpu_level(void);
#endif
