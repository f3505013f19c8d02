package app

import (
	"context"
	"os"
	"os/user"
	"time"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/transport"
)

// Letters opens the dead letters for the command line; call done in the end. What is
// discarded is recorded under the name that the operator has on this machine.
func Letters(p Process) (box deadletters.Admin, done func() error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	sender := newMessaging(c, names)
	return deadletters.Admin{Tables: c.dynamodb, Records: names.Records, Sender: sender, Now: p.now(), Operator: operator()}, sender.close
}

// operator is user@host of who runs this process, as far as the system tells.
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

// failures lets the transport count and bury with the keeper.
type failures struct{ keeper deadletters.Recorder }

func (f failures) Failed(ctx context.Context, key string, at time.Time) (transport.Failure, error) {
	count, first, err := f.keeper.Failed(ctx, key, at)
	return transport.Failure{Count: count, First: first}, err
}

func (f failures) Bury(ctx context.Context, l transport.DeadLetter) error {
	return f.keeper.Bury(ctx, deadletters.Report(l))
}

// settling has every consumer tell the keeper which replays it has handled.
func settling(keeper deadletters.Recorder, consumers []transport.Consumer) []transport.Consumer {
	for _, c := range consumers {
		for name, handle := range c.Handlers {
			c.Handlers[name] = keeper.Settling(handle)
		}
	}
	return consumers
}
