package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/banners"
)

type bannerKeeping interface {
	List(ctx context.Context) ([]banners.Banner, error)
	Find(ctx context.Context, id string) (banners.Banner, error)
	Add(ctx context.Context, by banners.Author, banner banners.Banner) (banners.Banner, error)
	Change(ctx context.Context, by banners.Author, banner banners.Banner) (banners.Banner, error)
	End(ctx context.Context, by banners.Author, id string) (banners.Banner, error)
	Delete(ctx context.Context, by banners.Author, id string) error
}

// Banner is a text at the top of every page.
type Banner struct {
	ID        string     `json:"id"`
	State     string     `json:"state" enum:"scheduled,shown,over" doc:"Banners that are over are kept for 30 days."`
	Text      string     `json:"text" doc:"Markdown."`
	Kind      string     `json:"kind" enum:"info,warning"`
	Audience  string     `json:"audience" enum:"all,signed_in" doc:"Who sees it."`
	StartsAt  time.Time  `json:"starts_at"`
	EndsAt    *time.Time `json:"ends_at" doc:"Null if it stays until somebody ends it."`
	CreatedAt time.Time  `json:"created_at"`
	By        string     `json:"by,omitempty" doc:"The account of the admin who wrote it."`
	Operator  string     `json:"operator,omitempty" doc:"Who wrote it on the command line, as user@host, instead of an admin."`
	Version   int64      `json:"version" doc:"Raised by each change."`
}

// BannerText is the part of a banner that somebody writes.
type BannerText struct {
	Text     string     `json:"text" maxLength:"4000" doc:"Markdown without headings, at most 1,000 characters."`
	Kind     string     `json:"kind,omitempty" enum:"info,warning" default:"info"`
	Audience string     `json:"audience,omitempty" enum:"all,signed_in" default:"all"`
	StartsAt *time.Time `json:"starts_at,omitempty" doc:"When it begins. Without it, now."`
	EndsAt   *time.Time `json:"ends_at,omitempty" doc:"When it ends. Without it, the banner stays until somebody ends it."`
}

func (t BannerText) banner() banners.Banner {
	b := banners.Banner{Text: t.Text, Kind: banners.Kind(t.Kind), Audience: banners.Audience(t.Audience)}
	if t.StartsAt != nil {
		b.Start = *t.StartsAt
	}
	if t.EndsAt != nil {
		b.End = *t.EndsAt
	}
	return b
}

func (a *service) showBanner(b banners.Banner) Banner {
	return Banner{
		ID: b.ID, State: string(b.State(a.now())), Text: b.Text, Kind: string(b.Kind), Audience: string(b.Audience), StartsAt: b.Start, EndsAt: timeOrNull(b.End),
		CreatedAt: b.Created, By: string(b.By), Operator: b.Operator, Version: b.Version,
	}
}

func (a *service) registerBanners(api huma.API) {
	const soon = " Every page follows within five seconds. The audit records the change, without the text."
	huma.Register(api, adminReads("admin-list-banners", "/banners", "List banners", "Texts at the top of every page: those that are shown, then those that are scheduled, then those that ended in the last 30 days."), a.listBanners)
	huma.Register(api, adminReads("admin-get-banner", "/banners/{banner}", "Get a banner", ""), a.getBanner)
	huma.Register(api, adminChanges("admin-add-banner", http.MethodPost, "/banners", "Write a banner", "At most 20 may be shown or scheduled."+soon, http.StatusCreated), a.addBanner)
	huma.Register(api, adminChanges("admin-change-banner", http.MethodPut, "/banners/{banner}", "Change a banner", "Replaces the whole banner. One that is over cannot be changed."+soon, 0), a.changeBanner)
	huma.Register(api, adminChanges("admin-end-banner", http.MethodPost, "/banners/{banner}/end", "End a banner now", "Ending one that is over changes nothing."+soon, 0), a.endBanner)
	huma.Register(api, adminChanges("admin-delete-banner", http.MethodDelete, "/banners/{banner}", "Delete a banner", "It cannot be undone."+soon, 0), a.deleteBanner)
}

type bannerOutput struct{ Body Banner }

func (a *service) bannerAnswer(ctx context.Context, banner banners.Banner, err error) (*bannerOutput, error) {
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &bannerOutput{a.showBanner(banner)}, nil
}

func (a *service) listBanners(ctx context.Context, _ *struct{}) (*struct{ Body List[Banner] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	all, err := a.admin.Banners.List(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body List[Banner] }{list(all, a.showBanner)}, nil
}

// BannerInput names a banner.
type BannerInput struct {
	Banner string `path:"banner" maxLength:"100" doc:"A banner's id." example:"001795338000000-8k3c4d5e6f"`
}

type bannerAsking struct {
	BannerInput
	Body *Empty
}

func (a *service) getBanner(ctx context.Context, in *BannerInput) (*bannerOutput, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	banner, err := a.admin.Banners.Find(ctx, in.Banner)
	return a.bannerAnswer(ctx, banner, err)
}

func (a *service) addBanner(ctx context.Context, in *struct{ Body BannerText }) (*bannerOutput, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	banner, err := a.admin.Banners.Add(ctx, banners.Author{Admin: id.Account}, in.Body.banner())
	return a.bannerAnswer(ctx, banner, err)
}

func (a *service) changeBanner(ctx context.Context, in *struct {
	BannerInput
	Body struct {
		BannerText
		Version int64 `json:"version" doc:"The version that you have read. If somebody has changed the banner since, the answer is 409."`
	}
}) (*bannerOutput, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	banner := in.Body.banner()
	banner.ID, banner.Version = in.Banner, in.Body.Version
	changed, err := a.admin.Banners.Change(ctx, banners.Author{Admin: id.Account}, banner)
	return a.bannerAnswer(ctx, changed, err)
}

func (a *service) endBanner(ctx context.Context, in *bannerAsking) (*bannerOutput, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	banner, err := a.admin.Banners.End(ctx, banners.Author{Admin: id.Account}, in.Banner)
	return a.bannerAnswer(ctx, banner, err)
}

func (a *service) deleteBanner(ctx context.Context, in *bannerAsking) (*struct{}, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	if err := a.admin.Banners.Delete(ctx, banners.Author{Admin: id.Account}, in.Banner); err != nil {
		return nil, problemOf(ctx, err)
	}
	return nil, nil
}
