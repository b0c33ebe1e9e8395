# SPDX-License-Identifier: GPL-2.0-only
"""Sleeping between kmap_atomic() and its unmap: kmap-sleep-atomic.

What sleeps: the functions of include/linux/{mutex,rwsem,semaphore,wait,delay,
sched,completion,slab,gfp,uaccess,pagemap,workqueue}.h of Linux 6.1 and 6.12 that
say might_sleep(), or may with the GFP flags given.
"""

from __future__ import annotations

from collections.abc import Iterator

from kmaplocal.flag.finding import WARNING, Finding
from kmaplocal.flag.scene import Scene
from kmaplocal.judge import primitives
from kmaplocal.judge.bounds import plain
from kmaplocal.judge.trace import Site
from kmaplocal.read.syntax import Expr, Function, Stmt

SLEEPING = frozenset(
    """
mutex_lock mutex_lock_interruptible mutex_lock_killable mutex_lock_nested
mutex_lock_io ww_mutex_lock down down_interruptible down_killable down_timeout
down_read down_write down_read_interruptible down_read_killable
down_write_killable down_read_nested down_write_nested rt_mutex_lock
msleep msleep_interruptible ssleep usleep_range usleep_range_state fsleep
schedule schedule_timeout schedule_timeout_interruptible
schedule_timeout_killable schedule_timeout_uninterruptible schedule_timeout_idle
io_schedule io_schedule_timeout cond_resched yield might_sleep
wait_event wait_event_timeout wait_event_interruptible
wait_event_interruptible_timeout wait_event_killable wait_event_freezable
wait_event_killable_timeout wait_on_bit wait_on_bit_lock wait_on_page_bit
wait_for_completion wait_for_completion_timeout wait_for_completion_io
wait_for_completion_interruptible wait_for_completion_interruptible_timeout
wait_for_completion_killable wait_for_completion_state
wait_on_page_writeback folio_wait_writeback wait_on_page_locked folio_wait_locked
lock_page lock_page_killable folio_lock folio_lock_killable lock_buffer
wait_on_buffer sync_dirty_buffer
vmalloc vzalloc vmalloc_user __vmalloc vmap vm_map_ram ioremap
kmap
flush_work flush_workqueue flush_delayed_work cancel_work_sync drain_workqueue
cancel_delayed_work_sync destroy_workqueue kthread_stop kthread_run kthread_create
synchronize_rcu synchronize_srcu synchronize_net rcu_barrier synchronize_irq
del_timer_sync_sleeping disable_irq free_irq
submit_bio_wait blkdev_issue_flush read_cache_page read_mapping_page
read_mapping_folio read_cache_folio
kernel_read kernel_write vfs_read vfs_write filp_open filp_close
get_user_pages get_user_pages_fast pin_user_pages pin_user_pages_fast
get_user_pages_unlocked get_user_pages_remote vm_munmap vm_mmap
sock_sendmsg kernel_sendmsg kernel_recvmsg
i2c_transfer spi_sync usb_control_msg usb_bulk_msg request_firmware
""".split()
)

# Page in what is not there: with page faults disabled they fail instead.
COPYING = frozenset(
    """
copy_to_user copy_from_user clear_user strncpy_from_user strnlen_user
get_user put_user memdup_user memdup_user_nul strndup_user
""".split()
)

# Sleep when their flags, the last argument, allow it.
ALLOCATING = frozenset(
    """
kmalloc kzalloc kcalloc kmalloc_array kmalloc_node kzalloc_node krealloc kvmalloc
kvzalloc kvcalloc kvmalloc_array kmemdup kmemdup_nul kstrdup kstrndup kasprintf
kmem_cache_alloc kmem_cache_zalloc kmem_cache_alloc_node mempool_alloc
alloc_page alloc_pages alloc_pages_node alloc_pages_exact folio_alloc
__get_free_page __get_free_pages get_zeroed_page __alloc_pages
devm_kmalloc devm_kzalloc devm_kcalloc dma_alloc_coherent dma_pool_alloc
bio_alloc bio_kmalloc sg_alloc_table alloc_skb crypto_alloc_shash
radix_tree_preload idr_preload
""".split()
)
WAITING = frozenset(
    """
GFP_KERNEL GFP_KERNEL_ACCOUNT GFP_USER GFP_HIGHUSER GFP_HIGHUSER_MOVABLE GFP_NOFS
GFP_NOIO __GFP_DIRECT_RECLAIM __GFP_RECLAIM GFP_TRANSHUGE
""".split()
)
FLAGS_FIRST = {"alloc_page", "alloc_pages", "__get_free_page", "get_zeroed_page"}

MOST_DEEP = 2


def sleeps(scene: Scene) -> Iterator[Finding]:
    """What may sleep while a kmap_atomic() is alive."""
    for site in scene.sites:
        if not site.api.atomic:
            continue
        for call in _during(scene, site):
            found = _sleep(scene, call)
            if found:
                yield found_in(scene, site, call, *found)
                break


def _during(scene: Scene, site: Site) -> list[Expr]:
    """The calls made while a mapping is alive, map calls too."""
    inner = [n for outer, n in scene.trace.nested if outer == site.number]
    calls = [*scene.trace.during[site.number]]
    calls += [scene.trace.sites[number].call for number in inner]
    return sorted(calls, key=lambda call: call.start)


def found_in(scene: Scene, site: Site, call: Expr, chain: str, sure: bool) -> Finding:
    """The finding for a call that sleeps by way of CHAIN."""
    if call.callee in COPYING:
        what = f"{call.callee}() cannot page in what it copies"
        remedy = "use kmap_local_page(), under which page faults stay enabled"
    else:
        what = f"{chain} may sleep"
        remedy = f"move it out, or map {plain(site.page)} by kmap_local_page()"
    return scene.finding(
        "kmap-sleep-atomic",
        call,
        f"{what} while {scene.by(site)} of line {site.call.start[0]} has disabled page"
        " faults and preemption",
        remedy,
        "" if sure else WARNING,
    )


def _sleep(scene: Scene, call: Expr) -> tuple[str, bool] | None:
    """How a call may sleep, and whether it does so whatever is the case."""
    if may_sleep(call):
        return f"{call.callee}()", True
    if call.callee in COPYING:
        return None if _may_fail(scene) else (f"{call.callee}()", True)
    return _by_callee(scene, scene.file, call.callee, MOST_DEEP)


def _may_fail(scene: Scene) -> bool:
    """Whether the function counts on user copies that fail: it disables page
    faults itself, or has a mapping without kmap_atomic() for when they do."""
    if scene.function.calls(primitives.FAULTS_OFF_BY):
        return True
    kinds = {site.page: set() for site in scene.sites}
    for site in scene.sites:
        kinds[site.page].add(site.api.atomic)
    return any(len(atomic) > 1 for atomic in kinds.values())


def may_sleep(call: Expr) -> bool:
    """Whether a call itself may sleep."""
    if call.callee in SLEEPING:
        return True
    return call.callee in ALLOCATING and bool(_flags(call) & WAITING)


def _flags(call: Expr) -> set[str]:
    """The names in the flags an allocation is given."""
    words = {n.text for a in call.arguments.values() for n in a.walk()}
    return words if "GFP_ATOMIC" not in words else set()


def _by_callee(scene: Scene, file: str, name: str, deep: int):
    if not deep or not name or name in primitives.HARMLESS | primitives.PURE:
        return None
    for home, function in scene.peers.definitions(name, file):
        for call in _always_called(function):
            if may_sleep(call):
                return f"{name}(), which calls {call.callee}(),", True
            found = _by_callee(scene, home, call.callee, deep - 1)
            if found:
                return f"{name}(), which calls {found[0]}", found[1]
    return None


def _always_called(function: Function) -> Iterator[Expr]:
    """The calls of a function that no condition guards."""
    for stmt in function.body:
        if stmt.kind in ("if", "switch", "while", "for", "iterator"):
            yield from _calls(stmt)
            if _may_leave(stmt):
                return
        elif stmt.kind in ("return", "goto"):
            yield from _calls(stmt)
            return
        else:
            yield from _calls(stmt)


def _calls(stmt: Stmt) -> list[Expr]:
    """The calls among what stands directly in a statement, evaluated always."""
    return [n for root in stmt.exprs for n in _always(root) if n.kind == "call"]


def _always(expr: Expr) -> Iterator[Expr]:
    if expr.kind == "ternary" or expr.op in ("&&", "||"):
        yield from _always(expr.children[0])
        return
    for child in expr.children:
        yield from _always(child)
    yield expr


def _may_leave(stmt: Stmt) -> bool:
    return any(s.kind in ("return", "goto") for s in stmt.walk())
