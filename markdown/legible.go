package markdown

import "bytes"

// Legible returns UTF-8 without characters that could disturb the text around them in a page or a
// terminal. It removes embeddings and overrides of the writing direction (U+202A to U+202E);
// control characters other than line breaks and tabs become U+FFFD. Isolates and marks of the
// writing direction stay, since Arabic and Hebrew texts need them.
func Legible(text []byte) []byte {
	if !bytes.ContainsFunc(text, disturbs) {
		return text
	}
	return bytes.Map(func(r rune) rune {
		switch {
		case turns(r):
			return -1
		case disturbs(r):
			return '\uFFFD'
		}
		return r
	}, text)
}

func disturbs(r rune) bool {
	return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r >= 0x7f && r <= 0x9f || turns(r)
}

func turns(r rune) bool { return r >= 0x202a && r <= 0x202e }
