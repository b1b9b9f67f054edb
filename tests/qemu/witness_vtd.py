# SPDX-License-Identifier: BSD-2-Clause
"""Intel VT-d as QEMU traces it: both words of a descriptor, and what it made of them."""
from witness_forms import Form, Unusable, Vendor, access, bits, line

VTD_KINDS = {0x1: 'bad-id', 0x2: 'bad-id', 0x5: 'permission', 0x6: 'permission',
             0x59: 'bad-context', 0x5b: 'bad-context', 0x71: 'translation', 0x85: 'permission',
             0x86: 'permission'}
VTD_TYPES = {1: 'context-cache', 2: 'iotlb', 3: 'device', 4: 'iec', 5: 'wait', 6: 'p-iotlb',
             7: 'pasid-cache', 8: 'device-piotlb', 9: 'page group response'}


class Vtd(Vendor):
    """A descriptor that is refused leaves the head where it is, with no line that says so."""
    words = 4
    forms = {
        'vtd_inv_qi_setup': Form('addr {addr} size {size}'),
        'vtd_inv_qi_head': Form('read head {slot}'),
        'vtd_inv_desc': Form('invalidate desc type {type:s} high {high} low {low}'),
        'vtd_inv_desc_cc_global': Form('context invalidate globally'),
        'vtd_inv_desc_cc_domain': Form('context invalidate domain {domain}'),
        'vtd_inv_desc_cc_devices': Form('context invalidate devices sid {sid} fmask {fmask}'),
        'vtd_inv_desc_cc_device': Form('context invalidate device {what:s}'),
        'vtd_inv_desc_iotlb_global': Form('iotlb invalidate global'),
        'vtd_inv_desc_iotlb_domain': Form('iotlb invalidate whole domain {domain}'),
        'vtd_inv_desc_iotlb_pages':
            Form('iotlb invalidate domain {domain} addr {addr} mask {mask}'),
        'vtd_inv_desc_pasid_cache_gsi': Form(),
        'vtd_inv_desc_pasid_cache_dsi': Form('Domain selective PC invalidation domain {domain}'),
        'vtd_inv_desc_pasid_cache_psi':
            Form('PASID selective PC invalidation domain {domain} pasid {pasid}'),
        'vtd_inv_desc_iec': Form('granularity {granularity} index {index} mask {mask}'),
        'vtd_inv_desc_wait_sw': Form('wait invalidate status write addr {addr} data {data}'),
        'vtd_inv_desc_wait_irq': Form('{what:s}'),
        'vtd_dmar_fault': Form('sid {sid} fault {fault} addr {addr} write {write}'),
        'vtd_frr_new': Form('index {index} high {high} low {low}'),
        'vtd_fsts_ppf': Form('FSTS PPF bit set to {bit}'),
    }
    # 10.0 takes PASID-cache invalidations without a word.
    optional = ('vtd_inv_desc type=pasid-cache', 'vtd_inv_desc_pasid_cache_gsi',
                'vtd_inv_desc_pasid_cache_dsi', 'vtd_inv_desc_pasid_cache_psi')
    effects = ('vtd_inv_desc_cc_device', 'vtd_inv_desc_wait_irq')

    def __init__(self):
        super().__init__()
        self.last = None     # The fault that may be recorded by the next line.
        self.holds = set()   # Devices with a record that nobody has taken yet.
        self.lost = False

    def queue(self, base, size):
        return [line('vtd_inv_qi_setup', addr=base, bytes=size)]

    def take(self, name, f):
        if name != 'vtd_frr_new':
            self.unrecorded()
        if name in ('vtd_inv_qi_setup', 'vtd_inv_qi_head'):
            if name == 'vtd_inv_qi_setup':
                f['bytes'] = f.pop('size') * 32
            self.stayed(line(name, **f))
            self.group(line(name, **f))
        elif name == 'vtd_dmar_fault':
            self.last = f
        elif name == 'vtd_frr_new':
            self.recorded(f)
        elif name == 'vtd_fsts_ppf':
            if not f['bit']:
                self.holds.clear()
        elif name not in self.effects:
            self.detail(line(name, **f))

    def recorded(self, f):
        last, self.last = self.last, None
        if last is None:
            raise Unusable('trace: a fault is recorded that no line tells of')
        self.holds.add(last['sid'])
        self.lost = False
        self.fault(last['sid'], self.text(last['sid'], last['addr'] & ~0xfff, 1 + last['write'],
                                          last['fault'], f['low'], f['high'] | 1 << 63))

    def unrecorded(self):
        """A second fault of a device whose record waits is left out; one of another is lost."""
        last, self.last = self.last, None
        if last is not None and last['sid'] not in self.holds and not self.lost:
            self.lost = True
            self.notices.append('events lost')

    def stayed(self, begin):
        """The head was read where it had been, or the queue is another one: no step from there."""
        last = self.groups[-1] if self.groups else [begin, None]
        if len(last) == 1 and 'qi_head' in last[0] and (last[0] == begin or 'setup' in begin):
            last.append('refused')
            self.notices.append('command error')

    def end(self):
        self.unrecorded()

    @staticmethod
    def text(device, address, what, code, *record):
        return line('fault', device=device, address=address, access=access(what), code=code,
                    kind=VTD_KINDS.get(code, '-'), record=':'.join(f'{w:x}' for w in record))

    def told(self, e):
        """The library's event as the trace would have it."""
        kind = VTD_KINDS.get(e['code'])
        text = self.text(e['id'], e['address'], e['access'], e['code'], *e['raw'][:2])
        return text if kind in (None, e['kind']) else f"{text}, told as {e['kind']}"

    @staticmethod
    def begin(slot, wrap, base):
        return line('vtd_inv_qi_head', slot=slot)

    @staticmethod
    def refused(words):
        return ['refused']

    @staticmethod
    def command(words):
        low, high = words[:2]
        kind, grain = bits(low, 0, 4), bits(low, 4, 2)
        if kind not in VTD_TYPES or bits(low, 9, 3) or any(words[2:]):
            return [f'nothing that VT-d knows: {" ".join(f"{w:x}" for w in words)}']
        domain, addr, mask = bits(low, 16, 16), high & ~0xfff, bits(high, 0, 6)
        pasid = bits(low, 32, 20)
        lines = {
            (1, 1): line('vtd_inv_desc_cc_global'),
            (1, 2): line('vtd_inv_desc_cc_domain', domain=domain),
            (1, 3): line('vtd_inv_desc_cc_devices', sid=bits(low, 32, 16), fmask=bits(low, 48, 2)),
            (2, 1): line('vtd_inv_desc_iotlb_global'),
            (2, 2): line('vtd_inv_desc_iotlb_domain', domain=domain),
            (2, 3): line('vtd_inv_desc_iotlb_pages', domain=domain, addr=addr, mask=mask),
            (7, 0): line('vtd_inv_desc_pasid_cache_dsi', domain=domain),
            (7, 1): line('vtd_inv_desc_pasid_cache_psi', domain=domain, pasid=pasid),
            (7, 3): line('vtd_inv_desc_pasid_cache_gsi'),
        }
        more = [lines[kind, grain]] if (kind, grain) in lines else []
        if (kind, grain) == (1, 2):
            more.append(lines[1, 1]) # It is done by all.
        if kind == 4:
            more = [line('vtd_inv_desc_iec', granularity=bits(low, 4, 1), index=bits(low, 32, 16),
                         mask=bits(low, 27, 5))]
        if kind == 5 and bits(low, 5, 1):
            more = [line('vtd_inv_desc_wait_sw', addr=high, data=low >> 32)]
        return [line('vtd_inv_desc', type=VTD_TYPES[kind], high=high, low=low)] + more
