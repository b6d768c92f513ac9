/* Entry of a RISC-V image, its traps, and the semihosting sequence. */
    .option arch, +zicsr
    .section .entry, "ax"
    .globl reset
reset:
    la sp, image_stack_top
    .option push
    .option norelax                 /* or this becomes `mv gp, gp` */
    la gp, __global_pointer$
    .option pop
    la t0, trap
    csrw mtvec, t0
    j start_program

    .balign 4
trap:
    csrr a0, mepc
    j report_fault

/* The debugger knows these three words by their neighbourhood: uncompressed, in one page. */
    .text
    .globl semihosting_call
    .balign 16
    .option norvc
semihosting_call:
    slli x0, x0, 0x1f
    ebreak
    srai x0, x0, 7
    ret
