package transport

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/traces"
)

// logged writes a line for each delivery, without payload: at info for an operation's handled
// request, so that the log has every operation id that a user may quote. The handler's logger
// (zerolog.Ctx) names the message, so handlers must not add the same fields to their lines.
func logged(log zerolog.Logger) message.HandlerMiddleware {
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(msg *message.Message) ([]*message.Message, error) {
			started := time.Now()
			h := handlingOf(msg.Context())
			log := named(msg.Context(), log, h)
			msg.SetContext(log.WithContext(msg.Context()))
			out, err := next(msg)
			line := log.WithLevel(level(h)).Dur("took", time.Since(started)).Str("outcome", string(h.outcome))
			if h.err != nil {
				line = line.Str("error", errorText(h.err, msg.Payload))
			}
			portal.WithStack(line, h.err).Msg("message " + string(h.outcome))
			return out, err
		}
	}
}

func named(ctx context.Context, log zerolog.Logger, h *handling) zerolog.Logger {
	with := log.With().Str("consumer", h.consumer.Name)
	trace, span := traces.IDs(ctx)
	for _, field := range [][2]string{
		{"message_id", h.head.ID},
		{"type", h.head.Type},
		{"subject", h.head.Subject},
		{"account", accountOf(h.head.Subject)},
		{"correlation_id", h.event.Correlation},
		{"operation_id", h.head.Operation},
		{"trace_id", trace},
		{"span_id", span},
	} {
		if field[1] != "" {
			with = with.Str(field[0], field[1])
		}
	}
	return with.Logger()
}

func accountOf(subject string) string {
	if id, ok := portal.Stream(subject).Account(); ok {
		return string(id)
	}
	return ""
}

func level(h *handling) zerolog.Level {
	switch h.outcome {
	case failed:
		return zerolog.WarnLevel
	case buried, kept:
		return zerolog.ErrorLevel
	case handled:
		if h.head.Operation != "" {
			return zerolog.InfoLevel
		}
	}
	return zerolog.DebugLevel
}
