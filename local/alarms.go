package local

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/gatehouse-portal/gatehouse/alarms"
)

// console prints messages to operators beside the start-up text.
type console struct{ out io.Writer }

// Name implements alarms.Channel.
func (console) Name() string { return "console" }

// Send prints the message.
func (c console) Send(_ context.Context, m alarms.Message) error {
	_, err := fmt.Fprintf(c.out, "\n  Message to operators: %s\n\n    %s\n\n", m.Title, strings.ReplaceAll(strings.TrimSpace(m.Plain()), "\n", "\n    "))
	return err
}
