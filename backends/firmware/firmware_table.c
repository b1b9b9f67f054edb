/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI tables as such (ACPI 6.5, 5.2.6 to 5.2.8), and what the readers share. */
#include "firmware_internal.h"

#define HEADER 36u

uiommu_err uiommu_fw_open(struct uiommu_fw_table *out, const void *bytes, size_t size,
                          const char *signature)
{
    struct uiommu_fw_table t;
    uint32_t i, sum = 0;

    if (out == NULL || bytes == NULL)
        return UIOMMU_E_INVALID;
    t.bytes = bytes;
    t.length = size < UIOMMU_FW_TABLE_MAX ? (uint32_t)size : UIOMMU_FW_TABLE_MAX;
    if (t.length < HEADER)
        return UIOMMU_E_RANGE;
    if (memcmp(t.bytes, signature, 4) != 0)
        return UIOMMU_E_NOT_FOUND;
    if (fw_get32(&t, 4) < HEADER || fw_get32(&t, 4) > t.length)
        return UIOMMU_E_RANGE;
    t.length = fw_get32(&t, 4);
    for (i = 0; i < t.length; i++)
        sum += t.bytes[i];
    if ((sum & 0xffu) != 0)
        return UIOMMU_E_HW;
    *out = t;
    return UIOMMU_OK;
}

uiommu_err uiommu_fw_root_next(const void *bytes, size_t size, uint32_t *cursor, uint64_t *address)
{
    struct uiommu_fw_table t;
    uint32_t wide = 8, at;
    uiommu_err err;

    if (cursor == NULL || address == NULL)
        return UIOMMU_E_INVALID;
    err = uiommu_fw_open(&t, bytes, size, "XSDT");
    if (err == UIOMMU_E_NOT_FOUND) {
        wide = 4;
        err = uiommu_fw_open(&t, bytes, size, "RSDT");
    }
    if (err != UIOMMU_OK)
        return err == UIOMMU_E_NOT_FOUND ? UIOMMU_E_INVALID : err;
    at = *cursor < HEADER ? HEADER : *cursor;
    if (!fw_inside(&t, at, wide))
        return UIOMMU_E_NOT_FOUND;
    *address = wide == 8 ? fw_get64(&t, at) : fw_get32(&t, at);
    *cursor = at + wide;
    return UIOMMU_OK;
}

bool uiommu_fw_block(const struct uiommu_fw_table *t, uint32_t *cursor, struct uiommu_fw_place *p)
{
    uint32_t at = *cursor < FW_BLOCKS ? FW_BLOCKS : *cursor, length;

    if (at >= t->length)
        return false;
    length = fw_get16(t, at + 2u);
    if (length >= 4 && fw_inside(t, at, length)) {
        fw_place(p, at, length);
        *cursor = at + length;
    } else {
        fw_place(p, at, t->length - at);
        fw_bad(p, UIOMMU_FW_CUT, at);
        *cursor = t->length;
    }
    return true;
}

void uiommu_fw_window(struct uiommu_fw_place *p, uint32_t at, uint64_t align, uint64_t bytes,
                      uint64_t first, uint64_t *last)
{
    *last = first + (bytes - 1u);
    if (first == 0)
        fw_bad(p, UIOMMU_FW_VALUE, at);
    if ((first & (align - 1u)) != 0)
        fw_bad(p, UIOMMU_FW_ALIGNMENT, at);
    if (*last < first)
        fw_bad(p, UIOMMU_FW_WRAPS, at);
}

bool uiommu_fw_string(const struct uiommu_fw_table *t, uint32_t at, uint32_t end)
{
    for (; at < end && at < t->length; at++) {
        if (t->bytes[at] == 0)
            return true;
    }
    return false;
}

void uiommu_fw_match_begin(struct uiommu_fw_match *m, uint32_t id)
{
    memset(m, 0, sizeof(*m));
    m->id = id;
    m->alias = id;
    m->permitted = UIOMMU_FW_ATS | UIOMMU_FW_PRI | UIOMMU_FW_PASID;
    m->verdict = UIOMMU_FW_GOOD;
}

const char *uiommu_fw_verdict_str(uint32_t verdict)
{
    static const char *const text[] = {
        "good",
        "skipped: of a kind that is not looked into",
        "older: an entry of a higher type describes the same unit",
        "cut: its length is nonsense or goes beyond what holds it; nothing after it is found",
        "short: too short for its kind",
        "value: a field has a value that cannot be",
        "alignment: an address or length is no multiple of what it must be",
        "wraps: a range is empty or ends before it begins",
        "twice: an earlier entry says something about the same registers or devices",
        "overlaps: memory over the registers of a unit",
        "reference: it names what is not there, is there twice, or is of another kind",
    };

    return verdict < sizeof(text) / sizeof(text[0]) ? text[verdict] : "no verdict";
}
