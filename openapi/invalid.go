package openapi

import "fmt"

// Invalid says why a document cannot be read, in a sentence for its author.
type Invalid struct {
	// Pointer is a JSON pointer, or "".
	Pointer string
	// Line is from 1, or 0.
	Line int
	// Reason says what is wrong and what to change.
	Reason string
}

func (i *Invalid) Error() string {
	switch {
	case i.Line > 0:
		return fmt.Sprintf("line %d: %s", i.Line, i.Reason)
	case i.Pointer != "":
		return fmt.Sprintf("%s: %s", i.Pointer, i.Reason)
	}
	return i.Reason
}

func invalid(at, format string, args ...any) *Invalid {
	return &Invalid{Pointer: at, Reason: fmt.Sprintf(format, args...)}
}

func invalidLine(line int, format string, args ...any) *Invalid {
	return &Invalid{Line: line, Reason: fmt.Sprintf(format, args...)}
}

type warnings struct {
	texts []string
	more  int
}

// maxWarnings bounds the warnings kept. Fewer explain a mistake that is everywhere.
const maxWarnings = 100

func (w *warnings) full() bool { return len(w.texts) == maxWarnings }

func (w *warnings) add(at fmt.Stringer, format string, args ...any) {
	if w.full() {
		w.more++
		return
	}
	w.texts = append(w.texts, shorten(at.String(), 300)+": "+fmt.Sprintf(format, args...))
}

func (w *warnings) all() []string {
	if w.more == 0 {
		return w.texts
	}
	return append(w.texts, fmt.Sprintf("and %d more", w.more))
}

type line int

func (l line) String() string { return fmt.Sprintf("line %d", int(l)) }
