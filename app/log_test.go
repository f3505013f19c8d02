package app

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/logging"
)

func TestLogFormatFollowsConfigAndTerminal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		format   string
		terminal bool
		json     bool
	}{
		"auto on a terminal": {"auto", true, false},
		"auto elsewhere":     {"auto", false, true},
		"json on a terminal": {"json", true, true},
		"pretty in a file":   {"pretty", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log := newLog(Config{LogFormat: c.format, LogLevel: "info"}, "worker", &out, c.terminal)
			log.Info().Str("key", "value").Msg("something happened")
			var line map[string]any
			err := json.Unmarshal(out.Bytes(), &line)
			if (err == nil) != c.json {
				t.Fatalf("it is JSON: %t: %s", err == nil, out.String())
			}
			if !c.json {
				for _, want := range []string{"something happened", "key", "value", "INF"} {
					if !strings.Contains(out.String(), want) {
						t.Errorf("it does not say %q: %s", want, out.String())
					}
				}
				return
			}
			at, _ := line["time"].(string)
			if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
				t.Error(err)
			}
			if line["message"] != "something happened" || line["key"] != "value" || line["process"] != "worker" || line["level"] != "info" {
				t.Errorf("the line is %v", line)
			}
		})
	}
}

func TestLogHonoursItsLevel(t *testing.T) {
	t.Parallel()
	for level, want := range map[string]string{
		"debug": "debug info warn error", "info": "info warn error", "warn": "warn error", "error": "error",
		"nonsense": "info warn error",
	} {
		var out bytes.Buffer
		log := newLog(Config{LogFormat: "json", LogLevel: level}, "", &out, false)
		log.Debug().Send()
		log.Info().Send()
		log.Warn().Send()
		log.Error().Send()
		var got []string
		for line := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n") {
			var one struct{ Level string }
			if err := json.Unmarshal([]byte(line), &one); err != nil {
				t.Fatal(err)
			}
			got = append(got, one.Level)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("at level %q the log has %v, want %s", level, got, want)
		}
	}
}

func TestSDKMessagesGoIntoTheLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := sdkLog(newLog(Config{LogFormat: "json", LogLevel: "debug"}, "", &out, false))
	log.Logf(logging.Warn, "retrying %d", 3)
	log.Logf(logging.Debug, "signing")
	for _, want := range []string{`"level":"warn","process":"","component":"aws-sdk"`, `"message":"retrying 3"`, `"level":"debug"`, `"message":"signing"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %s: %s", want, out.String())
		}
	}
}
