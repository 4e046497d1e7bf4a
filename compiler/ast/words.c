/* words.c: words of other languages. To this one they are names like others, so they are looked for only where something
** does not fit, in that token and in the one before it. */
#include "mistake.h"
#include "grammar/nn.tab.h"

typedef struct Word {
    const char *text;
    bool starts; /* only as the first word of a statement */
    DiagCode code;
    const char *help;
} Word;
static const char loop[] = "`scan x in xs { ... }` walks along xs when the program runs, "
                           "`repeat 4 { ... }` writes its block out four times";
static const char binding[] = "a name is bound by `name = value` alone";
static const char function[] = "a function is written `def f(x) { ... }`, a network `model f(x: [10]) -> [2] { ... }`";
static const Word words[] = {
    {"for", false, E114, loop}, {"foreach", true, E114, loop}, {"while", true, E114, loop},
    {"loop", true, E114, loop}, {"do", true, E114, loop},
    {"elif", false, E113, "write `else if`"}, {"elsif", false, E113, "write `else if`"},
    {"elseif", false, E113, "write `else if`"},
    {"then", false, E113, "write `if c { a } else { b }`"},
    {"switch", true, E113, "write `if c { a } else if d { b } else { c }`"},
    {"match", true, E113, "write `if c { a } else if d { b } else { c }`"},
    {"end", true, E113, "a block ends with `}`"},
    {"return", true, E113, "the value of a block is its last line: leave the word out"},
    {"yield", true, E113, "the last lines of the rounds of a `scan`, stacked, are its value"},
    {"let", true, E113, binding}, {"var", true, E113, binding},
    {"const", true, E113, binding}, {"auto", true, E113, binding},
    {"float", true, E113, "the type comes after the name: `x: [] = 0`"},
    {"int", true, E113, "the type comes after the name: `n: int = 3`"},
    {"function", true, E113, function}, {"func", true, E113, function},
    {"fn", true, E113, function}, {"fun", true, E113, function},
    {"class", true, E113, function}, {"struct", true, E113, function},
    {"lambda", false, E113, "give it a name: `def f(x) { ... }` may stand in any block"},
    {"print", true, E113, "`report name = value` shows a value of a `train` or `predict` block"},
    {"from", true, E115, "write `import \"file.nn\"`"}, {"include", true, E115, "write `import \"file.nn\"`"},
    {"using", true, E115, "write `import \"file.nn\"`"}, {"require", true, E115, "write `import \"file.nn\"`"},
    {"is", false, E113, "write `==`"},
};
static const Word *word_of(const Mistake *m, int offset) {
    const Token *t = token_near(m, offset);
    if (t->kind != NAME) return NULL;
    for (int i = 0; i < COUNT_OF(words); i++)
        if (strcmp(words[i].text, t->text) == 0)
            return !words[i].starts || at_statement_start(m, offset) ? &words[i] : NULL;
    return NULL;
}
bool foreign_word(const Mistake *m) {
    const Token *bad = token_near(m, 0), *before = token_near(m, -1);
    if (before->kind == IMPORT && (bad->kind == NAME || bad->text)) {
        Message *r = report(m->parser, E115, bad_span(m), "`import` takes the name of a file, as a string");
        if (r) message_help(r, "write `import \"%.40s.nn\"`; the library needs no import", bad->text);
        return true;
    }
    bool operand = before->kind == NAME || before->kind == NUMBER || before->kind == ')' || before->kind == ']';
    if (bad->kind == IF && operand) {
        Message *r = report(m->parser, E113, bad_span(m), "a choice begins with its `if`");
        if (r) message_help(r, "write `if c { a } else { b }`, or `where(c, a, b)` where c is known only at run time");
        return true;
    }
    int offset = 0;
    const Word *word = word_of(m, 0);
    bool begins = at_statement_start(m, -1) && (bad->kind == NAME || bad->kind == NUMBER || bad->kind == STRING ||
                                                bad->kind == TRUE || bad->kind == FALSE);
    if (!word && (begins || bad->kind == NAME || bad->kind == ':')) word = word_of(m, offset = -1);
    if (!word) return false;
    Message *r = report(m->parser, word->code, token_span(m->parser, token_near(m, offset)),
                        "there is no `%s` in this language", word->text);
    if (r) message_help(r, "%s", word->help);
    return true;
}
