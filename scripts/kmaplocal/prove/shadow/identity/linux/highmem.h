/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Found before the kernel's own <linux/highmem.h>: after it, every call that
 * maps, old or new, is one primitive, and so is every call that unmaps.  Code
 * that is the same before and after a conversion then comes out the same.
 *
 * kmaplocal_map() is declared const, so that naming the page again, as kunmap()
 * does, gives the address that the mapping gave.  What unmaps is told the start
 * of the page, whichever address in it the caller has.
 *
 *	KMAPLOCAL_UNMAPS	0: unmapping leaves no trace in the code
 *	KMAPLOCAL_ATOMIC	what kmap_atomic() also disables, as in the code
 *				that spells it out: 1 page faults, 2 preemption,
 *				both added up; 4 more: only while it is mapped
 *	KMAPLOCAL_ADDRESS	1: page_address() is the address of a mapping, as
 *				for code that calls kmap() and drops its value
 */
#ifndef KMAPLOCAL_IDENTITY_HIGHMEM_H
#define KMAPLOCAL_IDENTITY_HIGHMEM_H

#include_next <linux/highmem.h>

#ifndef KMAPLOCAL_UNMAPS
#define KMAPLOCAL_UNMAPS 1
#endif
#ifndef KMAPLOCAL_ADDRESS
#define KMAPLOCAL_ADDRESS 0
#endif
#ifndef KMAPLOCAL_ATOMIC
#define KMAPLOCAL_ATOMIC 0
#endif

extern void *kmaplocal_map(const struct page *page)
	__attribute__((const, assume_aligned(PAGE_SIZE)));
extern void kmaplocal_unmap(unsigned long page_start);

static __always_inline void kmaplocal_end(const void *address)
{
	if (KMAPLOCAL_UNMAPS)
		kmaplocal_unmap((unsigned long)address & PAGE_MASK);
}

/* Not even a call of an inline function more: it would show in the registers. */
#if KMAPLOCAL_ATOMIC
static __always_inline void kmaplocal_disable(void)
{
	if (KMAPLOCAL_ATOMIC & 2)
		preempt_disable();
	if (KMAPLOCAL_ATOMIC & 1)
		pagefault_disable();
}

static __always_inline void kmaplocal_enable(void)
{
	if (KMAPLOCAL_ATOMIC & 1)
		pagefault_enable();
	if (KMAPLOCAL_ATOMIC & 2)
		preempt_enable();
}

static __always_inline void *kmaplocal_atomic(const struct page *page)
{
	void *address;

	if (!(KMAPLOCAL_ATOMIC & 4))
		kmaplocal_disable();
	address = kmaplocal_map(page);
	if (KMAPLOCAL_ATOMIC & 4)
		kmaplocal_disable();
	return address;
}

static __always_inline void kmaplocal_end_atomic(const void *address)
{
	if (KMAPLOCAL_ATOMIC & 4)
		kmaplocal_enable();
	kmaplocal_end(address);
	if (!(KMAPLOCAL_ATOMIC & 4))
		kmaplocal_enable();
}
#else
#define kmaplocal_atomic(page) kmaplocal_map(page)
#define kmaplocal_end_atomic(address) kmaplocal_end(address)
#endif

static __always_inline void *kmaplocal_folio(struct folio *folio, size_t offset)
{
	return kmaplocal_map(folio_page(folio, offset / PAGE_SIZE)) +
	       offset % PAGE_SIZE;
}

#if KMAPLOCAL_ADDRESS
#undef page_address
#define page_address(page) kmaplocal_map(page)
#endif

#undef kunmap_atomic
#undef kunmap_local

#define kmap(page) kmaplocal_map(page)
#define kmap_atomic(page) kmaplocal_atomic(page)
#define kmap_atomic_prot(page, prot) ((void)(prot), kmaplocal_atomic(page))
#define kmap_atomic_pfn(pfn) kmaplocal_atomic(pfn_to_page(pfn))
#define kmap_local_page(page) kmaplocal_map(page)
#define kmap_local_page_prot(page, prot) ((void)(prot), kmaplocal_map(page))
#define kmap_local_pfn(pfn) kmaplocal_map(pfn_to_page(pfn))
#define kmap_local_folio(folio, offset) kmaplocal_folio(folio, offset)
#define kunmap(page) kmaplocal_end(kmaplocal_map(page))
#define kunmap_atomic(address) kmaplocal_end_atomic(address)
#define kunmap_local(address) kmaplocal_end(address)

/*
 * The page helpers, without their checks and without the cache flush, which is
 * nothing on x86: a mapping and what it was for, written out.
 */

static __always_inline void kmaplocal_memcpy_to_page(struct page *page,
						     size_t offset,
						     const char *from,
						     size_t len)
{
	char *to = kmaplocal_map(page);

	memcpy(to + offset, from, len);
	kmaplocal_end(to);
}

static __always_inline void kmaplocal_memcpy_from_page(char *to,
						       struct page *page,
						       size_t offset,
						       size_t len)
{
	char *from = kmaplocal_map(page);

	memcpy(to, from + offset, len);
	kmaplocal_end(from);
}

static __always_inline void kmaplocal_memcpy_page(struct page *to_page,
						  size_t to_offset,
						  struct page *from_page,
						  size_t from_offset,
						  size_t len)
{
	char *to = kmaplocal_map(to_page);
	char *from = kmaplocal_map(from_page);

	memcpy(to + to_offset, from + from_offset, len);
	kmaplocal_end(from);
	kmaplocal_end(to);
}

static __always_inline void kmaplocal_memset_page(struct page *page,
						  size_t offset, int value,
						  size_t len)
{
	char *to = kmaplocal_map(page);

	memset(to + offset, value, len);
	kmaplocal_end(to);
}

static __always_inline void kmaplocal_memzero_page(struct page *page,
						   size_t offset, size_t len)
{
	kmaplocal_memset_page(page, offset, 0, len);
}

static __always_inline void kmaplocal_clear_highpage(struct page *page)
{
	void *to = kmaplocal_map(page);

	clear_page(to);
	kmaplocal_end(to);
}

static __always_inline void kmaplocal_copy_highpage(struct page *to_page,
						    struct page *from_page)
{
	void *from = kmaplocal_map(from_page);
	void *to = kmaplocal_map(to_page);

	copy_page(to, from);
	kmaplocal_end(to);
	kmaplocal_end(from);
}

#define memcpy_to_page kmaplocal_memcpy_to_page
#define memcpy_from_page kmaplocal_memcpy_from_page
#define memcpy_page kmaplocal_memcpy_page
#define memset_page kmaplocal_memset_page
#define memzero_page kmaplocal_memzero_page
#define clear_highpage kmaplocal_clear_highpage
#define copy_highpage kmaplocal_copy_highpage

#endif
