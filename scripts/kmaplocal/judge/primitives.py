# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel's common functions do with an address they are given.

These are leaves: assembly, macros, or called so often that reading their body
each time is a waste.  Everything else is read (callees.py).  Checked against
lib/string.c, lib/iov_iter.c, include/linux/{uaccess,scatterlist,bitops}.h and
include/asm-generic of Linux 6.1.
"""

from __future__ import annotations

# Read or write through the address while they run, and keep nothing.
_HARMLESS = """
memcpy memmove memset memcmp memchr_inv memscan memset16 memset32 memset64 bcmp
memcpy_and_pad memzero_explicit memcpy_flushcache memcpy_fromio memcpy_toio
__memcpy __memset memcpy_fromio memcpy_toio memset_io mempcpy copy_mc_to_kernel
strlen strnlen strcmp strncmp strcpy strncpy strscpy strlcpy strcat strncat
strcasecmp strncasecmp strscpy_pad sprintf snprintf scnprintf vsnprintf sscanf
kstrtoint kstrtouint kstrtoul kstrtoull
printk pr_debug pr_info pr_err pr_warn pr_notice pr_cont pr_emerg pr_alert pr_crit
dev_dbg dev_info dev_err dev_warn print_hex_dump print_hex_dump_bytes
print_hex_dump_debug hex_dump_to_buffer netdev_dbg netdev_err
copy_to_user copy_from_user __copy_to_user __copy_from_user
__copy_to_user_inatomic __copy_from_user_inatomic copy_to_user_page
copy_from_user_page copy_user_page clear_user_page raw_copy_from_user
raw_copy_to_user __copy_from_user_inatomic_nocache __copy_from_user_nocache
copy_from_user_nofault copy_to_user_nofault copy_from_kernel_nofault
copy_to_iter copy_from_iter _copy_to_iter _copy_from_iter copy_from_iter_full
copy_from_iter_nocache _copy_from_iter_nocache copy_to_iter_flushcache
csum_and_copy_to_iter csum_and_copy_from_iter copy_mc_to_iter
crc32 crc32_le crc32_be crc32c __crc32c_le crc16 crc_ccitt crc_itu_t crc_t10dif
crc7_be crc8 adler32 zlib_adler32 xxh32 xxh64 jhash jhash2
full_name_hash siphash sha256 sha256_update sha1_transform sha512_update
csum_partial csum_partial_copy_nocheck ip_compute_csum csum_partial_copy
clear_page copy_page copy_user_highpage clear_user_highpage
le16_to_cpup le32_to_cpup le64_to_cpup be16_to_cpup be32_to_cpup be64_to_cpup
le16_to_cpu le32_to_cpu le64_to_cpu be16_to_cpu be32_to_cpu be64_to_cpu
cpu_to_le16 cpu_to_le32 cpu_to_le64 cpu_to_be16 cpu_to_be32 cpu_to_be64
le16_add_cpu le32_add_cpu le64_add_cpu be16_add_cpu be32_add_cpu be64_add_cpu
le32_to_cpus le64_to_cpus le16_to_cpus swab16s swab32s swab64s swab16 swab32 swab64
cpu_to_le32s cpu_to_be32s cpu_to_le16s le32_to_cpu_array cpu_to_le32_array
get_unaligned put_unaligned get_unaligned_le16 get_unaligned_le32
get_unaligned_le64 get_unaligned_be16 get_unaligned_be32 get_unaligned_be64
put_unaligned_le16 put_unaligned_le32 put_unaligned_le64 put_unaligned_be16
put_unaligned_be32 put_unaligned_be64 __get_unaligned_cpu32
test_bit set_bit clear_bit change_bit __set_bit __clear_bit __change_bit
test_and_set_bit test_and_clear_bit __test_and_set_bit __test_and_clear_bit
test_bit_le set_bit_le clear_bit_le __set_bit_le __clear_bit_le
__test_and_set_bit_le __test_and_clear_bit_le test_and_set_bit_le
find_first_bit find_next_bit find_first_zero_bit find_next_zero_bit
find_next_bit_le find_next_zero_bit_le find_first_zero_bit_le bitmap_weight
bitmap_set bitmap_clear bitmap_copy bitmap_zero bitmap_fill hweight_long
READ_ONCE WRITE_ONCE dir_emit smp_load_acquire smp_store_release xchg cmpxchg
atomic_read atomic_set atomic_inc atomic_dec
offset_in_page IS_ERR IS_ERR_OR_NULL PTR_ERR ARRAY_SIZE BUG_ON WARN_ON
WARN_ON_ONCE VM_BUG_ON WARN_ONCE WARN IS_ALIGNED IS_ENABLED likely unlikely
get_user __get_user put_user __put_user BUILD_BUG_ON
min_t max_t min max swap clamp
kasan_check_read kasan_check_write kmsan_check_memory kmsan_unpoison_memory
kcsan_check_read kcsan_check_write kcsan_check_access instrument_read
instrument_write instrument_copy_to_user instrument_copy_from_user
instrument_copy_from_user_before instrument_copy_from_user_after
crypto_shash_update crypto_shash_digest crypto_shash_finup
crypto_shash_tfm_digest crypto_comp_compress crypto_comp_decompress
crypto_cipher_encrypt_one crypto_cipher_decrypt_one crypto_cipher_setkey
zlib_deflate zlib_inflate lzo1x_decompress_safe lzo1x_1_compress
LZ4_decompress_safe LZ4_decompress_safe_partial LZ4_compress_default
LZ4_decompress_fast ZSTD_decompressDCtx zstd_decompress_dctx
xz_dec_run
hex2bin bin2hex uuid_copy guid_copy uuid_equal guid_equal export_uuid import_uuid
flush_icache_range flush_kernel_vmap_range invalidate_kernel_vmap_range
flush_dcache_range clean_dcache_range
kunmap kunmap_atomic kunmap_local __kunmap_local
ioread8_rep ioread16_rep ioread32_rep iowrite8_rep iowrite16_rep iowrite32_rep
readsl writesl readsw writesw readsb writesb insl outsl insw outsw insb outsb
raw_insw raw_insw_swapw raw_outsw raw_outsw_swapw
sg_copy_from_buffer sg_copy_to_buffer skb_copy_bits skb_store_bits
memcpy_to_page memcpy_from_page memzero_page memset_page prefetch prefetchw
access_ok sort get_random_bytes prandom_bytes memweight
drm_clflush_virt_range clflush_cache_range arch_wb_cache_pmem
""".split()

# Copy by the file's own read or write on the calling thread, and return when that
# is done: the iocb is synchronous, and no file of theirs is opened for direct I/O
# (fs/ecryptfs, the callers of kernel_read_file()); with pread64() and pwrite64()
# it is the host below User Mode Linux that copies.
_HARMLESS += """
kernel_read kernel_write pread64 pwrite64
""".split()

# ... and whose result is an address in the same page.
_RETURNING = """
memcpy memmove memset memchr strchr strrchr strnchr strstr strcpy strncpy memscan
memchr_inv strsep strpbrk min max min_t max_t PTR_ALIGN PTR_ALIGN_DOWN ALIGN ALIGN_DOWN
container_of READ_ONCE skip_spaces strim rounddown roundup
kasan_reset_tag absolute_pointer RELOC_HIDE clamp clamp_t mempcpy strcat strncat
cpu_to_le64 cpu_to_be64
""".split()

# Keep the address, hand it to another context, or derive from it what only a
# kernel address of the direct map gives.
_ESCAPING = {
    "sg_set_buf": "a scatterlist entry is made from it",
    "sg_init_one": "a scatterlist entry is made from it",
    "virt_to_page": "its struct page is asked for",
    "virt_to_head_page": "its struct page is asked for",
    "virt_to_folio": "its folio is asked for",
    "virt_to_phys": "its physical address is asked for",
    "virt_to_pfn": "its page frame is asked for",
    "page_to_virt": "it is translated",
    "__pa": "its physical address is asked for",
    "kmap_to_page": "its struct page is asked for",
    "vmalloc_to_page": "its struct page is asked for",
    "dma_map_single": "it is mapped for DMA",
    "dma_map_single_attrs": "it is mapped for DMA",
    "pci_map_single": "it is mapped for DMA",
    "dma_sync_single_for_cpu": "it is used for DMA",
    "bio_map_kern": "a bio is made from it",
    "blk_rq_map_kern": "a request is made from it",
    "rcu_assign_pointer": "it is published by RCU",
    "queue_work": "it is queued",
    "schedule_work": "it is queued",
    "queue_delayed_work": "it is queued",
    "schedule_delayed_work": "it is queued",
    "kthread_run": "it is handed to a kernel thread",
    "kthread_create": "it is handed to a kernel thread",
    "mod_timer": "a timer is armed with it",
    "add_timer": "a timer is armed with it",
    "timer_setup": "a timer is armed with it",
    "tasklet_schedule": "a tasklet is scheduled with it",
    "call_rcu": "it is handed to RCU",
    "complete": "a waiter is woken with it",
    "complete_all": "a waiter is woken with it",
    "wake_up": "a waiter is woken with it",
    "list_add": "it is put on a list",
    "list_add_tail": "it is put on a list",
    "hlist_add_head": "it is put on a list",
    "init_completion": "others wait at it",
    "smp_call_function": "it is handed to other processors",
    "smp_call_function_single": "it is handed to another processor",
    "kfree": "it is freed",
}

# Write through one argument what another one is: as that one, an address is
# stored.  The numbers of the arguments that are stored.
STORING = {
    "WRITE_ONCE": (1,),
    "smp_store_release": (1,),
    "smp_store_mb": (1,),
    "xchg": (1,),
    "cmpxchg": (1, 2),
    "swap": (0, 1),
    "put_user": (0,),
    "__put_user": (0,),
    "put_unaligned": (0,),
    "put_unaligned_le64": (0,),
    "put_unaligned_be64": (0,),
    "memset64": (1,),
    "atomic_set": (1,),
}

# Only write through their first argument, and only read through these.
OVERWRITING = {"memset", "memzero_explicit"}
READING = {"memcpy": (1,), "memmove": (1,), "memcmp": (0, 1)}

# Run one instruction, ENCLS, which is done with all memory it was given, and with
# what that points to, when the next one runs; the addresses it was given stay where
# they are, and go nowhere else (arch/x86/kernel/cpu/sgx/encls.h; Intel SDM, volume
# 3D, "System Leaf Function Reference").
INSTRUCTIONS = {"__encls_2", "__encls_ret_1", "__encls_ret_2", "__encls_ret_3"}

# What can only work, or works otherwise, with page faults disabled.
FAULTS_OFF = set(
    """
__copy_from_user_inatomic __copy_to_user_inatomic
__copy_from_user_inatomic_nocache copy_page_from_iter_atomic
copy_from_user_nmi iov_iter_copy_from_user_atomic pagefault_disabled
faulthandler_disabled
copy_from_user copy_to_user __copy_from_user __copy_to_user get_user put_user
__get_user __put_user clear_user __clear_user strncpy_from_user strnlen_user
copy_page_to_iter copy_page_from_iter copy_to_iter copy_from_iter
_copy_to_iter _copy_from_iter unsafe_get_user unsafe_put_user
__copy_from_user_nocache fault_in_readable fault_in_writeable
raw_copy_from_user raw_copy_to_user __copy_user_flushcache copy_mc_to_user
__copy_from_user_flushcache csum_and_copy_from_user csum_and_copy_to_user dir_emit
""".split()
)

# What asks for, or asserts, preemption, migration or interrupts being off.  What
# in_interrupt(), in_irq() and in_task() ask for are other bits of the count than those
# that kmap_atomic() changes: include/linux/preempt.h.
PREEMPT_OFF = set(
    """
smp_processor_id __smp_processor_id this_cpu_ptr this_cpu_read this_cpu_write
__this_cpu_read __this_cpu_write __this_cpu_add __this_cpu_inc __this_cpu_dec
__this_cpu_sub this_cpu_inc this_cpu_dec this_cpu_add raw_cpu_ptr
__get_cpu_var get_cpu_var_locked in_atomic preempt_count preemptible
lockdep_assert_preemption_disabled lockdep_assert_irqs_disabled
irqs_disabled
assert_spin_locked_preempt cant_sleep kernel_fpu_usable
""".split()
)

# Those that use the data of the processor they run on, and assert nothing.
PER_CPU = set(
    """
smp_processor_id __smp_processor_id this_cpu_ptr __this_cpu_read __this_cpu_write
__this_cpu_add __this_cpu_inc __this_cpu_dec __this_cpu_sub raw_cpu_ptr __get_cpu_var
""".split()
)

# Those of FAULTS_OFF that say what they count on: a person wrote that for kmap.
FAULTS_ASSERTED = {"pagefault_disabled", "faulthandler_disabled"}

# Single instructions that are safe with preemption on.
PREEMPT_SAFE = set(
    "this_cpu_inc this_cpu_dec this_cpu_add this_cpu_read this_cpu_write".split()
)
PREEMPT_OFF -= PREEMPT_SAFE

# ... unless one of these already is in force.
FAULTS_OFF_BY = {"pagefault_disable"}
PREEMPT_OFF_BY = set(
    """
preempt_disable get_cpu get_cpu_ptr get_cpu_var local_irq_save local_irq_disable
spin_lock spin_lock_irq spin_lock_irqsave spin_lock_bh raw_spin_lock
raw_spin_lock_irqsave read_lock write_lock local_bh_disable migrate_disable
rcu_read_lock_sched bit_spin_lock kernel_fpu_begin kernel_neon_begin
""".split()
)

# What a region with preemption off must not call: on PREEMPT_RT these sleep,
# and kmap_atomic() lets them.
SLEEPING_LOCKS = set(
    """
spin_lock spin_lock_irq spin_lock_irqsave spin_lock_bh spin_trylock read_lock
write_lock local_bh_disable local_lock mutex_lock down down_read down_write
""".split()
)

# Write back or drop lines of the cache of the processor that runs them: assembly,
# or a pointer to it that is chosen at boot.
CACHE_LINES = frozenset(
    """
flush_data_cache_page local_flush_data_cache_page r4k_blast_dcache_page
__flush_purge_region __flush_wback_region __flush_invalidate_region
dmac_flush_range __cpuc_flush_dcache_area dma_cache_wback dma_cache_inv
dma_cache_wback_inv __invalidate_icache_page __invalidate_dcache_page
__flush_invalidate_dcache_page caches_clean_inval_pou dcache_clean_pou
dcache_clean_inval_poc __cpuc_coherent_kern_range flush_icache_range flush_cache_page
""".split()
)
PER_CPU |= CACHE_LINES
PREEMPT_OFF |= CACHE_LINES

HARMLESS = frozenset(_HARMLESS) | frozenset(_RETURNING) | CACHE_LINES
RETURNING = frozenset(_RETURNING)

# Give the same answer each time, so `kmap(f(x))` and `kunmap(f(x))` match.
PURE = frozenset(
    """
sg_page bio_page bvec_page bio_iter_page bio_iter_iovec virt_to_page pfn_to_page
vmalloc_to_page compound_head page_folio folio_page nth_page skb_frag_page
phys_to_page page_to_pfn virt_to_pfn PFN_DOWN PFN_UP PFN_PHYS PHYS_PFN
pte_page pmd_page bh_offset b_page ttm_page sg_virt rq_page
""".split()
)
ESCAPING = _ESCAPING
