package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rs/zerolog"
	"golang.org/x/term"

	"github.com/gatehouse-portal/gatehouse/app"
)

type output struct {
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

func (o output) print(to io.Writer, value any, text func(io.Writer)) error {
	if !o.JSON {
		text(to)
		return nil
	}
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

func width(to io.Writer) int {
	file, ok := to.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil || columns < 40 {
		return 0
	}
	return columns
}

// wrap breaks a text into lines of at most columns; all but the first begin with indent blanks.
// A longer word stays whole, so that it can be copied.
func wrap(text string, columns, indent int) string {
	if columns == 0 || utf8.RuneCountInString(text) <= columns {
		return strings.TrimLeft(text, " ")
	}
	var b strings.Builder
	at := 0
	for i, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+length > columns:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += length
	}
	return b.String()
}

// pairs leaves out empty values.
func pairs(to io.Writer, lines ...[2]string) {
	const column = 14
	for _, line := range lines {
		if line[1] != "" {
			columns := width(to)
			if columns > 0 {
				columns -= column
			}
			value := wrap(line[1], columns, 0)
			fmt.Fprintf(to, "%-*s%s\n", column, line[0], strings.ReplaceAll(value, "\n", "\n"+strings.Repeat(" ", column)))
		}
	}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// oneLine makes foreign text safe to print to a terminal; "" becomes "-".
func oneLine(text string) string {
	if text == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, text)
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// each does the same with each of the names, in their order. It prints those that it was done with, goes on
// after an error, and returns all errors at the end.
func (o output) each(ctx context.Context, done string, names []string, do func(ctx context.Context, name string) error) error {
	did, failed := []string{}, error(nil)
	for _, name := range names {
		if err := do(ctx, name); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", oneLine(name), err))
			continue
		}
		did = append(did, name)
	}
	printed := o.print(os.Stdout, map[string]any{done: did}, func(w io.Writer) {
		for _, name := range did {
			fmt.Fprintf(w, "%s: %s\n", done, oneLine(name))
		}
	})
	return errors.Join(failed, printed)
}

// warnWaiting tells the operator why the job that they wait for does not end.
func warnWaiting(text string) { tell(os.Stderr, wrap(text, width(os.Stderr), 0)) }

// process logs warnings only, unless GATEHOUSE_LOG_LEVEL is set.
func process(ctx context.Context) (app.Process, error) {
	p, err := app.NewProcess(ctx, processName)
	if os.Getenv("GATEHOUSE_LOG_LEVEL") == "" {
		p.Log = p.Log.Level(zerolog.WarnLevel)
	}
	return p, err
}
