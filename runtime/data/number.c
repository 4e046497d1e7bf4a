/* number.c: decimal numbers of text files, correctly rounded, without locale: few digits exactly here, the rest by
** strtod (the runtime never sets a locale, so that is "C"). */
#include "reader.h"
#include <stdlib.h>
#include <string.h>

bool number_read(const char *s, size_t n, double *to) {
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    size_t i = 0;
    bool minus = n && s[0] == '-';
    i += n && (s[0] == '-' || s[0] == '+');
    uint64_t mantissa = 0;
    int digits = 0, exponent = 0;
    size_t first = i;
    for (; i < n && s[i] >= '0' && s[i] <= '9'; i++, digits++)
        if (digits < 19) mantissa = mantissa * 10 + (uint64_t)(s[i] - '0');
    if (i < n && s[i] == '.')
        for (i++; i < n && s[i] >= '0' && s[i] <= '9'; i++, digits++, exponent--)
            if (digits < 19) mantissa = mantissa * 10 + (uint64_t)(s[i] - '0');
    if (!digits || (digits && i == first + 1 && s[first] == '.')) return false;
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        bool down = i + 1 < n && s[i + 1] == '-';
        i += 1 + (i + 1 < n && (s[i + 1] == '-' || s[i + 1] == '+'));
        int e = 0;
        size_t from = i;
        for (; i < n && s[i] >= '0' && s[i] <= '9'; i++)
            if (e < 100000) e = e * 10 + (s[i] - '0');
        if (i == from) return false;
        exponent += down ? -e : e;
    }
    if (i != n) return false;
    if (digits <= 19 && mantissa <= (uint64_t)1 << 53 && exponent >= -22 && exponent <= 22) {
        double value = exponent < 0 ? (double)mantissa / tens[-exponent] : (double)mantissa * tens[exponent];
        *to = minus ? -value : value;
        return true;
    }
    char small[128], *copy = n < sizeof small ? small : malloc(n + 1);
    if (!copy) return false;
    memcpy(copy, s, n);
    copy[n] = 0;
    *to = strtod(copy, NULL);
    if (copy != small) free(copy);
    return *to - *to == 0; /* not beyond the largest */
}
