# SPDX-License-Identifier: GPL-2.0-only
"""Functions that copy from and to user space, and through iterators."""

from __future__ import annotations

from kmaplocal.knowledge.row import (
    ALWAYS,
    ASSERTS,
    BY_ITERATOR,
    FAULTS,
    PAGING_IN,
    USES,
    Row,
)

ROWS: dict[str, list[Row]] = {
    "arch/um/os-Linux/file.c": [Row("pread64 pwrite64", keeps=False)],
    "arch/x86/include/asm/uaccess_64.h": [
        Row("__copy_from_user_flushcache", faults=USES)
    ],
    "arch/x86/lib/copy_mc.c": [Row("copy_mc_to_user", faults=USES)],
    "arch/x86/lib/usercopy.c": [Row("copy_from_user_nmi", faults=USES)],
    "arch/x86/lib/usercopy_64.c": [Row("__copy_user_flushcache", faults=USES)],
    "fs/ext4/ext4.h": [Row("ASSERT", by_value=True)],
    "include/asm-generic/access_ok.h": [Row("access_ok", keeps=False)],
    "include/asm-generic/uaccess.h": [
        Row("__clear_user", faults=USES),
        Row("clear_user strncpy_from_user strnlen_user", faults=USES, sleeps=PAGING_IN),
        Row("raw_copy_from_user raw_copy_to_user", keeps=False, faults=USES),
        Row("__get_user", keeps=False, assigns=True, faults=USES),
        Row("__put_user", keeps=False, stores=(0,), faults=USES),
        Row("get_user", keeps=False, assigns=True, faults=USES, sleeps=PAGING_IN),
        Row("put_user", keeps=False, stores=(0,), faults=USES, sleeps=PAGING_IN),
    ],
    "include/linux/fs.h": [
        Row("filp_close filp_open vfs_read vfs_write", sleeps=ALWAYS),
        Row("dir_emit", keeps=False, faults=USES),
        Row("kernel_read kernel_write", keeps=False, sleeps=ALWAYS),
    ],
    "include/linux/uaccess.h": [
        Row(
            "pagefault_disable",
            disables=FAULTS,
            until=("pagefault_enable",),
            guards=("pagefault",),
        ),
        Row("faulthandler_disabled pagefault_disabled", faults=ASSERTS),
        Row("unsafe_put_user", faults=USES),
        Row(
            "copy_from_kernel_nofault copy_from_user_nofault copy_mc_to_kernel "
            "copy_to_user_nofault",
            keeps=False,
        ),
        Row("unsafe_get_user", assigns=True, faults=USES),
        Row(
            "__copy_from_user_inatomic_nocache __copy_to_user", keeps=False, faults=USES
        ),
        Row("__copy_from_user", keeps=False, writes=(0,), faults=USES),
        Row("__copy_to_user_inatomic", keeps=False, reads=(1,), length=2, faults=USES),
        Row(
            "__copy_from_user_inatomic", keeps=False, writes=(0,), length=2, faults=USES
        ),
        Row(
            "copy_to_user",
            keeps=False,
            reads=(1,),
            length=2,
            faults=USES,
            sleeps=PAGING_IN,
        ),
        Row(
            "copy_from_user",
            keeps=False,
            writes=(0,),
            length=2,
            faults=USES,
            sleeps=PAGING_IN,
        ),
    ],
    "include/linux/uio.h": [
        Row("iov_iter_kvec", keeps=False, keeps_behind=False, binds=(2, 0)),
        Row(
            "copy_page_from_iter copy_page_from_iter_atomic copy_page_to_iter",
            faults=USES,
        ),
        Row(
            "copy_from_iter_full copy_from_iter_nocache _copy_from_iter_nocache "
            "csum_and_copy_from_iter csum_and_copy_to_iter",
            keeps=False,
        ),
        Row("_copy_from_iter _copy_to_iter", keeps=False, faults=USES),
        Row(
            "copy_to_iter",
            keeps=False,
            reads=(0,),
            length=1,
            faults=USES,
            sleeps=BY_ITERATOR,
        ),
        Row(
            "copy_from_iter",
            keeps=False,
            writes=(0,),
            length=1,
            faults=USES,
            sleeps=BY_ITERATOR,
        ),
    ],
    "include/linux/uio.h of Linux 5.10": [
        Row("iov_iter_copy_from_user_atomic", faults=USES)
    ],
}
