package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// confirmed asks an operator at a terminal to type a word. Elsewhere nobody can answer, and it is
// false.
func confirmed(ctx context.Context, question, word string) (bool, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return false, nil
	}
	tell(os.Stderr, question)
	fmt.Fprintf(os.Stderr, "Type %s to go on: ", word)
	line, err := firstLine(ctx, os.Stdin)
	return strings.TrimSpace(line) == word, err
}
