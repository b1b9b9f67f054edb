/* SPDX-License-Identifier: BSD-2-Clause */
/* Device table, directories, PASID tables. */
#include "toy_internal.h"

uiommu_err toy_root_check(void *ctx, void *dev, uint32_t pasid, const struct uiommu_root *root)
{
    (void)ctx;
    (void)dev;
    (void)pasid;
    if (root->under.format != 0 || root->format != UIOMMU_ROOT_X86_64 || root->va_bits != 48 ||
        root->granule_bits != 12)
        return UIOMMU_E_UNSUPPORTED;
    if ((root->table & (TOY_PAGE - 1u)) != 0 || root->table >> 52 != 0)
        return UIOMMU_E_UNSUPPORTED;
    return UIOMMU_OK;
}

static void device_free(struct toy *hw, struct toy_device *dev)
{
    uint32_t i;

    for (i = 0; dev->leaf != NULL && i < dev->leaves; i++)
        toy_mem_put(hw, &dev->leaf[i]);
    toy_mem_put(hw, &dev->directory);
    uiommu_heap_put(hw->u, dev->leaf, dev->leaves * sizeof(dev->leaf[0]));
    uiommu_heap_put(hw->u, dev->ids, dev->id_count * sizeof(dev->ids[0]));
    uiommu_heap_put(hw->u, dev, sizeof(*dev));
}

static uiommu_err device_fill(struct toy *hw, struct toy_device *dev,
                              const struct uiommu_device_desc *desc)
{
    dev->id_count = desc->id_count;
    dev->flags = desc->flags;
    dev->leaves = UINT32_C(1) << (hw->pasid_bits - TOY_LEAF_LOG2);
    dev->ids = uiommu_heap_get(hw->u, dev->id_count * sizeof(dev->ids[0]));
    dev->leaf = uiommu_heap_get(hw->u, dev->leaves * sizeof(dev->leaf[0]));
    if (dev->ids == NULL || dev->leaf == NULL)
        return UIOMMU_E_NOMEM;
    memcpy(dev->ids, desc->ids, dev->id_count * sizeof(dev->ids[0]));
    return toy_mem_get(hw, TOY_PAGE, &dev->directory);
}

/* Its entries are zero, since the table was made or since it was shut: nothing gets through. */
uiommu_err toy_device_attach(void *ctx, const struct uiommu_device_desc *desc, void **out)
{
    struct toy *hw = ctx;
    struct toy_device *dev;
    uintptr_t state;
    uiommu_err err;
    uint32_t i;

    /* A barrier puts one command for each ID, and a wait. */
    if (desc->id_count >= UINT32_C(1) << hw->config.command_log2)
        return UIOMMU_E_UNSUPPORTED;
    for (i = 0; i < desc->id_count; i++) {
        if (desc->ids[i] >> hw->id_bits != 0)
            return UIOMMU_E_RANGE;
    }
    dev = uiommu_heap_get(hw->u, sizeof(*dev));
    if (dev == NULL)
        return UIOMMU_E_NOMEM;
    err = device_fill(hw, dev, desc);
    if (err != UIOMMU_OK) {
        device_free(hw, dev);
        return err;
    }
    state = uiommu_unit_lock(hw->unit);
    dev->next = hw->devices;
    hw->devices = dev;
    uiommu_unit_unlock(hw->unit, state);
    *out = dev;
    return UIOMMU_OK;
}

void toy_device_detach(void *ctx, void *dev_ctx)
{
    struct toy *hw = ctx;
    struct toy_device *dev = dev_ctx, **at;
    uintptr_t state = uiommu_unit_lock(hw->unit);

    for (at = &hw->devices; *at != NULL && *at != dev; at = &(*at)->next)
        ;
    if (*at != NULL)
        *at = dev->next;
    uiommu_unit_unlock(hw->unit, state);
    device_free(hw, dev);
}

static volatile uint64_t *device_at(const struct toy *hw, uint32_t id)
{
    return (volatile uint64_t *)hw->table.cpu + id;
}

/* One word for each ID: one step, whatever it was before. */
static void set_words(struct toy *hw, const struct toy_device *dev, uint64_t word)
{
    uint32_t i;

    for (i = 0; i < dev->id_count; i++)
        toy_store(hw, device_at(hw, dev->ids[i]), word);
}

uiommu_err toy_device_set(void *ctx, void *dev_ctx, uint32_t flags, uint32_t step)
{
    struct toy_device *dev = dev_ctx;
    uint64_t word = 0;

    (void)step;
    if ((flags & UIOMMU_DEVICE_SET_OPEN) != 0)
        word = dev->directory.bus | TOY_VALID;
    if ((flags & UIOMMU_DEVICE_SET_OPEN) != 0 && (flags & UIOMMU_DEVICE_SET_ATS) != 0)
        word |= TOY_ATS;
    set_words(ctx, dev, word);
    dev->set = flags;
    return UIOMMU_OK;
}

/* Its traffic and its page requests end; what it holds can still be invalidated. */
uiommu_err toy_device_isolate(void *ctx, void *dev)
{
    set_words(ctx, dev, TOY_MUTE);
    return UIOMMU_OK;
}

static uint32_t leaf_of(uint32_t pasid)
{
    return pasid == UIOMMU_PASID_NONE ? 0 : pasid >> TOY_LEAF_LOG2;
}

/* NULL: there is no such entry, or it was not prepared. */
static volatile uint64_t *entry_of(const struct toy_device *dev, uint32_t pasid)
{
    uint32_t leaf = leaf_of(pasid);

    if (pasid == 0 || leaf >= dev->leaves || dev->leaf[leaf].cpu == NULL)
        return NULL;
    return (volatile uint64_t *)dev->leaf[leaf].cpu +
           (pasid == UIOMMU_PASID_NONE ? 0 : pasid & ((1u << TOY_LEAF_LOG2) - 1u));
}

uiommu_err toy_pasid_prepare(void *ctx, void *dev_ctx, uint32_t pasid)
{
    struct toy *hw = ctx;
    struct toy_device *dev = dev_ctx;
    struct uiommu_mem mem;
    uint32_t leaf = leaf_of(pasid);
    uintptr_t state;
    uiommu_err err;

    if (pasid == 0 || leaf >= dev->leaves)
        return UIOMMU_E_RANGE;
    if (dev->leaf[leaf].cpu != NULL)
        return UIOMMU_OK;
    err = toy_mem_get(hw, TOY_PAGE, &mem);
    if (err != UIOMMU_OK)
        return err;
    state = uiommu_unit_lock(hw->unit);
    dev->leaf[leaf] = mem;
    toy_store(hw, (volatile uint64_t *)dev->directory.cpu + leaf, mem.bus | TOY_VALID);
    uiommu_unit_unlock(hw->unit, state);
    return UIOMMU_OK;
}

uiommu_err toy_pasid_set(void *ctx, void *dev, uint32_t pasid, const struct uiommu_root *root,
                         uint32_t tag, uint32_t step)
{
    volatile uint64_t *entry = entry_of(dev, pasid);
    uiommu_err err = toy_root_check(ctx, dev, pasid, root);

    (void)step;
    if (err != UIOMMU_OK)
        return err;
    if (entry == NULL)
        return UIOMMU_E_INVALID;
    toy_store(ctx, entry, root->table | uiommu_bits_make(TOY_TAG, tag) | TOY_VALID);
    return UIOMMU_OK;
}

void toy_pasid_block(void *ctx, void *dev, uint32_t pasid)
{
    volatile uint64_t *entry = entry_of(dev, pasid);
    uint64_t word = entry == NULL ? 0 : uiommu_bits_load64(entry);

    if ((word & TOY_VALID) != 0)
        toy_store(ctx, entry, word | TOY_BLOCK);
}

void toy_pasid_clear(void *ctx, void *dev, uint32_t pasid)
{
    volatile uint64_t *entry = entry_of(dev, pasid);

    if (entry != NULL)
        toy_store(ctx, entry, 0);
}

static bool show_register(const struct toy *hw, uint64_t i, struct uiommu_item *out)
{
    static const struct {
        const char *name;
        uint32_t at;
    } registers[] = {
        {"id", TOY_ID},
        {"ctrl", TOY_CTRL},
        {"status", TOY_STATUS},
        {"table", TOY_TABLE},
        {"command tail", TOY_COMMAND_TAIL},
        {"command head", TOY_COMMAND_HEAD},
        {"done", TOY_DONE},
        {"error", TOY_ERROR},
        {"log tail", TOY_LOG_TAIL},
        {"log head", TOY_LOG_HEAD},
    };

    if (i >= sizeof(registers) / sizeof(registers[0]))
        return false;
    out->name = registers[i].name;
    out->address = hw->config.base + registers[i].at;
    out->word[0] = toy_read(hw, registers[i].at);
    out->words = 1;
    return true;
}

static const struct toy_device *device_of(const struct toy *hw, uint32_t id)
{
    const struct toy_device *dev;
    uint32_t i;

    for (dev = hw->devices; dev != NULL; dev = dev->next) {
        for (i = 0; i < dev->id_count; i++) {
            if (dev->ids[i] == id)
                return dev;
        }
    }
    return NULL;
}

static void show_word(const char *name, const volatile uint64_t *word, uint64_t bus,
                      struct uiommu_item *out)
{
    out->name = name;
    out->address = bus;
    out->word[0] = uiommu_bits_load64(word);
    out->words = 1;
}

uiommu_err toy_describe(void *ctx, uint32_t id, uint32_t pasid, uint64_t *cursor,
                        struct uiommu_item *out)
{
    const struct toy *hw = ctx;
    const struct toy_device *dev = device_of(hw, id);
    const volatile uint64_t *entry = dev == NULL ? NULL : entry_of(dev, pasid);

    if (hw->open && *cursor < 100 && show_register(hw, *cursor, out)) {
        ++*cursor;
        return UIOMMU_OK;
    }
    if (*cursor < 100 && dev != NULL) {
        *cursor = 100;
        show_word("device entry", device_at(hw, id), hw->table.bus + UINT64_C(8) * id, out);
        return UIOMMU_OK;
    }
    if (*cursor <= 100 && entry != NULL) {
        *cursor = 101;
        show_word("pasid entry", entry, 0, out);
        return UIOMMU_OK;
    }
    return UIOMMU_E_NOT_FOUND;
}
