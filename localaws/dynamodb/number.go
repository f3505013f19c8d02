package dynamodb

import (
	"math/big"
	"strconv"
	"strings"
)

// number is a DynamoDB number: up to 38 significant digits, with a magnitude between 1E-130
// and 9.99…E+125. Its value is 0.digits × 10^exponent. digits has no zero at either end,
// and is empty for zero.
type number struct {
	negative bool
	digits   string
	exponent int
}

const (
	maxDigits = 38
	// Exponents of the first digit.
	minMagnitude = -130
	maxMagnitude = 125
)

var (
	errOverflow  = invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	errUnderflow = invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
)

// parseNumber accepts sign, digits with a point, and exponent, but no white space, NaN or
// infinity.
func parseNumber(text string) (number, error) {
	if text == "" {
		return number{}, invalid("The parameter cannot be converted to a numeric value")
	}
	n, ok := scanNumber(text)
	switch {
	case !ok:
		return number{}, invalid("The parameter cannot be converted to a numeric value: %s", text)
	case n.magnitude() > maxMagnitude:
		return number{}, errOverflow
	case n.magnitude() < minMagnitude:
		return number{}, errUnderflow
	case len(n.digits) > maxDigits:
		return number{}, invalid("Attempting to store more than 38 significant digits in a Number")
	}
	return n, nil
}

func scanNumber(text string) (number, bool) {
	var n number
	mantissa, exponent := text, ""
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponent = text[:i], text[i+1:]
		var ok bool
		if n.exponent, ok = scanExponent(exponent); !ok {
			return n, false
		}
	}
	switch mantissa[:min(1, len(mantissa))] {
	case "-":
		n.negative = true
		mantissa = mantissa[1:]
	case "+":
		mantissa = mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || !isDigits(whole) || !isDigits(fraction) {
		return n, false
	}
	n.exponent += len(whole)
	return n.trimmed(whole + fraction), true
}

// scanExponent limits the result to a value far out of range that still allows adding any
// mantissa's length.
func scanExponent(text string) (int, bool) {
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "+"), "-")
	if digits == "" || len(text)-len(digits) > 1 || !isDigits(digits) {
		return 0, false
	}
	const far = 1 << 40
	value, err := strconv.Atoi(digits)
	if err != nil || value > far {
		value = far
	}
	if text[0] == '-' {
		value = -value
	}
	return value, true
}

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

func (n number) trimmed(digits string) number {
	significant := strings.TrimLeft(digits, "0")
	n.exponent -= len(digits) - len(significant)
	n.digits = strings.TrimRight(significant, "0")
	if n.digits == "" {
		return number{}
	}
	return n
}

func (n number) magnitude() int {
	if n.digits == "" {
		return 0
	}
	return n.exponent - 1
}

// String has no exponent, as in DynamoDB's responses.
func (n number) String() string {
	sign := ""
	if n.negative {
		sign = "-"
	}
	switch {
	case n.digits == "":
		return "0"
	case n.exponent <= 0:
		return sign + "0." + strings.Repeat("0", -n.exponent) + n.digits
	case n.exponent >= len(n.digits):
		return sign + n.digits + strings.Repeat("0", n.exponent-len(n.digits))
	}
	return sign + n.digits[:n.exponent] + "." + n.digits[n.exponent:]
}

func (n number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	}
	return 1
}

func (n number) compare(m number) int {
	if n.sign() != m.sign() || n.sign() == 0 {
		return n.sign() - m.sign()
	}
	if n.exponent != m.exponent {
		return (n.exponent - m.exponent) * n.sign()
	}
	return strings.Compare(n.digits, m.digits) * n.sign()
}

func (n number) negated() number {
	n.negative = !n.negative && n.digits != ""
	return n
}

// add is exact. A sum with too many digits is an overflow, as on AWS.
func (n number) add(m number) (number, error) {
	scale := min(n.exponent-len(n.digits), m.exponent-len(m.digits))
	total := new(big.Int).Add(n.scaled(scale), m.scaled(scale))
	digits := new(big.Int).Abs(total).String()
	sum := number{negative: total.Sign() < 0, exponent: scale + len(digits)}.trimmed(digits)
	switch {
	case sum.magnitude() > maxMagnitude || len(sum.digits) > maxDigits:
		return number{}, errOverflow
	case sum.magnitude() < minMagnitude:
		return number{}, errUnderflow
	}
	return sum, nil
}

// scaled returns n ÷ 10^scale, which must be an integer.
func (n number) scaled(scale int) *big.Int {
	if n.digits == "" {
		return new(big.Int)
	}
	whole, _ := new(big.Int).SetString(n.digits+strings.Repeat("0", n.exponent-len(n.digits)-scale), 10)
	if n.negative {
		whole.Neg(whole)
	}
	return whole
}

// size is the number's share of an item's size: about one byte for two digits, one for the
// exponent, and one for a minus sign.
func (n number) size() int {
	size := 1 + (len(n.digits)+1)/2
	if n.negative {
		size++
	}
	return size
}

// appendOrdered appends bytes that sort like the numbers: one for the sign, one for the
// magnitude, then two digits per byte. An empty digit at the end sorts 12 before 123.
// Negative numbers have all bytes inverted.
func (n number) appendOrdered(dst []byte) []byte {
	if n.digits == "" {
		return append(dst, 1)
	}
	if n.negative {
		start := len(dst)
		dst = n.negated().appendOrdered(dst)
		for i := start; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
		dst[start] = 0
		return dst
	}
	dst = append(dst, 2, byte(n.magnitude()-minMagnitude))
	place := func(i int) byte {
		if i >= len(n.digits) {
			return 0
		}
		return n.digits[i] - '0' + 1
	}
	for i := 0; i <= len(n.digits); i += 2 {
		dst = append(dst, place(i)<<4|place(i+1))
	}
	return dst
}
