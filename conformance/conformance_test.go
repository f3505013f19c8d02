package conformance

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	targets   = flag.String("target", "localaws,moto", "what the scenes are played at: localaws, moto, env (AWS_ENDPOINT_URL, or a real account)")
	all       = flag.Bool("all", false, "play at env also what costs money or takes an account of its own")
	showTable = flag.Bool("table", false, "print where moto is known to differ, and why")
)

// say prints a line for whoever runs the suite by hand.
func say(format string, args ...any) {
	if *showTable || strings.Contains(*targets, "env") {
		fmt.Fprintf(os.Stdout, format+"\n", args...)
	}
}

func TestConformance(t *testing.T) {
	scenes := readTables(t)
	var seen report
	t.Run("at", func(t *testing.T) {
		for name := range strings.SplitSeq(*targets, ",") {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				at := open(t, name)
				for _, sc := range scenes {
					t.Run(sc.service+"/"+sc.title, func(t *testing.T) {
						if !at.shared {
							t.Parallel()
						}
						at.play(t, sc, &seen)
					})
				}
			})
		}
	})
	if *showTable {
		seen.print(os.Stdout, scenes)
	}
}

func open(t *testing.T, name string) target {
	t.Helper()
	switch name {
	case "localaws":
		return local()
	case "moto":
		return moto(t)
	case "env":
		return environment(t)
	}
	t.Fatalf("there is no target %q", name)
	return target{}
}

// play plays a scene and fails the test where the target answers otherwise than the
// table says it does.
func (at target) play(t *testing.T, sc scene, seen *report) {
	if at.shared && sc.real != "" && !*all {
		say("skipped: %s: %s: %s", sc.service, sc.title, sc.real)
		t.Skip("not at a shared account: " + sc.real)
	}
	cfg, known := at.stage(t, sc)
	p := player{target: at, clients: newClients(cfg), names: known}
	ctx := t.Context()
	if at.shared {
		say("%s: %s, as %s", sc.service, sc.title, known["prefix"])
		var stop func()
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		p.made = &made{clients: p.clients, pause: at.pause}
		defer func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
			defer cancel()
			if err := p.made.remove(ctx); err != nil {
				t.Error(err)
			}
		}()
	}
	lacking := at.differs && sc.moto != ""
	for _, s := range sc.steps {
		got, err := p.step(ctx, s)
		if err != nil {
			t.Errorf("%s:%d: %v", s.file, s.line, err)
			return
		}
		seen.add(at.name, s, got)
		if lacking && !got.same {
			seen.lacks(sc, s)
			return
		}
		if problem := at.judge(s, got); problem != "" {
			t.Errorf("%s:%d: %s\n%s", s.file, s.line, s.does, problem)
		}
	}
	if lacking {
		t.Errorf("%s can play the scene, although the table says: %s", at.name, sc.moto)
	}
}

// judge says what is wrong with an answer, if anything is: that it is not the table's,
// without a reason, or that it is, in spite of one.
func (at target) judge(s step, got outcome) (problem string) {
	explained := at.differs && s.moto != ""
	switch {
	case got.same && explained:
		return fmt.Sprintf("%s answers as the table says; this no longer holds: %s", at.name, s.moto)
	case !got.same && !explained:
		return fmt.Sprintf("%s answers\n\t%s\ninstead of\n\t%s", at.name, got.shown, s.want)
	}
	return ""
}

// player plays one scene at one target.
type player struct {
	target
	clients clients
	names   names
	// made is nil where nobody minds what is left.
	made *made
}

// step makes one call, or several until the answer is the one wanted. The error is one
// of the table's or of this process, not an answer.
func (p *player) step(ctx context.Context, s step) (outcome, error) {
	input, err := p.names.fill(s.input)
	if err != nil {
		return outcome{shown: err.Error()}, nil
	}
	deadline := time.Now().Add(p.patience)
	var answers []string // those that differ from the one before
	for {
		got, err := p.once(ctx, s, input)
		if err != nil || got.same {
			return got, err
		}
		if n := len(answers); n == 0 || answers[n-1] != got.shown {
			answers = append(answers, got.shown)
		}
		if !s.eventually || time.Now().After(deadline) {
			return outcome{shown: strings.Join(answers, ", then ")}, nil
		}
		select {
		case <-ctx.Done():
			return outcome{}, ctx.Err()
		case <-time.After(p.pause):
		}
	}
}

func (p *player) once(ctx context.Context, s step, input any) (outcome, error) {
	if ctx.Err() != nil {
		return outcome{}, ctx.Err()
	}
	call, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	output, err := p.clients.call(call, s.service, s.operation, input)
	if err == nil && p.made != nil {
		if err := p.made.note(s.service, s.operation, input, output); err != nil {
			return outcome{}, err
		}
	}
	return p.names.outcomeOf(s.want, output, err)
}
