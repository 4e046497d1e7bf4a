/* json.c: the writer. See json.h. */
#include "json.h"
#include <math.h>
#include <string.h>

/* Bytes of a well-formed UTF-8 character, else 0. */
static size_t utf8_length(const unsigned char *s, size_t n) {
    if (s[0] < 0x80) return 1;
    size_t length = s[0] >= 0xf5 ? 0 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    if (!length || length > n) return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)) return 0;
    if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0;
    return length;
}
static void quote(Text *out, const char *value, size_t n) {
    text_put(out, "\"");
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)value[i];
        size_t length = utf8_length((const unsigned char *)value + i, n - i);
        if (c == '"' || c == '\\')
            text_format(out, "\\%c", c);
        else if (c == '\n')
            text_put(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            text_format(out, "\\u%04x", c);
        else if (length)
            text_add(out, value + i, length);
        else
            text_put(out, "\xef\xbf\xbd");
        i += length ? length : 1;
    }
    text_put(out, "\"");
}

static void json_begin(Json *json, const char *key) {
    if (json->comma) text_put(json->out, ",");
    if (json->indent && json->depth) text_format(json->out, "\n%*s", json->indent * json->depth, "");
    if (key) {
        quote(json->out, key, strlen(key));
        text_put(json->out, json->indent ? ": " : ":");
    }
    json->comma = true;
}
void json_open(Json *json, const char *key, char bracket) {
    json_begin(json, key);
    text_add(json->out, &bracket, 1);
    json->comma = false;
    json->depth++;
}
void json_close(Json *json, char bracket) {
    json->depth--;
    if (json->indent && json->comma) text_format(json->out, "\n%*s", json->indent * json->depth, "");
    text_add(json->out, &bracket, 1);
    json->comma = true;
}

void json_string_n(Json *json, const char *key, const char *value, size_t n) {
    json_begin(json, key);
    quote(json->out, value, n);
}
void json_string(Json *json, const char *key, const char *value) { json_string_n(json, key, value, strlen(value)); }
void json_integer(Json *json, const char *key, int64_t value) {
    json_begin(json, key);
    text_format(json->out, "%lld", (long long)value);
}
void json_bool(Json *json, const char *key, bool value) {
    json_begin(json, key);
    text_put(json->out, value ? "true" : "false");
}
void json_real(Json *json, const char *key, double value, bool is_f64) {
    if (!isfinite(value)) {
        json_string(json, key, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    json_begin(json, key);
    text_format(json->out, is_f64 ? "%.17g" : "%.9g", value);
}
void json_copy(Json *json, const char *key, const JsonValue *value) {
    static const char *const words[] = {[JSON_NULL] = "null", [JSON_FALSE] = "false", [JSON_TRUE] = "true"};
    bool object = value->kind == JSON_OBJECT;
    switch (value->kind) {
    case JSON_STRING: json_string_n(json, key, value->text, value->text_n); return;
    case JSON_OBJECT:
    case JSON_ARRAY:
        json_open(json, key, object ? '{' : '[');
        for (const JsonValue *v = value->child; v; v = v->next) json_copy(json, object ? v->key : NULL, v);
        json_close(json, object ? '}' : ']');
        return;
    case JSON_NUMBER:
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        json_begin(json, key);
        text_put(json->out, value->kind == JSON_NUMBER ? value->text : words[value->kind]);
    }
}
