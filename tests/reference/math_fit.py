"""math_fit.py: the polynomials of compiler/ir/math.def, fitted anew. Needs mpmath; takes about a minute; no part of the build.

Each is the best in the sense of Remez: the largest weighted error on a dense grid is least. Then the coefficients are rounded
to the type: either one after the other, the rest fitted again around those already rounded, or all at once; the better one
is printed, with the weighted error as a power of two before and after rounding. A weight makes the error relative to the
function's result; 2^-24 is half an ulp of f32 at worst, 2^-53 of f64.
"""
from mpmath import mp, mpf, matrix, lu_solve, cos, erf, erfc, exp, expm1, frexp, ldexp, log, log1p, nint, pi, sin, sqrt

mp.dps = 80


def chebyshev_grid(low, high, n):
    return [(low + high) / 2 - (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]


def polynomial(coefficients, powers, x):
    return sum(c * x**p for c, p in zip(coefficients, powers))


def extremes(errors, n):
    """The places of n errors of alternating sign, as large as can be; fewer if there are not so many."""
    found = []
    for i, error in enumerate(errors):
        if found and (error > 0) == (errors[found[-1]] > 0):
            if abs(error) > abs(errors[found[-1]]):
                found[-1] = i
        else:
            found.append(i)
    size = lambda k: abs(errors[found[k]])
    while len(found) > n:
        k = min(range(len(found) - 1), key=lambda k: max(size(k), size(k + 1)))
        if len(found) == n + 1 or k in (0, len(found) - 2):
            found.pop(0 if size(0) < size(-1) else -1)
        else:
            del found[k:k + 2]
    return found


def remez(f, powers, low, high, weight):
    """The coefficients of `powers` of least weighted error, and that error."""
    n = len(powers)
    xs = chebyshev_grid(low, high, 40 * (n + 1))
    fs, ws = [f(x) for x in xs], [weight(x) for x in xs]
    places = [round(i * (len(xs) - 1) / n) for i in range(n + 1)]
    for _ in range(60):
        a, b = matrix(n + 1, n + 1), matrix(n + 1, 1)
        for row, i in enumerate(places):
            for column, p in enumerate(powers):
                a[row, column] = xs[i]**p
            a[row, n] = (-1)**row / ws[i]
            b[row] = fs[i]
        solution = lu_solve(a, b)
        coefficients = [solution[i] for i in range(n)]
        errors = [w * (y - polynomial(coefficients, powers, x)) for x, y, w in zip(xs, fs, ws)]
        largest = max(abs(e) for e in errors)
        places = extremes(errors, n + 1)
        if len(places) <= n or largest < abs(solution[n]) * (1 + mpf(10)**-4):
            break
    return coefficients, largest


def rounded(x, bits):
    mantissa, exponent = frexp(mpf(x))
    return ldexp(nint(ldexp(mantissa, bits)), exponent - bits)


def fit(name, bits, f, n, low, high, weight):
    """Prints n coefficients, of powers 0.., of f on low..high."""
    low, high, powers = mpf(low), mpf(high), list(range(n))
    exact, before = remez(f, powers, low, high, weight)
    stepwise = []
    while len(stepwise) < n:
        rest = remez(lambda x: f(x) - polynomial(stepwise, powers, x), powers[len(stepwise):], low, high, weight)[0]
        stepwise.append(rounded(rest[0], bits))
    samples = [(x, f(x), weight(x)) for x in chebyshev_grid(low, high, 1000)]
    error = lambda cs: max(abs(w * (y - polynomial(cs, powers, x))) for x, y, w in samples)
    best = min((stepwise, [rounded(c, bits) for c in exact]), key=error)
    print('%s f%d: 2^%.1f, rounded 2^%.1f' % (name, 32 if bits == 24 else 64, log(before, 2), log(error(best), 2)))
    print('   ', ', '.join(hexadecimal(c) for c in best), flush=True)


def hexadecimal(x):
    digits, exponent = float(x).hex().split('p')
    return '%sp%d' % (digits.rstrip('0').rstrip('.') if '.' in digits else digits, int(exponent))


def parts(name, bits, x, n):
    """Prints x as a sum of n numbers of the type."""
    out = []
    for _ in range(n):
        out.append(rounded(x, bits))
        x -= out[-1]
    print('%s f%d:\n    %s' % (name, 32 if bits == 24 else 64, ', '.join(hexadecimal(c) for c in out)))


def all_of(bits, exp_n, tanh_n, sin_n, cos_n, sine_high, erf_join, erf_end, small_n, large_n, pow_n):
    half = log(2) / 2 * mpf('1.0005')
    s_high = ((sqrt(2) - 1) / (sqrt(2) + 1) * mpf('1.00001'))**2
    tiny = mpf(10)**-12
    of_root = lambda g: lambda z: g(sqrt(z))
    # exp(r) = 1 + r + r^2 P(r)
    fit('exp', bits, lambda r: (expm1(r) - r) / r**2, exp_n, -half, half, lambda r: r**2 / exp(r))
    # (exp(2r) - 1) / 2 = r + r^2 P(r)
    fit('tanh', bits, lambda r: (expm1(2 * r) / 2 - r) / r**2, tanh_n, -half / 2, half / 2, lambda r: 2 * r**2 / expm1(2 * r))
    # sin(r) = r + r z P(z), cos(r) = 1 - z/2 + z^2 P(z), z = r^2
    fit('sine', bits, of_root(lambda r: (sin(r) / r - 1) / r**2), sin_n, tiny, mpf(sine_high)**2, of_root(lambda r: r**3 / sin(r)))
    fit('cosine', bits, of_root(lambda r: (cos(r) - 1 + r**2 / 2) / r**4), cos_n, tiny, mpf(sine_high)**2,
        of_root(lambda r: r**4 / cos(r)))
    # erf(x) = x + x P(x^2), and 1 - erf(x) = exp(P(x))
    fit('erf, small', bits, of_root(lambda x: erf(x) / x - 1), small_n, tiny, mpf(erf_join)**2, of_root(lambda x: x / erf(x)))
    fit('erf, large', bits, lambda x: log(erfc(x)), large_n, erf_join, erf_end, lambda x: erfc(x) / erf(x))
    # log2((1 + s) / (1 - s)) = s (2 / ln 2 + 2 / (3 ln 2) z + z^2 P(z)), z = s^2
    tail = lambda s: (log((1 + s) / (1 - s)) / s - 2 - 2 * s**2 / 3) / log(2) / s**4
    fit('pow, logarithm', bits, of_root(tail), pow_n, tiny, s_high, lambda z: z**2 / 3)
    parts('1 / ln 2', bits, 1 / log(2), 1)
    parts('ln 2', bits, log(2), 2)
    parts('pi / 2', bits, pi / 2, 3)
    parts('2 / pi', bits, 2 / pi, 1)
    parts('2 / ln 2', bits, 2 / log(2), 2)
    parts('2 / (3 ln 2)', bits, 2 / (3 * log(2)), 2)


all_of(24, 5, 6, 3, 3, '0.83', '0.875', '3.95', 6, 7, 3)
# log(1 + f) = f - f^2/2 + f^3 P(f)
fit('log', 24, lambda f: (log1p(f) - f + f * f / 2) / f**3, 8, sqrt(mpf(0.5)) - 1 - mpf(2)**-23, sqrt(2) - 1 + mpf(2)**-22,
    lambda f: f**3 / log1p(f))
# 2^r = 1 + r P(r)
fit('pow, power', 24, lambda r: expm1(r * log(2)) / r, 6, -0.5002, 0.5001, lambda r: r / 2**r)
all_of(53, 10, 11, 6, 6, '0.7856', '1', '5.95', 12, 19, 8)
# log((1 + s) / (1 - s)) = 2 s + s z P(z), z = s^2
fit('log', 53, lambda z: (log((1 + sqrt(z)) / (1 - sqrt(z))) / sqrt(z) - 2) / z, 7, mpf(10)**-12,
    ((sqrt(2) - 1) / (sqrt(2) + 1) * mpf('1.0000001'))**2, lambda z: z / 2)
