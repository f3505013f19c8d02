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
	targets   = flag.String("target", "localaws,moto", "where to play the scenes: localaws, moto, env (AWS_ENDPOINT_URL, or a real account)")
	all       = flag.Bool("all", false, "at env, also play scenes that cost money or need an account of their own")
	showTable = flag.Bool("table", false, "list the answers of moto that differ, and why")
)

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

// play fails the test if the target does not answer as the table says it does.
func (at target) play(t *testing.T, sc scene, seen *report) {
	if at.shared && sc.real != "" && !*all {
		say("skipped: %s: %s: %s", sc.service, sc.title, sc.real)
		t.Skip("not at a shared account: " + sc.real)
	}
	cfg, known := at.prepare(t, sc)
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
		if problem := at.problem(s, got); problem != "" {
			t.Errorf("%s:%d: %s\n%s", s.file, s.line, s.does, problem)
		}
	}
	if lacking {
		t.Errorf("%s can play the scene, although the table says: %s", at.name, sc.moto)
	}
}

// problem returns what is wrong with an answer, or "": it differs from the table without a
// reason, or matches it despite one.
func (at target) problem(s step, got outcome) (problem string) {
	explained := at.differs && s.moto != ""
	switch {
	case got.same && explained:
		return fmt.Sprintf("%s answers as the table says; this no longer holds: %s", at.name, s.moto)
	case !got.same && !explained:
		return fmt.Sprintf("%s answers\n\t%s\ninstead of\n\t%s", at.name, got.shown, s.want)
	}
	return ""
}

type player struct {
	target
	clients clients
	names   names
	// made is nil if nothing needs to be removed.
	made *made
}

// step repeats a call while "eventually" allows. The error is not an answer, but a mistake in
// the table or a failure of this process.
func (p *player) step(ctx context.Context, s step) (outcome, error) {
	input, err := p.names.fill(s.input)
	if err != nil {
		return outcome{shown: err.Error()}, nil
	}
	deadline := time.Now().Add(p.patience)
	var answers []string // without repetitions
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
	return p.names.judge(s.want, output, err)
}
