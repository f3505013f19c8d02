package app

import (
	"io"
	"os"
	"time"

	"github.com/aws/smithy-go/logging"
	"github.com/rs/zerolog"
	"golang.org/x/term"
)

// NewLog returns a process's log on stderr: JSON lines, or lines for people if stderr is a
// terminal or GATEHOUSE_LOG_FORMAT is pretty.
func NewLog(cfg Config, process string) zerolog.Logger {
	return newLog(cfg, process, os.Stderr, term.IsTerminal(int(os.Stderr.Fd())))
}

func newLog(cfg Config, process string, out io.Writer, terminal bool) zerolog.Logger {
	zerolog.TimeFieldFormat = time.RFC3339Nano
	if cfg.LogFormat == "pretty" || (cfg.LogFormat == "auto" && terminal) {
		out = zerolog.ConsoleWriter{Out: out, TimeFormat: "15:04:05.000"}
	}
	level, err := zerolog.ParseLevel(cfg.LogLevel)
	if err != nil {
		level = zerolog.InfoLevel
	}
	return zerolog.New(out).Level(level).With().Timestamp().Str("process", process).Logger()
}

// The SDK would print its messages to stderr as plain text.
func sdkLog(log zerolog.Logger) logging.Logger {
	return logging.LoggerFunc(func(classification logging.Classification, format string, v ...any) {
		level := zerolog.DebugLevel
		if classification == logging.Warn {
			level = zerolog.WarnLevel
		}
		log.WithLevel(level).Str("component", "aws-sdk").Msgf(format, v...)
	})
}
