package app

import (
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/term"
)

// NewLog is a process's log: JSON lines, or lines for people where it is written to a
// terminal (or GATEHOUSE_LOG_FORMAT says so). It goes to stderr; stdout is for answers.
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
