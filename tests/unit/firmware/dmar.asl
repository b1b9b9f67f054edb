/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two units of segment 0: one for an integrated device and for all behind root port 00:01.0, one
 * for the rest; a third one for segment 1. Offsets of the structures are in the test.
 */
Signature : "DMAR"
Table Length : 00000000
Revision : 01
Checksum : 00
Oem ID : "UIOMMU"
Oem Table ID : "TESTDMAR"
Oem Revision : 00000001
Asl Compiler ID : "INTL"
Asl Compiler Revision : 20200925

Host Address Width : 2E
Flags : 01
Reserved : 00 00 00 00 00 00 00 00 00 00

/* 48 */
Subtable Type : 0000
Length : 0022
Flags : 00
Reserved : 00
PCI Segment Number : 0000
Register Base Address : 00000000FED90000
Device Scope Type : 01
Entry Length : 08
Reserved : 0000
Enumeration ID : 00
PCI Bus Number : 00
PCI Path : 02,00
Device Scope Type : 02
Entry Length : 0A
Reserved : 0000
Enumeration ID : 00
PCI Bus Number : 00
PCI Path : 01,00
PCI Path : 00,00

/* 82 */
Subtable Type : 0000
Length : 0020
Flags : 01
Reserved : 00
PCI Segment Number : 0000
Register Base Address : 00000000FED91000
Device Scope Type : 03
Entry Length : 08
Reserved : 0000
Enumeration ID : 02
PCI Bus Number : F0
PCI Path : 1F,00
Device Scope Type : 04
Entry Length : 08
Reserved : 0000
Enumeration ID : 00
PCI Bus Number : 00
PCI Path : 1E,00

/* 114 */
Subtable Type : 0000
Length : 0010
Flags : 01
Reserved : 00
PCI Segment Number : 0001
Register Base Address : 00000000FED92000

/* 130 */
Subtable Type : 0001
Length : 0020
Reserved : 0000
PCI Segment Number : 0000
Base Address : 000000007B800000
End Address (limit) : 000000007F7FFFFF
Device Scope Type : 01
Entry Length : 08
Reserved : 0000
Enumeration ID : 00
PCI Bus Number : 00
PCI Path : 02,00

/* 162 */
Subtable Type : 0002
Length : 0010
Flags : 00
Reserved : 00
PCI Segment Number : 0000
Device Scope Type : 02
Entry Length : 08
Reserved : 0000
Enumeration ID : 00
PCI Bus Number : 00
PCI Path : 01,00

/* 178 */
Subtable Type : 0003
Length : 0014
Reserved : 00000000
Base Address : 00000000FED90000
Proximity Domain : 00000001

/* 198 */
Subtable Type : 0004
Length : 0012
Reserved : 000000
Device Number : 01
Device Name : "\_SB.I2C0"
