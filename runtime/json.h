/* json.h: JSON out (appended to a Text, by hand) and in (a tree in one block of memory). */
#ifndef NN_JSON_H
#define NN_JSON_H
#include "text.h"

/* Out. `key` is NULL inside an array and at the top. Commas are put by the writer. */
typedef struct Json {
    Text *out;
    bool comma; /* the next value needs one before it */
    int indent; /* > 0: one member a line, this many spaces a level; 0: all in a line */
    int depth;
} Json;
static inline Json json_to(Text *out) { return (Json){.out = out}; }
void json_open(Json *json, const char *key, char bracket); /* '{' or '[' */
void json_close(Json *json, char bracket);                 /* '}' or ']' */
void json_string(Json *json, const char *key, const char *value);
void json_string_n(Json *json, const char *key, const char *value,
                   size_t n); /* bytes that are not UTF-8 become U+FFFD */
void json_integer(Json *json, const char *key, int64_t value);
void json_bool(Json *json, const char *key, bool value);
void json_real(Json *json, const char *key, double value,
               bool is_f64); /* %.9g or %.17g; "nan", "inf", "-inf" as strings */
struct JsonValue;
void json_copy(Json *json, const char *key, const struct JsonValue *value); /* of something read */

/* In. Values of an object or array are its children in order; NULL where there is none. Numbers keep their text. */
typedef enum JsonKind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } JsonKind;
typedef struct JsonValue {
    JsonKind kind;
    const char *key, *text; /* zero-terminated; text of strings (unescaped) and numbers */
    size_t key_n, text_n;
    struct JsonValue *child, *next;
} JsonValue;
/* Depth at most 16. NULL and *why if it is not JSON (RFC 8259, names of an object unique) or memory is short. */
JsonValue *json_read(const char *bytes, size_t n, const char **why);
void json_free(JsonValue *root);
const JsonValue *json_member(const JsonValue *object, const char *key); /* NULL: no object, or none of that name */
const char *json_text(const JsonValue *value, const char *otherwise);   /* of a string or number */
bool json_i64(const JsonValue *value, int64_t *to);                     /* a whole number without exponent that fits */
#endif
