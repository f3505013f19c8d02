package snippet

import (
	"fmt"
	"strings"

	"github.com/gatehouse-portal/gatehouse/shell"
)

// curl prints the status with the answer's headers.
func curl(r Request) (string, error) {
	parts := []string{"curl --include --request " + r.Method + " " + shellLiteral(r.URL)}
	switch r.Method {
	case "GET":
		parts[0] = "curl --include " + shellLiteral(r.URL)
		if r.Body != "" {
			parts[0] = "curl --include --request GET " + shellLiteral(r.URL)
		}
	case "HEAD":
		parts[0] = "curl --head " + shellLiteral(r.URL)
	}
	for _, h := range r.Header {
		// curl sends an empty header only if a semicolon ends its name.
		field := h.Name + ";"
		if h.Value != "" {
			field = h.Name + ": " + h.Value
		}
		parts = append(parts, "--header "+shellLiteral(field))
	}
	if r.Body != "" {
		parts = append(parts, "--data-raw "+shellLiteral(r.Body))
	}
	return strings.Join(parts, " \\\n  ") + "\n", nil
}

// shellLiteral writes a literal for POSIX shells, or for bash and zsh if the text has hidden
// characters, which would act as keys when pasted into a terminal.
func shellLiteral(text string) string {
	if !hasHidden(text) {
		return shell.Quote(text)
	}
	octal := func(r rune) string {
		var b strings.Builder
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, `\%03o`, c)
		}
		return b.String()
	}
	return "$'" + escaping{quotes: "'", unicode: octal}.write(text) + "'"
}
