/* nn.y: the grammar of a page, LALR(1) without conflicts. Actions only build nodes (ast/build.c); what is wrong is said in
** ast/mistake.c, and where to go on after it is chosen in ast/recover.c: an `error` stands for a whole statement or
** declaration, or for the head of one whose block is still worth reading.
**
** The header that this makes has no includes of its own: include ast/parser.h before it. */
%code top {
#include "compiler/ast/parser.h"
}
%code {
#define YYLLOC_DEFAULT(whole, parts, n)                                                                                \
    do {                                                                                                               \
        if (n) (whole) = span_join(YYRHSLOC(parts, 1), YYRHSLOC(parts, n));                                            \
        else (whole) = YYRHSLOC(parts, 0), (whole).begin = (whole).end;                                                \
    } while (0)
#define YYMAXDEPTH 10000
static int nn_lex(NN_STYPE *value, Span *place, Parser *parser);
static void nn_error(const Span *place, Parser *parser, const char *text);
#define MAKE(kind_, ...) node(parser, (Ast){.kind = AST_##kind_, .span = yyloc, .kind_ = {__VA_ARGS__}})
#define BINARY(op_, left_, right_) MAKE(binary, .op = OPERATOR_##op_, .left = left_, .right = right_)
}
%define api.prefix {nn_}
%define api.pure full
%define api.location.type {Span}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param {Parser *parser}
%initial-action { @$ = (Span){parser->source, 0, 0}; }
%union {
    Ast *node;
    AstList list;
    Name name;
    NameList names;
    Target target;
    int choice;
}
%token NEWLINE "end of line" <name> NAME "name" NUMBER "number" PERCENT "percentage" STRING "string"
%token IMPORT "import" HYPER "hyper" DATA "data" MODEL "model" DEF "def" OPTIMIZER "optimizer"
%token TRAIN "train" PREDICT "predict" GENERATE "generate" PARAM "param" STATE "state" CARRY "carry"
%token SCAN "scan" REPEAT "repeat" IF "if" ELSE "else" MINIMIZE "minimize" BY "by" REPORT "report"
%token ON "on" IN "in" AS "as" AND "and" OR "or" NOT "not" TRUE "true" FALSE "false" NONE "None"
%token PIPE "|>" ARROW "->" DOTS ".." EQ "==" NE "!=" LE "<=" GE ">=" FLOOR_DIVIDE "//"
%token BLANK GAP STRAY FOREIGN BAD_NUMBER OPEN_STRING QUOTED STRAY_CLOSER

%type <node> item source of_type type block optional_block setting lasting function formal statement expr pipe callee
%type <node> or and not compare span sum term unary power postfix primary choice condition theta argument index bound number
%type <list> items settings setting_list formals formal_list result types type_arguments dims statements exprs
%type <list> argument_list indices
%type <names> names
%type <name> as string
%type <target> on arguments range
%type <choice> lasting_what function_what comparison product
%%
program: items                                  { parser->program = MAKE(program, .items = $1); } ;
items:
    %empty                                      { $$ = (AstList){0}; }
  | items item "end of line"                    { $$ = list_add(parser, $1, item_help(parser, $2)); yyerrok; } ;
item:
    "import" string                             { $$ = MAKE(import, .path = $2); }
  | "hyper" NAME of_type '=' expr range         { $$ = MAKE(hyper, .name = $2, .type = $3, .value = $5,
                                                            .low = $6.first, .high = $6.second); }
  | "data" NAME source settings optional_block  { $$ = MAKE(data, .name = $2, .source = $3, .settings = $4,
                                                            .block = $5); }
  | "data" error block                          { $$ = NULL; }
  | "train" names "on" NAME as settings block   { $$ = MAKE(train, .models = $2, .data = $4, .label = $5,
                                                            .settings = $6, .block = $7); }
  | "train" error block                         { $$ = NULL; }
  | "predict" "on" NAME as settings block       { $$ = MAKE(predict, .data = $3, .label = $4, .settings = $5,
                                                            .block = $6); }
  | "predict" error block                       { $$ = NULL; }
  | "generate" NAME settings                    { $$ = MAKE(generate, .model = $2, .settings = $3); }
  | lasting
  | function
  | error                                       { $$ = NULL; } ;
string:
    STRING                                      { $$ = (Name){string_value(parser, @1), @1}; } ;
range:
    %empty                                      { $$ = (Target){0}; }
  | "in" '[' expr ',' expr ']'                  { $$ = (Target){.first = $3, .second = $5}; } ;
source:
    %empty                                      { $$ = NULL; }
  | '=' expr                                    { $$ = $2; } ;
settings:
    %empty                                      { $$ = (AstList){0}; }
  | settings ',' setting                        { $$ = list_add(parser, $1, $3); } ;
setting:
    NAME '=' expr                               { $$ = MAKE(setting, .name = $1, .value = $3); } ;
as:
    %empty                                      { $$ = (Name){0}; }
  | "as" NAME                                   { $$ = $2; } ;
names:
    NAME                                        { $$ = name_add(parser, (NameList){0}, $1); }
  | names ',' NAME                              { $$ = name_add(parser, $1, $3); } ;

/* declarations that blocks have too */
lasting:
    lasting_what NAME of_type '=' expr          { $$ = MAKE(lasting, .what = $1, .name = $2, .type = $3,
                                                            .value = $5); } ;
lasting_what:
    "param" { $$ = LASTING_PARAM; } | "state" { $$ = LASTING_STATE; } | "carry" { $$ = LASTING_CARRY; } ;
function:
    function_what NAME '(' formals ')' result block { $$ = MAKE(function, .what = $1, .name = $2, .formals = $4,
                                                                .results = $6, .block = $7); }
  | function_what error block                   { $$ = NULL; } ;
function_what:
    "def" { $$ = FUNCTION_DEF; } | "model" { $$ = FUNCTION_MODEL; } | "optimizer" { $$ = FUNCTION_OPTIMIZER; } ;
formals:
    %empty                                      { $$ = (AstList){0}; }
  | formal_list ;
formal_list:
    formal                                      { $$ = list_add(parser, (AstList){0}, $1); }
  | formal_list ',' formal                      { $$ = list_add(parser, $1, $3); } ;
formal:
    NAME of_type                                { $$ = MAKE(formal, .name = $1, .type = $2); }
  | NAME of_type '=' expr                       { $$ = MAKE(formal, .name = $1, .type = $2, .value = $4); } ;
of_type:
    %empty                                      { $$ = NULL; }
  | ':' type                                    { $$ = $2; } ;
result:
    %empty                                      { $$ = (AstList){0}; }
  | "->" type                                   { $$ = list_add(parser, (AstList){0}, $2); }
  | "->" '(' types ')'                          { $$ = $3; } ;
types:
    type                                        { $$ = list_add(parser, (AstList){0}, $1); }
  | types ',' type                              { $$ = list_add(parser, $1, $3); } ;
type:
    dims                                        { $$ = MAKE(type, .dims = $1, .has_dims = true); }
  | NAME type_arguments                         { $$ = MAKE(type, .base = $1, .arguments = $2); }
  | NAME type_arguments dims                    { $$ = MAKE(type, .base = $1, .arguments = $2, .dims = $3,
                                                            .has_dims = true); } ;
type_arguments:
    %empty                                      { $$ = (AstList){0}; }
  | '(' exprs ')'                               { $$ = $2; } ;
dims:
    '[' ']'                                     { $$ = (AstList){0}; }
  | '[' exprs ']'                               { $$ = $2; } ;

/* blocks and statements */
optional_block:
    %empty                                      { $$ = NULL; }
  | block ;
block:
    open '}'                                    { $$ = MAKE(block, .statements = {0}); }
  | open statements '}'                         { $$ = MAKE(block, .statements = $2); }
  | open statements separator '}'               { $$ = MAKE(block, .statements = $2); } ;
open:
    '{'                                         { yyerrok; } ;
separator:
    "end of line"                               { yyerrok; }
  | ';'                                         { yyerrok; } ;
statements:
    statement                                   { $$ = list_add(parser, (AstList){0}, $1); }
  | statements separator statement              { $$ = list_add(parser, $1, $3); } ;
statement:
    names '=' expr                              { $$ = MAKE(let, .names = $1, .value = $3); }
  | NAME ':' type '=' expr                      { $$ = MAKE(let, .names = name_add(parser, (NameList){0}, $1),
                                                            .type = $3, .value = $5); }
  | lasting
  | function
  | "minimize" expr "by" callee on              { $$ = MAKE(minimize, .objective = $2, .optimizer = $4, .on = $5.names,
                                                            .settings = $5.list); }
  | "report" expr                               { $$ = MAKE(report, .value = $2); }
  | "report" NAME '=' expr                      { $$ = MAKE(report, .name = $2, .value = $4); }
  | expr                                        { $$ = MAKE(value, .value = $1); }
  | error                                       { $$ = NULL; } ;
on:
    settings                                    { $$ = (Target){.list = $1}; }
  | "on" names                                  { $$ = (Target){.names = $2}; }
  | "on" names ',' setting_list                 { $$ = (Target){.names = $2, .list = $4}; } ;
setting_list:
    setting                                     { $$ = list_add(parser, (AstList){0}, $1); }
  | setting_list ',' setting                    { $$ = list_add(parser, $1, $3); } ;

/* expressions, loosest first */
exprs:
    expr                                        { $$ = list_add(parser, (AstList){0}, $1); }
  | exprs ',' expr                              { $$ = list_add(parser, $1, $3); } ;
expr: or | pipe ;
pipe:
    expr "|>" callee                            { $$ = MAKE(pipe, .value = $1, .call = $3); } ;
callee:
    NAME as                                     { $$ = MAKE(call, .name = $1, .label = $2, .bare = true); }
  | NAME '(' arguments ')' as                   { $$ = MAKE(call, .name = $1, .arguments = $3.list, .theta = $3.first,
                                                            .label = $5); } ;
or: and | or "or" and                           { $$ = BINARY(OR, $1, $3); } ;
and: not | and "and" not                        { $$ = BINARY(AND, $1, $3); } ;
not: compare | "not" not                        { $$ = MAKE(unary, .op = OPERATOR_NOT, .value = $2); } ;
compare:
    span
  | span comparison span                        { $$ = MAKE(binary, .op = $2, .left = $1, .right = $3); } ;
comparison:
    "==" { $$ = OPERATOR_EQ; } | "!=" { $$ = OPERATOR_NE; } | '<' { $$ = OPERATOR_LT; } | "<=" { $$ = OPERATOR_LE; }
  | '>' { $$ = OPERATOR_GT; } | ">=" { $$ = OPERATOR_GE; } ;
span: sum | sum ".." sum                        { $$ = MAKE(range, .low = $1, .high = $3); } ;
sum:
    term
  | sum '+' term                                { $$ = BINARY(ADD, $1, $3); }
  | sum '-' term                                { $$ = BINARY(SUBTRACT, $1, $3); } ;
term:
    unary
  | term product unary                          { $$ = MAKE(binary, .op = $2, .left = $1, .right = $3); } ;
product:
    '*' { $$ = OPERATOR_MULTIPLY; } | '/' { $$ = OPERATOR_DIVIDE; } | "//" { $$ = OPERATOR_FLOOR_DIVIDE; }
  | '@' { $$ = OPERATOR_MATMUL; } ;
unary: power | '-' unary                        { $$ = MAKE(unary, .op = OPERATOR_NEGATE, .value = $2); } ;
power: postfix | postfix '^' unary              { $$ = BINARY(POWER, $1, $3); } ;
postfix:
    primary
  | postfix '.' NAME                            { $$ = MAKE(member, .value = $1, .name = $3); }
  | postfix '[' indices ']'                     { $$ = MAKE(index, .value = $1, .indices = $3); } ;
primary:
    number
  | STRING                                      { $$ = MAKE(string, .text = string_value(parser, @1)); }
  | "true"                                      { $$ = MAKE(boolean, .value = true); }
  | "false"                                     { $$ = MAKE(boolean, .value = false); }
  | NAME                                        { $$ = MAKE(name, .name = $1); }
  | NAME '(' arguments ')' as                   { $$ = MAKE(call, .name = $1, .arguments = $3.list, .theta = $3.first,
                                                            .label = $5); }
  | '(' expr ')'                                { $$ = $2; }
  | '(' expr ',' exprs ')'                      { $$ = MAKE(tuple, .values = list_prepend(parser, $2, $4)); }
  | '[' exprs ']'                               { $$ = MAKE(array, .values = $2); }
  | "scan" names "in" exprs block               { $$ = MAKE(scan, .names = $2, .sequences = $4, .block = $5); }
  | "scan" error block                          { $$ = NULL; }
  | "repeat" expr block                         { $$ = MAKE(repeat, .count = $2, .block = $3); }
  | "repeat" NAME "in" expr block               { $$ = MAKE(repeat, .name = $2, .count = $4, .block = $5); }
  | "repeat" error block                        { $$ = NULL; }
  | choice ;
number:
    NUMBER                                      { $$ = number_node(parser, @1, false); }
  | PERCENT                                     { $$ = number_node(parser, @1, true); } ;
choice:
    "if" condition block                        { $$ = MAKE(choice, .condition = $2, .then = $3); }
  | "if" condition block "else" block           { $$ = MAKE(choice, .condition = $2, .then = $3, .otherwise = $5); }
  | "if" condition block "else" choice          { $$ = MAKE(choice, .condition = $2, .then = $3, .otherwise = $5); } ;
condition:
    expr
  | error                                       { $$ = NULL; } ;
arguments:
    theta                                       { $$ = (Target){.first = $1}; }
  | argument_list theta                         { $$ = (Target){.list = $1, .first = $2}; } ;
theta:
    %empty                                      { $$ = NULL; }
  | ';' expr                                    { $$ = $2; } ;
argument_list:
    argument                                    { $$ = list_add(parser, (AstList){0}, $1); }
  | argument_list ',' argument                  { $$ = list_add(parser, $1, $3); } ;
argument: expr | setting ;
indices:
    index                                       { $$ = list_add(parser, (AstList){0}, $1); }
  | indices ',' index                           { $$ = list_add(parser, $1, $3); } ;
index:
    expr
  | "None"                                      { $$ = MAKE(new_axis, 0); }
  | bound ':' bound                             { $$ = MAKE(slice, .low = $1, .high = $3); } ;
bound:
    %empty                                      { $$ = NULL; }
  | expr ;
%%
/* The next of the tokens that were read before parsing began. */
static int nn_lex(NN_STYPE *value, Span *place, Parser *parser) {
    const Token *token = token_next(parser);
    *place = token_span(parser, token);
    if (token->kind == NAME) value->name = (Name){token->text, *place};
    return token->kind;
}
/* Only the stack's end comes here: every other error goes to the function below. */
static void nn_error(const Span *place, Parser *parser, const char *text) {
    (void)text;
    nesting_error(parser, *place, "levels of operators and brackets", AST_DEEPEST);
}
/* The token before the `error` to which Bison is about to go back: a keyword that begins a head, or anything else. */
static int landing(const yypcontext_t *context) {
    for (const yy_state_t *state = context->yyssp;; state--) {
        int entry = yypact_value_is_default(yypact[*state]) ? -1 : yypact[*state] + YYSYMBOL_YYerror;
        if (entry >= 0 && entry <= YYLAST && yycheck[entry] == YYSYMBOL_YYerror && yytable[entry] > 0) {
            switch ((int)yystos[*state]) {
            case YYSYMBOL_DATA: return DATA;
            case YYSYMBOL_TRAIN: return TRAIN;
            case YYSYMBOL_PREDICT: return PREDICT;
            case YYSYMBOL_function_what: return DEF;
            case YYSYMBOL_SCAN: return SCAN;
            case YYSYMBOL_REPEAT: return REPEAT;
            case YYSYMBOL_IF: return IF;
            default: return 0;
            }
        }
        if (*state == 0) return 0;
    }
}
static int yyreport_syntax_error(const yypcontext_t *context, Parser *parser) {
    if (report_wanted(parser, yypcontext_location(context)->begin)) {
        yysymbol_kind_t kinds[YYNTOKENS];
        const char *names[YYNTOKENS];
        int n = yypcontext_expected_tokens(context, kinds, YYNTOKENS);
        for (int i = 0; i < n; i++) names[i] = yysymbol_name(kinds[i]);
        mistake_report(parser, names, n < 0 ? 0 : n);
    }
    recover(parser, landing(context));
    return 0;
}
