# Makefile: builds build/nnc and build/libnnrt.a, installs what that needs, runs the tests.
#
#   make demo    set up, build, compile examples/digits.nn, train it          make test   set up, run every test
#   make         build                                                       make deps   install Debian packages
#   make bless   rewrite the goldens    make san   the tests under ASan and UBSan    make format   make install PREFIX=/usr/local
#
# compiler/layers.txt lists the floors, lowest first; each is a library build/floor_X.a of all its *.c.

BUILD   ?= build
PREFIX  ?= /usr/local
CC       = gcc
FLOORS  := $(shell cat compiler/layers.txt)
LLVM_CONFIG ?= llvm-config-19
SAN     ?=
STRICT  := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wpointer-arith -Wvla -Werror
CFLAGS  := -std=c11 -D_GNU_SOURCE -O2 -g $(STRICT) $(SAN) -I$(BUILD)
# The interpreter and the runtime must round as written: nothing contracted, no libm shortcuts.
EXACT   := -ffp-contract=off -fno-builtin -fno-tree-vectorize
LLVM_CFLAGS = $(shell $(LLVM_CONFIG) --cflags | tr ' ' '\n' | grep '^-I')
LLVM_LIBS   = $(shell $(LLVM_CONFIG) --ldflags --libs)
# What the runtime needs: the codecs only where its reader of pictures is linked in.
RUNTIME_LIBS := -no-pie -Wl,--as-needed -lpng -ljpeg -lz -lm -lpthread

floor_sources = $(wildcard compiler/$(1)/*.c)
floor_objects = $(patsubst %.c,$(BUILD)/%.o,$(call floor_sources,$(1)))
LIBS    := $(FLOORS:%=$(BUILD)/floor_%.a)
LIBRARY := $(sort $(wildcard runtime/library/*.nn))
RUNTIME := $(patsubst %.c,$(BUILD)/%.o,$(wildcard runtime/*.c runtime/data/*.c))

all: $(BUILD)/nnc $(BUILD)/libnnrt.a

include deps.mk

# ---- the compiler
# What it links trainers with is made with it: a table and a runtime of different age do not fit.
$(BUILD)/nnc: $(LIBS) $(BUILD)/floor_runtime_host.a | $(BUILD)/libnnrt.a
	$(CC) $(SAN) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LLVM_LIBS) -ljansson $(RUNTIME_LIBS)
define floor_rule
$(BUILD)/floor_$(1).a: $(call floor_objects,$(1))
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach f,$(filter-out ast sema,$(FLOORS)),$(eval $(call floor_rule,$(f))))
$(BUILD)/floor_ast.a: $(call floor_objects,ast) $(BUILD)/grammar/nn.tab.o $(BUILD)/grammar/nn.lex.o
	@rm -f $@
	ar rcs $@ $^
$(BUILD)/floor_sema.a: $(call floor_objects,sema) $(BUILD)/library.o $(BUILD)/runtime/sha256.o
	@rm -f $@
	ar rcs $@ $^
# The runtime once more inside nnc, for `nnc run`: one object that shows only what the compiler calls, so names cannot clash.
$(BUILD)/floor_runtime_host.a: $(filter-out %/trainer.o,$(RUNTIME))
	@rm -f $@
	ld -r -o $(BUILD)/runtime_host.o $^
	objcopy --keep-global-symbol=nn_main --keep-global-symbol=nn_parallel --keep-global-symbol=nn_trap --keep-global-symbol=nn_exchange \
	    --keep-global-symbol=pool_open --keep-global-symbol=pool_close $(BUILD)/runtime_host.o
	ar rcs $@ $(BUILD)/runtime_host.o

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/compiler/ir/%.o: compiler/ir/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(EXACT) -MMD -MP -c $< -o $@
$(BUILD)/compiler/llvm/%.o: compiler/llvm/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LLVM_CFLAGS) -MMD -MP -c $< -o $@
# The runtime is small, but for what a step, a batch, or the reading of large files waits for. Nothing in it unwinds; trainers lie at a
# fixed address (llvm/link.c), and so does all else that is linked with it.
HOT := $(addprefix $(BUILD)/runtime/,pool.o step.o sha256.o data/fill.o data/made.o data/csv.o data/number.o data/array.o)
SMALL := -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -fno-pie
$(BUILD)/runtime/%.o: runtime/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(EXACT) $(SMALL) $(if $(filter $@,$(HOT)),,-Oz) -MMD -MP -c $< -o $@

# ---- grammar
$(BUILD)/grammar/nn.tab.c: grammar/nn.y
	@mkdir -p $(@D)
	bison -Wall -Werror -o $@ --header=$(BUILD)/grammar/nn.tab.h $<
$(BUILD)/grammar/nn.tab.h: $(BUILD)/grammar/nn.tab.c ;
$(BUILD)/grammar/nn.lex.c: grammar/nn.l $(BUILD)/grammar/nn.tab.h
	flex -o $@ --header-file=$(BUILD)/grammar/nn.lex.h $<
$(BUILD)/grammar/nn.lex.h: $(BUILD)/grammar/nn.lex.c ;
$(call floor_objects,ast): | $(BUILD)/grammar/nn.lex.h $(BUILD)/grammar/nn.tab.h
$(BUILD)/grammar/%.o: $(BUILD)/grammar/%.c $(BUILD)/grammar/nn.tab.h $(BUILD)/grammar/nn.lex.h
	$(CC) $(CFLAGS) -I. -Wno-unused-function -Wno-missing-prototypes -Wno-switch-enum -MMD -MP -c $< -o $@

# ---- the library in the language, embedded (library_files[] in sema/library.h)
$(BUILD)/library.c: $(LIBRARY) runtime/library/embed.sh
	@mkdir -p $(@D)
	sh runtime/library/embed.sh $(LIBRARY) > $@
$(BUILD)/library.o: $(BUILD)/library.c
	$(CC) $(CFLAGS) -I. -c $< -o $@

# ---- the runtime that trainers are linked with
$(BUILD)/libnnrt.a: $(RUNTIME)
	@rm -f $@
	ar rcs $@ $^

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clean:
	rm -rf build build-san
.PHONY: all clean

# ---- the two commands of the README
demo: deps
	@$(MAKE) --no-print-directory -s -j2 all
	@echo
	$(BUILD)/nnc examples/digits.nn -o $(BUILD)/digits
	$(BUILD)/digits train --out $(BUILD)/demo-run --replace
	@echo
	@echo "The run is in $(BUILD)/demo-run: open report.html there, or try: $(BUILD)/digits predict --from $(BUILD)/demo-run | head"
test: deps
	@$(MAKE) --no-print-directory -s -j2 all units $(BUILD)/bench/kernels
	@tests/run.sh $(TESTS)

# ---- tests
UNITS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*_test.c))
units: $(UNITS)
$(BUILD)/unit/runtime_%: tests/unit/runtime_%.c $(filter-out %/trainer.o,$(RUNTIME))
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -ffp-contract=off -I. -MMD -MP -o $@ $< $(filter %.o,$^) $(RUNTIME_LIBS)
$(BUILD)/unit/%: tests/unit/%.c $(LIBS) $(BUILD)/floor_runtime_host.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -ffp-contract=off -I. -MMD -MP -o $@ $< $(WRAP) -Wl,--start-group $(LIBS) $(BUILD)/floor_runtime_host.a -Wl,--end-group $(LLVM_LIBS) -ljansson $(RUNTIME_LIBS)
# grad_test makes each rule of a gradient wrong and looks whether that is noticed.
$(BUILD)/unit/grad_test: WRAP = $(filter-out %_none,$(shell sed -n 's/^OP.\([^,]*,\)\{4\} *\([a-z]*\),.*/-Wl,--wrap=vjp_\2/p' compiler/ir/op.def | sort -u))
bless: all
	@BLESS=1 bash tests/goldens.test.sh | grep -v '^ok' || true
san: deps
	@$(MAKE) --no-print-directory -s -j2 BUILD=build-san SAN="-fsanitize=address,undefined -fno-omit-frame-pointer -Wno-format-truncation -DNN_SANITIZE" all units
	@BUILD=build-san NN_SANITIZE=1 ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 tests/run.sh $(TESTS)
test-long: all
	@bash tests/long.sh
# Ours and the frameworks side by side (bench/README.md): make bench ROWS="mlp lenet" THREADS=1 SCALE=1.3
bench: deps
	@$(MAKE) --no-print-directory -s -j2 all
	@BUILD=$(BUILD) ROWS="$(ROWS)" bench/run.sh
# Single products and convolutions of those rows, beside OpenBLAS, oneDNN, PyTorch, JAX: make bench-kernels ROWS="gpt"
$(BUILD)/bench/kernels: bench/kernels/kernels.c bench/kernels/threads.c $(LIBS) $(BUILD)/floor_runtime_host.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $(filter %.c,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LLVM_LIBS) -ljansson $(RUNTIME_LIBS)
bench-kernels: deps
	@$(MAKE) --no-print-directory -s -j2 all $(BUILD)/bench/kernels
	@BUILD=$(BUILD) ROWS="$(ROWS)" bench/run.sh kernels
format:
	@command -v clang-format >/dev/null || $(MAKE) --no-print-directory deps PACKAGES=clang-format
	clang-format -i $$(git ls-files '*.c' '*.h')
# One folder beside nnc holds what it links trainers with.
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/nnc $(DESTDIR)$(PREFIX)/share/nnc
	install -m 755 $(BUILD)/nnc $(DESTDIR)$(PREFIX)/bin/nnc
	install -m 644 $(BUILD)/libnnrt.a $(DESTDIR)$(PREFIX)/lib/nnc/libnnrt.a
	cp -r examples runtime/library $(DESTDIR)$(PREFIX)/share/nnc/
.PHONY: demo test units bless san test-long bench bench-kernels format install
