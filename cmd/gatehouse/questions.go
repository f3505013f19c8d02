package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

// questions are asked at a terminal.
type questions struct {
	in       io.Reader
	out      io.Writer
	terminal bool
	lines    *bufio.Scanner
}

var errNoAnswer = errors.New("the input ended before all questions were answered. Nothing was changed")

// ask repeats the question until check accepts the answer. An empty answer is the preset.
func (q *questions) ask(question, preset string, check func(string) error) (string, error) {
	if q.lines == nil {
		q.lines = bufio.NewScanner(q.in)
	}
	for {
		fmt.Fprint(q.out, question)
		if preset != "" {
			fmt.Fprintf(q.out, " [%s]", preset)
		}
		fmt.Fprint(q.out, ": ")
		if !q.lines.Scan() {
			fmt.Fprintln(q.out)
			return "", errNoAnswer
		}
		answer := strings.TrimSpace(q.lines.Text())
		if answer == "" {
			answer = preset
		}
		if check == nil {
			return answer, nil
		}
		err := check(answer)
		if err == nil {
			return answer, nil
		}
		tell(q.out, capitalized(err.Error())+".")
	}
}

func (q *questions) yes(question string) (bool, error) {
	answer, err := q.ask(question+" (y/n)", "n", nil)
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes"), err
}

func capitalized(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// completed asks for what a new portal needs and the flags do not say.
func completed(ctx context.Context, d stacks.Deployer, s stacks.Settings, q *questions) (stacks.Settings, error) {
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
	contained := func() bool { return s.Run != stacks.Lambda }
	for _, one := range []struct {
		question, preset string
		into             *string
		// asked and needed say whether the question is asked, and may not be left open; nil is yes.
		asked, needed func() bool
		set           func(*stacks.Settings, string)
	}{
		{"How to run (lambda, containers, small)", string(stacks.Lambda), (*string)(&s.Run), nil, nil, func(t *stacks.Settings, v string) { t.Run = stacks.RunMode(v) }},
		{"The portal's host name (on lambda, leave it empty for an address of API Gateway's)", "", &s.Host, nil, contained, func(t *stacks.Settings, v string) { t.Host = v }},
		{"The ARN of its certificate", "", &s.Certificate, func() bool { return s.Host != "" }, nil, func(t *stacks.Settings, v string) { t.Host, t.Certificate = s.Host, v }},
		{"Your e-mail address, as the first admin and for alarms", "", &s.Admin, nil, nil, func(t *stacks.Settings, v string) { t.Admin = v }},
		{"The image", "", &s.Image, contained, nil, func(t *stacks.Settings, v string) { t.Image = v }},
		{"The VPC", "", &s.VPC, contained, nil, func(t *stacks.Settings, v string) { t.VPC = v }},
	} {
		if *one.into != "" || one.asked != nil && !one.asked() {
			continue
		}
		if *one.into, err = q.ask(one.question, one.preset, check(one.needed == nil || one.needed(), one.set)); err != nil {
			return s, err
		}
	}
	if s.Run != stacks.Lambda && len(s.Subnets) == 0 {
		answer, err := q.ask("Two subnets, with a comma between them", "", check(true, func(*stacks.Settings, string) {}))
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
