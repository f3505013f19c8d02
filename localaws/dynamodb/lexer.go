package dynamodb

import "strings"

type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword, a function or an attribute: a letter, then letters, digits, _
	tokenName             // #placeholder
	tokenValue            // :placeholder
	tokenIndex            // digits
	tokenSymbol           // punctuation and operators
	tokenBad              // not part of the language
)

type token struct {
	kind       tokenKind
	text       string
	start, end int
}

func (t token) is(text string) bool {
	return t.kind == tokenSymbol && t.text == text || t.kind == tokenWord && strings.EqualFold(t.text, text)
}

// tokenize turns unknown text into a tokenBad, for the parser to report. The last token is
// a tokenEnd.
func tokenize(text string) []token {
	var tokens []token
	for at := 0; at < len(text); {
		if strings.IndexByte(" \t\r\n", text[at]) >= 0 {
			at++
			continue
		}
		t := nextToken(text, at)
		tokens = append(tokens, t)
		at = t.end
	}
	return append(tokens, token{kind: tokenEnd, text: "<EOF>", start: len(text), end: len(text)})
}

func nextToken(text string, at int) token {
	first := text[at]
	end := at + 1
	for end < len(text) && isWordByte(text[end]) {
		end++
	}
	as := func(kind tokenKind, end int) token {
		return token{kind: kind, text: text[at:end], start: at, end: end}
	}
	switch {
	case isLetter(first):
		return as(tokenWord, end)
	case first == '#' && end > at+1:
		return as(tokenName, end)
	case first == ':' && end > at+1:
		return as(tokenValue, end)
	case isDigits(text[at:end]):
		return as(tokenIndex, end)
	}
	for _, symbol := range []string{"<>", "<=", ">=", "<", ">", "=", "+", "-", "(", ")", "[", "]", ".", ","} {
		if strings.HasPrefix(text[at:], symbol) {
			return as(tokenSymbol, at+len(symbol))
		}
	}
	return as(tokenBad, end)
}

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

func isWordByte(b byte) bool { return isLetter(b) || '0' <= b && b <= '9' || b == '_' }
