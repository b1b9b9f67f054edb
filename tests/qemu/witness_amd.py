# SPDX-License-Identifier: BSD-2-Clause
"""AMD IOMMU as QEMU traces it: what it made of a command, little of what was in it."""
import re

from witness_forms import Form, Unusable, Vendor, bits, line


class Amd(Vendor):
    """No line has a command's words: opcode, device, domain, and what a completion wait stores.
    Neither does one say that a fault went into the log: the log is followed by its registers."""
    words = 2
    quiet_when_shut = True # The backend tells nothing of a device that is bound to nothing.
    forms = {
        'amdvi_command_exec': Form('command buffer head at {head} command buffer tail at {tail} '
                                   'command buffer base at {base}', drop=('tail',)),
        'amdvi_completion_wait': Form('completion wait requested with store address {addr} '
                                      'and store data {data}'),
        'amdvi_devtab_inval': Form('device table entry for devid: {device:s} invalidated'),
        'amdvi_pages_inval': Form('AMD-Vi pages for domain {domain} invalidated'),
        'amdvi_iotlb_inval': Form('IOTLB pages invalidated'),
        'amdvi_intr_inval': Form('Interrupt table invalidated'),
        'amdvi_prefetch_pages': Form('Pre-fetch of AMD-Vi pages requested'),
        'amdvi_ppr_exec': Form('Execution of PPR queue requested'),
        'amdvi_all_inval': Form('Invalidation of all AMD-Vi cache requested'),
        'amdvi_unhandled_command': Form('unhandled command {opcode}'),
        'amdvi_generate_msi_interrupt': Form('Mode: {mode:s}'),
        'amdvi_page_fault': Form('error: page fault accessing guest physical address {addr}'),
        'amdvi_translation_result': Form('devid: {device:s} gpa {gpa} hpa {hpa}'),
        'amdvi_mmio_write': Form('{reg:s} write addr {addr}, size {size}, val {val}, '
                                 'offset {offset}'),
    }

    def __init__(self):
        super().__init__()
        self.entries, self.at, self.tail = 1, 0, 0
        self.interrupt = False
        self.lost = False
        self.pending = None # The fault whose device the next line tells; is it recorded?

    def take(self, name, f):
        if self.pending is not None:
            self.translated(name, f)
        elif name == 'amdvi_generate_msi_interrupt':
            self.interrupt_unexplained()
            self.interrupt = True
            if self.groups and self.groups[-1][-1].startswith('amdvi_unhandled'):
                self.interrupt = False
                self.tail += 1
                self.groups[-1].append('reported')
                self.notices.append('command error')
        elif name == 'amdvi_page_fault':
            self.page_fault(f['addr'])
        elif name == 'amdvi_mmio_write':
            self.register(f['reg'], f['val'])
        elif name == 'amdvi_command_exec':
            self.group(line(name, **f))
        elif name != 'amdvi_translation_result':
            self.detail(line(name, **f))

    def translated(self, name, f):
        (addr, recorded), self.pending = self.pending, None
        if name != 'amdvi_translation_result' or f['gpa'] != addr:
            raise Unusable(f'trace: no device is told of the page fault at {addr:#x}')
        if recorded:
            self.fault(self.device(f['device']), self.text(f['device'], addr, 2))

    def register(self, name, value):
        if name == 'AMDVI_MMIO_EVENT_BASE':
            self.entries = 1 << bits(value, 56, 4)
        elif name == 'AMDVI_MMIO_EVENT_HEAD':
            self.at = value // 16
        elif name == 'AMDVI_MMIO_EVENT_TAIL':
            self.tail = value // 16
        elif name == 'AMDVI_MMIO_STATUS' and value & 1:
            self.lost = False

    def page_fault(self, addr):
        interrupt, self.interrupt = self.interrupt, False
        room = (self.tail + 1 - self.at) % self.entries != 0
        self.pending = addr, interrupt and room
        if interrupt and self.lost:
            self.notices.append('interrupt of a log that had overflowed')
        if interrupt and room:
            self.tail += 1
        elif not self.lost:
            self.notices.append('events lost' if interrupt else 'fault without a record')
            self.lost = True

    def interrupt_unexplained(self):
        if self.interrupt:
            self.notices.append('interrupt without a fault')
            self.interrupt = False

    def end(self):
        self.interrupt_unexplained()
        if self.pending is not None:
            raise Unusable('trace: it ends in the middle of a fault')

    @staticmethod
    def device(text):
        bus, slot, function = re.split('[:.]', text)
        return int(bus, 16) << 8 | int(slot, 16) << 3 | int(function, 16)

    def text(self, device, address, code):
        return line('fault', code=code, device=device, address=address)

    def told(self, e):
        word = e['raw'][0]
        device = f'{bits(word, 8, 8):02x}:{bits(word, 3, 5):02x}.{bits(word, 0, 3):x}'
        text = self.text(device, e['raw'][1], word >> 60)
        if (e['id'], e['code'], e['address']) != (word & 0xffff, word >> 60, e['raw'][1]):
            text += f", told as device {e['id']:#x}, code {e['code']:#x}"
        return text

    @staticmethod
    def names(raw, refused):
        """The record has the command's place, and QEMU leaves that out."""
        return raw[0] >> 60 == 5 and bool(refused)

    @staticmethod
    def unrecorded_field(faults):
        """11.1 records the address 0 for all."""
        return None if any('address=0x0' not in text.split() for text in faults) else 'address'

    @staticmethod
    def begin(slot, wrap, base):
        return line('amdvi_command_exec', head=16 * slot, base=base)

    @staticmethod
    def refused(words):
        return [line('amdvi_unhandled_command', opcode=words[0] >> 60), 'reported']

    @staticmethod
    def command(words):
        low, high = words
        name = f'{bits(low, 8, 8):02x}:{bits(low, 3, 5):02x}.{bits(low, 0, 3):x}'
        lines = {
            1: line('amdvi_completion_wait', addr=bits(low, 3, 49) << 3, data=high),
            2: line('amdvi_devtab_inval', device=name),
            3: line('amdvi_pages_inval', domain=bits(low, 32, 16)),
            4: line('amdvi_iotlb_inval'),
            5: line('amdvi_intr_inval'),
            6: line('amdvi_prefetch_pages'),
            7: line('amdvi_ppr_exec'),
            8: line('amdvi_all_inval'),
        }
        return [lines.get(low >> 60, f'nothing that AMD knows: {low:x} {high:x}')]
