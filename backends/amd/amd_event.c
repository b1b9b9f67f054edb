/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event log. It tells of invalidations that no device answered, so whoever waits for a ticket
 * reads it, under the lock; what he finds waits for fetch() (PROTOCOL R15, R16).
 */
#include "amd_internal.h"

static uint32_t code_of(const uint64_t entry[2])
{
    return (uint32_t)uiommu_bits_get(entry[0], AMD_LOG_CODE);
}

static bool bit(const uint64_t entry[2], uint32_t field)
{
    return uiommu_bits_get(entry[0], field) != 0;
}

/* Only events 1, 2, 4 and 8 have one, with GN; 9 is laid out as a page request. PASID 0 is what
 * untagged traffic is logged as. */
static uint32_t pasid_of(const uint64_t entry[2])
{
    uint32_t code = code_of(entry), pasid = 0;

    if (code == AMD_EV_BAD_PPR) {
        if (bit(entry, AMD_BAD_PPR_GN))
            pasid = (uint32_t)(uiommu_bits_get(entry[0], AMD_REQ_PASID_15) |
                               uiommu_bits_get(entry[0], AMD_REQ_PASID_19) << 16);
    } else if ((code == AMD_EV_BAD_DTE || code == AMD_EV_PAGE_FAULT || code == AMD_EV_TABLE_HW ||
                code == AMD_EV_REQUEST) &&
               bit(entry, AMD_EV_GN)) {
        pasid = (uint32_t)(uiommu_bits_get(entry[0], AMD_EV_PASID_15) |
                           uiommu_bits_get(entry[0], AMD_EV_PASID_19) << 16);
    }
    return pasid != 0 ? pasid : UIOMMU_PASID_NONE;
}

/* RW counts in events of memory accesses only, US with GN only. */
static uint32_t access_of(const uint64_t entry[2])
{
    uint32_t code = code_of(entry), access;

    if (code < AMD_EV_BAD_DTE || code > AMD_EV_TABLE_HW || bit(entry, AMD_EV_I))
        return 0;
    access = bit(entry, AMD_EV_RW) ? UIOMMU_WRITE : UIOMMU_READ;
    if (code == AMD_EV_PAGE_FAULT && bit(entry, AMD_EV_GN) && !bit(entry, AMD_EV_US))
        access |= UIOMMU_PRIV;
    return access;
}

static enum uiommu_event_kind kind_of(const uint64_t entry[2])
{
    switch (code_of(entry)) {
    case AMD_EV_BAD_DTE:
        return UIOMMU_EVENT_BAD_TABLE;
    case AMD_EV_PAGE_FAULT:
        if (!bit(entry, AMD_EV_PR))
            return UIOMMU_EVENT_TRANSLATION;
        /* Neither absent nor forbidden: a table entry is illegal. */
        return bit(entry, AMD_EV_PE) ? UIOMMU_EVENT_PERMISSION : UIOMMU_EVENT_BAD_CONTEXT;
    case AMD_EV_DTE_HW:
    case AMD_EV_TABLE_HW:
        return UIOMMU_EVENT_FETCH_ABORT;
    case AMD_EV_COMMAND:
    case AMD_EV_COMMAND_HW:
        return UIOMMU_EVENT_COMMAND_ERROR;
    case AMD_EV_TIMEOUT:
        return UIOMMU_EVENT_INVALIDATION_TIMEOUT;
    case AMD_EV_REQUEST:
        if (bit(entry, AMD_EV_TR))
            return UIOMMU_EVENT_ATS_REFUSED;
        return uiommu_bits_get(entry[0], AMD_EV_TYPE) == 1 ? UIOMMU_EVENT_TRANSLATED_REFUSED
                                                           : UIOMMU_EVENT_UNKNOWN;
    default:
        return UIOMMU_EVENT_UNKNOWN;
    }
}

/* raw: the record; of a command error the command first, where it is known. */
void uiommu_amd_event_decode(const struct amd_stashed *stashed, struct uiommu_event *out)
{
    const uint64_t *entry = stashed->entry;
    uint32_t code = code_of(entry), raw = 0;

    uiommu_event_init(out, kind_of(entry));
    if (code != AMD_EV_COMMAND && code != AMD_EV_COMMAND_HW && code != 0xau)
        out->id = (uint32_t)uiommu_bits_get(entry[0], AMD_LOG_ID);
    out->pasid = pasid_of(entry);
    out->address = entry[1];
    out->access = access_of(entry);
    out->hw_code = code;
    if (stashed->command[0] != 0) {
        memcpy(out->raw, stashed->command, sizeof(stashed->command));
        raw = AMD_COMMAND_WORDS;
    }
    memcpy(&out->raw[raw], entry, sizeof(stashed->entry));
}

/* Faults of what was told to refuse quietly: a shut device, a blocked entry. Hardware has no such
 * state. */
static bool is_quiet(const struct uiommu_amd *hw, const uint64_t entry[2])
{
    const struct amd_device *dev;

    if (code_of(entry) != AMD_EV_PAGE_FAULT)
        return false;
    dev = uiommu_amd_device_of(hw, (uint32_t)uiommu_bits_get(entry[0], AMD_LOG_ID));
    return dev != NULL && ((dev->set & UIOMMU_DEVICE_SET_OPEN) == 0 || dev->quiet ||
                           uiommu_amd_gcr3_quiet(hw, dev, pasid_of(entry)));
}

/* With no room the newest goes, and a request in it would have wanted an answer. */
static void stash(struct uiommu_amd *hw, const uint64_t entry[2], const volatile uint64_t *command)
{
    uint32_t room = UINT32_C(1) << hw->evt.log2, i;
    struct amd_stashed *to;

    if (hw->stash_count == room) {
        hw->evt.discarded++;
        hw->evt.lost = hw->evt.lost || uiommu_amd_event_asks(entry);
        hw->events_lost++;
        return;
    }
    to = &hw->stash[(hw->stash_first + hw->stash_count++) & (room - 1u)];
    memset(to, 0, sizeof(*to));
    memcpy(to->entry, entry, sizeof(to->entry));
    for (i = 0; command != NULL && i < AMD_COMMAND_WORDS; i++)
        to->command[i] = uiommu_bits_load64(&command[i]);
}

static void digest(struct uiommu_amd *hw, const uint64_t entry[2])
{
    const volatile uint64_t *command = NULL;
    uint32_t code = code_of(entry);

    if (is_quiet(hw, entry)) {
        hw->evt.discarded++;
        return;
    }
    if (code == AMD_EV_TIMEOUT)
        uiommu_amd_fail_command(hw, entry[1] & ~UINT64_C(0xf));
    if (code == AMD_EV_COMMAND || code == AMD_EV_COMMAND_HW)
        command = uiommu_amd_command_at(hw, entry[1] & ~UINT64_C(0xf));
    stash(hw, entry, command);
}

/* Events went, or may have: whether devices answered is not known any more. */
static void missed(struct uiommu_amd *hw)
{
    uiommu_amd_fail_unanswered(hw);
    hw->evt.lost = true;
    hw->events_lost++;
}

/*
 * Take out what is there. @return whether all of it could be taken, up to a tail read in this
 * call: then what hardware had logged when the caller came is known, or counted as missed. An
 * overflow is mended at once, for tickets wait for this log; while it is off those fail that do.
 */
bool uiommu_amd_event_harvest(struct uiommu_amd *hw)
{
    struct amd_log *log = &hw->evt;
    uint32_t before = log->head, status, n;
    enum amd_take take = AMD_TAKEN;
    uint64_t entry[AMD_LOG_WORDS];

    if (!log->on)
        return true;
    status = uiommu_amd_read(hw, AMD_STATUS);
    if (!uiommu_amd_log_used(hw, log, &n))
        return false; /* Nothing is proved until it makes sense again. */
    for (; n != 0 && take != AMD_NOT_YET; n--) {
        take = uiommu_amd_log_take(hw, log, entry);
        if (take == AMD_TAKEN)
            digest(hw, entry);
        if (take == AMD_SKIPPED) {
            log->discarded++;
            missed(hw);
        }
    }
    if (log->head != before)
        uiommu_amd_log_publish(hw, log);
    if (log->stopping) {
        uiommu_amd_fail_unanswered(hw);
        uiommu_amd_log_restart(hw, log);
    } else if (uiommu_amd_log_stopped(log, status)) {
        missed(hw);
        uiommu_amd_log_restart(hw, log);
    }
    return take != AMD_NOT_YET;
}

/* Failure ends the page requests of a whole port, other functions' too: only where that was
 * decided. Either code ends the device's wait. */
static uiommu_code preset_of(const struct uiommu_amd *hw, uint32_t id)
{
    const struct amd_device *dev = uiommu_amd_device_of(hw, id);

    return dev != NULL && dev->isolated ? UIOMMU_CODE_FAILURE : UIOMMU_CODE_INVALID;
}

static bool deliver(struct uiommu_amd *hw, struct uiommu_fetch *io)
{
    const struct amd_stashed *from = &hw->stash[hw->stash_first];
    struct uiommu_request *request = &io->requests[io->request_count];

    if (uiommu_amd_event_asks(from->entry) && hw->ppr.present) {
        if (io->request_count == io->request_room)
            return false;
        uiommu_amd_event_request(from->entry, request);
        request->preset = (uint32_t)preset_of(hw, request->id);
        request->at = io->entries;
        io->request_count++;
    } else {
        if (io->event_count == io->event_room)
            return false;
        uiommu_amd_event_decode(from, &io->events[io->event_count++]);
    }
    hw->stash_first = (hw->stash_first + 1u) & ((UINT32_C(1) << hw->evt.log2) - 1u);
    hw->stash_count--;
    io->entries++;
    return true;
}

/* Under the lock. */
void uiommu_amd_event_fetch(struct uiommu_amd *hw, struct uiommu_fetch *io)
{
    struct amd_log *log = &hw->evt;

    (void)uiommu_amd_event_harvest(hw);
    io->entries = log->discarded;
    log->discarded = 0;
    if (hw->events_lost != 0) {
        uiommu_event_init(&io->events[io->event_count], UIOMMU_EVENT_EVENTS_LOST);
        io->events[io->event_count++].count = hw->events_lost;
        hw->events_lost = 0;
    }
    while (hw->stash_count != 0 && deliver(hw, io))
        ;
    if (hw->stash_count != 0)
        io->flags |= UIOMMU_FETCH_MORE;
    if (log->lost && hw->ppr.present)
        io->flags |= UIOMMU_FETCH_OVERFLOW;
    if (log->skipped)
        io->flags |= UIOMMU_FETCH_LATE;
    log->skipped = false;
}
