package web

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/banners"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/markdown"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type bannerKeeping interface {
	List(ctx context.Context) ([]banners.Banner, error)
	Find(ctx context.Context, id string) (banners.Banner, error)
	Add(ctx context.Context, by banners.Author, banner banners.Banner) (banners.Banner, error)
	Change(ctx context.Context, by banners.Author, banner banners.Banner) (banners.Banner, error)
	End(ctx context.Context, by banners.Author, id string) (banners.Banner, error)
	Delete(ctx context.Context, by banners.Author, id string) error
}

const bannersPath = adminPath + "/banners"

type bannersPage struct {
	Done string
	// Lists are the banners by state, without empty lists.
	Lists []bannerList
}

type bannerList struct {
	ID, Name string
	Lines    []bannerLine
}

type bannerLine struct {
	ID     string
	Banner shownBanner
	Badge  badge
	Who    string
	// When says when the banner begins and ends.
	When phrase
	By   personLink
	// These are the addresses of pages, or "" if the banner cannot be changed or ended.
	Change, End, Delete string
}

var bannerNotices = map[string]string{
	"added":   "The banner is added. It appears on every page within five seconds of its start.",
	"changed": "The banner is changed. Pages show the change within five seconds.",
	"ended":   "The banner has ended. Pages drop it within five seconds.",
	"deleted": "The banner is deleted. Pages drop it within five seconds.",
}

func (s *Web) listBanners(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	all, err := s.admin.Banners.List(r.Context())
	if err != nil {
		return err
	}
	var ids []portal.AccountID
	for _, one := range all {
		ids = append(ids, one.By)
	}
	names, err := s.namesOf(r.Context(), ids)
	if err != nil {
		return err
	}
	when := s.times(r.Context())
	lists := []bannerList{{"shown", "On every page now", nil}, {"scheduled", "Scheduled", nil}, {"over", "Over", nil}}
	for _, one := range all {
		for i := range lists {
			if lists[i].ID == string(one.State(when.now)) {
				line := s.bannerLine(when, one)
				line.By = personLink{one.By, cmp.Or(names[one.By], one.Operator)}
				lists[i].Lines = append(lists[i].Lines, line)
			}
		}
	}
	body := bannersPage{Done: bannerNotices[r.URL.Query().Get("done")]}
	for _, list := range lists {
		if len(list.Lines) > 0 {
			body.Lists = append(body.Lists, list)
		}
	}
	s.render(w, r, http.StatusOK, adminView("admin-banners", "Banners", tabBanners, body))
	return nil
}

// bannerLine leaves out who wrote the banner.
func (s *Web) bannerLine(when times, b banners.Banner) bannerLine {
	path := escapedPath("admin", "banners", b.ID)
	line := bannerLine{ID: b.ID, Banner: s.showBanner(b), Who: audienceText(b.Audience), When: when.lasts(b), Change: path, Delete: path + "/delete"}
	switch b.State(when.now) {
	case banners.Shown:
		line.Badge, line.End = badge{"ok", "check", "Shown"}, path+"/end"
	case banners.Scheduled:
		line.Badge = badge{"busy", "clock", "Scheduled"}
	case banners.Over:
		line.Badge, line.Change = badge{"quiet", "minus", "Over"}, ""
	}
	return line
}

func audienceText(a banners.Audience) string {
	if a == banners.SignedIn {
		return "People who are signed in"
	}
	return "Everybody"
}

func (when times) lasts(b banners.Banner) phrase {
	words := phrase{plain("From "), when.at(b.Start)}
	if b.End.IsZero() {
		return append(words, plain(" until somebody ends it"))
	}
	return append(words, plain(" to "), when.at(b.End))
}

// shownBanner is a banner as people see it.
type shownBanner struct {
	Warning bool
	HTML    template.HTML
}

func (s *Web) showBanner(b banners.Banner) shownBanner {
	return shownBanner{b.Kind == banners.Warning, markdown.Render(b.Text, markdown.Options{Prefix: "banner-", Origin: s.baseURL}).HTML}
}

type bannerFormPage struct {
	// ID is "" for a new banner.
	ID, Version string
	// Action is where the banner is stored.
	Action string
	Error  string
	Text   string
	Kind   string
	To     string
	// Start and End are in the admin's time zone, "" for now and for no end.
	Start, End string
	Zone       string
	MaxText    int
	// Preview is the banner as people will see it, nil before it was checked.
	Preview *bannerLine
}

func (s *Web) newBanner(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	return s.renderBanner(w, r, http.StatusOK, bannerFormPage{Kind: string(banners.Info), To: string(banners.Everybody)})
}

func (s *Web) editBanner(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	banner, err := s.bannerInPath(r)
	if err != nil {
		return err
	}
	when := s.times(r.Context())
	if banner.State(when.now) == banners.Over {
		return portal.Fail(portal.Conflict, "The banner is over. Write a new one.")
	}
	body := bannerFormPage{
		ID: banner.ID, Version: strconv.FormatInt(banner.Version, 10), Text: banner.Text, Kind: string(banner.Kind), To: string(banner.Audience), Start: when.field(banner.Start),
	}
	if !banner.End.IsZero() {
		body.End = when.field(banner.End)
	}
	return s.renderBanner(w, r, http.StatusOK, body)
}

func (s *Web) bannerInPath(r *http.Request) (banners.Banner, error) {
	id, err := param(r, "banner")
	if err != nil {
		return banners.Banner{}, err
	}
	return s.admin.Banners.Find(r.Context(), id)
}

func (s *Web) renderBanner(w http.ResponseWriter, r *http.Request, status int, body bannerFormPage) error {
	title := "Write a banner"
	body.Action, body.Zone, body.MaxText = bannersPath, s.times(r.Context()).zone.String(), banners.MaxText
	if body.ID != "" {
		title, body.Action = "Change a banner", escapedPath("admin", "banners", body.ID)
	}
	s.render(w, r, status, adminView("admin-banner", title, tabBanners, body))
	return nil
}

// bannerForm reads the form and the banner that it describes. An error of code Invalid says what to change.
func (s *Web) bannerForm(w http.ResponseWriter, r *http.Request, id identity.Identity) (bannerFormPage, banners.Banner, error) {
	if _, err := s.readForm(w, r, id); err != nil {
		return bannerFormPage{}, banners.Banner{}, err
	}
	form := bannerFormPage{
		ID: r.PostForm.Get("banner"), Version: r.PostForm.Get("version"), Text: strings.ToValidUTF8(r.PostForm.Get("text"), "\uFFFD"), Kind: r.PostForm.Get("kind"), To: r.PostForm.Get("audience"),
		Start: formText(r, "start"), End: formText(r, "end"),
	}
	when := s.times(r.Context())
	banner := banners.Banner{ID: form.ID, Text: form.Text, Kind: banners.Kind(form.Kind), Audience: banners.Audience(form.To)}
	var err error
	if banner.Version, err = strconv.ParseInt(cmp.Or(form.Version, "0"), 10, 64); err != nil {
		return form, banner, portal.Fail(portal.Invalid, "The form is not complete. Begin at the list of banners again.")
	}
	before := s.bannerBefore(r.Context(), form.ID)
	for _, one := range []struct {
		text   string
		at     *time.Time
		before time.Time
	}{{form.Start, &banner.Start, before.Start}, {form.End, &banner.End, before.End}} {
		switch {
		case one.text == "":
		case !one.before.IsZero() && one.text == when.field(one.before):
			*one.at = one.before
		default:
			if *one.at, err = when.parse(one.text); err != nil {
				return form, banner, err
			}
		}
	}
	return form, banner, nil
}

// bannerBefore returns the banner that a form changes, zero if there is none. A time that the admin leaves alone stays
// as it is: the field has no seconds, and when clocks are set back, it means two times.
func (s *Web) bannerBefore(ctx context.Context, id string) banners.Banner {
	if id == "" {
		return banners.Banner{}
	}
	before, err := s.admin.Banners.Find(ctx, id)
	if err != nil {
		return banners.Banner{} // storing the form says what is wrong
	}
	return before
}

// previewBanner shows the banner of the form as people will see it, and stores nothing.
func (s *Web) previewBanner(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	form, banner, err := s.bannerForm(w, r, id)
	when := s.times(r.Context())
	var checked banners.Banner
	if err == nil {
		checked, err = banner.Checked(when.now)
	}
	if err != nil {
		return s.refuseBanner(w, r, form, err)
	}
	line := s.bannerLine(when, checked)
	form.Preview = &line
	return s.renderBanner(w, r, http.StatusOK, form)
}

// refuseBanner shows the form again with what is wrong, and keeps what was written.
func (s *Web) refuseBanner(w http.ResponseWriter, r *http.Request, form bannerFormPage, err error) error {
	if code := portal.CodeOf(err); code != portal.Invalid && code != portal.Conflict {
		return err
	}
	form.Error = portal.MessageOf(err)
	return s.renderBanner(w, r, http.StatusBadRequest, form)
}

func (s *Web) addBanner(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	form, banner, err := s.bannerForm(w, r, id)
	if err == nil {
		form.ID, banner.ID = "", ""
		_, err = s.admin.Banners.Add(r.Context(), banners.Author{Admin: id.Account}, banner)
	}
	if err != nil {
		return s.refuseBanner(w, r, form, err)
	}
	return redirectToBanners(w, r, "added")
}

func (s *Web) changeBanner(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	form, banner, err := s.bannerForm(w, r, id)
	if err == nil {
		banner.ID, err = param(r, "banner")
		form.ID = banner.ID
	}
	if err == nil {
		_, err = s.admin.Banners.Change(r.Context(), banners.Author{Admin: id.Account}, banner)
	}
	if err != nil {
		return s.refuseBanner(w, r, form, err)
	}
	return redirectToBanners(w, r, "changed")
}

func redirectToBanners(w http.ResponseWriter, r *http.Request, done string) error {
	http.Redirect(w, r, bannersPath+"?done="+done, http.StatusSeeOther)
	return nil
}

type confirmBannerPage struct {
	bannerLine
	Ending bool
	Action string
	// Already says why there is nothing to confirm.
	Already string
}

func (s *Web) confirmEndOfBanner(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	return s.confirmBanner(w, r, true)
}

func (s *Web) confirmDeletionOfBanner(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	return s.confirmBanner(w, r, false)
}

func (s *Web) confirmBanner(w http.ResponseWriter, r *http.Request, ending bool) error {
	banner, err := s.bannerInPath(r)
	if err != nil {
		return err
	}
	when := s.times(r.Context())
	body := confirmBannerPage{bannerLine: s.bannerLine(when, banner), Ending: ending}
	title := "Delete this banner?"
	body.Action = body.Delete
	if ending {
		title, body.Action = "End this banner now?", escapedPath("admin", "banners", banner.ID)+"/end"
		switch banner.State(when.now) {
		case banners.Over:
			body.Already = "The banner is over already."
		case banners.Scheduled:
			body.Already = "The banner has not begun. Delete it instead."
		}
	}
	s.render(w, r, http.StatusOK, adminView("admin-banner-confirm", title, tabBanners, body))
	return nil
}

func (s *Web) endBanner(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	return s.actOnBanner(w, r, id, "ended", func(by banners.Author, banner string) error {
		_, err := s.admin.Banners.End(r.Context(), by, banner)
		return err
	})
}

func (s *Web) deleteBanner(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	return s.actOnBanner(w, r, id, "deleted", func(by banners.Author, banner string) error {
		return s.admin.Banners.Delete(r.Context(), by, banner)
	})
}

func (s *Web) actOnBanner(w http.ResponseWriter, r *http.Request, id identity.Identity, done string, do func(by banners.Author, banner string) error) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	name, err := param(r, "banner")
	if err != nil {
		return err
	}
	if err := do(banners.Author{Admin: id.Account}, name); err != nil {
		return err
	}
	return redirectToBanners(w, r, done)
}
