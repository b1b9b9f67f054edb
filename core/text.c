/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* Words for people. Nothing else in the core needs this file. */

struct writer {
    char *out;
    size_t room;   /* without the terminating zero */
    size_t length; /* what it would be */
};

const char *uiommu_err_str(uiommu_err err)
{
    static const char *const text[] = {
        "OK: done",
        "INVALID: an argument is missing, unknown or contradicts another",
        "HANDLE: no object of this kind or of this instance",
        "NOMEM: the host gave no memory",
        "RANGE: wider than the hardware or the configuration allows",
        "UNSUPPORTED: the hardware, the backend or the device lacks the feature",
        "BUSY: in use, or the PASID belongs to another address space",
        "EXISTS: there is one already",
        "NOT_FOUND: no such thing",
        "QUOTA: the owner's quota is used up",
        "NOSPACE: no PASID, credit, cache tag or slot is left",
        "DEAD: the address space has died",
        "STALE: the token is used up, nothing was sent",
        "TIMEOUT: a deadline passed",
        "HW: the IOMMU reported an error or answers nonsense",
        "GONE: the device is absent, removed or being reset",
        "STATE: not legal in the present state",
        "WITHHELD: hardware may still reach the page tables",
        "POISONED: ended without every proof, the PASID is withheld",
        "INTERNAL: a bug in uiommu was noticed",
    };

    if (err == UIOMMU_PENDING)
        return "PENDING: begun, ask again";
    if (err == UIOMMU_MORE)
        return "MORE: this much was done, call again";
    if (err > 0 || err < UIOMMU_E_INTERNAL)
        return "unknown status";
    return text[-err];
}

static const char *kind_str(uint32_t kind)
{
    static const char *const text[] = {
        "no event",
        "translation fault",
        "permission fault",
        "address size fault",
        "access flag fault",
        "unknown device ID",
        "illegal device table entry",
        "illegal or absent context",
        "table fetch aborted",
        "translation request refused",
        "translated traffic refused",
        "conflicting cache entries",
        "unknown event",
        "command error",
        "queue error",
        "unit error",
        "page requests lost",
        "events lost",
        "invalidation timeout",
        "device isolated",
        "bond poisoned",
        "late page request",
        "page requests switched off",
        "unit hung",
    };

    return kind < sizeof(text) / sizeof(text[0]) ? text[kind] : "event of unknown kind";
}

static void write_str(struct writer *w, const char *str)
{
    for (; *str != '\0'; str++) {
        if (w->length < w->room)
            w->out[w->length] = *str;
        w->length++;
    }
}

static void write_hex(struct writer *w, const char *before, uint64_t value)
{
    char digits[17];
    uint32_t at = 16;

    digits[16] = '\0';
    do {
        at--;
        digits[at] = "0123456789abcdef"[value & 0xfu];
        value >>= 4;
    } while (value != 0);
    write_str(w, before);
    write_str(w, "0x");
    write_str(w, &digits[at]);
}

/* Not 0. By subtraction: division is a library call on some processors. */
static void write_decimal(struct writer *w, const char *before, uint32_t value)
{
    static const uint32_t power[] = {1000000000, 100000000, 10000000, 1000000, 100000,
                                     10000,      1000,      100,      10,      1};
    char digits[11];
    uint32_t k, at = 0;

    for (k = 0; k < 10; k++) {
        digits[at] = '0';
        while (value >= power[k]) {
            value -= power[k];
            digits[at]++;
        }
        if (at != 0 || digits[at] != '0')
            at++;
    }
    digits[at] = '\0';
    write_str(w, before);
    write_str(w, digits);
}

static void write_access(struct writer *w, uint32_t access)
{
    if ((access & UIOMMU_READ) != 0)
        write_str(w, ", read");
    if ((access & UIOMMU_WRITE) != 0)
        write_str(w, ", write");
    if ((access & UIOMMU_EXEC) != 0)
        write_str(w, ", exec");
    if ((access & UIOMMU_PRIV) != 0)
        write_str(w, ", privileged");
}

/* Kinds that are about an access have an address, be it 0. */
static bool has_address(const struct uiommu_event *event)
{
    return event->address != 0 ||
           (event->kind >= UIOMMU_EVENT_TRANSLATION && event->kind <= UIOMMU_EVENT_ACCESS_FLAG);
}

static void write_event(struct writer *w, const struct uiommu_event *event)
{
    uint32_t k, raws = 4;

    write_str(w, kind_str((uint32_t)event->kind));
    if (event->id != UINT32_MAX)
        write_hex(w, ": device ", event->id);
    if (event->pasid != UIOMMU_PASID_NONE)
        write_hex(w, ", PASID ", event->pasid);
    if (has_address(event))
        write_hex(w, ", address ", event->address);
    write_access(w, event->access);
    if (event->count > 1)
        write_decimal(w, ", count ", event->count);
    if (event->hw_code != 0)
        write_hex(w, ", code ", event->hw_code);
    while (raws != 0 && event->raw[raws - 1] == 0)
        raws--;
    for (k = 0; k < raws; k++)
        write_hex(w, k == 0 ? ", raw " : " ", event->raw[k]);
}

size_t uiommu_event_format(const struct uiommu_event *event, char *out, size_t bytes)
{
    struct writer w = {out, 0, 0};

    if (out != NULL && bytes != 0)
        w.room = bytes - 1;
    if (event == NULL)
        write_str(&w, kind_str(0));
    else
        write_event(&w, event);
    if (out != NULL && bytes != 0)
        out[w.length < w.room ? w.length : w.room] = '\0';
    return w.length;
}
