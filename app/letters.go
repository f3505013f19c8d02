package app

import (
	"context"
	"os"
	"os/user"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/transport"
)

// Letters opens the dead letters for an operator at the command line. A discarded letter
// records the operator as user@host of this process. done sends what Replay queued; the caller
// must call it at the end.
func Letters(p Process) (box deadletters.Admin, done func() error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	sender := newMessaging(c, names)
	return deadletters.Admin{Tables: c.dynamodb, Records: names.Records, Sender: sender, Now: p.now(), Operator: operator()}, sender.close
}

func operator() string {
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

type failures struct{ deadletters.Recorder }

func (f failures) Bury(ctx context.Context, l transport.DeadLetter) error {
	return f.Recorder.Bury(ctx, deadletters.Report(l))
}

func settling(recorder deadletters.Recorder, consumers []transport.Consumer) []transport.Consumer {
	for _, c := range consumers {
		for name, handle := range c.Handlers {
			c.Handlers[name] = recorder.Settling(handle)
		}
	}
	return consumers
}
