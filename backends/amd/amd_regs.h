/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef AMD_REGS_H
#define AMD_REGS_H
/*
 * Registers, commands, table entries and log entries. Fields of commands and log entries are
 * those of two 64-bit words: dw0 and dw1 make word 0, dw2 and dw3 word 1.
 */
#include <uiommu/bits.h>

#define AMD_DEVTAB_BASE 0x0000u
#define AMD_CMD_BASE    0x0008u
#define AMD_EVT_BASE    0x0010u
#define AMD_CONTROL     0x0018u
#define AMD_EXCL_BASE   0x0020u
#define AMD_EXCL_LIMIT  0x0028u
#define AMD_EFR         0x0030u
#define AMD_PPR_BASE    0x0038u
#define AMD_CMD_HEAD    0x2000u
#define AMD_CMD_TAIL    0x2008u
#define AMD_EVT_HEAD    0x2010u
#define AMD_EVT_TAIL    0x2018u
#define AMD_STATUS      0x2020u
#define AMD_PPR_HEAD    0x2030u
#define AMD_PPR_TAIL    0x2038u
#define AMD_EARLY       0x2088u
#define AMD_EARLY_B     0x2090u
/* Threshold in bits 14:0. */
#define AMD_EARLY_INT 0x40000000u
#define AMD_EARLY_EN  0x80000000u

/* Base registers, and head and tail. */
#define AMD_DEVTAB_SIZE UIOMMU_FIELD(8, 0)
#define AMD_BASE_LEN    UIOMMU_FIELD(59, 56)
#define AMD_POINTER     UIOMMU_FIELD(18, 4)

/* Control */
#define AMD_CTL_IOMMU_EN      UIOMMU_FIELD(0, 0)
#define AMD_CTL_IVHD          UIOMMU_FIELD(1, 1) /* HtTun; the others below. */
#define AMD_CTL_EVT_EN        UIOMMU_FIELD(2, 2)
#define AMD_CTL_EVT_INT       UIOMMU_FIELD(3, 3)
#define AMD_CTL_WAIT_INT      UIOMMU_FIELD(4, 4)
#define AMD_CTL_INV_TIMEOUT   UIOMMU_FIELD(7, 5)
#define AMD_CTL_PASS_PW       UIOMMU_FIELD(8, 8)
#define AMD_CTL_RES_PASS_PW   UIOMMU_FIELD(9, 9)
#define AMD_CTL_COHERENT      UIOMMU_FIELD(10, 10)
#define AMD_CTL_ISOC          UIOMMU_FIELD(11, 11)
#define AMD_CTL_CMD_EN        UIOMMU_FIELD(12, 12)
#define AMD_CTL_PPR_LOG_EN    UIOMMU_FIELD(13, 13)
#define AMD_CTL_PPR_INT       UIOMMU_FIELD(14, 14)
#define AMD_CTL_PPR_EN        UIOMMU_FIELD(15, 15)
#define AMD_CTL_GT_EN         UIOMMU_FIELD(16, 16)
#define AMD_CTL_DUAL_PPR      UIOMMU_FIELD(31, 30)
#define AMD_CTL_DUAL_EVT      UIOMMU_FIELD(33, 32)
#define AMD_CTL_SEGMENTS      UIOMMU_FIELD(36, 34)
#define AMD_CTL_AUTO_RSP      UIOMMU_FIELD(39, 39)
#define AMD_CTL_MARC          UIOMMU_FIELD(40, 40)
#define AMD_CTL_BLOCK_MARKERS UIOMMU_FIELD(41, 41)
#define AMD_CTL_AUTO_RSP_ON   UIOMMU_FIELD(42, 42)
#define AMD_CTL_EPH_EN        UIOMMU_FIELD(45, 45)
#define AMD_CTL_GCR3_GPA      UIOMMU_FIELD(58, 58)

/* Status */
#define AMD_STS_EVT_OVERFLOW 0x001u
#define AMD_STS_EVT_INT      0x002u
#define AMD_STS_WAIT_INT     0x004u
#define AMD_STS_EVT_RUN      0x008u
#define AMD_STS_CMD_RUN      0x010u
#define AMD_STS_PPR_OVERFLOW 0x020u
#define AMD_STS_PPR_INT      0x040u
#define AMD_STS_PPR_RUN      0x080u
#define AMD_STS_PPR_EARLY    0x40000u

/* Extended features */
#define AMD_EFR_PPR     UIOMMU_FIELD(1, 1)
#define AMD_EFR_GT      UIOMMU_FIELD(4, 4)
#define AMD_EFR_INV_ALL UIOMMU_FIELD(6, 6)
#define AMD_EFR_HATS    UIOMMU_FIELD(11, 10)
#define AMD_EFR_GATS    UIOMMU_FIELD(13, 12)
#define AMD_EFR_GLX     UIOMMU_FIELD(15, 14)
#define AMD_EFR_PASMAX  UIOMMU_FIELD(36, 32)
#define AMD_EFR_DUAL    UIOMMU_FIELD(25, 24)
#define AMD_EFR_EARLY   UIOMMU_FIELD(40, 40)
#define AMD_EFR_MARKERS UIOMMU_FIELD(44, 44)
#define AMD_EFR_GIO     UIOMMU_FIELD(48, 48)
#define AMD_EFR_EPH     UIOMMU_FIELD(50, 50)
#define AMD_EFR_SNP     UIOMMU_FIELD(63, 63)

/* Device table entry */
#define AMD_DTE_BYTES      32u
#define AMD_DTE_WORDS      4u
#define AMD_DTE_BUILT      3u /* The others are the host's. */
#define AMD_DTE_ENTRIES    65536u
#define AMD_DTE0_TV        UIOMMU_FIELD(1, 1)
#define AMD_DTE0_MODE      UIOMMU_FIELD(11, 9)
#define AMD_DTE0_HOST      UIOMMU_FIELD(51, 12) /* Root of the host table. */
#define AMD_DTE0_PPR       UIOMMU_FIELD(52, 52)
#define AMD_DTE0_GPRP      UIOMMU_FIELD(53, 53)
#define AMD_DTE0_GIOV      UIOMMU_FIELD(54, 54)
#define AMD_DTE0_GV        UIOMMU_FIELD(55, 55)
#define AMD_DTE0_GLX       UIOMMU_FIELD(57, 56)
#define AMD_DTE0_ROOT_14   UIOMMU_FIELD(60, 58) /* Root bits 14:12. */
#define AMD_DTE0_IR        UIOMMU_FIELD(61, 61)
#define AMD_DTE0_IW        UIOMMU_FIELD(62, 62)
#define AMD_DTE1_DOMAIN    UIOMMU_FIELD(15, 0)
#define AMD_DTE1_ROOT_30   UIOMMU_FIELD(31, 16) /* 30:15 */
#define AMD_DTE1_I         UIOMMU_FIELD(32, 32)
#define AMD_DTE1_SE        UIOMMU_FIELD(33, 33)    /* One fault is an event, the next are none. */
#define AMD_DTE1_ROOT_51   UIOMMU_FIELD(63, 43)    /* 51:31 */
#define AMD_DTE1_HOST      UINT64_C(0x30000000000) /* SysMgt */
#define AMD_DTE2_PAGING    UIOMMU_FIELD(55, 54)
#define AMD_DTE2_OURS      UIOMMU_FIELD(55, 52)
#define AMD_PAGING_5_LEVEL 1u
/* V=1, TV=0: aborted on every reading of the sheet; V=0 would pass. */
#define AMD_DTE_BLOCKED UINT64_C(1)

/* GCR3 table */
#define AMD_GCR3_NODE_BYTES 4096u
#define AMD_GCR3_LOG2       9u
#define AMD_GCR3_VALID      UINT64_C(1)
#define AMD_GCR3_ADDRESS    UIOMMU_FIELD(51, 12)

/* Commands */
#define AMD_COMMAND_BYTES    16u
#define AMD_COMMAND_WORDS    2u
#define AMD_CMD_OP           UIOMMU_FIELD(63, 60)
#define AMD_OP_WAIT          0x1u
#define AMD_OP_INV_DEVTAB    0x2u
#define AMD_OP_INV_PAGES     0x3u
#define AMD_OP_INV_IOTLB     0x4u
#define AMD_OP_COMPLETE_PPR  0x7u
#define AMD_OP_INV_ALL       0x8u
#define AMD_WAIT_STORE       UINT64_C(1)
#define AMD_WAIT_FENCE       UINT64_C(4)
#define AMD_WAIT_ADDRESS     UIOMMU_FIELD(51, 3)
#define AMD_CMD_ID           UIOMMU_FIELD(15, 0)
#define AMD_PAGES_PASID      UIOMMU_FIELD(19, 0)
#define AMD_PAGES_DOMAIN     UIOMMU_FIELD(47, 32)
#define AMD_IOTLB_PASID_15   UIOMMU_FIELD(23, 16) /* PASID bits 15:8. */
#define AMD_IOTLB_PENDING    UIOMMU_FIELD(31, 24)
#define AMD_IOTLB_QUEUE      UIOMMU_FIELD(47, 32)
#define AMD_IOTLB_PASID_7    UIOMMU_FIELD(55, 48) /* 7:0 */
#define AMD_IOTLB_PASID_19   UIOMMU_FIELD(59, 56) /* 19:16 */
#define AMD_INV_S            UINT64_C(1)
#define AMD_INV_PDE          UINT64_C(2)
#define AMD_INV_GN           UINT64_C(4)
#define AMD_INV_ALL_ADDRESS  UINT64_C(0x7ffffffffffff000)
#define AMD_PPR_PASID        UIOMMU_FIELD(51, 32)
#define AMD_PPR_TAG          UIOMMU_FIELD(40, 32)
#define AMD_PPR_STATUS       UIOMMU_FIELD(47, 44)
#define AMD_RESPONSE_SUCCESS 0x0u
#define AMD_RESPONSE_INVALID 0x1u
#define AMD_RESPONSE_FAILURE 0xfu

/* Log entries. PPR log, and event 9 but for GN and RX. */
#define AMD_LOG_BYTES    16u
#define AMD_LOG_WORDS    2u
#define AMD_LOG_CODE     UIOMMU_FIELD(63, 60)
#define AMD_LOG_ID       UIOMMU_FIELD(15, 0)
#define AMD_REQ_PASID_15 UIOMMU_FIELD(31, 16) /* 15:0 */
#define AMD_REQ_TAG      UIOMMU_FIELD(40, 32)
#define AMD_REQ_LAST     UIOMMU_FIELD(41, 41)
#define AMD_REQ_PASID_19 UIOMMU_FIELD(45, 42) /* 19:16 */
#define AMD_REQ_EX       UIOMMU_FIELD(49, 49)
#define AMD_REQ_R        UIOMMU_FIELD(50, 50)
#define AMD_REQ_W        UIOMMU_FIELD(53, 53)
#define AMD_REQ_US       UIOMMU_FIELD(54, 54)
#define AMD_REQ_RZ       UIOMMU_FIELD(55, 55)
#define AMD_REQ_GN       UIOMMU_FIELD(56, 56)
#define AMD_PPR_CODE     0x1u
#define AMD_BAD_PPR_RX   UIOMMU_FIELD(48, 48)
#define AMD_BAD_PPR_GN   UIOMMU_FIELD(57, 57)

/* Events */
#define AMD_EV_PASID_15   UIOMMU_FIELD(47, 32) /* 15:0, with GN. */
#define AMD_EV_PASID_19   UIOMMU_FIELD(19, 16) /* 19:16 */
#define AMD_EV_GN         UIOMMU_FIELD(48, 48)
#define AMD_EV_US         UIOMMU_FIELD(50, 50)
#define AMD_EV_I          UIOMMU_FIELD(51, 51)
#define AMD_EV_PR         UIOMMU_FIELD(52, 52)
#define AMD_EV_RW         UIOMMU_FIELD(53, 53)
#define AMD_EV_PE         UIOMMU_FIELD(54, 54)
#define AMD_EV_TR         UIOMMU_FIELD(56, 56)
#define AMD_EV_TYPE       UIOMMU_FIELD(59, 57)
#define AMD_EV_BAD_DTE    0x1u
#define AMD_EV_PAGE_FAULT 0x2u
#define AMD_EV_DTE_HW     0x3u
#define AMD_EV_TABLE_HW   0x4u
#define AMD_EV_COMMAND    0x5u
#define AMD_EV_COMMAND_HW 0x6u
#define AMD_EV_TIMEOUT    0x7u
#define AMD_EV_REQUEST    0x8u
#define AMD_EV_BAD_PPR    0x9u

#endif
