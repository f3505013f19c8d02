package web_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/banners"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// bannerRow are the banners of a portal.
type bannerRow struct{ office *fakeAdmin }

func (b *bannerRow) List(context.Context) ([]banners.Banner, error) {
	return b.office.texts, b.office.err
}

func (b *bannerRow) Find(_ context.Context, id string) (banners.Banner, error) {
	i := slices.IndexFunc(b.office.texts, func(one banners.Banner) bool { return one.ID == id })
	if i < 0 {
		return banners.Banner{}, portal.Fail(portal.NotFound, "There is no such banner.")
	}
	return b.office.texts[i], b.office.err
}

func (b *bannerRow) do(by banners.Author, what string, banner banners.Banner) (banners.Banner, error) {
	if b.office.err == nil {
		b.office.bannerAudit = append(b.office.bannerAudit, fmt.Sprintf("%s %s by %s", what, banner.ID, by.Admin))
	}
	return banner, b.office.err
}

func (b *bannerRow) Add(_ context.Context, by banners.Author, banner banners.Banner) (banners.Banner, error) {
	checked, err := banner.Checked(now)
	if err != nil {
		return checked, err
	}
	return b.do(by, "add "+checked.Text+" "+checked.Start.Format(time.RFC3339)+" "+string(checked.Kind), checked)
}

func (b *bannerRow) Change(ctx context.Context, by banners.Author, banner banners.Banner) (banners.Banner, error) {
	before, err := b.Find(ctx, banner.ID)
	if err == nil && before.Version != banner.Version {
		err = portal.Fail(portal.Conflict, "Somebody has changed the banner since you read it. Look at it again.")
	}
	if err != nil {
		return banner, err
	}
	checked, err := banner.Checked(now)
	if err != nil {
		return checked, err
	}
	b.office.changed = checked
	return b.do(by, "change to "+checked.Text, checked)
}

func (b *bannerRow) End(ctx context.Context, by banners.Author, id string) (banners.Banner, error) {
	banner, err := b.Find(ctx, id)
	if err != nil {
		return banner, err
	}
	return b.do(by, "end", banner)
}

func (b *bannerRow) Delete(ctx context.Context, by banners.Author, id string) error {
	banner, err := b.Find(ctx, id)
	if err != nil {
		return err
	}
	_, err = b.do(by, "delete", banner)
	return err
}

// bannered is an office that has written banners of every kind.
func bannered() *fakeAdmin {
	long := "**The weather API is maintained tonight.** [Follow the work](https://status.example.com/" + longWord + "), " + longWord + ".\n\n- One\n- Two\n\n`code` and <b>more</b><script>alert(1)</script>"
	return &fakeAdmin{texts: []banners.Banner{
		{ID: "b-warn", Text: long, Kind: banners.Warning, Audience: banners.Everybody, Start: now.Add(-time.Hour), End: now.Add(time.Hour), By: "account-root", Version: 3},
		{ID: "b-info", Text: "Welcome back.", Kind: banners.Info, Audience: banners.SignedIn, Start: now.Add(-time.Hour), Operator: "ops@bastion", Version: 1},
		{ID: "b-soon", Text: "Tomorrow.", Kind: banners.Info, Audience: banners.Everybody, Start: now.Add(time.Hour), By: "account-root", Version: 1},
		{ID: "b-over", Text: strings.Repeat("It is over. ", 40), Kind: banners.Info, Audience: banners.Everybody, Start: now.Add(-time.Hour), End: now.Add(-time.Minute), By: "account-root", Version: 1},
	}}
}

func bannerStates() map[string]shown {
	const text = `document.querySelector("#text").value = "Down **tonight**."`
	visitor := visit(&fake{catalog: published(weather()), office: bannered()})
	return map[string]shown{
		"banners":                   {site: administered(bannered()), path: "/admin/banners?done=added"},
		"banners, none":             {site: administered(&fakeAdmin{}), path: "/admin/banners"},
		"a new banner":              {site: administered(&fakeAdmin{}), path: "/admin/new-banner"},
		"a new banner, previewed":   {site: administered(&fakeAdmin{}), path: "/admin/new-banner", post: "/admin/banner-preview", form: text},
		"a new banner, refused":     {site: administered(&fakeAdmin{}), path: "/admin/new-banner", post: "/admin/banner-preview", form: `document.querySelector("#text").value = "# Down"`},
		"a banner":                  {site: administered(bannered()), path: "/admin/banners/b-warn"},
		"end a banner":              {site: administered(bannered()), path: "/admin/banners/b-warn/end"},
		"end what has not begun":    {site: administered(bannered()), path: "/admin/banners/b-soon/end"},
		"delete a banner":           {site: administered(bannered()), path: "/admin/banners/b-soon/delete"},
		"home, with a banner":       {site: visitor, path: "/"},
		"catalog, with a banner":    {site: visitor, path: "/apis"},
		"an error, with a banner":   {site: visitor, path: "/nothing"},
		"dashboard, with two of it": {site: siteOf(&fake{catalog: published(weather()), account: registered(), office: bannered()}, &ada), path: "/dashboard"},
	}
}
