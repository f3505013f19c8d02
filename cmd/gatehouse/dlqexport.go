package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deadletters"
)

type dlqExportCommand struct {
	choiceFlags
	All bool `help:"Also export the closed ones: settled (a replay was handled) and discarded."`
}

// Run prints each letter with its body as JSON, one a line, by id. It keeps one page of letters in
// memory. Bodies hold ids, never personal data or secrets.
func (c dlqExportCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	box := app.OpenLetters(p)
	out := bufio.NewWriter(os.Stdout)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	err = box.EachWhole(ctx, c.choice(time.Now(), listed(c.All)...), func(l deadletters.Letter) error {
		return lines.Encode(letterJSONOf(l))
	})
	return errors.Join(app.InWords(err), out.Flush(), box.Close())
}
