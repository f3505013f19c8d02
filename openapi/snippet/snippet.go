// Package snippet writes programs that send one HTTP request, in the languages that the pages
// offer. A program is complete: it runs, sends the request, and prints the status and the
// body of the answer.
//
// A request's values come from other people's documents. No value, however hostile, leaves
// its string literal.
package snippet

import (
	"slices"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Language is one of Languages. ID is stable: pages remember it.
type Language struct {
	ID    string
	Label string

	write func(Request) (string, error)
	lexer string
}

// Languages are in the order in which pages offer them. Do not change them.
var Languages = []Language{
	{ID: "curl", Label: "cURL", write: curl, lexer: "bash"},
	{ID: "javascript", Label: "JavaScript", write: javaScript, lexer: "javascript"},
	{ID: "python", Label: "Python", write: python, lexer: "python"},
	{ID: "go", Label: "Go", write: golang, lexer: "go"},
	{ID: "java", Label: "Java", write: java, lexer: "java"},
	{ID: "csharp", Label: "C#", write: cSharp, lexer: "csharp"},
	{ID: "php", Label: "PHP", write: php, lexer: "php"},
	{ID: "ruby", Label: "Ruby", write: ruby, lexer: "ruby"},
}

// Write returns the program that sends the request, ending with a newline. The error is
// portal.Invalid if the request cannot be sent, or not in this language, and portal.NotFound
// for an unknown language. Request says what Write changes.
func Write(language string, request Request) (string, error) {
	known, ok := find(language)
	if !ok {
		return "", portal.Fail(portal.NotFound, "there are no snippets in the language "+language)
	}
	request, err := request.normalized()
	if err != nil {
		return "", err
	}
	return known.write(request)
}

func find(id string) (Language, bool) {
	i := slices.IndexFunc(Languages, func(l Language) bool { return l.ID == id })
	if i < 0 {
		return Language{}, false
	}
	return Languages[i], true
}
