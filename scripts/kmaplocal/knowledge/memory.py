# SPDX-License-Identifier: GPL-2.0-only
"""Functions that access memory: copies, strings, numbers, checksums, bits, printing."""

from __future__ import annotations

from kmaplocal.knowledge.row import BY_FLAGS, PAGING_IN, USES, Row

ROWS: dict[str, list[Row]] = {
    "arch/alpha/lib/csum_partial_copy.c": [Row("csum_partial_copy", keeps=False)],
    "crypto/sha512_generic.c": [Row("sha512_update", keeps=False)],
    "fs/smb/client/cifs_debug.h": [
        Row("cifs_dbg cifs_info cifs_server_dbg", keeps=False, prints=True)
    ],
    "include/asm-generic/asm-prototypes.h": [Row("__memcpy __memset", keeps=False)],
    "include/asm-generic/barrier.h": [
        Row("smp_load_acquire", keeps=False),
        Row("smp_store_mb", stores=(1,)),
        Row("smp_store_release", keeps=False, stores=(1,)),
    ],
    "include/asm-generic/bitops/instrumented-atomic.h": [
        Row(
            "change_bit clear_bit set_bit test_and_clear_bit test_and_set_bit",
            keeps=False,
        )
    ],
    "include/asm-generic/bitops/le.h": [
        Row(
            "clear_bit_le __clear_bit_le set_bit_le __set_bit_le "
            "__test_and_clear_bit_le __test_and_set_bit_le test_and_set_bit_le "
            "test_bit_le",
            keeps=False,
        )
    ],
    "include/asm-generic/checksum.h": [
        Row("csum_partial", keeps=False, reads=(0,), length=1),
        Row("ip_compute_csum", keeps=False),
    ],
    "include/asm-generic/rwonce.h": [
        Row("READ_ONCE", keeps=False, returns=True, same=True),
        Row("WRITE_ONCE", keeps=False, writes=(0,), stores=(1,)),
    ],
    "include/asm-generic/unaligned.h": [
        Row(
            "get_unaligned get_unaligned_be16 get_unaligned_be32 get_unaligned_be64 "
            "get_unaligned_le16 get_unaligned_le32 get_unaligned_le64 "
            "put_unaligned_be16 put_unaligned_be32 put_unaligned_le16 "
            "put_unaligned_le32",
            keeps=False,
        ),
        Row(
            "put_unaligned put_unaligned_be64 put_unaligned_le64",
            keeps=False,
            stores=(0,),
        ),
    ],
    "include/crypto/hash.h": [
        Row(
            "crypto_shash_digest crypto_shash_finup crypto_shash_tfm_digest",
            keeps=False,
        ),
        Row("crypto_shash_update", keeps=False, reads=(1,), length=2),
        Row("crypto_alloc_shash", sleeps=BY_FLAGS),
    ],
    "include/crypto/internal/cipher.h": [
        Row(
            "crypto_cipher_decrypt_one crypto_cipher_encrypt_one crypto_cipher_setkey",
            keeps=False,
        )
    ],
    "include/linux/atomic/atomic-instrumented.h": [
        Row("atomic_dec atomic_inc atomic_read", keeps=False),
        Row("cmpxchg", keeps=False, stores=(1, 2)),
        Row("atomic_set xchg", keeps=False, stores=(1,)),
    ],
    "include/linux/bitmap.h": [
        Row(
            "bitmap_clear bitmap_copy bitmap_fill bitmap_set bitmap_weight bitmap_zero",
            keeps=False,
        )
    ],
    "include/linux/bitops.h": [
        Row(
            "__change_bit __clear_bit hweight_long __set_bit __test_and_clear_bit "
            "__test_and_set_bit test_bit",
            keeps=False,
        )
    ],
    "include/linux/byteorder/generic.h": [
        Row(
            "be16_add_cpu be16_to_cpup be32_add_cpu be32_to_cpup be64_add_cpu "
            "be64_to_cpup cpu_to_be32s cpu_to_le16s cpu_to_le32_array cpu_to_le32s "
            "le16_add_cpu le16_to_cpup le16_to_cpus le32_add_cpu le32_to_cpu_array "
            "le32_to_cpup le32_to_cpus le64_add_cpu le64_to_cpup le64_to_cpus",
            keeps=False,
        ),
        Row(
            "be16_to_cpu be32_to_cpu be64_to_cpu cpu_to_be16 cpu_to_be32 cpu_to_le16 "
            "cpu_to_le32 htonl htons le16_to_cpu le32_to_cpu le64_to_cpu ntohl ntohs",
            keeps=False,
            repeats=True,
        ),
        Row("cpu_to_be64 cpu_to_le64", keeps=False, returns=True, repeats=True),
    ],
    "include/linux/crc-ccitt.h": [Row("crc_ccitt", keeps=False)],
    "include/linux/crc-itu-t.h": [Row("crc_itu_t", keeps=False)],
    "include/linux/crc-t10dif.h": [Row("crc_t10dif", keeps=False)],
    "include/linux/crc16.h": [Row("crc16", keeps=False)],
    "include/linux/crc32.h": [
        Row("crc32_be __crc32c_le", keeps=False),
        Row("crc32 crc32_le", keeps=False, reads=(1,), length=2),
    ],
    "include/linux/crc32c.h": [Row("crc32c", keeps=False, reads=(1,), length=2)],
    "include/linux/crc7.h": [Row("crc7_be", keeps=False)],
    "include/linux/crc8.h": [Row("crc8", keeps=False)],
    "include/linux/crypto.h": [
        Row("crypto_comp_compress crypto_comp_decompress", keeps=False)
    ],
    "include/linux/dev_printk.h": [
        Row(
            "dev_dbg dev_err dev_info dev_notice dev_warn dev_dbg_once dev_err_once "
            "dev_info_once dev_notice_once dev_warn_once dev_dbg_ratelimited "
            "dev_err_ratelimited dev_info_ratelimited dev_notice_ratelimited "
            "dev_warn_ratelimited",
            keeps=False,
            prints=True,
        ),
    ],
    "include/linux/find.h": [
        Row(
            "find_first_bit find_first_zero_bit find_first_zero_bit_le find_next_bit "
            "find_next_bit_le find_next_zero_bit find_next_zero_bit_le",
            keeps=False,
        )
    ],
    "include/linux/instrumented.h": [
        Row(
            "instrument_copy_from_user_after instrument_copy_from_user_before "
            "instrument_copy_to_user instrument_read instrument_write",
            keeps=False,
        )
    ],
    "include/linux/jhash.h": [Row("jhash jhash2", keeps=False)],
    "include/linux/kasan-checks.h": [
        Row("kasan_check_read kasan_check_write", keeps=False)
    ],
    "include/linux/kasan.h": [Row("kasan_reset_tag", keeps=False, returns=True)],
    "include/linux/kcsan-checks.h": [
        Row("kcsan_check_access kcsan_check_read kcsan_check_write", keeps=False)
    ],
    "include/linux/kmsan-checks.h": [
        Row("kmsan_check_memory kmsan_unpoison_memory", keeps=False)
    ],
    "include/linux/kstrtox.h": [
        Row("kstrtoint kstrtouint kstrtoul kstrtoull", keeps=False)
    ],
    "include/linux/lz4.h": [
        Row(
            "LZ4_compress_default LZ4_decompress_fast LZ4_decompress_safe "
            "LZ4_decompress_safe_partial",
            keeps=False,
        )
    ],
    "include/linux/lzo.h": [Row("lzo1x_1_compress lzo1x_decompress_safe", keeps=False)],
    "include/linux/prandom.h of Linux 5.10": [Row("prandom_bytes", keeps=False)],
    "include/linux/printk.h": [
        Row("hex_dump_to_buffer", keeps=False),
        Row("print_hex_dump", keeps=False, reads=(5,), length=6),
        Row("print_hex_dump_debug", keeps=False, reads=(4,), length=5),
        Row("print_hex_dump_bytes", keeps=False, reads=(2,), length=3),
        Row("no_printk", prints=True),
        Row(
            "pr_alert pr_cont pr_crit pr_debug pr_devel pr_emerg pr_err pr_info "
            "pr_notice pr_warn printk pr_alert_once pr_crit_once pr_debug_once "
            "pr_devel_once pr_emerg_once pr_err_once pr_info_once pr_notice_once "
            "pr_warn_once printk_once pr_alert_ratelimited pr_crit_ratelimited "
            "pr_debug_ratelimited pr_devel_ratelimited pr_emerg_ratelimited "
            "pr_err_ratelimited pr_info_ratelimited pr_notice_ratelimited "
            "pr_warn_ratelimited printk_ratelimited",
            keeps=False,
            prints=True,
        ),
    ],
    "include/linux/random.h": [
        Row("get_random_bytes", keeps=False, writes=(0,), length=1)
    ],
    "include/linux/siphash.h": [Row("siphash", keeps=False)],
    "include/linux/sort.h": [Row("sort", keeps=False)],
    "include/linux/string.h": [
        Row(
            "bcmp memcpy_and_pad memcpy_flushcache memset16 memset32 memweight "
            "strcasecmp strcmp strlcpy strlen strncasecmp strncmp strnlen strscpy_pad",
            keeps=False,
        ),
        Row("kmemdup kmemdup_nul kstrdup kstrndup", sleeps=BY_FLAGS),
        Row("memdup_user memdup_user_nul strndup_user", sleeps=PAGING_IN),
        Row(
            "memchr mempcpy memscan skip_spaces strcat strchr strim strncat strnchr "
            "strpbrk strrchr strsep strstr",
            keeps=False,
            returns=True,
        ),
        Row("memset64", keeps=False, stores=(1,)),
        Row("memcmp", keeps=False, reads=(0, 1), length=2),
        Row("strscpy", keeps=False, writes=(0,), length=2),
        Row("strcpy strncpy", keeps=False, writes=(0,), returns=True),
        Row("memzero_explicit", keeps=False, keeps_behind=False, writes=(0,), length=1),
        Row("memchr_inv", keeps=False, reads=(0,), length=2, returns=True),
        Row(
            "memmove",
            keeps=False,
            writes=(0,),
            reads=(1,),
            length=2,
            returns=True,
            overlaps=True,
        ),
        Row(
            "memset",
            keeps=False,
            keeps_behind=False,
            writes=(0,),
            length=2,
            returns=True,
            helper=(3, "memset_page"),
        ),
        Row(
            "memcpy",
            keeps=False,
            writes=(0,),
            reads=(1,),
            length=2,
            returns=True,
            helper=(3, "memcpy_from_page"),
        ),
    ],
    "include/linux/stringhash.h": [Row("full_name_hash", keeps=False)],
    "include/linux/swab.h": [
        Row("swab16 swab16s swab32 swab32s swab64 swab64s", keeps=False)
    ],
    "include/linux/unaligned/packed_struct.h": [
        Row("__get_unaligned_cpu32", keeps=False)
    ],
    "include/linux/uuid.h": [
        Row(
            "export_uuid guid_copy guid_equal import_uuid uuid_copy uuid_equal",
            keeps=False,
        )
    ],
    "include/linux/xxhash.h": [Row("xxh32 xxh64 xxhash", keeps=False)],
    "include/linux/xz.h": [Row("xz_dec_run", keeps=False, keeps_behind=False)],
    "include/linux/zlib.h": [Row("zlib_deflate zlib_inflate", keeps=False)],
    "include/linux/zstd.h": [Row("zstd_decompress_dctx", keeps=False)],
    "include/linux/zstd_lib.h": [Row("ZSTD_decompressDCtx", keeps=False)],
    "include/linux/zutil.h": [Row("adler32 zlib_adler32", keeps=False)],
    "include/net/checksum.h": [
        Row("csum_and_copy_from_user csum_and_copy_to_user", faults=USES),
        Row("csum_partial_copy_nocheck", keeps=False),
    ],
    "include/net/net_debug.h": [Row("netdev_dbg netdev_err", keeps=False, prints=True)],
    "lib/crypto/sha1.c": [Row("sha1_transform", keeps=False)],
    "lib/crypto/sha256.c": [Row("sha256 sha256_update", keeps=False)],
}
