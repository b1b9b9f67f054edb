/* SPDX-License-Identifier: BSD-2-Clause */
/* The little of printf that a table on a console needs. */
#include <stdarg.h>

#include "kernel.h"

struct sink {
    void (*put)(struct sink *sink, char c);
    char *out;
    size_t room;
};

struct spec {
    bool left;
    bool zero;
    bool longlong;
    uint32_t width;
};

static void put_text(struct sink *s, const struct spec *spec, const char *text, uint32_t length)
{
    uint32_t i;

    for (i = length; !spec->left && i < spec->width; i++)
        s->put(s, spec->zero ? '0' : ' ');
    for (i = 0; i < length; i++)
        s->put(s, text[i]);
    for (i = length; spec->left && i < spec->width; i++)
        s->put(s, ' ');
}

static void put_number(struct sink *s, const struct spec *spec, uint64_t value, uint32_t base)
{
    char digits[20];
    uint32_t at = sizeof(digits);

    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    put_text(s, spec, digits + at, (uint32_t)sizeof(digits) - at);
}

static const char *read_spec(const char *f, struct spec *spec)
{
    *spec = (struct spec){0};
    for (; *f == '-' || *f == '0'; f++) {
        spec->left |= *f == '-';
        spec->zero |= *f == '0';
    }
    for (; *f >= '0' && *f <= '9'; f++)
        spec->width = spec->width * 10 + (uint32_t)(*f - '0');
    for (; *f == 'l'; f++)
        spec->longlong = true;
    return f;
}

static void put_all(struct sink *s, const char *f, va_list args)
{
    struct spec spec;
    const char *text;
    uint64_t value;
    uint32_t length;
    char c;

    for (; *f != '\0'; f++) {
        if (*f != '%') {
            s->put(s, *f);
            continue;
        }
        f = read_spec(f + 1, &spec);
        switch (*f) {
        case 's':
            text = va_arg(args, const char *);
            for (length = 0; text[length] != '\0'; length++)
                continue;
            put_text(s, &spec, text, length);
            break;
        case 'c':
            c = (char)va_arg(args, int);
            put_text(s, &spec, &c, 1);
            break;
        case 'u':
        case 'x':
            value = spec.longlong ? va_arg(args, unsigned long long) : va_arg(args, unsigned);
            put_number(s, &spec, value, *f == 'u' ? 10 : 16);
            break;
        case '\0':
            return;
        default:
            s->put(s, *f);
        }
    }
}

static void to_console(struct sink *s, char c)
{
    (void)s;
    kernel_putc(c);
}

static void to_log(struct sink *s, char c)
{
    (void)s;
    kernel_log_putc(c);
}

static void to_text(struct sink *s, char c)
{
    if (s->room <= 1)
        return;
    *s->out++ = c;
    s->room--;
}

void kernel_print(const char *format, ...)
{
    struct sink s = {to_console, NULL, 0};
    va_list args;

    va_start(args, format);
    put_all(&s, format, args);
    va_end(args);
}

void kernel_log(const char *format, ...)
{
    struct sink s = {to_log, NULL, 0};
    va_list args;

    va_start(args, format);
    put_all(&s, format, args);
    va_end(args);
}

void kernel_format(char *out, size_t bytes, const char *format, ...)
{
    struct sink s = {to_text, out, bytes};
    va_list args;

    va_start(args, format);
    put_all(&s, format, args);
    va_end(args);
    *s.out = '\0';
}

_Noreturn void kernel_panic(const char *what)
{
    kernel_print("\nkernel: %s\n", what);
    kernel_exit(KERNEL_PANIC);
}
