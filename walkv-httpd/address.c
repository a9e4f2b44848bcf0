/* SPDX-License-Identifier: MIT
 * Addresses of clients; see address.h. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct address address_of_bytes(const void *bytes, size_t count)
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    struct address a = {.kind = count == 4 ? ADDRESS_IPV4 : ADDRESS_IPV6};
    if (count == 16 && memcmp(bytes, mapped, sizeof mapped) == 0) {
        a.kind = ADDRESS_IPV4;
        bytes = (const uint8_t *)bytes + sizeof mapped;
        count = 4;
    }
    memcpy(a.bytes, bytes, count);
    return a;
}

struct address address_of_socket(const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET)
        return address_of_bytes(&((const struct sockaddr_in *)from)->sin_addr, 4);
    if (from->ss_family == AF_INET6)
        return address_of_bytes(&((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    return (struct address){.kind = from->ss_family == AF_UNIX ? ADDRESS_UNIX : ADDRESS_NONE};
}

bool address_parse(struct address *address, struct span text)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    if (!text.bytes || text.bytes >= sizeof copy || memchr(text.at, '\0', text.bytes))
        return false;
    memcpy(copy, text.at, text.bytes);
    copy[text.bytes] = '\0';
    bool six = strchr(copy, ':');
    if (inet_pton(six ? AF_INET6 : AF_INET, copy, bytes) != 1)
        return false;
    *address = address_of_bytes(bytes, six ? 16 : 4);
    return true;
}

size_t address_format(char text[ADDRESS_TEXT_BYTES], const struct address *a)
{
    text[0] = '\0';
    if (a->kind == ADDRESS_UNIX)
        strcpy(text, ADDRESS_UNIX_TEXT);
    else if (a->kind != ADDRESS_NONE)
        inet_ntop(a->kind == ADDRESS_IPV4 ? AF_INET : AF_INET6, a->bytes, text, ADDRESS_TEXT_BYTES);
    return strlen(text);
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    return memcmp(a, b, whole) == 0 && (!rest || ((a[whole] ^ b[whole]) & (0xff00 >> rest & 0xff)) == 0);
}

/* "/8" behind an address. False when it is no length of a prefix, or the address has bits behind it. */
static bool take_bits(struct address_prefix *prefix, struct span text, bool mapped)
{
    uint64_t most = prefix->address.kind == ADDRESS_IPV4 ? 32 : 128, bits;
    if (text.bytes < 2 || text.bytes > 4 || (text.bytes > 2 && text.at[1] == '0') ||
        !span_decimal((struct span){text.at + 1, text.bytes - 1}, &bits))
        return false;
    if (mapped) /* ::ffff:192.0.2.0/120 */
        bits = bits >= 96 ? bits - 96 : 999;
    if (bits > most)
        return false;
    for (uint64_t i = bits; i < most; i++) {
        if (prefix->address.bytes[i / 8] & (0x80 >> i % 8))
            return false;
    }
    prefix->bits = (uint8_t)bits;
    return true;
}

static bool take_prefix(struct address_list *list, struct span text)
{
    if (span_is_text(text, ADDRESS_UNIX_TEXT)) {
        list->unix_peers = true;
        return true;
    }
    if (list->count == ADDRESS_PREFIXES_MAX)
        return false;
    struct address_prefix *prefix = &list->prefixes[list->count];
    const char *slash = memchr(text.at, '/', text.bytes);
    struct span address = {text.at, slash ? (size_t)(slash - text.at) : text.bytes};
    if (!address_parse(&prefix->address, address))
        return false;
    bool four = prefix->address.kind == ADDRESS_IPV4;
    prefix->bits = four ? 32 : 128;
    bool mapped = four && memchr(address.at, ':', address.bytes);
    if (slash && !take_bits(prefix, (struct span){slash, text.bytes - address.bytes}, mapped))
        return false;
    list->count++;
    return true;
}

const char *address_list_parse(struct address_list *list, const char *text)
{
    static const char form[] =
        "addresses and prefixes separated by commas, such as 127.0.0.1, 10.0.0.0/8, "
        "2001:db8::/32 or " ADDRESS_UNIX_TEXT ", with nothing behind the length of a prefix";
    *list = (struct address_list){0};
    if (!text[strspn(text, " ")])
        return NULL;
    for (;;) {
        text += strspn(text, " ");
        size_t bytes = strcspn(text, ", ");
        if (!take_prefix(list, (struct span){text, bytes}))
            return form;
        text += bytes;
        text += strspn(text, " ");
        if (!*text)
            return NULL;
        if (*text++ != ',')
            return form;
    }
}

bool address_list_has(const struct address_list *list, const struct address *a)
{
    if (a->kind == ADDRESS_UNIX)
        return list->unix_peers;
    for (unsigned i = 0; i < list->count; i++) {
        const struct address_prefix *p = &list->prefixes[i];
        if (p->address.kind == a->kind && bits_equal(p->address.bytes, a->bytes, p->bits))
            return true;
    }
    return false;
}

static bool is_port(struct span text)
{
    for (size_t i = 1; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    }
    return text.bytes >= 2 && text.bytes <= 6 && text.at[0] == ':';
}

/* One entry of X-Forwarded-For: an address, which some proxies write with a port. */
static bool parse_entry(struct address *address, struct span text)
{
    struct span port = {0};
    if (address_parse(address, text))
        return true;
    if (text.bytes && *text.at == '[') {
        const char *end = memchr(text.at, ']', text.bytes);
        if (!end)
            return false;
        port = (struct span){end + 1, (size_t)(text.at + text.bytes - end - 1)};
        text = (struct span){text.at + 1, (size_t)(end - text.at - 1)};
        if (!memchr(text.at, ':', text.bytes) || (port.bytes && !is_port(port)))
            return false;
    } else {
        const char *colon = memchr(text.at, ':', text.bytes);
        if (!colon || !is_port((struct span){colon, (size_t)(text.at + text.bytes - colon)}))
            return false;
        text.bytes = (size_t)(colon - text.at);
    }
    return address_parse(address, text);
}

bool address_forwarded(struct address *so_far, const struct address_list *trusted, struct span field,
                       unsigned *left)
{
    size_t end = field.bytes;
    while (address_list_has(trusted, so_far)) {
        if (!end)
            return false;
        if (!*left)
            return true;
        (*left)--;
        size_t begin = end;
        while (begin && field.at[begin - 1] != ',')
            begin--;
        if (!parse_entry(so_far, span_trim((struct span){field.at + begin, end - begin})))
            return true; /* whoever wrote this is the last one that is known */
        end = begin ? begin - 1 : 0;
    }
    return true;
}
