/* SPDX-License-Identifier: MIT
 *
 * The JSON scanner, beside jansson. The input: a byte for the depth that is allowed (255: the limit), then
 * the text.
 *
 * Both must accept the same texts. The differences, all of them texts that json_text takes and jansson does
 * not:
 *   - a number that no double or 64-bit integer can hold (json_text converts none);
 *   - an escaped lone surrogate (json_text.h: kept);
 *   - \u0000 in the name of a member (jansson keeps names as C strings);
 * and two the other way:
 *   - a NUL byte, which no text may have, is lost by jansson when it looks ahead behind a number;
 *   - json_text has a limit of depth, JSON_DEPTH_LIMIT, where jansson has another.
 * Minified, a text is shorter or equal, accepted, minified, and means the same to jansson. An error is at the
 * first byte that cannot be: the text up to there is only cut short.
 */
#include "fuzz.h"

#include "json_text.h"

#include <jansson.h>
#include <stdlib.h>

enum { MEMBERS_LOOKED_AT = 8 };

enum { OBJECT, ARRAY, SCALAR, ESCAPE, OVERFLOW, LONE_SURROGATE, NUL_IN_NAME, SYNTAX, TOO_DEEP, NOT_UTF8 };

const char *const fuzz_goals[] = {
    [OBJECT] = "an object",
    [ARRAY] = "an array",
    [SCALAR] = "a scalar",
    [ESCAPE] = "an escape",
    [OVERFLOW] = "a number that jansson cannot hold",
    [LONE_SURROGATE] = "a lone surrogate",
    [NUL_IN_NAME] = "NUL in a name",
    [SYNTAX] = "a syntax error",
    [TOO_DEEP] = "too deep",
    [NOT_UTF8] = "text that is not UTF-8",
    NULL,
};

static json_t *load(struct span text, json_error_t *error)
{
    return json_loadb(text.at, text.bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, error);
}

static char *dump(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    must(text);
    return text;
}

static bool same_value(const json_t *a, const json_t *b)
{
    char *one = dump(a), *other = dump(b);
    bool same = strcmp(one, other) == 0;
    free(one);
    free(other);
    return same;
}

/* The surrogate that is escaped at `at` (its backslash), or 0. */
static unsigned long surrogate_at(const char *at, const char *end)
{
    char digits[5] = "";
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return 0;
    memcpy(digits, at + 2, 4);
    unsigned long unit = strtoul(digits, NULL, 16);
    return unit >= 0xd800 && unit <= 0xdfff ? unit : 0;
}

/* `valid_text` has passed json_text_check(). */
static bool has_lone_surrogate(struct span valid_text)
{
    const char *at = valid_text.at, *end = at + valid_text.bytes;
    while ((at = memchr(at, '\\', (size_t)(end - at)))) {
        unsigned long first = surrogate_at(at, end), second = first ? surrogate_at(at + 6, end) : 0;
        bool pair = first && first < 0xdc00 && second >= 0xdc00;
        if (first && !pair)
            return true;
        at += pair ? 12 : 2;
    }
    return false;
}

static void check_error(struct span text, const struct json_error *e)
{
    struct json_error earlier;
    must(e->reason && e->reason[0] && e->offset <= text.bytes);
    must(e->code == JSON_SYNTAX || e->code == JSON_TOO_DEEP);
    uint32_t line = 1, column = 1;
    for (size_t i = 0; i < e->offset; i++) {
        column += ((unsigned char)text.at[i] & 0xc0) != 0x80;
        if (text.at[i] == '\n') {
            line++;
            column = 1;
        }
    }
    must(e->line == line && e->column == column);
    char *prefix = fuzz_boxed(text.at, e->offset);
    if (!json_text_check((struct span){prefix, e->offset}, JSON_DEPTH_LIMIT, &earlier))
        must(earlier.code == JSON_SYNTAX && earlier.offset == e->offset);
    free(prefix);
    fuzz_reached(e->code == JSON_SYNTAX ? SYNTAX : TOO_DEEP);
}

/* Says whether the two of them agree, and returns what jansson made of it, or NULL. */
static json_t *check_beside_jansson(struct span text, bool accepted, const struct json_error *e)
{
    json_error_t why;
    json_t *value = load(text, &why);
    bool has_nul = text.bytes && memchr(text.at, 0, text.bytes);
    must(!accepted || !has_nul);
    if (!accepted) {
        must(!value || e->code == JSON_TOO_DEEP || has_nul);
        json_decref(value);
        return NULL;
    }
    if (!value) {
        enum json_error_code code = json_error_code(&why);
        must(code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
             has_lone_surrogate(text));
        fuzz_reached(code == json_error_numeric_overflow   ? OVERFLOW
                     : code == json_error_null_byte_in_key ? NUL_IN_NAME
                                                           : LONE_SURROGATE);
    }
    return value;
}

static void check_minified(struct span text, const json_t *value)
{
    char *out = malloc(text.bytes), *again = malloc(text.bytes);
    must(out && again);
    size_t bytes = json_text_minify(out, text);
    must(bytes >= 1 && bytes <= text.bytes);
    char *box = fuzz_boxed(out, bytes);
    must(json_text_check((struct span){box, bytes}, JSON_DEPTH_LIMIT, NULL));
    must(json_text_minify(again, (struct span){box, bytes}) == bytes && memcmp(again, box, bytes) == 0);
    memcpy(out, text.at, text.bytes);
    must(json_text_minify(out, (struct span){out, text.bytes}) == bytes && memcmp(out, box, bytes) == 0);
    json_error_t why;
    json_t *same = load((struct span){box, bytes}, &why);
    must(!same == !value && (!value || same_value(value, same)));
    json_decref(same);
    free(box);
    free(out);
    free(again);
}

static struct span boxed_span(struct span s)
{
    return (struct span){fuzz_boxed(s.at, s.bytes), s.bytes};
}

/* One member of an object that jansson read as `object` (NULL: it did not). */
static void check_member(struct span text, struct span name, const json_t *object)
{
    struct span token = boxed_span(name), value;
    char *plain = malloc(token.bytes), *escaped = malloc(JSON_ESCAPED_MAX(token.bytes));
    must(plain && escaped && json_text_check(token, 0, NULL));
    ssize_t bytes = json_text_unescape(plain, token);
    must((bytes < 0) == has_lone_surrogate(token));
    if (bytes >= 0) {
        struct span utf8 = {plain, (size_t)bytes};
        must(json_text_equals(token, utf8));
        must(bytes == 0 || !json_text_equals(token, (struct span){plain, (size_t)bytes - 1}));
        must(json_text_members(text, JSON_DEPTH_LIMIT, &utf8, &value, 1, NULL) && value.bytes);
        size_t escaped_bytes = json_text_escape(escaped, utf8);
        must(json_text_equals((struct span){escaped, escaped_bytes}, utf8));
        char *key = strndup(plain, utf8.bytes);
        if (object && strlen(key) == utf8.bytes) {
            json_error_t why;
            json_t *one = load(value, &why);
            must(one && same_value(one, json_object_get(object, key)));
            json_decref(one);
        }
        free(key);
    }
    free((char *)(uintptr_t)token.at);
    free(plain);
    free(escaped);
}

/* Looking for members succeeds exactly for an object that is valid, and else says what the check says. */
static void check_lookup(struct span text, unsigned depth)
{
    const struct span names[] = {{"key", 3}, {"value", 5}};
    struct span values[] = {names[0], names[1]};
    struct json_error wrong = {0}, e = {0};
    bool accepted = json_text_check(text, depth, &e);
    bool found = json_text_members(text, depth, names, values, 2, &wrong);
    must(found ? accepted
               : (!accepted && wrong.code == e.code && wrong.offset == e.offset) ||
                     (accepted && wrong.code == JSON_NOT_OBJECT));
    for (size_t i = 0; i < 2; i++)
        must(!values[i].at || (found && json_text_check(values[i], depth - 1, NULL)));
}

/* The walks agree with the check, and with jansson about how much there is. */
static void check_walks(struct span text, bool accepted, const json_t *value)
{
    struct json_members it;
    struct span name, part;
    size_t count = 0;
    int more;
    json_members_begin(&it, text, JSON_DEPTH_LIMIT);
    for (; (more = json_members_next(&it, &name, &part)) > 0; count++) {
        must(part.at >= name.at + name.bytes && part.at + part.bytes <= text.at + it.offset);
        if (accepted && count < MEMBERS_LOOKED_AT)
            check_member(text, name, value);
    }
    must(json_members_next(&it, &name, &part) == more && (more == 0 || it.error.reason));
    must(more == 0 ? accepted : !accepted || it.error.code == JSON_NOT_OBJECT);
    must(!value || json_is_object(value) == (more == 0));
    must(!json_is_object(value) || json_object_size(value) <= count);
    if (more == 0)
        fuzz_reached(OBJECT);

    json_elements_begin(&it, text, JSON_DEPTH_LIMIT);
    for (count = 0; (more = json_elements_next(&it, &part)) > 0; count++)
        must(part.bytes && part.at + part.bytes <= text.at + it.offset);
    must(more == 0 ? accepted : !accepted || it.error.code == JSON_NOT_ARRAY);
    must(!value || (json_is_array(value) == (more == 0) && (more < 0 || json_array_size(value) == count)));
    if (more == 0)
        fuzz_reached(ARRAY);
}

/* The bytes as a text for people: escaped they are a string, and come back. */
static void check_escaping(struct span bytes)
{
    json_t *string = json_stringn(bytes.at, bytes.bytes);
    must(utf8_valid(bytes) == (string != NULL));
    json_decref(string);
    if (!utf8_valid(bytes)) {
        fuzz_reached(NOT_UTF8);
        return;
    }
    char *out = malloc(JSON_ESCAPED_MAX(bytes.bytes));
    must(out);
    size_t escaped_bytes = json_text_escape(out, bytes);
    must(escaped_bytes <= JSON_ESCAPED_MAX(bytes.bytes));
    struct span token = {fuzz_boxed(out, escaped_bytes), escaped_bytes};
    must(json_text_check(token, 0, NULL) && json_text_equals(token, bytes));
    must(json_text_unescape(out, token) == (ssize_t)bytes.bytes);
    must(bytes.bytes == 0 || memcmp(out, bytes.at, bytes.bytes) == 0);
    if (escaped_bytes > bytes.bytes + 2)
        fuzz_reached(ESCAPE);
    free((char *)(uintptr_t)token.at);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    unsigned depth = data[0] == 255 ? JSON_DEPTH_LIMIT : data[0];
    struct span text = {fuzz_boxed(data + 1, size - 1), size - 1};
    struct json_error e = {0}, shallow = {0};
    bool accepted = json_text_check(text, JSON_DEPTH_LIMIT, &e),
         accepted_shallow = json_text_check(text, depth, &shallow);
    must(accepted || !accepted_shallow);
    if (!accepted_shallow) {
        check_error(text, &shallow);
        must(shallow.code == JSON_TOO_DEEP || (shallow.offset == e.offset && shallow.code == e.code));
    }
    if (!accepted)
        check_error(text, &e);
    json_t *value = check_beside_jansson(text, accepted, &e);
    check_lookup(text, depth);
    check_walks(text, accepted, value);
    if (accepted) {
        check_minified(text, value);
        if (value && !json_is_object(value) && !json_is_array(value))
            fuzz_reached(SCALAR);
    }
    check_escaping(text);
    json_decref(value);
    free((char *)(uintptr_t)text.at);
    return 0;
}
