#!/bin/sh
# descent.sh: draws docs/descent.svg, training loss against rows seen, from the log.csv of a run of examples/descent.nn:
#     nnc examples/descent.nn -o descent && ./descent train --out run && sh docs/descent.sh run/log.csv > docs/descent.svg
awk -F, '
NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
{ b = $at["block"]; if (!(b in n)) order[++blocks] = b; if (n[b] == 0) first[b] = $at["examples"] - 1438
  n[b]++; x[b, n[b]] = $at["examples"] - first[b]; y[b, n[b]] = $at["loss"] }
function px(v) { return 60 + (log(v) / log(10) - 3) / 3 * 600 }
function py(v) { return 300 - (log(v) / log(10) + 3) / 3.6 * 270 }
END {
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 350\" font-family=\"sans-serif\" font-size=\"13\">"
    print "<rect width=\"700\" height=\"350\" fill=\"white\"/>"
    for (e = -3; e <= 0; e++) printf "<path d=\"M60 %.1fH660\" stroke=\"#ddd\"/><text x=\"52\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n", py(10 ^ e), py(10 ^ e) + 4, 10 ^ e
    for (e = 3; e <= 6; e++) printf "<path d=\"M%.1f 20V300\" stroke=\"#eee\"/><text x=\"%.1f\" y=\"318\" text-anchor=\"middle\">%d</text>\n", px(10 ^ e), px(10 ^ e), 10 ^ e
    print "<text x=\"360\" y=\"338\" text-anchor=\"middle\">rows seen</text><text x=\"16\" y=\"160\" transform=\"rotate(-90 16 160)\" text-anchor=\"middle\">training loss</text>"
    split("#2266bb #cc4422 #228844", color, " ")
    for (k = 1; k <= blocks; k++) {
        b = order[k]; printf "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" d=\"M", color[k]
        for (i = 1; i <= n[b]; i++) printf("%s%.1f %.1f", (i == 1 ? "" : "L"), px(x[b, i]), py((y[b, i] < 1e-3 ? 1e-3 : y[b, i])))
        printf "\"/><text x=\"560\" y=\"%d\" fill=\"%s\">%s</text>\n", 20 + 18 * k, color[k], b
    }
    print "</svg>"
}' "$1"
