# layering.test.sh: the tree tells the truth: a floor includes itself and lower floors only; only llvm/ includes llvm-c; the runtime
# includes nothing of the compiler; files stay under 600 lines or say why in their head; READMEs list every file of their floor.
. tests/lib.sh
floors=$(cat compiler/layers.txt)
below=
for floor in $floors; do
    below="$below $floor" bad=
    for file in compiler/"$floor"/*; do
        for include in $(sed -n 's/^#include "\(.*\)"/\1/p' "$file"); do
            case $include in
            grammar/*) [ "$floor" = ast ] || bad="$bad $file:$include" ;;
            ../../runtime/abi.h|../../runtime/abi.def|../../runtime/philox.h|../../runtime/sha256.h) ;;
            ../../runtime/nnrt.h|../../runtime/main.h) [ "$floor" = driver ] || bad="$bad $file:$include" ;;
            ../*) other=${include#../} other=${other%%/*}
                case " $below " in *" $other "*) ;; *) bad="$bad $file:$include" ;; esac ;;
            */*) bad="$bad $file:$include" ;;
            esac
        done
        if grep -q 'include <llvm-c' "$file" && [ "$floor" != llvm ]; then bad="$bad $file:llvm-c"; fi
    done
    if [ -z "$bad" ]; then ok "$floor includes downwards only"; else fail "$floor includes downwards only" "$bad"; fi
done
bad=$(grep -n '#include "' runtime/*.[ch] runtime/data/*.[ch] | grep -e compiler/ -e grammar/)
if [ -z "$bad" ]; then ok "the runtime knows nothing of the compiler"; else fail "the runtime knows nothing of the compiler" "$bad"; fi
for file in $(find compiler runtime grammar tests/unit -name '*.[chly]' -o -name '*.def' | sort); do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 620 ] && ! head -n 15 "$file" | grep -qi 'long because'; then fail "length of $file" "$lines lines and no reason in its head (long because ..)"; fi
done
ok "lengths of files"
for readme in compiler runtime; do
    missing=
    for file in $(cd $readme && find . -name '*.[ch]' -o -name '*.def' -o -name '*.nn' | sed 's|^\./||' | sort); do
        grep -q "$(basename "$file" | sed 's/\.[ch]$//')" $readme/README.md 2>/dev/null || missing="$missing $file"
    done
    if [ -z "$missing" ]; then ok "$readme/README.md lists every file"; else fail "$readme/README.md lists every file" "not:$missing"; fi
done
