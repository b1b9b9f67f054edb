# SPDX-License-Identifier: BSD-2-Clause
"""Arm SMMUv3 as QEMU traces it: each command by name, with most of its fields."""
from witness_forms import Form, Vendor, bits, line

SMMU_COMMANDS = {
    0x01: 'PREFETCH_CONFIG', 0x02: 'PREFETCH_ADDR', 0x03: 'CFGI_STE', 0x04: 'CFGI_STE_RANGE',
    0x05: 'CFGI_CD', 0x06: 'CFGI_CD_ALL', 0x10: 'TLBI_NH_ALL', 0x11: 'TLBI_NH_ASID',
    0x12: 'TLBI_NH_VA', 0x13: 'TLBI_NH_VAA', 0x28: 'TLBI_S12_VMALL', 0x2a: 'TLBI_S2_IPA',
    0x30: 'TLBI_NSNH_ALL', 0x40: 'ATC_INV', 0x41: 'PRI_RESP', 0x44: 'RESUME', 0x45: 'STALL_TERM',
    0x46: 'SYNC',
}
SMMU_EVENTS = {
    'F_UUT': 0x01, 'C_BAD_STREAMID': 0x02, 'F_STE_FETCH': 0x03, 'C_BAD_STE': 0x04,
    'F_BAD_ATS_TREQ': 0x05, 'F_STREAM_DISABLED': 0x06, 'F_TRANS_FORBIDDEN': 0x07,
    'C_BAD_SUBSTREAMID': 0x08, 'F_CD_FETCH': 0x09, 'C_BAD_CD': 0x0a, 'F_WALK_EABT': 0x0b,
    'F_TRANSLATION': 0x10, 'F_ADDR_SIZE': 0x11, 'F_ACCESS': 0x12, 'F_PERMISSION': 0x13,
    'F_TLB_CONFLICT': 0x20, 'F_CFG_CONFLICT': 0x21, 'E_PAGE_REQ': 0x24,
}
SMMU_KINDS = {0x02: 'bad-id', 0x04: 'bad-table', 0x0a: 'bad-context', 0x10: 'translation',
              0x11: 'address-size', 0x12: 'access-flag', 0x13: 'permission'}
UNHANDLED = (0x01, 0x02, 0x40, 0x41, 0x44, 0x45) # Taken, and nothing is done.
GERROR = {0: 'command error', 2: 'queue error'}


class Smmuv3(Vendor):
    words = 2
    forms = {
        'smmuv3_cmdq_consume': Form('prod={prod} cons={cons} prod.wrap={prodwrap} cons.wrap={wrap}',
                                    drop=('prod', 'prodwrap')),
        'smmuv3_cmdq_consume_out': Form('{what:s}'),
        'smmuv3_cmdq_consume_error': Form('Error on {name:s} command execution: {code}'),
        'smmuv3_cmdq_opcode': Form('<--- {name:s}'),
        'smmuv3_cmdq_cfgi_ste': Form('streamid= {sid}'),
        'smmuv3_cmdq_cfgi_ste_range': Form('start={start} - end={end}'),
        'smmuv3_cmdq_cfgi_cd': Form('sid={sid}'),
        'smmuv3_cmdq_tlbi_nh': Form('vmid={vmid}'),
        'smmuv3_cmdq_tlbi_nh_asid': Form('asid={asid}'),
        'smmuv3_cmdq_tlbi_nsnh': Form(),
        'smmuv3_cmdq_tlbi_s12_vmid': Form('vmid={vmid}'),
        'smmuv3_range_inval': Form('vmid={vmid} asid={asid} addr={addr} tg={tg} num_pages={pages} '
                                   'ttl={ttl} leaf={leaf} stage={stage}'),
        'smmuv3_unhandled_cmd': Form('Unhandled command type={opcode}'),
        'smmuv3_record_event': Form('SMMU_EVT_{name:s} sid={sid}'),
        'smmuv3_propagate_event': Form('SMMU_EVT_{name:s} sid={sid}'),
        'smmuv3_trigger_irq': Form('irq={irq}'),
        'smmuv3_write_gerror': Form('toggled={toggled}, new GERROR={gerror}'),
    }

    def __init__(self):
        super().__init__()
        self.last = None  # The event that is in the queue if its interrupt follows.
        self.aborted = False # The event queue, and that was said.
        self.range = None # The invalidation that the next line may continue.

    def take(self, name, f):
        last = self.last
        if name not in ('smmuv3_trigger_irq', 'smmuv3_write_gerror'):
            self.unrecorded()
        reach, self.range = self.range, None
        if name == 'smmuv3_cmdq_consume':
            self.group(line(name, **f))
        elif name.endswith('_event'):
            self.last = f
        elif name == 'smmuv3_trigger_irq':
            if f['irq'] == 0:
                self.recorded(last)
        elif name == 'smmuv3_write_gerror':
            self.aborted = self.aborted or bits(f['toggled'], 2, 1) == 1
            self.notices += [GERROR.get(n, f'global error {n}') for n in range(32)
                             if bits(f['toggled'], n, 1)]
        elif name == 'smmuv3_range_inval':
            self.pieces(f, reach)
        elif name != 'smmuv3_cmdq_consume_out':
            self.detail(line(name, **f))

    def recorded(self, event):
        self.aborted, self.last = False, None
        if event is None:
            self.notices.append('interrupt without an event')
        else:
            code = SMMU_EVENTS.get(event['name'], 0)
            self.fault(event['sid'], self.text(event['sid'], code, code))

    def unrecorded(self):
        """Neither recorded, nor was it said that none can be."""
        if self.last is not None and not self.aborted:
            self.notices.append('event without a record')
        self.last = None

    def end(self):
        self.unrecorded()

    def pieces(self, f, reach):
        """QEMU cuts a range into pieces of powers of two."""
        if reach is not None and f['tg'] and \
                {**f, 'addr': 0, 'pages': 0} == {**reach, 'addr': 0, 'pages': 0} and \
                f['addr'] == reach['addr'] + (reach['pages'] << 10 + 2 * f['tg']):
            self.groups[-1].pop()
            f = {**reach, 'pages': reach['pages'] + f['pages']}
        self.range = f
        self.detail(line('smmuv3_range_inval', **f))

    @staticmethod
    def text(device, code, kind):
        return line('fault', device=device, code=code, kind=SMMU_KINDS.get(kind, '-'))

    def told(self, e):
        word = e['raw'][0]
        text = self.text(word >> 32, word & 0xff, word & 0xff)
        kind = SMMU_KINDS.get(e['code'])
        if (e['id'], e['code']) != (word >> 32, word & 0xff) or kind not in (None, e['kind']):
            text += f", told as device {e['id']:#x}, code {e['code']:#x}, {e['kind']}"
        return text

    @staticmethod
    def begin(slot, wrap, base):
        return line('smmuv3_cmdq_consume', cons=slot, wrap=wrap)

    @staticmethod
    def refused(words):
        name = SMMU_COMMANDS.get(words[0] & 0xff)
        name = 'INVALID' if name is None else f'SMMU_CMD_{name}'
        return [line('smmuv3_cmdq_opcode', name=name),
                line('smmuv3_cmdq_consume_error', name=name, code=1)]

    @staticmethod
    def command(words):
        low, high = words
        opcode, vmid, asid, sid = bits(low, 0, 8), bits(low, 32, 16), low >> 48, low >> 32
        if opcode not in SMMU_COMMANDS:
            return [f'nothing that SMMUv3 knows: {low:x} {high:x}']
        size = (2 << bits(high, 0, 5)) - 1
        tg = bits(high, 10, 2)
        span = {'addr': high & ~0xfff, 'tg': tg,
                'pages': bits(low, 12, 5) + 1 << bits(low, 20, 5) if tg else 1,
                'ttl': bits(high, 8, 2), 'leaf': bits(high, 0, 1)}
        lines = {
            0x03: line('smmuv3_cmdq_cfgi_ste', sid=sid),
            0x04: line('smmuv3_cmdq_cfgi_ste_range', start=sid & ~size,
                       end=(sid & ~size) + size & 0xffffffff),
            0x05: line('smmuv3_cmdq_cfgi_cd', sid=sid),
            0x06: line('smmuv3_cmdq_cfgi_cd', sid=sid),
            0x10: line('smmuv3_cmdq_tlbi_nh', vmid=vmid),
            0x11: line('smmuv3_cmdq_tlbi_nh_asid', asid=asid),
            0x12: line('smmuv3_range_inval', vmid=vmid, asid=asid, **span, stage=1),
            0x13: line('smmuv3_range_inval', vmid=vmid, asid=-1, **span, stage=1),
            0x28: line('smmuv3_cmdq_tlbi_s12_vmid', vmid=vmid),
            0x2a: line('smmuv3_range_inval', vmid=vmid, asid=-1, **span, stage=2),
            0x30: line('smmuv3_cmdq_tlbi_nsnh'),
        }
        more = [lines[opcode]] if opcode in lines else []
        if opcode in UNHANDLED:
            more = [line('smmuv3_unhandled_cmd', opcode=opcode)]
        return [line('smmuv3_cmdq_opcode', name=f'SMMU_CMD_{SMMU_COMMANDS[opcode]}')] + more
