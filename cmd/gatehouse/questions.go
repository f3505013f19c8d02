package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

// questions are asked at a terminal. Elsewhere nobody can answer.
type questions struct {
	in       *bufio.Reader
	out      io.Writer
	terminal bool
}

// newQuestions asks on standard error and reads the answers from standard input.
func newQuestions() *questions {
	return &questions{in: bufio.NewReader(os.Stdin), out: os.Stderr, terminal: term.IsTerminal(int(os.Stdin.Fd()))}
}

var (
	errStopped  = errors.New("interrupted. Nothing was changed")
	errNoAnswer = errors.New("the input ended before all questions were answered. Nothing was changed")
)

// ask repeats the question until check accepts the answer. An empty answer is the preset.
func (q *questions) ask(ctx context.Context, question, preset string, check func(string) error) (string, error) {
	for {
		fmt.Fprint(q.out, question)
		if preset != "" {
			fmt.Fprintf(q.out, " [%s]", preset)
		}
		fmt.Fprint(q.out, ": ")
		line, err := nextLine(ctx, q.in)
		switch {
		case ctx.Err() != nil:
			fmt.Fprintln(q.out)
			return "", errStopped
		case err != nil && line == "":
			fmt.Fprintln(q.out)
			return "", errNoAnswer
		}
		answer := strings.TrimSpace(line)
		if answer == "" {
			answer = preset
		}
		if check == nil {
			return answer, nil
		}
		err = check(answer)
		if err == nil {
			return answer, nil
		}
		tell(q.out, capitalized(err.Error())+".")
	}
}

// typed asks for a word. It is false where there is no terminal.
func (q *questions) typed(ctx context.Context, question, word string) (bool, error) {
	if !q.terminal {
		return false, nil
	}
	answer, err := q.ask(ctx, question, "", nil)
	return answer == word, err
}

func (q *questions) yes(ctx context.Context, question string) (bool, error) {
	answer, err := q.ask(ctx, question+" (y/n)", "n", nil)
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes"), err
}

func capitalized(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// askForMissing asks for what a new portal needs and the flags do not say.
func askForMissing(ctx context.Context, d stacks.Deployer, s stacks.Settings, q *questions) (stacks.Settings, error) {
	if !q.terminal {
		if s.AlarmEmail == "" {
			s.AlarmEmail = s.Admin
		}
		return s, nil
	}
	known, err := d.Lookup(ctx, s.Name)
	if err != nil || known.Run != "" {
		return s, err
	}
	// Nobody should answer questions in vain.
	faults := s.Check(d.AWS.Region)
	if s.Run == stacks.Lambda {
		faults = errors.Join(faults, stacks.CheckZip(s.Zip))
	}
	if faults != nil {
		return s, faults
	}
	tell(q.out, fmt.Sprintf("A new portal named %s in %s. docs/deploy.md explains what it needs.", s.Name, d.AWS.Region))
	check := func(needed bool, set func(*stacks.Settings, string)) func(string) error {
		return func(answer string) error {
			if answer == "" && needed {
				return errors.New("an answer is needed")
			}
			try := stacks.Settings{Name: s.Name}
			set(&try, answer)
			return try.Check(d.AWS.Region)
		}
	}
	inContainers := func() bool { return s.Run != stacks.Lambda }
	for _, one := range []struct {
		question, preset string
		into             *string
		// asked reports whether to ask the question, needed whether an answer is required; nil is yes.
		asked, needed func() bool
		set           func(*stacks.Settings, string)
	}{
		{"How to run (lambda, containers, small)", string(stacks.Lambda), (*string)(&s.Run), nil, nil, func(t *stacks.Settings, v string) { t.Run = stacks.RunMode(v) }},
		{"The portal's host name (on lambda, leave it empty for an address of API Gateway's)", "", &s.Host, nil, inContainers, func(t *stacks.Settings, v string) { t.Host = v }},
		{"The ARN of its certificate", "", &s.Certificate, func() bool { return s.Host != "" }, nil, func(t *stacks.Settings, v string) { t.Host, t.Certificate = s.Host, v }},
		{"Your e-mail address, as the first admin and for alarms", "", &s.Admin, nil, nil, func(t *stacks.Settings, v string) { t.Admin = v }},
		{"The container image, as make image pushed it", "", &s.Image, inContainers, nil, func(t *stacks.Settings, v string) { t.Image = v }},
		{"The id of the VPC", "", &s.VPC, inContainers, nil, func(t *stacks.Settings, v string) { t.VPC = v }},
	} {
		if *one.into != "" || one.asked != nil && !one.asked() {
			continue
		}
		if *one.into, err = q.ask(ctx, one.question, one.preset, check(one.needed == nil || one.needed(), one.set)); err != nil {
			return s, err
		}
		if one.into == (*string)(&s.Run) && s.Run == stacks.Lambda {
			if err := stacks.CheckZip(s.Zip); err != nil {
				return s, err
			}
		}
	}
	if s.Run != stacks.Lambda && len(s.Subnets) == 0 {
		answer, err := q.ask(ctx, "Two or more subnets, separated by commas", "", check(true, func(*stacks.Settings, string) {}))
		if err != nil {
			return s, err
		}
		s.Subnets = slices.DeleteFunc(strings.Split(strings.ReplaceAll(answer, " ", ""), ","), func(one string) bool { return one == "" })
	}
	if s.AlarmEmail == "" {
		s.AlarmEmail = s.Admin
	}
	return s, nil
}
