package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/banners"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type bannersCommand struct {
	List   bannersListCommand   `cmd:"" help:"List the banners that are shown, scheduled, or ended in the last 30 days."`
	Add    bannersAddCommand    `cmd:"" help:"Show a text at the top of every page, now or later."`
	End    bannersEndCommand    `cmd:"" help:"End a banner now."`
	Delete bannersDeleteCommand `cmd:"" help:"Delete a banner."`
}

type bannersListCommand struct{ output }

func (c bannersListCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	store, _ := app.OpenBanners(p)
	all, err := store.List(ctx)
	if err != nil {
		return app.InWords(err)
	}
	list := []bannerJSON{}
	for _, b := range all {
		list = append(list, bannerJSONOf(b, time.Now()))
	}
	return c.print(os.Stdout, map[string]any{"banners": list}, func(w io.Writer) {
		for _, b := range list {
			printBanner(w, b)
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s.\n", count(len(list), "banner"))
	})
}

// pointInTime is a time that an operator types.
type pointInTime time.Time

// UnmarshalText accepts RFC 3339, and a day and time in UTC without a zone.
func (p *pointInTime) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			*p = pointInTime(t)
			return nil
		}
	}
	return fmt.Errorf("%q: want a time such as 2026-12-31T18:00Z, or 2026-12-31T18:00 in UTC", text)
}

type bannersAddCommand struct {
	output
	Text     string      `arg:"" help:"The text, in Markdown without headings, at most 1,000 characters."`
	Kind     string      `enum:"info,warning" default:"info" help:"info or warning."`
	Audience string      `enum:"all,signed-in" default:"all" help:"Who sees it: all or signed-in."`
	Start    pointInTime `placeholder:"TIME" help:"When it begins, such as 2026-12-31T18:00Z. Without it: now."`
	End      pointInTime `placeholder:"TIME" xor:"end" help:"When it ends. Without it: when somebody ends it."`
	Lasting  age         `name:"for" placeholder:"2h" xor:"end" help:"How long it lasts, instead of --end, such as 90m, 12h or 2d."`
}

func (bannersAddCommand) Help() string {
	return "Every page follows within five seconds. The audit records who wrote a banner, without its text. Admins can change, end and delete it at /admin/banners."
}

func (c bannersAddCommand) banner(now time.Time) banners.Banner {
	b := banners.Banner{Text: c.Text, Kind: banners.Kind(c.Kind), Audience: banners.Everybody, Start: time.Time(c.Start), End: time.Time(c.End)}
	if c.Audience != "all" {
		b.Audience = banners.SignedIn
	}
	if c.Lasting > 0 {
		if b.Start.IsZero() {
			b.Start = now
		}
		b.End = b.Start.Add(time.Duration(c.Lasting))
	}
	return b
}

func (c bannersAddCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	store, author := app.OpenBanners(p)
	added, err := store.Add(ctx, author, c.banner(time.Now()))
	if err != nil {
		return app.InWords(err)
	}
	return c.print(os.Stdout, bannerJSONOf(added, time.Now()), func(w io.Writer) { printBanner(w, bannerJSONOf(added, time.Now())) })
}

type bannersEndCommand struct {
	output
	ID string `arg:"" help:"The banner's id."`
}

func (c bannersEndCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	store, author := app.OpenBanners(p)
	ended, err := store.End(ctx, author, c.ID)
	if err != nil {
		return app.InWords(err)
	}
	return c.print(os.Stdout, bannerJSONOf(ended, time.Now()), func(w io.Writer) {
		fmt.Fprintf(w, "Banner %s ended at %s.\n", oneLine(ended.ID), moment(ended.End))
	})
}

type bannersDeleteCommand struct {
	output
	ID string `arg:"" help:"The banner's id."`
}

func (c bannersDeleteCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	store, author := app.OpenBanners(p)
	if err := store.Delete(ctx, author, c.ID); err != nil {
		return app.InWords(err)
	}
	return c.print(os.Stdout, map[string]string{"deleted": c.ID}, func(w io.Writer) { fmt.Fprintf(w, "Banner %s is deleted.\n", oneLine(c.ID)) })
}

type bannerJSON struct {
	ID       string           `json:"id"`
	State    banners.State    `json:"state"`
	Text     string           `json:"text"`
	Kind     banners.Kind     `json:"kind"`
	Audience banners.Audience `json:"audience"`
	Start    *time.Time       `json:"starts_at"`
	End      *time.Time       `json:"ends_at"`
	By       portal.AccountID `json:"by,omitempty"`
	Operator string           `json:"operator,omitempty"`
}

func bannerJSONOf(b banners.Banner, now time.Time) bannerJSON {
	return bannerJSON{ID: b.ID, State: b.State(now), Text: b.Text, Kind: b.Kind, Audience: b.Audience, Start: instant(b.Start), End: instant(b.End), By: b.By, Operator: b.Operator}
}

func printBanner(w io.Writer, b bannerJSON) {
	until := "until somebody ends it"
	if b.End != nil {
		until = "to " + moment(*b.End)
	}
	audience := "everybody"
	if b.Audience == banners.SignedIn {
		audience = "people who are signed in"
	}
	pairs(w, [2]string{"banner", oneLine(b.ID)}, [2]string{"state", fmt.Sprintf("%s, %s for %s", b.State, b.Kind, audience)},
		[2]string{"shown", "from " + moment(*b.Start) + " " + until}, [2]string{"written by", oneLine(cmp.Or(b.Operator, string(b.By)))}, [2]string{"text", oneLine(b.Text)})
}
