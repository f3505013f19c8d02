package transport

import (
	"github.com/ThreeDotsLabs/watermill"
	"github.com/rs/zerolog"
)

// Watermill's Info helps only people who debug it, so its lines go one level lower.
type logger struct{ log zerolog.Logger }

// NewLogger adapts a zerolog logger for Watermill, without payloads.
func NewLogger(log zerolog.Logger) watermill.LoggerAdapter { return logger{log} }

func (l logger) Error(msg string, err error, fields watermill.LogFields) {
	write(l.log.Error().Err(err), msg, fields)
}

func (l logger) Info(msg string, fields watermill.LogFields)  { write(l.log.Debug(), msg, fields) }
func (l logger) Debug(msg string, fields watermill.LogFields) { write(l.log.Trace(), msg, fields) }
func (l logger) Trace(msg string, fields watermill.LogFields) { write(l.log.Trace(), msg, fields) }

func (l logger) With(fields watermill.LogFields) watermill.LoggerAdapter {
	with := l.log.With()
	for key, value := range fields {
		if !holdsPayload(key) {
			with = with.Interface(key, value)
		}
	}
	return logger{with.Logger()}
}

func write(event *zerolog.Event, msg string, fields watermill.LogFields) {
	if !event.Enabled() {
		return
	}
	for key, value := range fields {
		if !holdsPayload(key) {
			event = event.Interface(key, value)
		}
	}
	event.Msg(msg)
}

func holdsPayload(key string) bool {
	switch key {
	case "payload", "msg", "message", "body", "attributes", "metadata":
		return true
	}
	return false
}
