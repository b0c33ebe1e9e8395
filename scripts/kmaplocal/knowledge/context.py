# SPDX-License-Identifier: GPL-2.0-only
"""Functions about the context code runs in: locks, sleeping, other contexts."""

from __future__ import annotations

from kmaplocal.knowledge.row import ALWAYS, ASSERTS, BY_FLAGS, CONTEXT, KEPT, ON_RT
from kmaplocal.knowledge.row import PREEMPT, PUBLISHED, USES, Row

ROWS: dict[str, list[Row]] = {
    "include/asm-generic/local.h": [
        Row(
            "local_add local_add_return local_cmpxchg local_dec local_dec_return "
            "local_inc local_inc_return local_read local_set local_sub "
            "local_sub_return local_xchg",
            preempt=USES,
        )
    ],
    "include/asm-generic/preempt.h": [Row("preempt_count", preempt=ASSERTS)],
    "include/linux/bit_spinlock.h": [
        Row(
            "bit_spin_lock",
            disables=PREEMPT,
            until=("bit_spin_unlock", "__bit_spin_unlock"),
        )
    ],
    "include/linux/bottom_half.h": [
        Row(
            "local_bh_disable",
            disables=PREEMPT,
            sleeps=ON_RT,
            until=("local_bh_enable",),
        )
    ],
    "include/linux/completion.h": [
        Row(
            "wait_for_completion wait_for_completion_interruptible "
            "wait_for_completion_interruptible_timeout wait_for_completion_io "
            "wait_for_completion_killable wait_for_completion_state "
            "wait_for_completion_timeout",
            sleeps=ALWAYS,
        ),
        Row("complete complete_all", hands=CONTEXT, how="a waiter is woken with it"),
        Row("init_completion", hands=KEPT, how="others wait at it"),
    ],
    "include/linux/delay.h": [
        Row(
            "fsleep msleep msleep_interruptible ssleep usleep_range usleep_range_state",
            sleeps=ALWAYS,
        )
    ],
    "include/linux/device.h": [
        Row("devm_kcalloc devm_kmalloc devm_kzalloc", sleeps=BY_FLAGS)
    ],
    "include/linux/firmware.h": [Row("request_firmware", sleeps=ALWAYS)],
    "include/linux/hardirq.h": [Row("synchronize_irq", sleeps=ALWAYS)],
    "include/linux/hrtimer.h": [
        Row("hrtimer_start", hands=CONTEXT, how="a timer is armed with it")
    ],
    "include/linux/i2c.h": [Row("i2c_transfer", sleeps=ALWAYS)],
    "include/linux/idr.h": [Row("idr_preload", sleeps=BY_FLAGS)],
    "include/linux/interrupt.h": [
        Row(
            "devm_request_irq devm_request_threaded_irq request_irq "
            "request_threaded_irq",
            registers=True,
        ),
        Row("disable_irq free_irq", sleeps=ALWAYS),
        Row(
            "tasklet_hi_schedule tasklet_schedule",
            hands=CONTEXT,
            how="a tasklet is scheduled with it",
        ),
        Row(
            "tasklet_init tasklet_setup",
            hands=CONTEXT,
            how="a tasklet is scheduled with it",
            registers=True,
        ),
    ],
    "include/linux/irq_work.h": [
        Row("init_irq_work", registers=True),
        Row("irq_work_queue", hands=CONTEXT, how="it is queued"),
    ],
    "include/linux/irqflags.h": [
        Row("local_save_flags", assigns=True),
        Row(
            "local_irq_disable",
            disables=PREEMPT,
            until=("local_irq_enable",),
            guards=("irq",),
        ),
        Row("irqs_disabled", preempt=ASSERTS),
        Row(
            "local_irq_save",
            assigns=True,
            disables=PREEMPT,
            until=("local_irq_restore",),
            guards=("irqsave",),
        ),
    ],
    "include/linux/kfifo.h": [
        Row("kfifo_in kfifo_put", hands=CONTEXT, how="it is put into a queue")
    ],
    "include/linux/kthread.h": [
        Row("kthread_init_work", registers=True),
        Row("kthread_stop", sleeps=ALWAYS),
        Row(
            "kthread_create_worker",
            hands=CONTEXT,
            how="it is handed to a kernel thread",
        ),
        Row("kthread_queue_work", hands=CONTEXT, how="it is queued"),
        Row(
            "kthread_create kthread_run",
            hands=CONTEXT,
            how="it is handed to a kernel thread",
            registers=True,
            sleeps=ALWAYS,
        ),
    ],
    "include/linux/list.h": [
        Row(
            "hlist_add_head list_add list_add_tail",
            hands=PUBLISHED,
            how="it is put on a list",
        )
    ],
    "include/linux/local_lock.h": [Row("local_lock", sleeps=ON_RT)],
    "include/linux/lockdep.h": [
        Row(
            "lockdep_assert_irqs_disabled lockdep_assert_preemption_disabled",
            preempt=ASSERTS,
        )
    ],
    "include/linux/mutex.h": [
        Row(
            "mutex_lock mutex_lock_interruptible mutex_lock_io mutex_lock_killable "
            "mutex_lock_nested",
            sleeps=ALWAYS,
            guards=("mutex", "mutex_intr", "mutex_kill"),
        )
    ],
    "include/linux/net.h": [
        # Every protocol copies from and to a kvec before it returns, in this thread;
        # MSG_ZEROCOPY refuses one (net/core/datagram.c), MSG_SPLICE_PAGES asks for the
        # page of its address, which no mapping of highmem ever had.
        Row(
            "kernel_recvmsg kernel_sendmsg kernel_sendmsg_locked sock_recvmsg "
            "sock_sendmsg",
            keeps=False,
            keeps_behind=False,
            sleeps=ALWAYS,
        )
    ],
    "include/linux/netdevice.h": [Row("synchronize_net", sleeps=ALWAYS)],
    "include/linux/percpu-defs.h": [
        Row("get_cpu_ptr", disables=PREEMPT, until=("put_cpu_ptr",)),
        Row("get_cpu_var", disables=PREEMPT, until=("put_cpu_var",)),
        Row(
            "__get_cpu_var raw_cpu_ptr this_cpu_ptr "
            "__this_cpu_add __this_cpu_add_return __this_cpu_and __this_cpu_cmpxchg "
            "__this_cpu_cmpxchg_double __this_cpu_dec __this_cpu_dec_return "
            "__this_cpu_inc __this_cpu_inc_return __this_cpu_or __this_cpu_read "
            "__this_cpu_sub __this_cpu_sub_return __this_cpu_write __this_cpu_xchg "
            "raw_cpu_add raw_cpu_add_return raw_cpu_and raw_cpu_cmpxchg "
            "raw_cpu_cmpxchg_double raw_cpu_dec raw_cpu_dec_return raw_cpu_inc "
            "raw_cpu_inc_return raw_cpu_or raw_cpu_read raw_cpu_sub "
            "raw_cpu_sub_return raw_cpu_write raw_cpu_xchg",
            preempt=USES,
        ),
        # Each of these is whole on any processor; of which one it is has a meaning
        # where it does more than to count.
        Row(
            "this_cpu_and this_cpu_cmpxchg this_cpu_cmpxchg_double this_cpu_or "
            "this_cpu_read this_cpu_write this_cpu_xchg",
            preempt=USES,
        ),
    ],
    "include/linux/preempt.h": [
        Row("migrate_disable", disables=PREEMPT),
        Row(
            "preempt_disable",
            disables=PREEMPT,
            until=("preempt_enable", "preempt_enable_no_resched"),
            guards=("preempt", "preempt_notrace"),
        ),
        # in_interrupt(), in_irq() and in_task() ask for other bits of the count than
        # those that kmap_atomic() changes.
        Row("in_atomic preemptible", preempt=ASSERTS),
    ],
    "include/linux/radix-tree.h": [Row("radix_tree_preload", sleeps=BY_FLAGS)],
    "include/linux/rculist.h": [
        Row(
            "list_add_rcu list_add_tail_rcu", hands=PUBLISHED, how="it is put on a list"
        )
    ],
    "include/linux/rcupdate.h": [
        Row("rcu_read_lock_sched", disables=PREEMPT, until=("rcu_read_unlock_sched",)),
        Row("rcu_read_lock_bh", until=("rcu_read_unlock_bh",)),
        Row("rcu_read_lock", until=("rcu_read_unlock",), guards=("rcu",)),
        # With preemption off one is a reader of RCU-sched.
        Row("rcu_dereference_sched rcu_dereference_sched_check", preempt=USES),
        Row("rcu_read_lock_any_held rcu_read_lock_sched_held", preempt=ASSERTS),
        Row("synchronize_rcu", sleeps=ALWAYS),
        Row("rcu_assign_pointer", hands=PUBLISHED, how="it is published by RCU"),
        Row("call_rcu", hands=CONTEXT, how="it is handed to RCU", registers=True),
    ],
    "include/linux/rcutree.h": [Row("rcu_barrier", sleeps=ALWAYS)],
    "include/linux/rtmutex.h": [Row("rt_mutex_lock", sleeps=ALWAYS)],
    "include/linux/rwlock.h": [
        Row(
            "read_lock",
            disables=PREEMPT,
            sleeps=ON_RT,
            until=("read_unlock",),
            guards=("read_lock",),
        ),
        Row(
            "write_lock",
            disables=PREEMPT,
            sleeps=ON_RT,
            until=("write_unlock",),
            guards=("write_lock",),
        ),
        Row("read_lock_bh", until=("read_unlock_bh",)),
        Row("read_lock_irq", until=("read_unlock_irq",), guards=("read_lock_irq",)),
        Row(
            "read_lock_irqsave",
            assigns=True,
            until=("read_unlock_irqrestore",),
            guards=("read_lock_irqsave",),
        ),
        Row("write_lock_bh", until=("write_unlock_bh",)),
        Row("write_lock_irq", until=("write_unlock_irq",), guards=("write_lock_irq",)),
        Row(
            "write_lock_irqsave",
            assigns=True,
            until=("write_unlock_irqrestore",),
            guards=("write_lock_irqsave",),
        ),
    ],
    "include/linux/rwsem.h": [
        Row(
            "down_read down_read_interruptible down_read_killable down_read_nested "
            "down_write down_write_killable down_write_nested",
            sleeps=ALWAYS,
            guards=(
                "rwsem_read",
                "rwsem_read_intr",
                "rwsem_read_kill",
                "rwsem_write",
                "rwsem_write_kill",
            ),
        )
    ],
    "include/linux/sched.h": [
        Row(
            "cond_resched io_schedule io_schedule_timeout schedule schedule_timeout "
            "schedule_timeout_idle schedule_timeout_interruptible "
            "schedule_timeout_killable schedule_timeout_uninterruptible yield",
            sleeps=ALWAYS,
        ),
        Row("wake_up_process", hands=CONTEXT, how="a waiter is woken with it"),
    ],
    "include/linux/semaphore.h": [
        Row("down down_interruptible down_killable down_timeout", sleeps=ALWAYS)
    ],
    "include/linux/smp.h": [
        Row("get_cpu", disables=PREEMPT, until=("put_cpu",)),
        Row("smp_processor_id __smp_processor_id raw_smp_processor_id", preempt=USES),
        Row(
            "smp_call_function_many",
            preempt=USES,
            hands=CONTEXT,
            how="it is handed to other processors",
        ),
        Row(
            "smp_call_function_single",
            hands=CONTEXT,
            how="it is handed to another processor",
            registers=True,
        ),
        Row(
            "on_each_cpu smp_call_function",
            hands=CONTEXT,
            how="it is handed to other processors",
            registers=True,
        ),
    ],
    "include/linux/seqlock.h": [
        Row("write_seqlock", until=("write_sequnlock",)),
        Row("write_seqlock_bh", until=("write_sequnlock_bh",)),
        Row("write_seqlock_irq", until=("write_sequnlock_irq",)),
        Row(
            "write_seqlock_irqsave", assigns=True, until=("write_sequnlock_irqrestore",)
        ),
        # Of a plain seqcount_t; a writer that is preempted keeps readers waiting.
        Row(
            "raw_write_seqcount_begin write_seqcount_begin "
            "write_seqcount_begin_nested",
            preempt=USES,
        ),
    ],
    "include/linux/spi/spi.h": [Row("spi_sync", sleeps=ALWAYS)],
    "include/linux/spinlock.h": [
        Row(
            "raw_spin_lock",
            disables=PREEMPT,
            until=("raw_spin_unlock",),
            guards=("raw_spinlock", "raw_spinlock_nested", "raw_spinlock_try"),
        ),
        Row(
            "raw_spin_lock_irqsave",
            disables=PREEMPT,
            until=("raw_spin_unlock_irqrestore",),
            guards=("raw_spinlock_irqsave", "raw_spinlock_irqsave_try"),
        ),
        Row("raw_spin_lock_bh", until=("raw_spin_unlock_bh",)),
        Row("raw_spin_lock_nested", until=("raw_spin_unlock",)),
        Row("spin_lock_nested", until=("spin_unlock",)),
        Row("spin_trylock", sleeps=ON_RT),
        Row(
            "raw_spin_lock_irq",
            disables=PREEMPT,
            until=("raw_spin_unlock_irq",),
            guards=("raw_spinlock_irq", "raw_spinlock_irq_try"),
        ),
        Row(
            "spin_lock",
            disables=PREEMPT,
            sleeps=ON_RT,
            until=("spin_unlock",),
            guards=("spinlock", "spinlock_try"),
        ),
        Row(
            "spin_lock_bh",
            disables=PREEMPT,
            sleeps=ON_RT,
            until=("spin_unlock_bh",),
            guards=("spinlock_bh", "spinlock_bh_try"),
        ),
        Row(
            "spin_lock_irq",
            disables=PREEMPT,
            sleeps=ON_RT,
            until=("spin_unlock_irq",),
            guards=("spinlock_irq", "spinlock_irq_try"),
        ),
        Row(
            "spin_lock_irqsave",
            assigns=True,
            disables=PREEMPT,
            sleeps=ON_RT,
            until=("spin_unlock_irqrestore",),
            guards=("spinlock_irqsave", "spinlock_irqsave_try"),
        ),
    ],
    "include/linux/srcu.h": [
        Row("synchronize_srcu", sleeps=ALWAYS),
        Row("call_srcu", hands=CONTEXT, how="it is handed to RCU"),
    ],
    "include/linux/stop_machine.h": [
        Row("stop_machine", hands=CONTEXT, how="it is handed to other processors")
    ],
    "include/linux/task_work.h": [
        Row("task_work_add", hands=CONTEXT, how="it is queued")
    ],
    "include/linux/timer.h": [
        Row(
            "add_timer add_timer_on mod_timer",
            hands=CONTEXT,
            how="a timer is armed with it",
        ),
        Row(
            "timer_setup", hands=CONTEXT, how="a timer is armed with it", registers=True
        ),
    ],
    "include/linux/u64_stats_sync.h": [
        # A seqcount_t on 32 bits.
        Row("u64_stats_update_begin", preempt=USES)
    ],
    "include/linux/usb.h": [Row("usb_bulk_msg usb_control_msg", sleeps=ALWAYS)],
    "include/linux/vmstat.h": [
        Row(
            "__dec_node_page_state __dec_node_state __dec_zone_page_state "
            "__dec_zone_state __inc_node_page_state __inc_node_state "
            "__inc_zone_page_state __inc_zone_state __mod_node_page_state "
            "__mod_zone_page_state __dec_lruvec_page_state __inc_lruvec_page_state "
            "__mod_lruvec_page_state __mod_lruvec_state",
            preempt=USES,
        )
    ],
    "include/linux/wait.h": [
        Row(
            "wait_event wait_event_freezable wait_event_interruptible "
            "wait_event_interruptible_timeout wait_event_killable "
            "wait_event_killable_timeout wait_event_timeout",
            sleeps=ALWAYS,
        ),
        Row(
            "wake_up wake_up_all wake_up_interruptible wake_up_interruptible_all "
            "wake_up_nr wake_up_poll",
            hands=CONTEXT,
            how="a waiter is woken with it",
        ),
    ],
    "include/linux/wait_bit.h": [Row("wait_on_bit wait_on_bit_lock", sleeps=ALWAYS)],
    "include/linux/workqueue.h": [
        Row("INIT_DELAYED_WORK INIT_RCU_WORK INIT_WORK", registers=True),
        Row(
            "cancel_delayed_work_sync cancel_work_sync destroy_workqueue "
            "drain_workqueue flush_delayed_work flush_work flush_workqueue",
            sleeps=ALWAYS,
        ),
        Row(
            "mod_delayed_work queue_delayed_work queue_rcu_work queue_work "
            "queue_work_on schedule_delayed_work schedule_work schedule_work_on",
            hands=CONTEXT,
            how="it is queued",
        ),
    ],
    "include/linux/ww_mutex.h": [Row("ww_mutex_lock", sleeps=ALWAYS)],
}
