/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Found before the kernel's own <linux/highmem.h> when sparse reads a file: every
 * call that maps adds one to a context of sparse's, every call that unmaps takes
 * one away, and sparse complains of paths that do not agree.
 */
#ifndef KMAPLOCAL_SPARSE_HIGHMEM_H
#define KMAPLOCAL_SPARSE_HIGHMEM_H

#include_next <linux/highmem.h>

#ifdef __CHECKER__

#define kmaplocal_mapped(address) ({ __context__(KMAPLOCAL, 1); (address); })
#define kmaplocal_unmapped(address)		\
do {						\
	__context__(KMAPLOCAL, -1);		\
	(void)(address);			\
} while (0)

#undef kunmap_atomic
#undef kunmap_local

#define kmap(page) kmaplocal_mapped(kmap(page))
#define kmap_atomic(page) kmaplocal_mapped(kmap_atomic(page))
#define kmap_atomic_prot(page, prot) \
	kmaplocal_mapped(kmap_atomic_prot(page, prot))
#define kmap_atomic_pfn(pfn) kmaplocal_mapped(kmap_atomic_pfn(pfn))
#define kmap_local_page(page) kmaplocal_mapped(kmap_local_page(page))
#define kmap_local_page_prot(page, prot) \
	kmaplocal_mapped(kmap_local_page_prot(page, prot))
#define kmap_local_pfn(pfn) kmaplocal_mapped(kmap_local_pfn(pfn))
#define kmap_local_folio(folio, offset) \
	kmaplocal_mapped(kmap_local_folio(folio, offset))
#define kunmap(page) kmaplocal_unmapped(page)
#define kunmap_atomic(address) kmaplocal_unmapped(address)
#define kunmap_local(address) kmaplocal_unmapped(address)

#endif
#endif
