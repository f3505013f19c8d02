package marketplace

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
)

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"

// newCode returns n random lower-case letters and digits, as in AWS's ids.
func newCode(n int) string {
	random := make([]byte, n)
	_, _ = rand.Read(random)
	return spell(random)
}

func spell(random []byte) string {
	for i, b := range random {
		random[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(random)
}

// customerOf returns the customer identifier of an account for an old listing. It stays the
// same when the buyer returns.
func customerOf(product, account string) string {
	sum := sha256.Sum256([]byte(product + " " + account))
	return strings.ToUpper(spell(sum[:11]))
}

func newAccount() string {
	digits := make([]byte, 12)
	_, _ = rand.Read(digits)
	for i, b := range digits {
		digits[i] = '0' + b%10
	}
	digits[0] = '1' + digits[0]%9
	return string(digits)
}
