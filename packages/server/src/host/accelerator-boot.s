# Boot sector of the accelerator self-test: the smallest guest that walks the path of every modern one.
#
#   real mode (interrupts, BIOS alive) -> protected mode -> paging with PAE -> 64-bit long mode -> exit
#
# It leaves through QEMU's isa-debug-exit device at port 0xf4: writing N ends QEMU with exit code 2*N+1. Success is
# 0x31 (exit code 99), a processor without long mode 0x32 (exit code 101). A virtual machine monitor that cannot run
# ordinary guests never gets here: it hangs, or shuts down on a fault.
#
# Build:  as --32 -o boot.o accelerator-boot.s && objcopy -O binary -j .text boot.o boot.bin    (512 bytes)
# The bytes stand in accelerator-boot.ts; accelerator.test.ts assembles this file again and compares.

        .set    ORIGIN,     0x7c00      # where the BIOS puts a boot sector
        .set    EXIT_PORT,  0xf4
        .set    PASSED,     0x31
        .set    NO_LONG,    0x32

        .set    PML4,       0x1000      # page tables, below the boot sector
        .set    PDPT,       0x2000
        .set    PD,         0x3000
        .set    SCRATCH,    0x5000      # a word that 64-bit code writes through paging

        .set    CODE32,     0x08        # selectors in the GDT below
        .set    DATA,       0x10
        .set    CODE64,     0x18

        .text
        .code16
        .globl  _start
_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $ORIGIN, %sp
        ljmpw   $0, $(real - _start + ORIGIN)
real:
        # One tick of the timer: an accelerator that loses interrupts sleeps here for good.
        sti
        hlt
        cli

        # Protected mode.
        lgdtw   (gdt_pointer - _start + ORIGIN)
        movl    %cr0, %eax
        orb     $1, %al                 # CR0.PE
        movl    %eax, %cr0
        ljmpl   $CODE32, $(protected - _start + ORIGIN)

        .code32
protected:
        movw    $DATA, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss

        # Is there a long mode? CPUID 0x80000001, EDX bit 29.
        movl    $0x80000001, %eax
        cpuid
        btl     $29, %edx
        jc      tables
        movb    $NO_LONG, %al
        outb    %al, $EXIT_PORT
        hlt

        # Page tables: one 2 MiB page, mapped at 0 and, through entry 256 of the top level, at 0xffff800000000000.
tables:
        cld
        xorl    %eax, %eax
        movl    $PML4, %edi
        movl    $(3 * 4096 / 4), %ecx
        rep     stosl
        movl    $(PDPT | 3), (PML4)             # present, writable
        movl    $(PDPT | 3), (PML4 + 256 * 8)
        movl    $(PD | 3), (PDPT)
        movl    $0x83, (PD)                     # present, writable, 2 MiB

        # Long mode: PAE, table base, EFER.LME, paging.
        movl    %cr4, %eax
        orb     $0x20, %al              # CR4.PAE
        movl    %eax, %cr4
        movl    $PML4, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx       # EFER
        rdmsr
        orw     $0x100, %ax             # EFER.LME
        wrmsr
        movl    %cr0, %eax
        orl     $0x80000000, %eax       # CR0.PG
        movl    %eax, %cr0
        ljmpl   $CODE64, $(long - _start + ORIGIN)

        .code64
long:
        # Work that only 64-bit mode can do: a 64-bit value, written by its high address, read back by its low one.
        movabsq $0x0123456789abcdef, %r15
        movabsq $(0xffff800000000000 + SCRATCH), %rdi
        movq    %r15, (%rdi)
        movl    $SCRATCH, %esi
        cmpq    %r15, (%rsi)
        jne     stuck
        movb    $PASSED, %al
        outb    %al, $EXIT_PORT
stuck:
        hlt
        jmp     stuck

        .balign 8
gdt:
        .quad   0                       # null
        .quad   0x00cf9a000000ffff      # CODE32: base 0, 4 GiB, execute and read, 32-bit
        .quad   0x00cf92000000ffff      # DATA: base 0, 4 GiB, read and write
        .quad   0x00af9a000000ffff      # CODE64: execute and read, long mode
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   gdt - _start + ORIGIN

        .org    510
        .word   0xaa55                  # boot signature
