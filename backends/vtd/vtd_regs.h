/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VTD_REGS_H
#define VTD_REGS_H
/*
 * Registers, descriptors and tables of scalable mode (VT-d 5.10; sheet section numbers). Fields
 * of words above the first count from bit 0 of their own 64-bit word.
 */
#include <uiommu/bits.h>

/* ---- registers (2) ------------------------------------------------------------------------ */
#define VTD_VER     0x000u
#define VTD_CAP     0x008u
#define VTD_ECAP    0x010u
#define VTD_GCMD    0x018u
#define VTD_GSTS    0x01cu
#define VTD_RTADDR  0x020u
#define VTD_FSTS    0x034u
#define VTD_FECTL   0x038u
#define VTD_PMEN    0x064u
#define VTD_IQH     0x080u
#define VTD_IQT     0x088u
#define VTD_IQA     0x090u
#define VTD_ICS     0x09cu
#define VTD_IECTL   0x0a0u
#define VTD_IQERCD  0x0b0u
#define VTD_PQH     0x0c0u
#define VTD_PQT     0x0c8u
#define VTD_PQA     0x0d0u
#define VTD_PRS     0x0dcu
#define VTD_PECTL   0x0e0u
#define VTD_MSIDATA 0x4u /* From the control register of an event. */
#define VTD_MSIADDR 0x8u
#define VTD_MSIHIGH 0xcu

/* CAP (3.1) */
#define VTD_CAP_ND      UIOMMU_FIELD(2, 0)
#define VTD_CAP_RWBF    UIOMMU_FIELD(4, 4)
#define VTD_CAP_PLMR    UIOMMU_FIELD(5, 5)
#define VTD_CAP_PHMR    UIOMMU_FIELD(6, 6)
#define VTD_CAP_CM      UIOMMU_FIELD(7, 7)
#define VTD_CAP_SAGAW   UIOMMU_FIELD(12, 8)
#define VTD_CAP_MGAW    UIOMMU_FIELD(21, 16)
#define VTD_CAP_FRO     UIOMMU_FIELD(33, 24)
#define VTD_CAP_PSI     UIOMMU_FIELD(39, 39)
#define VTD_CAP_NFR     UIOMMU_FIELD(47, 40)
#define VTD_CAP_MAMV    UIOMMU_FIELD(53, 48)
#define VTD_CAP_FS5LP   UIOMMU_FIELD(60, 60)
#define VTD_CAP_ESRTPS  UIOMMU_FIELD(63, 63)
#define VTD_ND_RESERVED 7u

/* ECAP (3.2) */
#define VTD_ECAP_C      UIOMMU_FIELD(0, 0)
#define VTD_ECAP_QI     UIOMMU_FIELD(1, 1)
#define VTD_ECAP_DT     UIOMMU_FIELD(2, 2)
#define VTD_ECAP_EIM    UIOMMU_FIELD(4, 4)
#define VTD_ECAP_NEST   UIOMMU_FIELD(26, 26)
#define VTD_ECAP_PRS    UIOMMU_FIELD(29, 29)
#define VTD_ECAP_PSS    UIOMMU_FIELD(39, 35)
#define VTD_ECAP_PASID  UIOMMU_FIELD(40, 40)
#define VTD_ECAP_DIT    UIOMMU_FIELD(41, 41)
#define VTD_ECAP_PDS    UIOMMU_FIELD(42, 42)
#define VTD_ECAP_SMTS   UIOMMU_FIELD(43, 43)
#define VTD_ECAP_SSADS  UIOMMU_FIELD(45, 45)
#define VTD_ECAP_SSTS   UIOMMU_FIELD(46, 46)
#define VTD_ECAP_FSTS   UIOMMU_FIELD(47, 47)
#define VTD_ECAP_SMPWCS UIOMMU_FIELD(48, 48)
#define VTD_ECAP_ADMS   UIOMMU_FIELD(52, 52)

/* GCMD, GSTS (4): what is written is the status without the one-shot bits, one bit changed. */
#define VTD_GCMD_TE   UINT32_C(0x80000000)
#define VTD_GCMD_SRTP UINT32_C(0x40000000)
#define VTD_GCMD_WBF  UINT32_C(0x08000000)
#define VTD_GCMD_QIE  UINT32_C(0x04000000)
#define VTD_GCMD_KEEP UINT32_C(0x96ffffff)

#define VTD_RTADDR_TTM   UIOMMU_FIELD(11, 10)
#define VTD_TTM_SCALABLE 1u
#define VTD_TTM_ABORT    3u

/* FSTS (5.1) */
#define VTD_FSTS_PFO UINT32_C(0x01)
#define VTD_FSTS_PPF UINT32_C(0x02)
#define VTD_FSTS_IQE UINT32_C(0x10)
#define VTD_FSTS_ICE UINT32_C(0x20)
#define VTD_FSTS_ITE UINT32_C(0x40)
#define VTD_FSTS_FRI UIOMMU_FIELD(15, 8)

#define VTD_EVENT_IM  UINT32_C(0x80000000) /* xECTL */
#define VTD_PMEN_EPM  UINT32_C(0x80000000)
#define VTD_PMEN_PRS  UINT32_C(0x00000001)
#define VTD_PRS_PPR   UINT32_C(0x1)
#define VTD_PRS_PRO   UINT32_C(0x2)
#define VTD_ICS_IWC   UINT32_C(0x1)
#define VTD_VER_MAJOR UIOMMU_FIELD(7, 4)

/* IQA, IQERCD (6) */
#define VTD_IQA_DW          UIOMMU_FIELD(11, 11)
#define VTD_IQERCD_IQEI     UIOMMU_FIELD(3, 0)
#define VTD_IQERCD_ITESID   UIOMMU_FIELD(47, 32)
#define VTD_IQERCD_ICESID   UIOMMU_FIELD(63, 48)
#define VTD_IQEI_TAIL       1u
#define VTD_IQEI_FETCH      2u
#define VTD_IQEI_WIDTH      5u
#define VTD_IQEI_MISALIGN   6u
#define VTD_IQEI_TTM        7u
#define VTD_SLOT_LOG2       5u /* Both queues: 32 bytes an entry, 2^7 entries a page. */
#define VTD_PAGE_SLOT_LOG2  7u
#define VTD_QUEUE_LOG2_MOST 14u

/* Fault records (5.2): 16 bytes each. */
#define VTD_FRCD_BYTES    16u
#define VTD_FRCD_TOP      12u /* The dword with F. */
#define VTD_FRCD_F_TOP    UINT32_C(0x80000000)
#define VTD_FRCD_FI       UIOMMU_FIELD(63, 12)
#define VTD_FRCD1_SID     UIOMMU_FIELD(15, 0)
#define VTD_FRCD1_T2      UIOMMU_FIELD(28, 28)
#define VTD_FRCD1_PRIV    UIOMMU_FIELD(29, 29)
#define VTD_FRCD1_EXE     UIOMMU_FIELD(30, 30)
#define VTD_FRCD1_PP      UIOMMU_FIELD(31, 31)
#define VTD_FRCD1_FR      UIOMMU_FIELD(39, 32)
#define VTD_FRCD1_PASID   UIOMMU_FIELD(59, 40)
#define VTD_FRCD1_AT      UIOMMU_FIELD(61, 60)
#define VTD_FRCD1_T1      UIOMMU_FIELD(62, 62)
#define VTD_AT_TRANSLATED 2u

/* ---- tables (7) --------------------------------------------------------------------------- */
#define VTD_PAGE          UINT64_C(4096)
#define VTD_ROOT_WORDS    2u
#define VTD_CONTEXT_WORDS 4u
#define VTD_PASID_WORDS   8u
#define VTD_HALVES        512u /* Context tables: two for each of 256 buses. */
#define VTD_HALF_LOG2     7u
#define VTD_LEAF_LOG2     6u  /* PASIDs of one table. */
#define VTD_PDTS_LOG2     13u /* PASIDs under a directory of PDTS 0. */

#define VTD_P          UIOMMU_FIELD(0, 0) /* In every entry. */
#define VTD_FPD        UIOMMU_FIELD(1, 1) /* Context, directory, PASID. */
#define VTD_TABLE      UIOMMU_FIELD(63, 12)
#define VTD_CTX_DTE    UIOMMU_FIELD(2, 2)
#define VTD_CTX_PASIDE UIOMMU_FIELD(3, 3)
#define VTD_CTX_PRE    UIOMMU_FIELD(4, 4)
#define VTD_CTX_PDTS   UIOMMU_FIELD(11, 9)

#define VTD_PE0_AW      UIOMMU_FIELD(4, 2)
#define VTD_PE0_PGTT    UIOMMU_FIELD(8, 6)
#define VTD_PE0_SSADE   UIOMMU_FIELD(9, 9)
#define VTD_PE1_DID     UIOMMU_FIELD(15, 0)
#define VTD_PE1_PWSNP   UIOMMU_FIELD(23, 23)
#define VTD_PE2_FSPM    UIOMMU_FIELD(3, 2)
#define VTD_PGTT_FIRST  1u
#define VTD_PGTT_SECOND 2u
#define VTD_PGTT_NESTED 3u
#define VTD_FSPM_FIVE   1u

/* ---- descriptors (8.1) -------------------------------------------------------------------- */
#define VTD_TYPE_CONTEXT   0x1u
#define VTD_TYPE_IOTLB     0x2u
#define VTD_TYPE_DEVTLB    0x3u
#define VTD_TYPE_WAIT      0x5u
#define VTD_TYPE_PIOTLB    0x6u
#define VTD_TYPE_PASID     0x7u
#define VTD_TYPE_PDEVTLB   0x8u
#define VTD_TYPE_RESPONSE  0x9u
#define VTD_D_TYPE         UIOMMU_FIELD(3, 0)
#define VTD_D_G            UIOMMU_FIELD(5, 4)
#define VTD_D_DID          UIOMMU_FIELD(31, 16)
#define VTD_D_PASID        UIOMMU_FIELD(51, 32)
#define VTD_D_SID_HIGH     UIOMMU_FIELD(47, 32) /* Types 1 and 3. */
#define VTD_D_SID_LOW      UIOMMU_FIELD(31, 16) /* Types 8 and 9. */
#define VTD_D_PFSID_LOW    UIOMMU_FIELD(15, 12)
#define VTD_D_PFSID_HIGH   UIOMMU_FIELD(63, 52)
#define VTD_D1_ADDR        UIOMMU_FIELD(63, 12)
#define VTD_D1_AM          UIOMMU_FIELD(5, 0)
#define VTD_D1_IH          UIOMMU_FIELD(6, 6)
#define VTD_IOTLB_DRAINS   UIOMMU_FIELD(7, 6)
#define VTD_DEVTLB_MIP     UIOMMU_FIELD(20, 16)
#define VTD_DEVTLB1_S      UIOMMU_FIELD(0, 0)
#define VTD_PDEVTLB_MIP    UIOMMU_FIELD(8, 4)
#define VTD_PDEVTLB1_S     UIOMMU_FIELD(11, 11)
#define VTD_WAIT_SW        UIOMMU_FIELD(5, 5)
#define VTD_WAIT_FN        UIOMMU_FIELD(6, 6)
#define VTD_WAIT_PD        UIOMMU_FIELD(7, 7)
#define VTD_WAIT_DATA      UIOMMU_FIELD(63, 32)
#define VTD_RESPONSE_PP    UIOMMU_FIELD(4, 4)
#define VTD_RESPONSE_PDP   UIOMMU_FIELD(5, 5) /* Only with the quirk (21, doubt 14). */
#define VTD_RESPONSE_RC    UIOMMU_FIELD(15, 12)
#define VTD_RESPONSE1_PRGI UIOMMU_FIELD(11, 3)
#define VTD_G_GLOBAL       1u /* Types 1 and 2. */
#define VTD_G_DOMAIN       2u
#define VTD_G_DEVICE       3u
#define VTD_G_PASID        2u /* Type 6. */
#define VTD_G_PAGE         3u
#define VTD_G_CACHE_PASID  1u /* Type 7. */
#define VTD_G_CACHE_GLOBAL 3u
#define VTD_ORDER_ALL      52u /* 2^52 pages: everything. */

/* ---- page requests (11.1) ----------------------------------------------------------------- */
#define VTD_PRQ0_TYPE   UIOMMU_FIELD(7, 0)
#define VTD_PRQ0_PP     UIOMMU_FIELD(8, 8)
#define VTD_PRQ0_PDP    UIOMMU_FIELD(9, 9) /* Only with the quirk. */
#define VTD_PRQ0_RID    UIOMMU_FIELD(31, 16)
#define VTD_PRQ0_PASID  UIOMMU_FIELD(51, 32)
#define VTD_PRQ0_EXR    UIOMMU_FIELD(52, 52)
#define VTD_PRQ0_PMR    UIOMMU_FIELD(53, 53)
#define VTD_PRQ1_R      UIOMMU_FIELD(0, 0)
#define VTD_PRQ1_W      UIOMMU_FIELD(1, 1)
#define VTD_PRQ1_LPIG   UIOMMU_FIELD(2, 2)
#define VTD_PRQ1_PRGI   UIOMMU_FIELD(11, 3)
#define VTD_PRQ1_ADDR   UIOMMU_FIELD(63, 12)
#define VTD_PRQ_REQUEST 1u

#endif
