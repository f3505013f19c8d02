package folder

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// fault is something wrong in a file. Line is 0 for the whole file.
type fault struct {
	line    int
	text    string
	warning bool
}

func faultf(line int, format string, args ...any) fault {
	return fault{line: line, text: fmt.Sprintf(format, args...)}
}

func warningf(line int, format string, args ...any) fault {
	return fault{line: line, text: fmt.Sprintf(format, args...), warning: true}
}

// plainText returns UTF-8 text without a byte order mark and with "\n" line ends.
func plainText(data []byte) (string, *fault) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		f := faultf(0, "The file is in UTF-16. Save it as UTF-8.")
		return "", &f
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	line := 1
	for rest := data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			f := faultf(line, "This line has a byte that is not UTF-8. Save the file as UTF-8.")
			return "", &f
		case r == '\n':
			line++
		case isControl(r):
			f := faultf(line, "This line has a control character (U+%04X). Remove it.", r)
			return "", &f
		}
		rest = rest[size:]
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return string(bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))), nil
}

func isControl(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' || r == 0x7f }
