# SPDX-License-Identifier: BSD-2-Clause
"""tests/qemu/witness --check: made-up logs and traces that agree, and everything that may go wrong
with them: each line gone, doubled, swapped with the next, each digit another one."""
import contextlib
import io
import os
import re
import tempfile

NUMBER = r'(?<=[ =])(0x)?(?P<n>[0-9a-f]+)\b' # Of a trace.

LOGS = {}
TRACES = {}

LOGS['vtd'] = '''queue 1000 2000
command 0000000000000011 0000000000000000 0000000000000000 0000000000000000
command 0000000500020017 0000000000000000 0000000000000000 0000000000000000
command 0000000600030017 0000000000000000 0000000000000000 0000000000000000
command 0000000300020036 0000000000201041 0000000000000000 0000000000000000
command 0000000400000065 000000000001b00c 0000000000000000 0000000000000000
event 1 20 0 2 201000 1 71 201000 8000007100000020 0 0
illegal 000000000000000f 0000000000000000 0000000000000000 0000000000000000
command 000000000000000f 0000000000000000 0000000000000000 0000000000000000
command 0000000600000065 000000000001b018 0000000000000000 0000000000000000
changed 6 0000000000000065 000000000001b400 0000000000000000 0000000000000000
event d ffffffff ffffffff 0 0 1 0 f 0 0 0
command 0000002800020031 0000000000000000 0000000000000000 0000000000000000
event 11 ffffffff ffffffff 0 0 1 0 0 0 0 0
'''
TRACES['vtd'] = '''vtd_inv_qi_setup addr 0x1000 size 256
vtd_inv_qi_head read head 0
vtd_inv_desc invalidate desc type context-cache high 0x0 low 0x11
vtd_inv_desc_cc_global context invalidate globally
vtd_inv_qi_head read head 1
vtd_inv_desc invalidate desc type pasid-cache high 0x0 low 0x500020017
vtd_inv_desc_pasid_cache_psi PASID selective PC invalidation domain 0x2 pasid 0x5
vtd_inv_qi_head read head 2
vtd_inv_desc invalidate desc type pasid-cache high 0x0 low 0x600030017
vtd_inv_desc_pasid_cache_psi PASID selective PC invalidation domain 0x3 pasid 0x6
vtd_inv_qi_head read head 3
vtd_inv_desc invalidate desc type p-iotlb high 0x201041 low 0x300020036
vtd_inv_qi_head read head 4
vtd_inv_desc invalidate desc type wait high 0x1b00c low 0x400000065
vtd_inv_desc_wait_sw wait invalidate status write addr 0x1b00c data 0x4
vtd_dmar_fault sid 0x20 fault 113 addr 0x201004 write 1
vtd_frr_new index 0 high 0x7100000020 low 0x201000
vtd_fsts_ppf FSTS PPF bit set to 1
vtd_dmar_fault sid 0x20 fault 113 addr 0x201008 write 1
vtd_inv_qi_head read head 5
vtd_inv_qi_head read head 5
vtd_inv_desc invalidate desc type wait high 0x1b400 low 0x65
vtd_inv_desc_wait_sw wait invalidate status write addr 0x1b400 data 0x0
vtd_inv_qi_head read head 6
vtd_inv_desc invalidate desc type wait high 0x1b018 low 0x600000065
vtd_inv_desc_wait_sw wait invalidate status write addr 0x1b018 data 0x6
vtd_dmar_fault sid 0x28 fault 2 addr 0x555000 write 1
vtd_inv_qi_head read head 7
vtd_inv_desc invalidate desc type context-cache high 0x0 low 0x2800020031
vtd_inv_desc_cc_devices context invalidate devices sid 0x28 fmask 0x0
'''

LOGS['amd'] = '''queue 3ae000 2000
command 8000000000000000 0000000000000000
command 10000000003ad001 0000000000000002
command 2000000000000020 0000000000000000
command 3000000100000000 7ffffffffffff003
event 1 20 ffffffff 0 0 1 2 2009000000000020 0 0 0
illegal f000000000000000 0000000000000000
command f000000000000000 0000000000000000
event d ffffffff ffffffff 0 0 1 5 500f000000000000 0 0 0
shut 20
open 20
command 2000000000000020 0000000000000000
event 11 ffffffff ffffffff 0 0 1 0 0 0 0 0
event 1 30 ffffffff 0 0 1 2 2009000000000030 0 0 0
'''
EXEC = 'amdvi_command_exec command buffer head at {} command buffer tail at {} ' \
       'command buffer base at 0x3ae000\n'
FAULT = '''amdvi_generate_msi_interrupt Mode: MSI
amdvi_page_fault error: page fault accessing guest physical address 0x555000
amdvi_translation_result devid: 00:0{}.0 gpa 0x555000 hpa 0x0
'''
TRACES['amd'] = ''.join((
    'amdvi_mmio_write AMDVI_MMIO_EVENT_BASE write addr 0x10, size 8, val 0x2000000003b2000, '
    'offset 0x0\n',
    EXEC.format('0x0', '0x20'),
    'amdvi_all_inval Invalidation of all AMD-Vi cache requested \n',
    EXEC.format('0x10', '0x20'),
    'amdvi_completion_wait completion wait requested with store address 0x3ad000 and store data '
    '0x2\n',
    EXEC.format('0x20', '0x40'),
    'amdvi_devtab_inval device table entry for devid: 00:04.0 invalidated\n',
    EXEC.format('0x30', '0x40'),
    'amdvi_pages_inval AMD-Vi pages for domain 0x1 invalidated\n',
    FAULT.format(4),
    EXEC.format('0x40', '0x50'),
    'amdvi_unhandled_command unhandled command 0xf\n',
    'amdvi_generate_msi_interrupt Mode: MSI\n',
    FAULT.format(4),
    EXEC.format('0x50', '0x60'),
    'amdvi_devtab_inval device table entry for devid: 00:04.0 invalidated\n',
    'amdvi_mmio_write AMDVI_MMIO_EVENT_HEAD write addr 0x2010, size 4, val 0x10, offset 0x0\n',
    FAULT.format(6),
    FAULT.format(7)))

LOGS['smmuv3'] = '''queue 44154000 1000
command 0000000000000004 000000000000001f
command 0000000000000046 0000000000000000
command 0000000800000003 0000000000000000
command 0001000000010012 0000000000700401
command 0001000000000011 0000000000000000
event 5 8 ffffffff 0 0 1 2 800000002 0 0 0
illegal 00000000000000ff 0000000000000000
command 00000000000000ff 0000000000000000
changed 6 0000000000000046 0000000000000000
event d ffffffff ffffffff 0 0 1 1 ff 0 0 0
command 0000001800000005 0000000000000001
event e ffffffff ffffffff 0 0 1 0 0 0 0 0
event 1 18 ffffffff 2 555000 1 10 1800000010 20000000000 555000 0
'''
TRACES['smmuv3'] = '''smmuv3_cmdq_consume prod=2 cons=0 prod.wrap=0 cons.wrap=0
smmuv3_cmdq_opcode <--- SMMU_CMD_CFGI_STE_RANGE
smmuv3_cmdq_cfgi_ste_range start=0x0 - end=0xffffffff
smmuv3_cmdq_consume prod=2 cons=1 prod.wrap=0 cons.wrap=0
smmuv3_cmdq_opcode <--- SMMU_CMD_SYNC
smmuv3_cmdq_consume_out prod:2, cons:2, prod_wrap:0, cons_wrap:0 
smmuv3_cmdq_consume prod=5 cons=2 prod.wrap=0 cons.wrap=0
smmuv3_cmdq_opcode <--- SMMU_CMD_CFGI_STE
smmuv3_cmdq_cfgi_ste streamid= 0x8
smmuv3_cmdq_consume prod=5 cons=3 prod.wrap=0 cons.wrap=0
smmuv3_cmdq_opcode <--- SMMU_CMD_TLBI_NH_VA
smmuv3_range_inval vmid=0 asid=1 addr=0x700000 tg=1 num_pages=0x10 ttl=0 leaf=1 stage=1
smmuv3_range_inval vmid=0 asid=1 addr=0x710000 tg=1 num_pages=0x1 ttl=0 leaf=1 stage=1
smmuv3_cmdq_consume prod=5 cons=4 prod.wrap=0 cons.wrap=0
smmuv3_cmdq_opcode <--- SMMU_CMD_TLBI_NH_ASID
smmuv3_cmdq_tlbi_nh_asid asid=1
smmuv3_propagate_event SMMU_EVT_C_BAD_STREAMID sid=0x8
smmuv3_trigger_irq irq=0
smmuv3_cmdq_consume prod=6 cons=5 prod.wrap=0 cons.wrap=0
smmuv3_cmdq_opcode <--- INVALID
smmuv3_cmdq_consume_error Error on INVALID command execution: 1
smmuv3_trigger_irq irq=3
smmuv3_write_gerror toggled=0x1, new GERROR=0x1
smmuv3_cmdq_consume prod=6 cons=5 prod.wrap=0 cons.wrap=0
smmuv3_cmdq_opcode <--- SMMU_CMD_SYNC
smmuv3_cmdq_consume prod=7 cons=6 prod.wrap=0 cons.wrap=0
smmuv3_cmdq_opcode <--- SMMU_CMD_CFGI_CD
smmuv3_cmdq_cfgi_cd sid=0x18
smmuv3_record_event SMMU_EVT_F_TRANSLATION sid=0x18
smmuv3_trigger_irq irq=0
smmuv3_propagate_event SMMU_EVT_F_TRANSLATION sid=0x18
smmuv3_write_gerror toggled=0x4, new GERROR=0x5
'''

# What no trace has: what is in a group may be other digits unnoticed.
LOG_FREE = {
    'vtd': [r'^event (?:d|11) (.*)', r'^event 1 \w+ (\w+) \w+ \w+ (\w+)', r'^event.* (\w+ \w+)$'],
    'amd': [r'^event (?:d|11) (.*)', r'^queue \w+ (\w+)', r'^command [38](\w+)0001(\w+) (\w+)',
            r'^command 3(\w{7})\w{4}(\w+) (\w+)', r'^command 8(\w+) (\w+)',
            r'^command 2(\w{11})\w+ (\w+)', r'^command 1(\w\w)\w+(1) ',
            r'^event 1 \w+ (\w+) (\w+) \w+ (\w+) \w+ \w(\w{11})\w+ \w+ (\w+ \w+)$'],
    'smmuv3': [r'^event [de] (.*)', r'^queue (\w+)', r'^event \w+ \w+ (\w+ \w+ \w+ \w+)',
               r'^event.* \w+ (\w+ \w+ \w+)$', r'^event.* 1?8(\w{6})\w\w \w+ \w+ \w+$',
               r'^c.* (\w{14})46 (\w+)', r'^c.* (\w{14})04 (\w{14})', r'^c.* 0001(\w{10})11 (\w+)',
               r'^c.* \w{8}(\w{6})0[35] (\w+)', r'^c.* \w{8}(\w)\w{4}(\w)\w\w \w{14}(\w)'],
}
TRACE_FREE = {
    'vtd': [r'^vtd_dmar_fault (.*201008.*)', r'^vtd_dmar_fault (.*555000.*)', r'addr 0x201(004)',
            r'^vtd_frr_new index (0)', r'^vtd_fsts_ppf(.*)'],
    'amd': [r'mmio_write (.*)', r'buffer tail at (\w+)', r'hpa (\w+)', r'devid: (.*07.*)'],
    'smmuv3': [r'prod=(\w+)', r'prod.wrap=(\w+)', r'consume_out(.*)', r'irq=(3)', r'GERROR=(.*)',
               r'propagate_event SMMU_EVT_F_TRANSLATION (.*)'],
}
# Lines that tell of no command and of no fault that was recorded.
BESIDE = {
    'vtd': r'vtd_fsts_ppf|vtd_dmar_fault.*(201008|555000)',
    'amd': r'amdvi_mmio_write',
    'smmuv3': r'smmuv3_cmdq_consume_out|smmuv3_trigger_irq irq=3|smmuv3_propagate_event.*F_TRANSL',
}
COMMANDS = r'command |vtd_inv_|amdvi_(command|.*inval|completion|unhandled)|smmuv3_(cmdq|range)'


def digits(text, number, free):
    """Each place of a digit that has to be noticed."""
    exempt = {at for pattern in free for m in re.finditer(pattern, text)
              for group in range(1, m.re.groups + 1) for at in range(*m.span(group))}
    return [at for m in re.finditer(number, text) for at in range(*m.span('n'))
            if at not in exempt]


def spoilt(lines, number, free, beside):
    """What has been done, and the text that is left."""
    for at, this in enumerate(lines):
        what = f'line {at + 1} ({this.strip()[:50]})'
        after = lines[at + 1] if at + 1 < len(lines) else this
        if not re.match(beside, this):
            yield f'{what} gone', lines[:at] + lines[at + 1:]
            if not this.startswith(('changed', 'queue', 'amdvi_translation_result')):
                yield f'{what} twice', lines[:at + 1] + lines[at:]
        if after != this and all(re.match(COMMANDS, x) and not re.match(beside, x)
                                 for x in (this, after)):
            yield f'{what} after the next', [*lines[:at], after, this, *lines[at + 2:]]
        for place in digits(this, number, free):
            other = f'{int(this[place], 16) ^ 1:x}'
            text = this[:place] + other + this[place + 1:]
            yield f'{what} with {other} at {place + 1}', [*lines[:at], text, *lines[at + 1:]]


class Look:
    def __init__(self, compare, unusable, folder):
        self.compare, self.unusable = compare, unusable
        self.log, self.trace = (os.path.join(folder, name) for name in ('log', 'trace'))
        self.good, self.bad = 0, 0

    def result(self, vendor, log, trace):
        for path, text in ((self.log, log), (self.trace, trace)):
            if text is None:
                with contextlib.suppress(FileNotFoundError):
                    os.remove(path)
                continue
            with open(path, 'w', encoding='ascii') as file:
                file.write(text)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            try:
                return self.compare(vendor, self.log, self.trace), said.getvalue()
            except self.unusable as error:
                return 2, str(error)

    def at(self, vendor, what, log, trace, wanted):
        result, said = self.result(vendor, log, trace)
        if result in wanted:
            self.good += 1
            return
        self.bad += 1
        print(f'witness: {vendor}: {what}: exit code {result}, should be '
              f'{" or ".join(str(w) for w in wanted)}\n{said}', end='')


def main(compare, unusable):
    with tempfile.TemporaryDirectory() as folder:
        look = Look(compare, unusable, folder)
        for vendor, log in LOGS.items():
            trace = TRACES[vendor]
            look.at(vendor, 'nothing spoilt', log, trace, [0])
            for none in ('', '\n \n', None):
                look.at(vendor, 'no log', none, trace, [2])
                look.at(vendor, 'no trace', log, none, [2])
                look.at(vendor, 'neither', none, none, [2])
            lines = log.splitlines(keepends=True)
            for what, text in spoilt(lines, r'(?<= )(?P<n>[0-9a-f]+)', LOG_FREE[vendor], r'$'):
                look.at(vendor, f'log, {what}', ''.join(text), trace, [1, 2])
            lines = trace.splitlines(keepends=True)
            for what, text in spoilt(lines, NUMBER, TRACE_FREE[vendor],
                                     BESIDE[vendor]):
                look.at(vendor, f'trace, {what}', log, ''.join(text), [1, 2])
    print(f'{look.good} passed, {look.bad} failed, 0 skipped')
    return 1 if look.bad else 0
