/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <uiommu/uiommu.h>

Test(text, every_status)
{
    uiommu_err err, other;

    for (err = 3; err >= -40; err--) {
        const char *str = uiommu_err_str(err);
        bool known =
            (err <= 0 && err >= UIOMMU_E_INTERNAL) || err == UIOMMU_PENDING || err == UIOMMU_MORE;

        cr_assert_not_null(str);
        cr_assert_gt(strlen(str), 4);
        cr_assert_eq(strcmp(str, "unknown status") != 0, known, "%d", err);
        for (other = err + 1; known && other <= 0; other++)
            cr_assert_str_neq(str, uiommu_err_str(other));
    }
    cr_assert_str_eq(uiommu_err_str(INT32_MIN), "unknown status");
    cr_assert_eq(strncmp(uiommu_err_str(UIOMMU_E_WITHHELD), "WITHHELD:", 9), 0);
    cr_assert_eq(strncmp(uiommu_err_str(UIOMMU_E_NOSPACE), "NOSPACE:", 8), 0);
}

static void expect(const struct uiommu_event *event, const char *text)
{
    char line[512];

    cr_assert_eq(uiommu_event_format(event, line, sizeof(line)), strlen(text));
    cr_assert_str_eq(line, text);
}

Test(text, events)
{
    struct uiommu_event event = {0};

    expect(NULL, "no event");
    expect(&event, "no event: device 0x0, PASID 0x0");
    event.kind = UIOMMU_EVENT_TRANSLATION;
    event.id = 0x1f00;
    event.pasid = 0xfffff;
    event.access = UIOMMU_READ | UIOMMU_WRITE | UIOMMU_EXEC | UIOMMU_PRIV;
    event.address = UINT64_C(0xfedcba9876543210);
    event.count = 1;
    event.hw_code = 0x10;
    event.raw[0] = 1;
    event.raw[2] = UINT64_MAX;
    expect(&event, "translation fault: device 0x1f00, PASID 0xfffff, address 0xfedcba9876543210, "
                   "read, write, exec, privileged, code 0x10, raw 0x1 0x0 0xffffffffffffffff");
    memset(&event, 0, sizeof(event));
    event.kind = UIOMMU_EVENT_PERMISSION;
    event.pasid = UIOMMU_PASID_NONE;
    expect(&event, "permission fault: device 0x0, address 0x0");
    event.kind = UIOMMU_EVENT_EVENTS_LOST;
    event.id = UINT32_MAX;
    event.count = UINT32_MAX;
    expect(&event, "events lost, count 4294967295");
    event.count = 1000000000;
    expect(&event, "events lost, count 1000000000");
    event.count = 20;
    expect(&event, "events lost, count 20");
    event.count = 0;
    event.kind = (enum uiommu_event_kind)(UIOMMU_EVENT_UNIT_HUNG + 1);
    expect(&event, "event of unknown kind");
}

Test(text, every_kind_has_words)
{
    struct uiommu_event event = {0};
    uint32_t kind, other;
    char a[128], b[128];

    event.id = UINT32_MAX;
    event.pasid = UIOMMU_PASID_NONE;
    for (kind = UIOMMU_EVENT_TRANSLATION; kind <= UIOMMU_EVENT_UNIT_HUNG; kind++) {
        event.kind = (enum uiommu_event_kind)kind;
        cr_assert_gt(uiommu_event_format(&event, a, sizeof(a)), 5);
        cr_assert_str_neq(a, "event of unknown kind");
        for (other = UIOMMU_EVENT_TRANSLATION; other < kind; other++) {
            event.kind = (enum uiommu_event_kind)other;
            (void)uiommu_event_format(&event, b, sizeof(b));
            cr_assert_str_neq(a, b);
        }
    }
}

Test(text, cut_at_every_length)
{
    struct uiommu_event event = {0};
    char whole[512], cut[512];
    size_t length, room;

    event.kind = UIOMMU_EVENT_CONFLICT;
    event.address = 0x123456789;
    event.count = 12345;
    event.hw_code = 7;
    event.raw[3] = 0xabc;
    length = uiommu_event_format(&event, whole, sizeof(whole));
    cr_assert_eq(length, strlen(whole));
    cr_assert_eq(uiommu_event_format(&event, NULL, 0), length);
    cr_assert_eq(uiommu_event_format(&event, NULL, 100), length);
    for (room = 0; room < length + 3; room++) {
        size_t text = room == 0 ? 0 : room - 1 < length ? room - 1 : length;

        memset(cut, 'x', sizeof(cut));
        cr_assert_eq(uiommu_event_format(&event, cut, room), length);
        cr_assert_eq(memcmp(cut, whole, text), 0);
        if (room != 0)
            cr_assert_eq(cut[text], '\0');
        cr_assert_eq(cut[room], 'x', "nothing is written behind");
    }
}
