package members

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Section is a named list in an export.
type Section struct {
	Name string
	// Each calls emit with each item of the account, in a form for encoding/json. It returns
	// emit's error.
	Each func(ctx context.Context, account portal.AccountID, emit func(item any) error) error
}

// Exporter writes everything that the portal has about an account.
type Exporter struct {
	Sections []Section
	Now      func() time.Time
}

// Export writes one JSON object, item by item as they are read, so it needs little memory. After an
// error, the output is not JSON.
func (e Exporter) Export(ctx context.Context, account portal.AccountID, w io.Writer) error {
	out := &exportWriter{w: bufio.NewWriterSize(w, 32<<10)}
	out.text("{\"account\":")
	out.value(account)
	out.text(",\n\"exported_at\":")
	out.value(e.Now().UTC().Truncate(time.Second))
	for _, section := range e.Sections {
		out.text(",\n")
		out.value(section.Name)
		out.text(":[")
		first := true
		err := section.Each(ctx, account, func(item any) error {
			if !first {
				out.text(",")
			}
			first = false
			out.text("\n")
			out.value(item)
			return out.err
		})
		if err != nil {
			return fmt.Errorf("exporting the %s of %s: %w", section.Name, account, err)
		}
		out.text("]")
	}
	out.text("}\n")
	if out.err != nil {
		return out.err
	}
	return out.w.Flush()
}

type exportWriter struct {
	w   *bufio.Writer
	err error
}

func (o *exportWriter) text(text string) {
	if o.err == nil {
		_, o.err = o.w.WriteString(text)
	}
}

func (o *exportWriter) value(value any) {
	body, err := json.Marshal(value)
	if err != nil && o.err == nil {
		o.err = err
	}
	o.text(string(body))
}
