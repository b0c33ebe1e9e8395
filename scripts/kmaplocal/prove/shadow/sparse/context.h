/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before everything else when sparse reads a file.  sparse adds all its
 * contexts together, whatever they are called: locks are not to count.
 */
#include <linux/kconfig.h>
#include <linux/compiler_types.h>

#undef __acquires
#undef __releases
#undef __must_hold
#undef __acquire
#undef __release
#undef __cond_lock
#undef __cond_acquires

#define __acquires(x)
#define __releases(x)
#define __must_hold(x)
#define __acquire(x) ((void)0)
#define __release(x) ((void)0)
#define __cond_lock(x, c) (c)
#define __cond_acquires(x)
