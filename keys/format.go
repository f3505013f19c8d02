package keys

import (
	"encoding/binary"
	"hash/crc32"
	"math/big"
	"strings"
)

const (
	macSize       = 32 // bytes of HMAC-SHA-256
	macWidth      = 43 // digits: 62^43 > 2^256
	checksumWidth = 6  // digits: 62^6 > 2^32

	digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

func validPrefix(prefix string) bool {
	if len(prefix) < 2 || len(prefix) > 8 || !alphanumeric(prefix) {
		return false
	}
	return prefix[0] > '9'
}

func alphanumeric(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(digits, r) })
}

func format(prefix string, mac []byte) string {
	body := prefix + base62(mac, macWidth)
	return body + checksum(body)
}

// checksum is the CRC-32 (IEEE) of body. It keeps scanners from reporting every text that begins
// with the prefix.
func checksum(body string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body)))
	return base62(sum, checksumWidth)
}

func base62(number []byte, width int) string {
	rest, base, digit := new(big.Int).SetBytes(number), big.NewInt(int64(len(digits))), new(big.Int)
	text := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		rest.DivMod(rest, base, digit)
		text[i] = digits[digit.Int64()]
	}
	return string(text)
}

// Check reports whether a text has the form of a key value with that prefix, checksum included.
// It needs no KMS, so scanners can use it.
func Check(value, prefix string) bool {
	if len(value) != len(prefix)+macWidth+checksumWidth || !strings.HasPrefix(value, prefix) || !alphanumeric(value) {
		return false
	}
	body := value[:len(value)-checksumWidth]
	return value == body+checksum(body)
}
