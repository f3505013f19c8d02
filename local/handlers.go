package local

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/transport"
)

// messageTypes are the names of types of messages in fault rules, such as SubscribeRequested.
func messageTypes() []string {
	names := events.Types()
	for i, name := range names {
		names[i] = events.Name(name)
	}
	return names
}

// breakable has faults of the local AWS break handlers.
func breakable(server *localaws.Server) func(messageType string, handle transport.Handler) transport.Handler {
	return func(messageType string, handle transport.Handler) transport.Handler {
		name := events.Name(messageType)
		return func(ctx context.Context, ev events.Event) error {
			if err := server.Handle(ctx, name); err != nil {
				return err
			}
			return handle(ctx, ev)
		}
	}
}
