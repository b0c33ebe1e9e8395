/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What spatch is told of macros (--macro-file-builtins), for code of the kernel.
 *
 * The file that comes with spatch has names of many programs, and a file that
 * means something else by one of them is misread: its TRACE_EXIT is `return`,
 * its DBG(x) hides x, its PAGE_ALIGNED is nothing.  So here are only names that
 * the kernel's own headers define, or that are reserved because they begin with
 * two underscores, and only where the C parser of spatch is in trouble without:
 *
 *  - attributes, which may stand where it expects no further word;
 *  - strings that stand beside other strings;
 *  - macros that are given an operator or a type, or that make a declaration,
 *    the head of a function or the end of a loop.
 *
 * What stands for code says of it what the kernel's definition says, as far as
 * control flow and the values of variables go.  spatch changes nothing that comes
 * from here.
 */

/* Attributes.  Source: include/linux/compiler*.h, init.h, cache.h, linkage.h. */
#define __init
#define __initconst
#define __initdata
#define __init_or_module
#define __initdata_or_module
#define __exit
#define __exitdata
#define __meminit
#define __meminitdata
#define __net_init
#define __net_exit
#define __net_initdata
#define __paginginit
#define __ref
#define __refdata
#define __ro_after_init
#define __read_mostly
#define __nosavedata
#define __user
#define __iomem
#define __percpu
#define __rcu
#define __kernel
#define __force
#define __nocast
#define __private
#define __bitwise
#define __bitwise__
#define __must_check
#define __maybe_unused
#define __always_unused
#define __used
#define __unused
#define __deprecated
#define __pure
#define __attribute_const__
#define __malloc
#define __cold
#define __weak
#define __visible
#define __noreturn
#define __noclone
#define __always_inline
#define __packed
#define __randomize_layout
#define __no_randomize_layout
#define __designated_init
#define __cacheline_aligned
#define __cacheline_aligned_in_smp
#define ____cacheline_aligned
#define ____cacheline_aligned_in_smp
#define ____cacheline_internodealigned_in_smp
#define __page_aligned_data
#define __page_aligned_bss
#define __sched
#define __kprobes
#define __lockfunc
#define __irq_entry
#define __softirq_entry
#define __cpuidle
#define __latent_entropy
#define __no_kcsan
#define __no_sanitize_address
#define __no_sanitize_or_inline
#define __no_kasan_or_inline
#define __bpf_kfunc
#define asmlinkage
#define noinline
#define noinline_for_stack
#define noinstr
#define notrace

/* Up to Linux 3.7, 4.14 and 5.8: drivers that build for these still say so. */
#define __devinit
#define __devinitdata
#define __devinitconst
#define __devexit
#define __devexitdata
#define __cpuinit
#define __cpuinitdata
#define __cpuexit
#define __init_refok
#define fastcall
#define uninitialized_var(x) x = x

/* ... with arguments.  Source: include/linux/compiler*.h, cleanup.h. */
#define __releases(x)
#define __acquires(x)
#define __must_hold(x)
#define __printf(a, b)
#define __scanf(a, b)
#define __aligned(x)
#define __page_aligned(x)
#define __section(x)
#define __alloc_size(...)
#define __counted_by(x)
#define __counted_by_le(x)
#define __counted_by_be(x)
#define __free(x)

/* Strings.  Source: include/linux/kern_levels.h; kbuild gives the last. */
#define KERN_EMERG "KERN_EMERG"
#define KERN_ALERT "KERN_ALERT"
#define KERN_CRIT "KERN_CRIT"
#define KERN_ERR "KERN_ERR"
#define KERN_WARNING "KERN_WARNING"
#define KERN_NOTICE "KERN_NOTICE"
#define KERN_INFO "KERN_INFO"
#define KERN_DEBUG "KERN_DEBUG"
#define KERN_CONT "KERN_CONT"
#define KBUILD_MODNAME YACFE_STRING

/* Declarations.  Source: include/linux/types.h, percpu-defs.h, tracepoint.h. */
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]
#define DEFINE_PER_CPU(type, name) __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name
#define PARAMS(x) x

/* Heads of functions.  Source: include/linux/syscalls.h. */
#define SYSCALL_DEFINE1(name, t1, a1) long name(t1 a1)
#define SYSCALL_DEFINE2(name, t1, a1, t2, a2) long name(t1 a1, t2 a2)
#define SYSCALL_DEFINE3(name, t1, a1, t2, a2, t3, a3) \
	long name(t1 a1, t2 a2, t3 a3)
#define SYSCALL_DEFINE4(name, t1, a1, t2, a2, t3, a3, t4, a4) \
	long name(t1 a1, t2 a2, t3 a3, t4 a4)
#define SYSCALL_DEFINE5(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5) \
	long name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5)
#define SYSCALL_DEFINE6(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6) \
	long name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6)

/* Operators as arguments.  Source: fs/afs, fs/cachefiles, net/rxrpc internal.h. */
#define ASSERTCMP(x, op, y) BUG_ON(!((x) op (y)))
#define ASSERTIFCMP(c, x, op, y) BUG_ON((c) && !((x) op (y)))
#define ASSERTRANGE(l, op1, n, op2, h) BUG_ON(!((l) op1 (n)) || !((n) op2 (h)))

/* The end of a loop, the head of an if.  Source: include/linux/sched/signal.h;
 * include/linux/sunrpc/debug.h, lockd/debug.h. */
#define while_each_thread(g, t) while ((t = next_thread(t)) != g)
#define ifdebug(flag) if (flag)

/* Guards: the block behind is run once, or never.  Source: include/linux/cleanup.h. */
#define scoped_guard YACFE_ITERATOR
#define scoped_cond_guard(name, fail, ...) \
	if (!scoped_guard_holds(name, __VA_ARGS__)) { fail; } else
