package tryit

import (
	"bytes"
	"encoding/json"
)

// maxIndented bounds indented JSON, in bytes. It can grow with the square of the depth.
const maxIndented = 2 * MaxResponse

// indented indents valid JSON by two spaces. It keeps the order of members and every digit.
// Text that would grow too large stays as it is.
func indented(text string) string {
	if indentedSize(text) > maxIndented {
		return text
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), "", "  "); err != nil {
		return text
	}
	return out.String()
}

func indentedSize(text string) int {
	size, depth, quoted := len(text), 0, false
	for i := 0; i < len(text) && size <= maxIndented; i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			size += 1 + 2*depth
		case c == '}' || c == ']':
			depth--
			size += 1 + 2*depth
		case c == ',':
			size += 1 + 2*depth
		case c == ':':
			size++
		}
	}
	return size
}
