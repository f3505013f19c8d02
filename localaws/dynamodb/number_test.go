package dynamodb

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// written is a number in some notation: sign, digits with a point, exponent.
type written struct {
	sign, digits string
	point        int
	exponent     int
}

func (w written) String() string {
	return fmt.Sprintf("%s%s.%sE%d", w.sign, w.digits[:w.point], w.digits[w.point:], w.exponent)
}

// drawNumber draws any number that DynamoDB accepts.
func drawNumber(t *rapid.T) written {
	w := written{
		sign:     rapid.SampledFrom([]string{"", "-", "+"}).Draw(t, "sign"),
		digits:   rapid.StringMatching(`[0-9]{1,36}`).Draw(t, "digits"),
		exponent: rapid.IntRange(-80, 80).Draw(t, "exponent"),
	}
	w.point = rapid.IntRange(0, len(w.digits)).Draw(t, "point")
	return w
}

// drawPair draws two numbers, often with a common prefix.
func drawPair(t *rapid.T) (a, b string) {
	first, second := drawNumber(t), drawNumber(t)
	if rapid.Bool().Draw(t, "alike") {
		second = first
		second.digits += rapid.StringMatching(`[0-9]{0,2}`).Draw(t, "more")
	}
	return first.String(), second.String()
}

func mustParse(t interface{ Fatalf(string, ...any) }, text string) number {
	n, err := parseNumber(text)
	if err != nil {
		t.Fatalf("parsing %s: %v", text, err)
	}
	return n
}

func rational(t *rapid.T, text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("not a rational: %s", text)
	}
	return r
}

func TestNumbersKeepTheirValueAndOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawPair(t)
		n, m := mustParse(t, a), mustParse(t, b)
		if rational(t, n.String()).Cmp(rational(t, a)) != 0 {
			t.Fatalf("%s became %s", a, n)
		}
		want := rational(t, a).Cmp(rational(t, b))
		if got := n.compare(m); sign(got) != want {
			t.Fatalf("comparing %s with %s: %d, want %d", a, b, got, want)
		}
		if got := bytes.Compare(n.appendOrdered(nil), m.appendOrdered(nil)); got != want {
			t.Fatalf("bytes of %s and %s compare as %d, want %d", a, b, got, want)
		}
	})
}

func TestSumsAreExactOrRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawPair(t)
		want := new(big.Rat).Add(rational(t, a), rational(t, b))
		sum, err := mustParse(t, a).add(mustParse(t, b))
		exact, refused := parseNumber(want.FloatString(200))
		if (err == nil) != (refused == nil) {
			t.Fatalf("%s + %s: %v, want %v", a, b, err, refused)
		}
		if err == nil && sum != exact {
			t.Fatalf("%s + %s = %s, want %s", a, b, sum, exact)
		}
	})
}

func sign(n int) int { return big.NewInt(int64(n)).Sign() }

func TestNumbersAreFormattedWithoutExponent(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "0e1000": "0", "0.000": "0", "+3": "3", ".123": "0.123", "5.": "5",
		"0001.2300": "1.23", "1e+5": "100000", "-17.4E3": "-17400", "12e-4": "0.0012",
		"1e125":                                  "1" + strings.Repeat("0", 125),
		"1E-130":                                 "0." + strings.Repeat("0", 129) + "1",
		"99999999999999999999999999999999999999": "99999999999999999999999999999999999999",
	} {
		if got := mustParse(t, text).String(); got != want {
			t.Errorf("%s is formatted as %s, want %s", text, got, want)
		}
	}
}

func TestInvalidNumbersAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                       "The parameter cannot be converted to a numeric value",
		"dog":                    "cannot be converted to a numeric value: dog",
		"NaN":                    "cannot be converted",
		" 1":                     "cannot be converted",
		"1 ":                     "cannot be converted",
		"1_0":                    "cannot be converted",
		"0x1":                    "cannot be converted",
		"--1":                    "cannot be converted",
		".":                      "cannot be converted",
		"1e":                     "cannot be converted",
		"1e+-1":                  "cannot be converted",
		"1.2.3":                  "cannot be converted",
		"1e126":                  "Number overflow",
		"11e125":                 "Number overflow",
		"-1e999999999999999999":  "Number overflow",
		"1e-131":                 "Number underflow",
		"0.9e-130":               "Number underflow",
		"1e-9999999999999999999": "Number underflow",
		"314159265358979323846264338327950288419": "more than 38 significant digits",
	} {
		if _, err := parseNumber(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
