package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// choiceFlags choose dead letters.
type choiceFlags struct {
	Queue     string `help:"Only letters from this queue, such as commands." placeholder:"NAME"`
	Type      string `help:"Only messages of this type, such as SubscribeRequested." placeholder:"TYPE"`
	Account   string `help:"Only letters about this account." placeholder:"ID"`
	Cause     string `help:"Only letters of this cause: its id in the list, its class, or words of its error." placeholder:"CAUSE"`
	OlderThan age    `help:"Only letters that first failed longer ago than this, such as 90m or 2d." placeholder:"AGE"`
	NewerThan age    `help:"Only letters that first failed less long ago than this." placeholder:"AGE"`
}

func (c choiceFlags) choice(now time.Time, states ...deadletters.State) deadletters.Choice {
	choice := deadletters.Choice{States: states, Queue: c.Queue, Type: c.Type, Account: portal.AccountID(c.Account), Cause: c.Cause}
	if c.OlderThan > 0 {
		choice.Before = now.Add(-time.Duration(c.OlderThan))
	}
	if c.NewerThan > 0 {
		choice.After = now.Add(-time.Duration(c.NewerThan))
	}
	return choice
}

func (c choiceFlags) none() bool { return c == choiceFlags{} }

// age is a duration that may be in days.
type age time.Duration

// UnmarshalText accepts what time.ParseDuration accepts, and days.
func (a *age) UnmarshalText(text []byte) error {
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n > 0 {
			*a = age(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("%q: want an age such as 90m, 12h or 2d", text)
	}
	*a = age(d)
	return nil
}

// selection is what replay and discard work on.
type selection struct {
	choiceFlags
	IDs  []string  `arg:"" optional:"" help:"Ids of dead letters." name:"id"`
	All  bool      `help:"All that are open."`
	AsOf time.Time `help:"Choose as a dry run did at this time: ages count from it, and letters that failed since are left out. The dry run prints it." placeholder:"TIME"`
	Yes  bool      `help:"Do it. Without this, the command only prints what would happen."`
}

// choiceAsOf is the choice of open letters. asOf, for --as-of, chooses the same ones again.
func (s selection) choiceAsOf(now time.Time) (choice deadletters.Choice, asOf time.Time) {
	if s.AsOf.IsZero() {
		return s.choice(now, deadletters.Open), now.UTC()
	}
	choice = s.choice(s.AsOf, deadletters.Open)
	if choice.Before.IsZero() {
		choice.Before = s.AsOf
	}
	return choice, s.AsOf.UTC()
}

// repeat is how to do exactly what a dry run has printed.
func (s selection) repeat(asOf time.Time) string {
	if len(s.IDs) > 0 {
		return "With --yes"
	}
	return "With --yes --as-of " + asOf.Format(time.RFC3339Nano)
}

func (s selection) validate(verb string) error {
	chosen := 0
	for _, way := range []bool{len(s.IDs) > 0, s.All, !s.none()} {
		if way {
			chosen++
		}
	}
	switch {
	case chosen == 0:
		return usageError("name the dead letters to " + verb + ", choose them with --queue, --type, --account, --cause or an age, or give --all")
	case chosen > 1:
		return usageError("give ids, or flags that choose letters, or --all, and not two of them")
	case !s.AsOf.IsZero() && len(s.IDs) > 0:
		return usageError("--as-of is for flags that choose letters, and for --all: leave it out beside ids")
	case s.AsOf.After(time.Now()):
		return usageError("--as-of " + s.AsOf.Format(time.RFC3339) + " is in the future: give the time that a dry run has printed")
	}
	return nil
}

// words says which letters are meant, for the audit.
func (s selection) words(choice deadletters.Choice) string {
	if len(s.IDs) > 0 {
		return strings.Join(s.IDs, " ")
	}
	return choice.String()
}

// chosen lists the letters, oldest failure first. missing is about ids that name
// no letter; the others are listed all the same.
func (s selection) chosen(ctx context.Context, box app.Letters, choice deadletters.Choice) (list []deadletters.Chosen, missing, err error) {
	if len(s.IDs) == 0 {
		list, err = box.Chosen(ctx, choice)
		return list, nil, app.InWords(err)
	}
	for _, id := range s.IDs {
		letter, err := box.Find(ctx, id)
		if err != nil {
			missing = errors.Join(missing, app.InWords(err))
			continue
		}
		list = append(list, deadletters.Chosen{ID: letter.ID, Began: letter.Began()})
	}
	deadletters.OldestFirst(list)
	return list, missing, nil
}
