package gateway

import (
	"bytes"
	"encoding/csv"
	"strings"
	"unicode"
)

// keyFile is the file that ImportApiKeys reads, a row a key. Every column that matters is
// explicit, so that no default decides whether a key works. The columns are those of
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-key-file-format.html.
func keyFile(rows []*creation) []byte {
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	_ = w.Write([]string{"name", "key", "description", "enabled", "usageplanIds"})
	for _, c := range rows {
		plans := make([]string, len(c.Plans))
		for i, plan := range c.Plans {
			plans[i] = string(plan)
		}
		_ = w.Write([]string{c.Key.Name, c.Key.Value, plain(c.Key.Description), "true", strings.Join(plans, ",")})
	}
	w.Flush() // a bytes.Buffer takes everything
	return file.Bytes()
}

// plain takes out of a text what has a meaning in the file. Descriptions hold words of
// users; whether AWS reads a quoted line break as we write it is not documented, and a
// line of their own would let them make keys.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune("\",\u0085\u2028\u2029", r) {
			return ' '
		}
		return r
	}, text)
}
