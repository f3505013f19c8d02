package dynamodb

import (
	_ "embed"
	"strings"
)

// reservedText lists, one to a line, the words that AWS refuses as an
// attribute's name in an expression ("Reserved words in DynamoDB").
//
//go:embed reserved.txt
var reservedText string

var reserved = func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(reservedText) {
		words[word] = true
	}
	return words
}()

func isReserved(word string) bool { return reserved[strings.ToUpper(word)] }
