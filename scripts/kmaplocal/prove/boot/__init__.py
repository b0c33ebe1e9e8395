# SPDX-License-Identifier: GPL-2.0-only
"""The boot: a kernel with the change and one without, each seen to run.

sides       what files the two trees hold, and which of them differ
pristine    the tree as Debian ships it, read from its tarball
source      the copy of a tree that kernels are built from
image       a kernel built from it, and the kernels that are kept
userland    what runs in the kernel: programs, plan and disks
machine     QEMU
log         what a kernel's log says
verdict     before compared with after, as a table
door        all of it in order
"""
