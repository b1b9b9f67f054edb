/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One unit: all functions but those listed, with a range, an alias, one that must not use ATS, an
 * IOAPIC; a unity map for a range.
 */
Signature : "IVRS"
Table Length : 00000000
Revision : 02
Checksum : 00
Oem ID : "UIOMMU"
Oem Table ID : "TESTIVRS"
Oem Revision : 00000001
Asl Compiler ID : "INTL"
Asl Compiler Revision : 20200925

Virtualization Info : 00203041
Reserved : 0000000000000000

/* 48 */
Subtable Type : 10
Flags : B0
Length : 0048
DeviceId : 0002
Capability Offset : 0040
Base Address : 00000000FEB80000
PCI Segment Group : 0000
Virtualization Info : 0003
Feature Reporting : 80000F04

/* 72 */
Entry Type : 01
Device ID : 0000
Data Setting : 00
/* 76 */
Entry Type : 03
Device ID : 0100
Data Setting : D7
/* 80 */
Entry Type : 04
Device ID : 01FF
Data Setting : 00
/* 84 */
Entry Type : 42
Device ID : 0300
Data Setting : 10
Reserved : 00
Source Used Device ID : 02A4
Reserved : 00
/* 92 */
Entry Type : 46
Device ID : 0400
Data Setting : 00
Extended Data : 80000000
/* 100 */
Entry Type : 02
Device ID : 0500
Data Setting : 00
/* 104 */
Entry Type : 48
Device ID : 0000
Data Setting : D7
Handle : 20
Source Used Device ID : 00A0
Variety : 01
/* 112 */
Entry Type : 02
Device ID : 0508
Data Setting : 00
/* 116 */
Entry Type : 00
Device ID : 0000
Data Setting : 00

/* 120 */
Subtable Type : 22
Flags : 07
Length : 0020
DeviceId : 0100
Auxiliary Data : 01FF
Reserved : 0000000000000000
Start Address : 0000000060000000
Memory Length : 0000000000200000
