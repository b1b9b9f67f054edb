/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SMMUV3_REGS_H
#define SMMUV3_REGS_H
/*
 * Layout of the Non-secure SMMUv3 programming interface: registers (IHI 0070 ch. 6), commands
 * (ch. 4), stream table entries and context descriptors (ch. 5), event records (7.3) and page
 * requests (ch. 8). Fields are (high, low) of the 64-bit word or the register they are in.
 */
#include <uiommu/bits.h>

/* Registers of page 0. */
#define SMMUV3_IDR0            0x00u
#define SMMUV3_IDR1            0x04u
#define SMMUV3_IDR3            0x0cu
#define SMMUV3_IDR5            0x14u
#define SMMUV3_IIDR            0x18u
#define SMMUV3_AIDR            0x1cu
#define SMMUV3_CR0             0x20u
#define SMMUV3_CR0ACK          0x24u
#define SMMUV3_CR1             0x28u
#define SMMUV3_CR2             0x2cu
#define SMMUV3_GBPA            0x44u
#define SMMUV3_IRQ_CTRL        0x50u
#define SMMUV3_IRQ_CTRLACK     0x54u
#define SMMUV3_GERROR          0x60u
#define SMMUV3_GERRORN         0x64u
#define SMMUV3_GERROR_IRQ_CFG0 0x68u
#define SMMUV3_STRTAB_BASE     0x80u
#define SMMUV3_STRTAB_BASE_CFG 0x88u
#define SMMUV3_CMDQ_BASE       0x90u
#define SMMUV3_CMDQ_PROD       0x98u
#define SMMUV3_CMDQ_CONS       0x9cu
#define SMMUV3_EVENTQ_BASE     0xa0u
#define SMMUV3_EVENTQ_IRQ_CFG0 0xb0u
#define SMMUV3_PRIQ_BASE       0xc0u
#define SMMUV3_PRIQ_IRQ_CFG0   0xd0u
/* CFG1 and CFG2 follow each CFG0. */
#define SMMUV3_IRQ_CFG1 0x08u
#define SMMUV3_IRQ_CFG2 0x0cu
/* Registers of page 1, as offsets inside a page. */
#define SMMUV3_PAGE1       0x10000u
#define SMMUV3_EVENTQ_PROD 0xa8u
#define SMMUV3_EVENTQ_CONS 0xacu
#define SMMUV3_PRIQ_PROD   0xc8u
#define SMMUV3_PRIQ_CONS   0xccu

/* IDR0 */
#define SMMUV3_IDR0_S2P         UIOMMU_FIELD(0, 0)
#define SMMUV3_IDR0_S1P         UIOMMU_FIELD(1, 1)
#define SMMUV3_IDR0_TTF         UIOMMU_FIELD(3, 2)
#define SMMUV3_IDR0_COHACC      UIOMMU_FIELD(4, 4)
#define SMMUV3_IDR0_BTM         UIOMMU_FIELD(5, 5)
#define SMMUV3_IDR0_HTTU        UIOMMU_FIELD(7, 6)
#define SMMUV3_IDR0_HYP         UIOMMU_FIELD(9, 9)
#define SMMUV3_IDR0_ATS         UIOMMU_FIELD(10, 10)
#define SMMUV3_IDR0_ASID16      UIOMMU_FIELD(12, 12)
#define SMMUV3_IDR0_MSI         UIOMMU_FIELD(13, 13)
#define SMMUV3_IDR0_PRI         UIOMMU_FIELD(16, 16)
#define SMMUV3_IDR0_VMID16      UIOMMU_FIELD(18, 18)
#define SMMUV3_IDR0_CD2L        UIOMMU_FIELD(19, 19)
#define SMMUV3_IDR0_TTENDIAN    UIOMMU_FIELD(22, 21)
#define SMMUV3_IDR0_ATSRECERR   UIOMMU_FIELD(23, 23)
#define SMMUV3_IDR0_STALL_MODEL UIOMMU_FIELD(25, 24)
#define SMMUV3_IDR0_ST_LEVEL    UIOMMU_FIELD(28, 27)
#define SMMUV3_TTF_AARCH64      2u /* bit of TTF */
#define SMMUV3_TTENDIAN_BIG     3u
#define SMMUV3_STALL_CHOICE     0u
#define SMMUV3_STALL_NEVER      1u
#define SMMUV3_STALL_FORCED     2u
/* IDR1 */
#define SMMUV3_IDR1_SIDSIZE       UIOMMU_FIELD(5, 0)
#define SMMUV3_IDR1_SSIDSIZE      UIOMMU_FIELD(10, 6)
#define SMMUV3_IDR1_PRIQS         UIOMMU_FIELD(15, 11)
#define SMMUV3_IDR1_EVENTQS       UIOMMU_FIELD(20, 16)
#define SMMUV3_IDR1_CMDQS         UIOMMU_FIELD(25, 21)
#define SMMUV3_IDR1_TYPES_OVR     UIOMMU_FIELD(27, 27)
#define SMMUV3_IDR1_QUEUES_PRESET UIOMMU_FIELD(29, 29)
#define SMMUV3_IDR1_TABLES_PRESET UIOMMU_FIELD(30, 30)
#define SMMUV3_QUEUE_LOG2_MOST    19u
/* IDR3 */
#define SMMUV3_IDR3_STT UIOMMU_FIELD(9, 9)
#define SMMUV3_IDR3_RIL UIOMMU_FIELD(10, 10)
/* IDR5 */
#define SMMUV3_IDR5_OAS       UIOMMU_FIELD(2, 0)
#define SMMUV3_IDR5_GRAN4K    UIOMMU_FIELD(4, 4)
#define SMMUV3_IDR5_GRAN16K   UIOMMU_FIELD(5, 5)
#define SMMUV3_IDR5_GRAN64K   UIOMMU_FIELD(6, 6)
#define SMMUV3_IDR5_VAX       UIOMMU_FIELD(11, 10)
#define SMMUV3_IDR5_STALL_MAX UIOMMU_FIELD(31, 16)
/* IIDR, AIDR */
#define SMMUV3_IIDR_PRODUCT     UIOMMU_FIELD(31, 20)
#define SMMUV3_IIDR_VARIANT     UIOMMU_FIELD(19, 16)
#define SMMUV3_IIDR_REVISION    UIOMMU_FIELD(15, 12)
#define SMMUV3_IIDR_IMPLEMENTER UIOMMU_FIELD(11, 0)
#define SMMUV3_AIDR_MAJOR       UIOMMU_FIELD(7, 4)
#define SMMUV3_ARM              0x43bu
#define SMMUV3_MMU600           0x483u
#define SMMUV3_MMU700           0x487u
#define SMMUV3_MMU_L1           0x48au
#define SMMUV3_MMU_S3           0x498u

/* CR0 and CR0ACK, bits */
#define SMMUV3_CR0_SMMUEN   0x01u
#define SMMUV3_CR0_PRIQEN   0x02u
#define SMMUV3_CR0_EVENTQEN 0x04u
#define SMMUV3_CR0_CMDQEN   0x08u
#define SMMUV3_CR0_ATSCHK   0x10u
/* CR1: write-back, inner shareable, for queues and tables */
#define SMMUV3_CR1_COHERENT 0xd75u
/* CR2, bits */
#define SMMUV3_CR2_RECINVSID   0x2u
#define SMMUV3_CR2_PTM         0x4u
#define SMMUV3_CR2_REC_CFG_ATS 0x8u
/* GBPA, bits */
#define SMMUV3_GBPA_ABORT  0x00100000u
#define SMMUV3_GBPA_UPDATE 0x80000000u
/* IRQ_CTRL, bits */
#define SMMUV3_IRQ_GERROR 0x1u
#define SMMUV3_IRQ_PRIQ   0x2u
#define SMMUV3_IRQ_EVENTQ 0x4u
/* *_IRQ_CFG0 */
#define SMMUV3_IRQ_CFG0_ADDR UIOMMU_FIELD(55, 2)
/* GERROR and GERRORN, bits */
#define SMMUV3_GERROR_CMDQ   0x001u
#define SMMUV3_GERROR_EVENTQ 0x004u
#define SMMUV3_GERROR_PRIQ   0x008u
#define SMMUV3_GERROR_SFM    0x100u
#define SMMUV3_GERROR_ALL    0x7fdu

/* STRTAB_BASE, *Q_BASE; STRTAB_BASE_CFG */
#define SMMUV3_BASE_HINT         UIOMMU_FIELD(62, 62)
#define SMMUV3_BASE_LOG2SIZE     UIOMMU_FIELD(4, 0)
#define SMMUV3_STRTAB_LOG2SIZE   UIOMMU_FIELD(5, 0)
#define SMMUV3_STRTAB_SPLIT      UIOMMU_FIELD(10, 6)
#define SMMUV3_STRTAB_FMT        UIOMMU_FIELD(17, 16)
#define SMMUV3_STRTAB_TWO_LEVEL  1u
#define SMMUV3_SPLIT             8u  /* 256 stream table entries for each second-level table */
#define SMMUV3_TWO_LEVEL_ID_BITS 25u /* a first level of 1 MiB */
/* *Q_PROD, *Q_CONS */
#define SMMUV3_CONS_ERR      UIOMMU_FIELD(30, 24)
#define SMMUV3_OVERFLOW      0x80000000u
#define SMMUV3_CERROR_ILL    1u
#define SMMUV3_CERROR_ATC    3u
#define SMMUV3_COMMAND_BYTES 16u
#define SMMUV3_EVENT_BYTES   32u
#define SMMUV3_PRI_BYTES     16u

/* Commands: word 0 */
#define SMMUV3_CMD_OP          UIOMMU_FIELD(7, 0)
#define SMMUV3_CMD_SSV         UIOMMU_FIELD(11, 11)
#define SMMUV3_CMD_SSID        UIOMMU_FIELD(31, 12)
#define SMMUV3_CMD_SID         UIOMMU_FIELD(63, 32)
#define SMMUV3_CMD_VMID        UIOMMU_FIELD(47, 32)
#define SMMUV3_CMD_ASID        UIOMMU_FIELD(63, 48)
#define SMMUV3_CMD_NUM         UIOMMU_FIELD(16, 12)
#define SMMUV3_CMD_SCALE       UIOMMU_FIELD(24, 20)
#define SMMUV3_CMD_RESUME_AC   UIOMMU_FIELD(12, 12)
#define SMMUV3_CMD_RESUME_AB   UIOMMU_FIELD(13, 13)
#define SMMUV3_OP_CFGI_STE     0x03u
#define SMMUV3_OP_CFGI_RANGE   0x04u
#define SMMUV3_OP_CFGI_CD      0x05u
#define SMMUV3_OP_CFGI_CD_ALL  0x06u
#define SMMUV3_OP_TLBI_NH_ASID 0x11u
#define SMMUV3_OP_TLBI_NH_VA   0x12u
#define SMMUV3_OP_TLBI_EL2_ALL 0x20u
#define SMMUV3_OP_TLBI_VMID    0x28u /* S12_VMALL */
#define SMMUV3_OP_TLBI_IPA     0x2au
#define SMMUV3_OP_TLBI_ALL     0x30u /* NSNH */
#define SMMUV3_OP_ATC_INV      0x40u
#define SMMUV3_OP_PRI_RESP     0x41u
#define SMMUV3_OP_RESUME       0x44u
#define SMMUV3_OP_STALL_TERM   0x45u
#define SMMUV3_OP_SYNC         0x46u
/* Commands: word 1 */
#define SMMUV3_CMD_LEAF     UIOMMU_FIELD(0, 0)
#define SMMUV3_CMD_RANGE    UIOMMU_FIELD(4, 0)
#define SMMUV3_CMD_TG       UIOMMU_FIELD(11, 10)
#define SMMUV3_CMD_PAGE     UIOMMU_FIELD(63, 12)
#define SMMUV3_CMD_IPA      UIOMMU_FIELD(55, 12)
#define SMMUV3_CMD_ATC_SIZE UIOMMU_FIELD(5, 0)
#define SMMUV3_CMD_PRG      UIOMMU_FIELD(8, 0)
#define SMMUV3_CMD_RESP     UIOMMU_FIELD(13, 12)
#define SMMUV3_CMD_STAG     UIOMMU_FIELD(15, 0)
#define SMMUV3_RANGE_ALL    31u
#define SMMUV3_ATC_SIZE_ALL 52u
#define SMMUV3_SCALE_MOST   31u

/* Level-1 descriptors */
#define SMMUV3_L1STD_SPAN UIOMMU_FIELD(4, 0)
#define SMMUV3_L1CD_V     UIOMMU_FIELD(0, 0)

/* Stream table entry */
#define SMMUV3_STE_WORDS      8u
#define SMMUV3_STE_BYTES      64u
#define SMMUV3_STE0_V         UIOMMU_FIELD(0, 0)
#define SMMUV3_STE0_CONFIG    UIOMMU_FIELD(3, 1)
#define SMMUV3_STE0_S1FMT     UIOMMU_FIELD(5, 4)
#define SMMUV3_STE0_CDMAX     UIOMMU_FIELD(63, 59)
#define SMMUV3_STE1_S1DSS     UIOMMU_FIELD(1, 0)
#define SMMUV3_STE1_S1CIR     UIOMMU_FIELD(3, 2)
#define SMMUV3_STE1_S1COR     UIOMMU_FIELD(5, 4)
#define SMMUV3_STE1_S1CSH     UIOMMU_FIELD(7, 6)
#define SMMUV3_STE1_PPAR      UIOMMU_FIELD(18, 18)
#define SMMUV3_STE1_S1STALLD  UIOMMU_FIELD(27, 27)
#define SMMUV3_STE1_EATS      UIOMMU_FIELD(29, 28)
#define SMMUV3_STE1_SHCFG     UIOMMU_FIELD(45, 44)
#define SMMUV3_STE2_VMID      UIOMMU_FIELD(15, 0)
#define SMMUV3_STE2_T0SZ      UIOMMU_FIELD(37, 32)
#define SMMUV3_STE2_SL0       UIOMMU_FIELD(39, 38)
#define SMMUV3_STE2_IR0       UIOMMU_FIELD(41, 40)
#define SMMUV3_STE2_OR0       UIOMMU_FIELD(43, 42)
#define SMMUV3_STE2_SH0       UIOMMU_FIELD(45, 44)
#define SMMUV3_STE2_TG        UIOMMU_FIELD(47, 46)
#define SMMUV3_STE2_PS        UIOMMU_FIELD(50, 48)
#define SMMUV3_STE2_AA64      UIOMMU_FIELD(51, 51)
#define SMMUV3_STE2_PTW       UIOMMU_FIELD(54, 54)
#define SMMUV3_STE2_HD        UIOMMU_FIELD(55, 55)
#define SMMUV3_STE2_HA        UIOMMU_FIELD(56, 56)
#define SMMUV3_STE2_S         UIOMMU_FIELD(57, 57)
#define SMMUV3_STE2_R         UIOMMU_FIELD(58, 58)
#define SMMUV3_CONFIG_S1      5u
#define SMMUV3_CONFIG_S2      6u
#define SMMUV3_CONFIG_NESTED  7u
#define SMMUV3_SHCFG_INCOMING 1u
#define SMMUV3_S1FMT_64K      2u
#define SMMUV3_S1DSS_CD0      2u

/* Context descriptor */
#define SMMUV3_CD_WORDS      8u
#define SMMUV3_CD_BYTES      64u
#define SMMUV3_CD0_T0SZ      UIOMMU_FIELD(5, 0)
#define SMMUV3_CD0_TG0       UIOMMU_FIELD(7, 6)
#define SMMUV3_CD0_IR0       UIOMMU_FIELD(9, 8)
#define SMMUV3_CD0_OR0       UIOMMU_FIELD(11, 10)
#define SMMUV3_CD0_SH0       UIOMMU_FIELD(13, 12)
#define SMMUV3_CD0_EPD0      UIOMMU_FIELD(14, 14)
#define SMMUV3_CD0_EPD1      UIOMMU_FIELD(30, 30)
#define SMMUV3_CD0_V         UIOMMU_FIELD(31, 31)
#define SMMUV3_CD0_IPS       UIOMMU_FIELD(34, 32)
#define SMMUV3_CD0_AA64      UIOMMU_FIELD(41, 41)
#define SMMUV3_CD0_HD        UIOMMU_FIELD(42, 42)
#define SMMUV3_CD0_HA        UIOMMU_FIELD(43, 43)
#define SMMUV3_CD0_S         UIOMMU_FIELD(44, 44)
#define SMMUV3_CD0_R         UIOMMU_FIELD(45, 45)
#define SMMUV3_CD0_A         UIOMMU_FIELD(46, 46)
#define SMMUV3_CD0_ASET      UIOMMU_FIELD(47, 47)
#define SMMUV3_CD0_ASID      UIOMMU_FIELD(63, 48)
#define SMMUV3_CD_LEAF_LOG2  10u /* context descriptors of a 64 KiB leaf */
#define SMMUV3_CD_LEAF_BYTES 0x10000u
#define SMMUV3_CD_WRITE_BACK 1u
#define SMMUV3_SH_OUTER      2u
#define SMMUV3_SH_INNER      3u

/* Event records */
#define SMMUV3_EV0_ID             UIOMMU_FIELD(7, 0)
#define SMMUV3_EV0_SSV            UIOMMU_FIELD(11, 11)
#define SMMUV3_EV0_SSID           UIOMMU_FIELD(31, 12)
#define SMMUV3_EV0_SID            UIOMMU_FIELD(63, 32)
#define SMMUV3_EV1_STAG           UIOMMU_FIELD(15, 0)
#define SMMUV3_EV1_STALL          UIOMMU_FIELD(31, 31)
#define SMMUV3_EV1_PNU            UIOMMU_FIELD(33, 33)
#define SMMUV3_EV1_IND            UIOMMU_FIELD(34, 34)
#define SMMUV3_EV1_RNW            UIOMMU_FIELD(35, 35)
#define SMMUV3_EV1_TREQ_P         UIOMMU_FIELD(28, 28)
#define SMMUV3_EV1_TREQ_X         UIOMMU_FIELD(29, 29)
#define SMMUV3_EV1_TREQ_W         UIOMMU_FIELD(30, 30)
#define SMMUV3_EV1_TREQ_R         UIOMMU_FIELD(31, 31)
#define SMMUV3_EV3_FETCH          UIOMMU_FIELD(55, 3)
#define SMMUV3_F_UUT              0x01u
#define SMMUV3_C_BAD_STREAMID     0x02u
#define SMMUV3_F_STE_FETCH        0x03u
#define SMMUV3_C_BAD_STE          0x04u
#define SMMUV3_F_BAD_ATS_TREQ     0x05u
#define SMMUV3_F_STREAM_DISABLED  0x06u
#define SMMUV3_F_TRANSL_FORBIDDEN 0x07u
#define SMMUV3_C_BAD_SUBSTREAMID  0x08u
#define SMMUV3_F_CD_FETCH         0x09u
#define SMMUV3_C_BAD_CD           0x0au
#define SMMUV3_F_WALK_EABT        0x0bu
#define SMMUV3_F_TRANSLATION      0x10u
#define SMMUV3_F_ADDR_SIZE        0x11u
#define SMMUV3_F_ACCESS           0x12u
#define SMMUV3_F_PERMISSION       0x13u
#define SMMUV3_F_TLB_CONFLICT     0x20u
#define SMMUV3_F_CFG_CONFLICT     0x21u
#define SMMUV3_E_PAGE_REQUEST     0x24u
#define SMMUV3_F_VMS_FETCH        0x25u

/* Page requests: word 0; word 1 */
#define SMMUV3_PRI0_SID  UIOMMU_FIELD(31, 0)
#define SMMUV3_PRI0_SSID UIOMMU_FIELD(51, 32)
#define SMMUV3_PRI0_PRIV UIOMMU_FIELD(58, 58)
#define SMMUV3_PRI0_X    UIOMMU_FIELD(59, 59)
#define SMMUV3_PRI0_R    UIOMMU_FIELD(60, 60)
#define SMMUV3_PRI0_W    UIOMMU_FIELD(61, 61)
#define SMMUV3_PRI0_LAST UIOMMU_FIELD(62, 62)
#define SMMUV3_PRI0_SSV  UIOMMU_FIELD(63, 63)
#define SMMUV3_PRI1_PRG  UIOMMU_FIELD(8, 0)
#define SMMUV3_PRI1_PAGE UIOMMU_FIELD(63, 12)

#endif
