/* json_read.c: the reader of json.h: RFC 8259, strict, for files that may be hostile (headers of safetensors,
** run.json). */
#include "json.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 16 };
typedef struct Reader {
    const char *at, *end;
    const char *why;
    int depth;
} Reader;
static JsonValue *read_value(Reader *r);

static JsonValue *fail(Reader *r, const char *why) {
    if (!r->why) r->why = why;
    return NULL;
}
void json_free(JsonValue *root) {
    while (root) {
        JsonValue *next = root->next;
        json_free(root->child);
        free((char *)root->key);
        free((char *)root->text);
        free(root);
        root = next;
    }
}
static void skip_space(Reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')) r->at++;
}
static int hex4(Reader *r) {
    int code = 0;
    if (r->end - r->at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        char c = *r->at++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        code = code * 16 + digit;
    }
    return code;
}
static void put_utf8(Text *to, int code) {
    char b[4];
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; code >>= 6) b[i] = (char)(0x80 | (code & 0x3f));
    b[0] = (char)(lead[n] | code);
    text_add(to, b, n);
}
static bool read_escape(Reader *r, Text *to) {
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end) return false;
    char c = *r->at++;
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        text_add(to, into + (known - from), 1);
        return true;
    }
    if (c != 'u') return false;
    int code = hex4(r);
    if (code < 0 || (code >= 0xdc00 && code < 0xe000)) return false;
    if (code >= 0xd800 && code < 0xdc00) {
        if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u') return false;
        r->at += 2;
        int low = hex4(r);
        if (low < 0xdc00 || low > 0xdfff) return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(to, code);
    return true;
}
/* At the quote. False: no string, or no memory. */
static bool read_string(Reader *r, const char **string, size_t *n) {
    Text to = {0};
    text_put(&to, "");
    r->at++;
    while (r->at < r->end && *r->at != '"') {
        unsigned char c = (unsigned char)*r->at++;
        if (c < 0x20 || (c == '\\' && !read_escape(r, &to))) {
            text_free(&to);
            return fail(r, c < 0x20 ? "a control character in a string" : "an escape that JSON does not know") != NULL;
        }
        if (c != '\\') text_add(&to, &c, 1);
    }
    if (r->at == r->end || to.failed) {
        text_free(&to);
        return fail(r, r->at == r->end ? "a string without end" : out_of_memory) != NULL;
    }
    r->at++;
    *string = to.bytes;
    *n = to.n;
    return true;
}
static JsonValue *node_new(Reader *r, JsonKind kind) {
    JsonValue *v = calloc(1, sizeof *v);
    if (!v) return fail(r, out_of_memory);
    v->kind = kind;
    return v;
}
static bool digits(Reader *r) {
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
    return r->at > from;
}
static JsonValue *read_number(Reader *r) {
    const char *from = r->at;
    bool good = true;
    if (*r->at == '-') r->at++;
    if (r->at < r->end && *r->at == '0')
        r->at++;
    else
        good = digits(r);
    if (good && r->at < r->end && *r->at == '.') r->at++, good = digits(r);
    if (good && r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
        good = digits(r);
    }
    if (!good) return fail(r, "a number that JSON does not know");
    JsonValue *v = node_new(r, JSON_NUMBER);
    Text text = {0};
    text_add(&text, from, (size_t)(r->at - from));
    if (!v || text.failed) {
        text_free(&text);
        json_free(v);
        return fail(r, out_of_memory);
    }
    v->text = text.bytes;
    v->text_n = text.n;
    return v;
}
static JsonValue *read_word(Reader *r, const char *word, JsonKind kind) {
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n)) return fail(r, "a word that JSON does not know");
    r->at += n;
    return node_new(r, kind);
}

/* One member or element: NULL after a failure. */
static JsonValue *read_item(Reader *r, const JsonValue *parent) {
    const char *key = NULL;
    size_t key_n = 0;
    skip_space(r);
    if (parent->kind == JSON_OBJECT) {
        if (r->at == r->end || *r->at != '"') return fail(r, "a member without a name");
        if (!read_string(r, &key, &key_n)) return NULL;
        if (json_member(parent, key)) {
            free((char *)key);
            return fail(r, "a name given twice");
        }
        skip_space(r);
        if (r->at == r->end || *r->at++ != ':') {
            free((char *)key);
            return fail(r, "a name without a value");
        }
    }
    JsonValue *v = read_value(r);
    if (!v) {
        free((char *)key);
        return NULL;
    }
    v->key = key;
    v->key_n = key_n;
    return v;
}
static JsonValue *read_items(Reader *r, JsonKind kind) {
    char close = kind == JSON_OBJECT ? '}' : ']';
    JsonValue *v = node_new(r, kind);
    if (!v) return NULL;
    JsonValue **last = &v->child;
    r->at++;
    if (++r->depth > MAX_DEPTH) goto failed;
    skip_space(r);
    if (r->at < r->end && *r->at == close) {
        r->at++;
        r->depth--;
        return v;
    }
    for (;;) {
        if (!(*last = read_item(r, v))) goto failed;
        last = &(*last)->next;
        skip_space(r);
        if (r->at == r->end) goto failed;
        char c = *r->at++;
        if (c == close) break;
        if (c != ',') goto failed;
    }
    r->depth--;
    return v;
failed:
    json_free(v);
    return fail(r, r->depth > MAX_DEPTH ? "nested too deep" : "an object or array without end");
}
static JsonValue *read_value(Reader *r) {
    skip_space(r);
    if (r->at == r->end) return fail(r, "it ends too early");
    switch (*r->at) {
    case '{': return read_items(r, JSON_OBJECT);
    case '[': return read_items(r, JSON_ARRAY);
    case 't': return read_word(r, "true", JSON_TRUE);
    case 'f': return read_word(r, "false", JSON_FALSE);
    case 'n': return read_word(r, "null", JSON_NULL);
    case '"': {
        JsonValue *v = node_new(r, JSON_STRING);
        if (v && !read_string(r, &v->text, &v->text_n)) {
            json_free(v);
            return NULL;
        }
        return v;
    }
    default: return *r->at == '-' || (*r->at >= '0' && *r->at <= '9') ? read_number(r) : fail(r, "no value");
    }
}
JsonValue *json_read(const char *bytes, size_t n, const char **why) {
    Reader r = {.at = bytes, .end = bytes + n};
    JsonValue *v = read_value(&r);
    skip_space(&r);
    if (v && r.at < r.end) {
        json_free(v);
        v = fail(&r, "something stands behind it");
    }
    *why = r.why;
    return v;
}

const JsonValue *json_member(const JsonValue *object, const char *key) {
    if (!object || object->kind != JSON_OBJECT) return NULL;
    size_t n = strlen(key);
    for (const JsonValue *v = object->child; v; v = v->next)
        if (v->key_n == n && !memcmp(v->key, key, n)) return v;
    return NULL;
}
const char *json_text(const JsonValue *value, const char *otherwise) {
    return value && (value->kind == JSON_STRING || value->kind == JSON_NUMBER) ? value->text : otherwise;
}
bool json_i64(const JsonValue *value, int64_t *to) {
    if (!value || (value->kind != JSON_NUMBER && value->kind != JSON_STRING) || !value->text_n) return false;
    const char *s = value->text;
    bool minus = *s == '-';
    uint64_t n = 0;
    for (s += minus; *s; s++)
        if (*s < '0' || *s > '9' || __builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
            return false;
    if (n > (uint64_t)INT64_MAX) return false;
    *to = minus ? -(int64_t)n : (int64_t)n;
    return true;
}
