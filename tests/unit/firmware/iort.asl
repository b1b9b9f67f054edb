/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An ITS, a unit, a root complex whose IDs are two streams apart, a named device that may stall.
 */
Signature : "IORT"
Table Length : 00000000
Revision : 00
Checksum : 00
Oem ID : "UIOMMU"
Oem Table ID : "TESTIORT"
Oem Revision : 00000001
Asl Compiler ID : "INTL"
Asl Compiler Revision : 20200925

Node Count : 00000004
Node Offset : 00000030
Reserved : 00000000

/* 48 */
Type : 00
Length : 0018
Revision : 01
Reserved : 00000000
Mapping Count : 00000000
Mapping Offset : 00000000
ItsCount : 00000001
Identifiers : 00000000

/* 72 */
Type : 04
Length : 0058
Revision : 02
Reserved : 00000000
Mapping Count : 00000001
Mapping Offset : 00000044
Base Address : 0000000009050000
Flags (decoded below) : 00000001
COHACC Override : 1
HTTU Override : 0
Proximity Domain Valid : 0
Reserved : 00000000
VATOS Address : 0000000000000000
Model : 00000000
Event GSIV : 0000006A
PRI GSIV : 0000006B
GERR GSIV : 0000006D
Sync GSIV : 0000006C
Proximity Domain : 00000000
Device ID Mapping Index : 00000000
Input base : 00000000
ID Count : 0000FFFF
Output Base : 00000000
Output Reference : 00000030
Flags (decoded below) : 00000000
Single Mapping : 0

/* 160 */
Type : 02
Length : 004C
Revision : 01
Reserved : 00000000
Mapping Count : 00000002
Mapping Offset : 00000024
Memory Properties : [IORT Memory Access Properties]
Cache Coherency : 00000001
Hints (decoded below) : 00
Transient : 0
Write Allocate : 0
Read Allocate : 0
Override : 0
Reserved : 0000
Memory Flags (decoded below) : 03
Coherency : 1
Device Attribute : 1
ATS Attribute : 00000001
PCI Segment Number : 00000000
Memory Size Limit : 40
Reserved : 000000
Input base : 00000000
ID Count : 000000FF
Output Base : 00000100
Output Reference : 00000048
Flags (decoded below) : 00000000
Single Mapping : 0
Input base : 00000200
ID Count : 000000FF
Output Base : 00010000
Output Reference : 00000048
Flags (decoded below) : 00000000
Single Mapping : 0

/* 236 */
Type : 01
Length : 0040
Revision : 02
Reserved : 00000000
Mapping Count : 00000001
Mapping Offset : 0000002C
Node Flags : 00000029
Memory Properties : [IORT Memory Access Properties]
Cache Coherency : 00000000
Hints (decoded below) : 00
Transient : 0
Write Allocate : 0
Read Allocate : 0
Override : 0
Reserved : 0000
Memory Flags (decoded below) : 00
Coherency : 0
Device Attribute : 0
Memory Size Limit : 30
Device Name : "\_SB.DMA0"
Padding : 00 00 00 00 00
Input base : 00000000
ID Count : 00000000
Output Base : 00000042
Output Reference : 00000048
Flags (decoded below) : 00000001
Single Mapping : 1
