# SPDX-License-Identifier: GPL-2.0-only
"""Functions about pages: mapping, helpers, caches, translation, DMA, allocation.

A table by headers, which is as long as what the kernel has for pages is.
"""

from __future__ import annotations

from kmaplocal.knowledge.row import (
    ALWAYS,
    BY_FLAGS,
    BYTES,
    DIRECT_MAP,
    EVERY,
    FRAGMENT,
    FREED,
    KEPT,
    LEAVES,
    LIST,
    MARKS,
    NUMBER,
    PREEMPT,
    USES,
    VECTOR,
    HOLDER,
    PAGE,
    Map,
    Range,
    Row,
    Unmap,
)

_NEXT = Map("kunmap_local", "", False, True, ("zero",), 0, True, True, "kmap_atomic")

# How what asks for a flag of a page, or sets it, begins; its name is pasted together,
# so that no definition of it is found.  Source: include/linux/page-flags.h.
FLAGS = ("Page", "SetPage", "ClearPage", "TestSetPage")
# ... and what asks for more of it.
ASKING = (*FLAGS, "page_", "set_page_")

ROWS: dict[str, list[Row]] = {
    # The mapping calls themselves; the versions by the history of their header
    # (commits f3ba3c710ac5, 53c36de0701f, e6e7471706dc).
    "include/linux/highmem-internal.h": [
        Row(
            "kmap",
            since="2.6",
            maps=Map("kunmap", "kmap_local_page", False, False),
            silent=True,
            sleeps=ALWAYS,
        ),
        Row(
            "kmap_atomic",
            since="2.6",
            maps=Map("kunmap_atomic", "kmap_local_page", True, True),
            silent=True,
        ),
        Row(
            "kmap_atomic_prot",
            since="2.6",
            maps=Map("kunmap_atomic", "kmap_local_page_prot", True, True),
        ),
        Row(
            "kmap_atomic_pfn",
            since="2.6",
            maps=Map("kunmap_atomic", "kmap_local_pfn", True, True),
        ),
        Row(
            "kmap_local_page",
            since="5.11",
            maps=Map("kunmap_local", "", False, True),
            silent=True,
        ),
        Row(
            "kmap_local_page_prot",
            since="5.11",
            maps=Map("kunmap_local", "", False, True),
        ),
        Row(
            "kmap_local_folio",
            since="5.16",
            maps=Map("kunmap_local", "", False, True, into_page=True),
            folio_offset=1,
        ),
        Row("kmap_local_pfn", since="5.11", maps=Map("kunmap_local", "", False, True)),
        # NULL for a highmem page: what it gives is the page's linear address.
        Row(
            "kmap_local_page_try_from_panic",
            since="7.2",
            maps=Map("kunmap_local", "", False, False, ("null",)),
        ),
        Row(
            "kunmap",
            since="2.6",
            unmaps=Unmap("kunmap", 0, PAGE),
            keeps=False,
            silent=True,
        ),
        Row(
            "kunmap_atomic",
            since="2.6",
            unmaps=Unmap("kunmap_atomic"),
            keeps=False,
            silent=True,
        ),
        Row(
            "kunmap_local",
            since="5.11",
            unmaps=Unmap("kunmap_local"),
            keeps=False,
            silent=True,
        ),
        Row("__kunmap_local", since="5.11", keeps=False),
    ],
    # With CONFIG_HIGHPTE a page table is mapped by kmap_local_page(), so these are on
    # the stack with the others.
    "include/linux/pgtable.h": [
        Row(
            "pte_offset_map pte_offset_map_nolock pte_offset_map_ro_nolock "
            "pte_offset_map_rw_nolock",
            maps=Map("pte_unmap", "", False, True, ("null",)),
        ),
        Row(
            "pte_offset_map_lock",
            maps=Map("pte_unmap_unlock", "", False, True, ("null",)),
        ),
        Row("pte_unmap", unmaps=Unmap("pte_unmap")),
        Row("pte_unmap_unlock", unmaps=Unmap("pte_unmap_unlock")),
    ],
    "arch/arm/include/asm/cacheflush.h": [
        Row(
            "__cpuc_coherent_kern_range __cpuc_flush_dcache_area dmac_flush_range",
            keeps=False,
            preempt=USES,
        )
    ],
    "arch/arm/mm/dma.h": [  # written in assembly: arch/arm/mm/cache-*.S
        Row("dmac_map_area dmac_unmap_area", keeps=False, preempt=USES)
    ],
    "arch/arm64/include/asm/cacheflush.h": [
        Row(
            "caches_clean_inval_pou dcache_clean_inval_poc dcache_clean_pou",
            keeps=False,
            preempt=USES,
        )
    ],
    "arch/arm64/include/asm/neon.h": [Row("kernel_neon_begin", disables=PREEMPT)],
    "arch/m68k/include/asm/raw_io.h": [
        Row("raw_insw raw_insw_swapw raw_outsw raw_outsw_swapw", keeps=False)
    ],
    "arch/mips/include/asm/cacheflush.h": [
        Row("local_flush_data_cache_page", keeps=False, preempt=USES)
    ],
    "arch/mips/include/asm/io.h": [
        Row(
            "dma_cache_inv dma_cache_wback dma_cache_wback_inv",
            keeps=False,
            preempt=USES,
        )
    ],
    "arch/mips/include/asm/page.h": [
        Row("flush_data_cache_page", keeps=False, preempt=USES)
    ],
    "arch/mips/mm/c-r4k.c": [
        Row(
            "r4k_blast_dcache_page r4k_blast_icache_page r4k_blast_scache_page",
            keeps=False,
            preempt=USES,
        )
    ],
    "arch/powerpc/include/asm/cacheflush.h": [
        Row("clean_dcache_range flush_dcache_range", keeps=False)
    ],
    "arch/sh/include/asm/cacheflush.h": [
        Row(
            "__flush_invalidate_region __flush_purge_region __flush_wback_region",
            keeps=False,
            preempt=USES,
        )
    ],
    "arch/x86/include/asm/fpu/api.h": [Row("kernel_fpu_begin", disables=PREEMPT)],
    "arch/x86/include/asm/msr.h": [
        Row("rdmsr rdmsrl", assigns=True, preempt=USES),
        Row("wrmsr wrmsrl", preempt=USES),
    ],
    "arch/x86/include/asm/pgtable.h": [Row("pmd_page pte_page", repeats=True)],
    "arch/x86/kernel/cpu/sgx/encls.h": [
        Row(
            "__encls_2 __encls_ret_1 __encls_ret_2 __encls_ret_3",
            keeps=False,
            keeps_behind=False,
            reads=EVERY,
        )
    ],
    "arch/xtensa/mm/misc.S": [
        Row(
            "__flush_dcache_range __flush_invalidate_dcache_range "
            "__invalidate_dcache_range __invalidate_icache_range",
            keeps=False,
            preempt=USES,
        )
    ],
    "arch/x86/mm/pat/set_memory.c": [Row("clflush_cache_range", keeps=False)],
    "arch/xtensa/include/asm/cacheflush.h": [
        Row(
            "__flush_invalidate_dcache_page __invalidate_dcache_page "
            "__invalidate_icache_page",
            keeps=False,
            preempt=USES,
        )
    ],
    "block/blk-map.c": [
        Row("bio_map_kern", hands=DIRECT_MAP, how="a bio is made from it")
    ],
    "include/asm-generic/cacheflush.h": [
        Row("copy_from_user_page copy_to_user_page", keeps=False),
        Row("flush_cache_page flush_icache_range", keeps=False, preempt=USES),
        Row("flush_dcache_page", silent=True, takes_page=MARKS),
    ],
    "include/asm-generic/io.h": [
        Row(
            "ioread16_rep ioread32_rep ioread8_rep iowrite16_rep iowrite32_rep "
            "iowrite8_rep memset_io readsb readsl readsw writesb writesl writesw",
            keeps=False,
        ),
        Row("ioremap", sleeps=ALWAYS),
        Row("virt_to_phys", hands=DIRECT_MAP, how="its physical address is asked for"),
        Row("memcpy_toio", keeps=False, reads=(1,), length=2),
        Row("memcpy_fromio", keeps=False, writes=(0,), length=2),
    ],
    "include/asm-generic/memory_model.h": [
        Row("page_to_pfn pfn_to_page", repeats=True)
    ],
    "include/linux/pfn.h": [Row("PFN_DOWN PFN_PHYS PFN_UP PHYS_PFN", repeats=True)],
    "arch/arm64/include/asm/memory.h": [Row("phys_to_page", repeats=True)],
    "include/asm-generic/page.h": [
        Row("clear_user_page copy_user_page", keeps=False),
        Row("copy_page", keeps=False, writes=(0,), reads=(1,), page_long=True),
        Row(
            "virt_to_pfn",
            hands=DIRECT_MAP,
            how="its page frame is asked for",
            repeats=True,
        ),
        Row("__pa", hands=DIRECT_MAP, how="its physical address is asked for"),
        Row(
            "virt_to_page",
            hands=DIRECT_MAP,
            how="its struct page is asked for",
            repeats=True,
        ),
        Row(
            "clear_page",
            keeps=False,
            writes=(0,),
            page_long=True,
            helper=(1, "clear_highpage"),
        ),
    ],
    "include/drm/drm_cache.h": [Row("drm_clflush_virt_range", keeps=False)],
    "include/linux/bio.h": [
        Row("bio_first_bvec_all bio_last_bvec_all", entry=VECTOR),
        Row("bio_for_each_bvec bio_for_each_bvec_all", entry=VECTOR),
        Row("__bio_for_each_segment bio_for_each_segment bip_for_each_vec", cuts=True),
        Row("bio_iter_iovec", repeats=True, cuts=True),
        Row("bio_iter_page bio_page", repeats=True),
        Row("submit_bio_wait", sleeps=ALWAYS),
        Row("bio_alloc bio_kmalloc", sleeps=BY_FLAGS),
    ],
    "include/linux/blk-mq.h": [
        Row("rq_for_each_bvec", entry=VECTOR),
        Row("rq_for_each_segment", cuts=True),
        Row("blk_rq_map_kern", hands=DIRECT_MAP, how="a request is made from it"),
    ],
    "include/linux/blkdev.h": [Row("blkdev_issue_flush", sleeps=ALWAYS)],
    "include/linux/buffer_head.h": [
        Row("b_page bh_offset", repeats=True),
        Row("lock_buffer sync_dirty_buffer wait_on_buffer", sleeps=ALWAYS),
        Row("mark_buffer_dirty", takes_page=MARKS),
    ],
    "include/linux/bvec.h": [
        Row("for_each_mp_bvec mp_bvec_iter_bvec", entry=VECTOR),
        Row("bvec_iter_bvec for_each_bvec", cuts=True),
        Row(
            "bvec_kmap_local",
            since="5.15",
            maps=Map("kunmap_local", "", False, True, into_page=True),
        ),
        Row("memcpy_from_bvec", since="5.15", maps_itself=True, vector=1),
        Row(
            "memcpy_to_bvec memzero_bvec",
            since="5.15",
            maps_itself=True,
            flushes="5.15",
            vector=0,
        ),
    ],
    "include/linux/dma-mapping.h": [
        Row("dma_alloc_coherent", sleeps=BY_FLAGS),
        Row(
            "dma_map_single dma_map_single_attrs",
            hands=DIRECT_MAP,
            how="it is mapped for DMA",
        ),
        Row("dma_sync_single_for_cpu", hands=KEPT, how="it is used for DMA"),
    ],
    "include/linux/dmapool.h": [Row("dma_pool_alloc", sleeps=BY_FLAGS)],
    "include/linux/gfp.h": [
        Row(
            "__alloc_pages alloc_pages_exact folio_alloc __get_free_pages "
            "get_zeroed_page",
            sleeps=BY_FLAGS,
        ),
        Row("__free_page", takes_page=LEAVES),
        Row("__get_free_page", sleeps=BY_FLAGS, allocates_pages=True),
        Row("alloc_page alloc_pages", sleeps=BY_FLAGS, allocates_pages=True, flags=0),
        Row("alloc_pages_node", sleeps=BY_FLAGS, allocates_pages=True, flags=1),
    ],
    "include/linux/highmem.h": [
        Row("flush_kernel_vmap_range invalidate_kernel_vmap_range", keeps=False),
        Row("kmap_to_page", hands=KEPT, how="its struct page is asked for"),
        Row("clear_highpage copy_highpage", since="2.6", maps_itself=True),
        Row(
            "memcpy_page memmove_page",
            since="5.12",
            maps_itself=True,
            ranges=(Range(0, 1, 4), Range(2, 3, 4)),
        ),
        Row(
            "folio_zero_range folio_zero_segment",
            since="5.16",
            maps_itself=True,
            flushes="5.16",
            folio_offset=1,
        ),
        Row("folio_zero_segments", since="5.16", maps_itself=True, flushes="5.16"),
        Row("copy_mc_highpage memcpy_from_file_folio", since="6.12", maps_itself=True),
        Row("memcpy_from_folio", since="6.12", maps_itself=True, folio_offset=2),
        Row("unmap_and_put_page", since="6.12", unmaps=Unmap("kunmap_local", 1)),
        Row("copy_mc_user_highpage", since="6.1", maps_itself=True),
        Row("folio_release_kmap", since="6.7", unmaps=Unmap("kunmap_local", 1)),
        Row("memcpy_folio", since="7.2", maps_itself=True),
        Row("zero_user_segments", since="2.6.25", maps_itself=True, flushes="2.6.25"),
        Row(
            "clear_user_highpage copy_user_highpage",
            since="2.6",
            keeps=False,
            maps_itself=True,
        ),
        Row(
            "memcpy_from_page",
            since="5.12",
            keeps=False,
            maps_itself=True,
            ranges=(Range(1, 2, 3),),
        ),
        Row("folio_fill_tail", since="6.12", maps_itself=True, flushes="6.12"),
        Row(
            "memcpy_to_folio",
            since="6.12",
            maps_itself=True,
            flushes="6.12",
            folio_offset=1,
        ),
        Row(
            "zero_user_segment",
            since="2.6.25",
            maps_itself=True,
            flushes="2.6.25",
            takes_page=LEAVES,
        ),
        Row(
            "zero_user",
            since="2.6.25",
            maps_itself=True,
            flushes="2.6.25",
            takes_page=LEAVES,
            ranges=(Range(0, 1, 2),),
        ),
        Row(
            "memcpy_to_page",
            since="5.12",
            keeps=False,
            maps_itself=True,
            flushes="5.14",  # commit 8dad53a11f8d
            ranges=(Range(0, 1, 3),),
        ),
        Row(
            "memset_page",
            since="5.12",
            keeps=False,
            maps_itself=True,
            takes_page=LEAVES,
            ranges=(Range(0, 1, 3),),
        ),
        Row(
            "memzero_page",
            since="5.13",
            keeps=False,
            maps_itself=True,
            flushes="5.14",  # commit 8dad53a11f8d
            takes_page=LEAVES,
            ranges=(Range(0, 1, 2),),
        ),
    ],
    "include/linux/hugetlb.h": [
        Row("huge_page_size", many_pages=BYTES),
        Row("pages_per_huge_page", many_pages=NUMBER),
    ],
    "include/linux/libnvdimm.h": [Row("arch_wb_cache_pmem", keeps=False)],
    "include/linux/logic_pio.h": [Row("insb insl insw outsb outsl outsw", keeps=False)],
    "include/linux/mempool.h": [Row("mempool_alloc", sleeps=BY_FLAGS)],
    "include/linux/mm.h": [
        Row("PAGE_ALIGNED", by_value=True),
        Row("compound_nr folio_nr_pages thp_nr_pages", many_pages=NUMBER),
        Row("folio_size page_size thp_size", many_pages=BYTES),
        Row("folio_page_idx page_index", page_number=True),
        Row("nth_page", repeats=True),
        Row("page_address", silent=True, linear=True),
        Row("folio_address lowmem_page_address", linear=True),
        Row(
            "get_user_pages get_user_pages_fast get_user_pages_remote "
            "get_user_pages_unlocked pin_user_pages pin_user_pages_fast vm_mmap "
            "vm_munmap",
            sleeps=ALWAYS,
        ),
        Row("get_page put_page", takes_page=LEAVES),
        Row("set_page_dirty", takes_page=MARKS),
        Row("offset_in_page", keeps=False, silent=True),
        Row("PAGE_ALIGN", silent=True, by_value=True),
        Row("virt_to_folio", hands=DIRECT_MAP, how="its folio is asked for"),
        Row("vmalloc_to_pfn", hands=DIRECT_MAP, how="its page frame is asked for"),
        Row("virt_to_head_page", hands=DIRECT_MAP, how="its struct page is asked for"),
        Row("page_to_virt", hands=KEPT, how="it is translated"),
        Row(
            "vmalloc_to_page",
            hands=DIRECT_MAP,
            how="its struct page is asked for",
            repeats=True,
        ),
    ],
    "include/linux/mmdebug.h": [Row("VM_BUG_ON", keeps=False, by_value=True)],
    "include/linux/page-flags.h": [
        Row("compound_head folio_page page_folio", repeats=True),
        Row("ClearPageUptodate SetPageDirty SetPageUptodate", takes_page=MARKS),
        # The pages of highmem are behind all that have a linear address: zones go by
        # address, and ZONE_DEVICE is for kernels without highmem (mm/Kconfig).
        Row("PageHighMem", lasts=True),
    ],
    "include/linux/pagemap.h": [
        Row("folio_index folio_pgoff", page_number=True),
        Row("__page_cache_alloc", sleeps=BY_FLAGS, allocates_pages=True, flags=0),
        Row("fault_in_readable fault_in_writeable", faults=USES),
        Row(
            "folio_lock folio_lock_killable folio_wait_locked folio_wait_writeback "
            "lock_page_killable read_cache_folio read_cache_page read_mapping_folio "
            "read_mapping_page",
            sleeps=ALWAYS,
        ),
        Row("end_page_writeback unlock_page", takes_page=LEAVES),
        Row(
            "lock_page wait_on_page_locked wait_on_page_writeback",
            sleeps=ALWAYS,
            takes_page=LEAVES,
        ),
    ],
    "include/linux/pagemap.h of Linux 5.10": [Row("wait_on_page_bit", sleeps=ALWAYS)],
    "include/linux/pci-dma-compat.h of Linux 5.10": [
        Row("pci_map_single", hands=DIRECT_MAP, how="it is mapped for DMA")
    ],
    "include/linux/prefetch.h": [Row("prefetch prefetchw", keeps=False)],
    # One without data has neither: scsi_prepare_cmd() in drivers/scsi/scsi_lib.c.
    "include/scsi/scsi_cmnd.h": [Row("scsi_sg_count", counts="scsi_sglist")],
    "include/linux/scatterlist.h": [
        Row("sg_copy_from_buffer sg_copy_to_buffer", keeps=False),
        Row("sg_page", repeats=True, entry=LIST),
        Row("sg_virt", repeats=True),
        Row("sg_alloc_table", sleeps=BY_FLAGS),
        Row(
            "sg_init_one sg_set_buf",
            hands=DIRECT_MAP,
            how="a scatterlist entry is made from it",
        ),
    ],
    "include/linux/skbuff.h": [
        Row("skb_copy_bits skb_store_bits", keeps=False),
        Row("skb_frag_page", repeats=True, entry=FRAGMENT),
        Row("alloc_skb", sleeps=BY_FLAGS),
    ],
    "include/linux/slab.h": [
        Row(
            "kcalloc kmalloc kmalloc_array kmalloc_node kmem_cache_alloc "
            "kmem_cache_alloc_node kmem_cache_zalloc krealloc kvcalloc kvmalloc "
            "kvmalloc_array kvzalloc kzalloc kzalloc_node",
            sleeps=BY_FLAGS,
        ),
        Row("kfree kvfree", hands=FREED, how="it is freed"),
    ],
    "include/linux/swap.h": [Row("mark_page_accessed", takes_page=MARKS)],
    "include/linux/vmalloc.h": [
        Row("vm_map_ram vmalloc __vmalloc vmalloc_user vmap vzalloc", sleeps=ALWAYS),
        Row("vfree", hands=FREED, how="it is freed"),
        Row("vunmap", hands=FREED, how="it is unmapped as one of vmap()"),
    ],
    # sg_miter_next() first stops.
    "lib/scatterlist.c": [
        Row("sg_miter_next", maps=_NEXT),
        Row("sg_miter_stop", unmaps=Unmap("kunmap_local", 0, HOLDER)),
    ],
    # skb_seq_read() unmaps the fragment before.
    "net/core/skbuff.c": [
        Row("skb_seq_read", maps=_NEXT._replace(where=2)),
        Row("skb_abort_seq_read", unmaps=Unmap("kunmap_local", 0, HOLDER)),
    ],
}
