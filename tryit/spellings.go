package tryit

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

// partLength is how many letters and digits in a row of a key, or of its spellings, are
// masked. Other text does not have so many by chance.
const partLength = 12

// spellings finds a key in text, whole or in part: as it is, in base64, in hexadecimal or decimal
// bytes, with escapes of URLs, JSON or HTML, in another case, and divided by line breaks or
// punctuation.
type spellings struct {
	parts map[string]bool
	// triples are the groups of three letters in the spellings, by number.
	triples []bool
}

func spellingsOf(key string) spellings {
	s := spellings{parts: map[string]bool{}, triples: make([]bool, triples)}
	decimal := ""
	for _, c := range []byte(key) {
		decimal += strconv.Itoa(int(c))
	}
	all := []string{key, hex.EncodeToString([]byte(key)), decimal}
	for before := range 3 {
		// Base64 writes groups of three bytes, so its text depends on how many bytes come before. The
		// first and last letters depend on the key's neighbours.
		aligned := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + key))
		first, last := (8*before+5)/6, 8*(before+len(key))/6
		all = append(all, aligned[first:last])
	}
	for _, spelling := range all {
		s.add(lettersOf(spelling))
	}
	return s
}

func lettersOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf || lower(byte(r)) == 0 {
			return -1
		}
		return rune(lower(byte(r)))
	}, text)
}

func (s spellings) add(letters string) {
	for i := 0; i+partLength <= len(letters); i++ {
		s.parts[letters[i:i+partLength]] = true
	}
	number := 0
	for i := range len(letters) {
		if number = next(number, letters[i]); i >= 2 {
			s.triples[number] = true
		}
	}
}

const triples = 36 * 36 * 36

func next(number int, letter byte) int {
	digit := int(letter - '0')
	if letter >= 'a' {
		digit = int(letter-'a') + 10
	}
	return (number*36 + digit) % triples
}

func (s spellings) mask(text string) string {
	var (
		out    strings.Builder
		copied int // how much of the text is in out, or masked
		last   window
	)
	for at := 0; at < len(text); {
		letter, size := letterAt(text[at:])
		if letter == 0 {
			at += size
			continue
		}
		last.push(letter, at)
		at += size
		if !s.triples[last.triple] {
			last.alike = 0
			continue
		}
		if last.alike++; last.alike < partLength-2 || !s.parts[last.letters()] {
			continue
		}
		if from := last.start(); from >= copied {
			out.WriteString(text[copied:from])
			out.WriteString(Mask)
		}
		copied = at
	}
	if copied == 0 {
		return text
	}
	out.WriteString(text[copied:])
	return out.String()
}

type window struct {
	ring   [partLength]byte
	starts [partLength]int
	count  int
	// triple is the number of the last group of three, alike how many groups in a row are in a
	// spelling.
	triple, alike int
}

func (w *window) push(letter byte, start int) {
	w.ring[w.count%partLength], w.starts[w.count%partLength] = letter, start
	w.count, w.triple = w.count+1, next(w.triple, letter)
}

func (w *window) letters() string {
	first := w.count % partLength
	return string(w.ring[first:]) + string(w.ring[:first])
}

func (w *window) start() int { return w.starts[w.count%partLength] }

// letterAt returns the letter or digit at the start of a text, in lower case, and how many bytes
// spell it; 0 for anything else.
func letterAt(text string) (letter byte, size int) {
	switch text[0] {
	case '%':
		at := 1
		for strings.HasPrefix(text[at:], "25") { // the "%" may be escaped itself
			at += 2
		}
		if letter := coded(text, at, 2, 16); letter != 0 {
			return letter, at + 2
		}
	case '\\':
		return escapedAt(text)
	case '&':
		return referenceAt(text)
	}
	return lower(text[0]), 1
}

func escapedAt(text string) (letter byte, size int) {
	if len(text) < 2 {
		return 0, 1
	}
	switch text[1] {
	case 'u':
		if letter := coded(text, 2, 4, 16); letter != 0 {
			return letter, 6
		}
	case 'x':
		if letter := coded(text, 2, 2, 16); letter != 0 {
			return letter, 4
		}
	case 'n', 'r', 't':
		return 0, 2
	}
	return 0, 1
}

func referenceAt(text string) (letter byte, size int) {
	end := strings.IndexByte(text[:min(len(text), 12)], ';')
	if end < 3 || text[1] != '#' {
		return 0, 1
	}
	from, base := 2, 10
	if text[2] == 'x' || text[2] == 'X' {
		from, base = 3, 16
	}
	if letter := coded(text, from, end-from, base); letter != 0 {
		return letter, end + 1
	}
	return 0, 1
}

// coded is the letter whose code is in some digits of the text, or 0.
func coded(text string, from, digits, base int) byte {
	if digits < 1 || from+digits > len(text) {
		return 0
	}
	code, err := strconv.ParseUint(text[from:from+digits], base, 32)
	if err != nil || code >= utf8.RuneSelf {
		return 0
	}
	return lower(byte(code))
}

func lower(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A'
	case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		return c
	}
	return 0
}
