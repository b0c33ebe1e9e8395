# SPDX-License-Identifier: GPL-2.0-only
"""Macros and small functions that only make a value of their arguments."""

from __future__ import annotations

from kmaplocal.knowledge.row import ALWAYS, ASSERTS, BY_FLAGS, Row

ROWS: dict[str, list[Row]] = {
    "include/asm-generic/bug.h": [
        Row("WARN WARN_ONCE", keeps=False),
        Row("BUG", returns_never=True),
        Row("WARN_ON WARN_ON_ONCE", keeps=False, by_value=True, tests=True),
        Row("BUG_ON", keeps=False, silent=True, by_value=True, tests=True),
    ],
    "include/asm-generic/div64.h": [Row("do_div", assigns=True)],
    "include/linux/align.h": [
        Row("IS_ALIGNED", keeps=False, by_value=True),
        Row("ALIGN_DOWN PTR_ALIGN PTR_ALIGN_DOWN", keeps=False, returns=True),
        Row("ALIGN", keeps=False, returns=True, by_value=True),
    ],
    "include/linux/array_size.h": [
        Row("ARRAY_SIZE", keeps=False, silent=True, by_value=True)
    ],
    "include/linux/build_bug.h": [Row("BUILD_BUG_ON", keeps=False)],
    "include/linux/compiler.h": [
        Row("__builtin_unreachable unreachable", returns_never=True),
        Row("unlikely_notrace", same=True),
        Row("RELOC_HIDE absolute_pointer", keeps=False, returns=True),
        Row("likely unlikely", keeps=False, silent=True, tests=True, same=True),
    ],
    "include/linux/cleanup.h": [
        Row("no_free_ptr retain_and_null_ptr return_ptr", takes=True)
    ],
    "include/linux/container_of.h": [Row("container_of", keeps=False, returns=True)],
    "include/linux/err.h": [
        Row("ERR_CAST", error=True, by_value=True),
        Row("ERR_PTR", by_value=True, error=True),
        Row("PTR_ERR", keeps=False, by_value=True, looks=True),
        Row("PTR_ERR_OR_ZERO", keeps=False, looks=True),
        Row("IS_ERR_OR_NULL", keeps=False, tests=True, looks=True),
        Row("IS_ERR", keeps=False, by_value=True, tests=True, looks=True),
    ],
    "include/linux/kconfig.h": [Row("IS_ENABLED", keeps=False)],
    "include/linux/kernel.h": [
        Row("bin2hex hex2bin scnprintf sprintf sscanf vsnprintf", keeps=False),
        Row("cant_migrate cant_sleep", preempt=ASSERTS),
        Row("do_exit", returns_never=True),
        Row("might_sleep", sleeps=ALWAYS),
        Row("kasprintf", sleeps=BY_FLAGS),
        Row("snprintf", keeps=False, writes=(0,), length=1),
    ],
    "include/linux/math.h": [
        Row("sector_div", assigns=True),
        Row("DIV_ROUND_UP", by_value=True),
        Row("rounddown roundup", keeps=False, returns=True),
    ],
    "include/linux/minmax.h": [
        Row("max3 umax", picks=("most", 0)),
        Row("clamp_val", silent=True, picks=("clamps", 0)),
        Row("min3 umin", silent=True, picks=("least", 0)),
        Row("swap", keeps=False, stores=(0, 1), assigns=True),
        Row("clamp", keeps=False, returns=True, silent=True, picks=("clamps", 0)),
        Row("clamp_t", keeps=False, returns=True, silent=True, picks=("clamps", 1)),
        Row("min", keeps=False, returns=True, silent=True, picks=("least", 0)),
        Row("min_t", keeps=False, returns=True, silent=True, picks=("least", 1)),
        Row("max", keeps=False, returns=True, silent=True, picks=("most", 0)),
        Row("max_t", keeps=False, returns=True, silent=True, picks=("most", 1)),
    ],
    "include/linux/panic.h": [Row("panic", returns_never=True)],
    "include/linux/stdarg.h": [Row("va_arg va_start", assigns=True)],
    "include/vdso/bits.h": [Row("BIT", by_value=True)],
}
