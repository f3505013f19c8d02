package api_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/banners"
)

// bannerDesk is the fake as a store of banners.
type bannerDesk struct{ *fake }

var warned = banners.Banner{ID: "b-1", Text: "**Down** tonight.", Kind: banners.Warning, Audience: banners.SignedIn, Start: now, End: now.Add(time.Hour), By: "account-ada", Created: now, Version: 1}

func (d bannerDesk) List(context.Context) ([]banners.Banner, error) {
	return []banners.Banner{warned}, d.askBy("banners", "", "")
}

func (d bannerDesk) Find(_ context.Context, id string) (banners.Banner, error) {
	return warned, d.askBy("banner", "", id)
}

func (d bannerDesk) Add(_ context.Context, by banners.Author, b banners.Banner) (banners.Banner, error) {
	return warned, d.askBy("add banner", by.Admin, fmt.Sprint(b.Text, b.Kind, b.Audience, b.Start.Unix(), b.End.IsZero()))
}

func (d bannerDesk) Change(_ context.Context, by banners.Author, b banners.Banner) (banners.Banner, error) {
	return warned, d.askBy("change banner", by.Admin, fmt.Sprint(b.ID, b.Version, b.Text))
}

func (d bannerDesk) End(_ context.Context, by banners.Author, id string) (banners.Banner, error) {
	return warned, d.askBy("end banner", by.Admin, id)
}

func (d bannerDesk) Delete(_ context.Context, by banners.Author, id string) error {
	return d.askBy("delete banner", by.Admin, id)
}

// bannerExamples are the examples of the routes about banners.
func bannerExamples(private map[string]string) []example {
	const banner = `{"id":"b-1","state":"shown","text":"**Down** tonight.","kind":"warning","audience":"signed_in","starts_at":"2026-11-22T09:00:00Z","ends_at":"2026-11-22T10:00:00Z","created_at":"2026-11-22T09:00:00Z","by":"account-ada","version":1}`
	return []example{
		{"GET /admin/banners", "/admin/banners", 200, `{"items":[` + banner + `],"next":null}`, private, "", ""},
		{"GET /admin/banners/{banner}", "/admin/banners/b-1", 200, banner, private, "", ""},
		{"POST /admin/banners", "/admin/banners", 201, banner, private, `{"text":"**Down** tonight.","kind":"warning","ends_at":"2026-11-22T10:00:00Z"}`, ""},
		{"PUT /admin/banners/{banner}", "/admin/banners/b-1", 200, banner, private, `{"text":"Down.","version":1}`, ""},
		{"POST /admin/banners/{banner}/end", "/admin/banners/b-1/end", 200, banner, private, "", ""},
		{"DELETE /admin/banners/{banner}", "/admin/banners/b-1", 204, "", nil, "", ""},
	}
}
