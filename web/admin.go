package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	adminPath          = "/admin"
	lettersPath        = adminPath + "/dead-letters"
	confirmLettersPath = adminPath + "/confirm-dead-letters"

	approvalsPath = adminPath + "/approvals"
)

type operating interface {
	Overview(ctx context.Context) (administration.Overview, error)
	List(ctx context.Context, choice deadletters.Choice, after string, limit int) (deadletters.Listing, error)
	Letter(ctx context.Context, id string) (deadletters.Letter, administration.ReplayOutlook, error)
	Preview(ctx context.Context, order administration.LetterOrder) (administration.Preview, error)
	Order(ctx context.Context, order administration.LetterOrder) (administration.LetterOrder, int, error)
	Waiting(ctx context.Context) ([]administration.LetterOrder, error)
}

// Admin is what the pages for admins need.
type Admin struct {
	Desk          operating
	Approvals     approving
	Registrations registering
	People        people
	Answers       answering
	Directory     directory
	Accounts      administering
	Members       memberKeeping
	History       historying
	Audit         auditing
	Operations    finding
	Drift         drifting
	Licences      licensing
	Banners       bannerKeeping
	Invitations   Invitations
	Feedback      feedbackKeeping
	// Catalog is what workers last found in it, and Syncs has them read it.
	Catalog catalogReports
	Syncs   syncing
	// Usage sums up the usage of all accounts. If nil, there is no such page.
	Usage summing
	// Cookies keep in whose view an admin sees the catalog. If nil, there is no such view.
	Cookies jar
	// Viewers have admins view accounts. Without its Keep, nobody does.
	Viewers Viewers
}

// WithAdmin adds the pages for admins. Call it before Routes.
func (s *Web) WithAdmin(admin Admin) *Web {
	s.admin = admin
	return s
}

func (s *Web) adminRoutes(r chi.Router) {
	if s.admin.Desk == nil {
		return
	}
	get(r, adminPath, s.page(s.administrator(s.adminOverview)))
	get(r, lettersPath, s.page(s.administrator(s.letters)))
	r.Post(lettersPath, s.page(s.administrator(s.orderLetters)))
	get(r, lettersPath+"/{letter}", s.page(s.administrator(s.letter)))
	get(r, confirmLettersPath, s.page(s.administrator(s.confirmLetters)))
	get(r, approvalsPath, s.page(s.administrator(s.inbox)))
	r.Post(approvalsPath, s.page(s.administrator(s.answerInbox)))
	get(r, approvalsPath+"/confirm", s.page(s.administrator(s.confirmAnswers)))
	get(r, approvalsPath+"/answers", s.page(s.administrator(s.answers)))
	get(r, accountsPath, s.page(s.administrator(s.accounts)))
	get(r, accountsPath+"/{account}", s.page(s.administrator(s.adminAccount)))
	s.standingRoutes(r)
	s.historyRoutes(r)
	s.viewRoutes(r)
	get(r, licencesPath, s.page(s.administrator(s.licences)))
	get(r, licencesPath+"/reconcile", s.page(s.administrator(s.confirmReconciliation)))
	r.Post(licencesPath+"/reconcile", s.page(s.administrator(s.reconcile)))
	get(r, licencesPath+"/{licence}", s.page(s.administrator(s.licence)))
	get(r, licencesPath+"/{licence}/resend", s.page(s.administrator(s.confirmResend)))
	r.Post(licencesPath+"/{licence}/resend", s.page(s.administrator(s.resend)))
	get(r, licencesPath+"/{licence}/correct", s.page(s.administrator(s.confirmCorrection)))
	r.Post(licencesPath+"/{licence}/correct", s.page(s.administrator(s.correct)))
	get(r, driftPath, s.page(s.administrator(s.drift)))
	r.Post(driftPath, s.page(s.administrator(s.compareNow)))
	get(r, bannersPath, s.page(s.administrator(s.listBanners)))
	r.Post(bannersPath, s.page(s.administrator(s.addBanner)))
	get(r, adminPath+"/new-banner", s.page(s.administrator(s.newBanner)))
	r.Post(adminPath+"/banner-preview", s.page(s.administrator(s.previewBanner)))
	get(r, bannersPath+"/{banner}", s.page(s.administrator(s.editBanner)))
	r.Post(bannersPath+"/{banner}", s.page(s.administrator(s.changeBanner)))
	get(r, bannersPath+"/{banner}/end", s.page(s.administrator(s.confirmEndOfBanner)))
	r.Post(bannersPath+"/{banner}/end", s.page(s.administrator(s.endBanner)))
	get(r, bannersPath+"/{banner}/delete", s.page(s.administrator(s.confirmDeletionOfBanner)))
	r.Post(bannersPath+"/{banner}/delete", s.page(s.administrator(s.deleteBanner)))
	s.invitationRoutes(r)
	s.productRoutes(r)
	s.allUsageRoutes(r)
	s.feedbackRoutes(r)
	get(r, auditPath, s.page(s.administrator(s.audit)))
	get(r, adminPath+"/operations/{operation}", s.page(s.administrator(s.adminOperation)))
}

// administrator serves admins. Other people who are signed in are told that the page is not for them.
func (s *Web) administrator(h func(http.ResponseWriter, *http.Request, identity.Identity) error) func(http.ResponseWriter, *http.Request) error {
	return s.member(func(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
		if !id.Admin {
			return portal.Fail(portal.Forbidden, "Only an admin of this portal may see this page.")
		}
		return h(w, r, id)
	})
}

// adminView is a page of the admin area. Current names its entry of the navigation.
func adminView(page, title, current string, body any) view {
	return view{page: page, Title: title, Section: "admin", Private: true, Body: adminBody{Tabs: adminTabs(current), Body: body}}
}

type adminBody struct {
	Tabs []tabGroup
	Body any
}

// The entries of the admin area's navigation.
const (
	tabAdminOverview = "Overview"
	tabApprovals     = "Approvals"
	tabAccounts      = "Accounts"
	tabInvitations   = "Invitations"
	tabProducts      = "Products"
	tabAllUsage      = "Usage"
	tabFeedback      = "Feedback"
	tabDeadLetters   = "Dead letters"
	tabLicences      = "Licences"
	tabDrift         = "Drift"
	tabBanners       = "Banners"
	tabAudit         = "Audit"
)

// tabGroup is a part of the admin area's navigation. The overview's has no name.
type tabGroup struct {
	Name string
	Tabs []tab
}

func adminTabs(current string) []tabGroup {
	groups := []struct {
		name    string
		entries []link
	}{
		{"", []link{{tabAdminOverview, adminPath}}},
		{"People", []link{{tabApprovals, approvalsPath}, {tabAccounts, accountsPath}, {tabInvitations, invitationsPath}, {tabFeedback, allFeedbackPath}, {tabBanners, bannersPath}}},
		{"Products", []link{{tabProducts, productsPath}, {tabAllUsage, allUsagePath}, {tabLicences, licencesPath}}},
		{"Operations", []link{{tabDeadLetters, lettersPath}, {tabDrift, driftPath}, {tabAudit, auditPath}}},
	}
	var all []tabGroup
	for _, g := range groups {
		group := tabGroup{Name: g.name}
		for _, entry := range g.entries {
			group.Tabs = append(group.Tabs, tab{entry, entry.Text == current})
		}
		all = append(all, group)
	}
	return all
}

type adminOverviewPage struct {
	At     moment
	Needs  []need
	Quiet  bool
	Queues []administration.Queue
	Facts  []healthFact
	Unread []administration.Unread
}

// need is something that waits for an admin.
type need struct {
	Badge badge
	Text  string
	Link  link
}

// healthFact is a line about the state of a part of the installation.
type healthFact struct {
	Name  string
	Badge badge
	Words phrase
	More  []string
}

func (s *Web) adminOverview(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	found, err := s.admin.Desk.Overview(r.Context())
	if err != nil {
		return err
	}
	when := s.times(r.Context())
	body := adminOverviewPage{At: when.moment(found.At), Needs: needsOf(found), Queues: found.Queues, Facts: when.healthOf(found), Unread: found.Unread}
	body.Quiet = len(body.Needs) == 0 && len(body.Unread) == 0
	s.render(w, r, http.StatusOK, adminView("admin", "Overview for admins", tabAdminOverview, body))
	return nil
}

func needsOf(o administration.Overview) []need {
	var needs []need
	add := func(n int, kind badge, text string, to link) {
		if n > 0 {
			needs = append(needs, need{kind, text, to})
		}
	}
	waits, fails := badge{"warn", "pause", "Waits"}, badge{"bad", "cross", "Failed"}
	if n := o.Approvals; n != nil {
		add(n.N, waits, countOrMore(*n, "subscription")+" to approve or deny", link{"Answer them", approvalsPath})
	}
	if n := o.Registrations; n != nil {
		add(n.N, waits, countOrMore(*n, "registration")+" to approve or deny", link{"Answer them", approvalsPath})
	}
	if o.Letters != nil {
		open := o.Letters.Counts[deadletters.Open]
		text := count(open, "dead letter") + " of " + count(len(o.Letters.Groups), "cause")
		if o.FailedOperations > 0 {
			text += ", so " + count(o.FailedOperations, "operation") + " of people failed"
		}
		add(open, fails, text, link{"Look at them", lettersPath})
		add(o.Letters.Counts[deadletters.Replayed], badge{"busy", "clock", "Replayed"}, count(o.Letters.Counts[deadletters.Replayed], "replay")+" not handled yet", link{"Look at them", lettersPath})
	}
	add(o.Licences["failed"], waits, count(o.Licences["failed"], "purchase")+" whose payment AWS Marketplace could not take", link{"Look at them", licencesPath + "?state=failed"})
	add(o.Licences["unclaimed"], waits, count(o.Licences["unclaimed"], "purchase")+" that nobody has claimed", link{"Look at them", licencesPath + "?unclaimed=on"})
	add(o.Licences["unsold"], fails, count(o.Licences["unsold"], "purchase")+" of something that no plan of the catalog names", link{"Look at them", licencesPath + "?problems=on"})
	if sweep := o.Sweep; sweep != nil {
		add(sweep.Drifted, badge{"warn", "warning", "Differs"}, count(sweep.Drifted, "account")+" different in API Gateway at the last sweep; workers repair that", link{"Look at the differences", driftPath})
		add(sweep.Strays, badge{"warn", "warning", "Stray"}, count(sweep.Strays, "key")+" in API Gateway with a name of ours that we did not make", link{"Look at them", driftPath + "?kind=stray#differences"})
		add(sweep.Unreadable, fails, count(sweep.Unreadable, "stream")+" of the journal that this version cannot read", link{})
	}
	for _, a := range o.Alarms {
		add(1, badge{"bad", "warning", "Alarm"}, a.Title+". "+a.Text, link{"What to do", a.Runbook})
	}
	if c := o.Catalog; c != nil {
		add(c.Errors, fails, count(c.Errors, "problem")+" in the catalog", link{"Look at them", productsPath})
	}
	return needs
}

func countOrMore(n administration.Number, noun string) string {
	if n.More {
		return fmt.Sprintf("%d or more %ss", n.N, noun)
	}
	return count(n.N, noun)
}

// quietWorker is how old the workers' last sign of life may be. With workers running, there is one a minute.
const quietWorker = 15 * time.Minute

func (when times) healthOf(o administration.Overview) []healthFact {
	fine, bad := badge{"ok", "check", "Fine"}, badge{"bad", "cross", "Look"}
	var facts []healthFact
	add := func(name string, kind badge, words phrase, more ...string) {
		facts = append(facts, healthFact{name, kind, words, more})
	}
	switch {
	case o.Worker.IsZero():
		add("Workers", bad, phrase{plain("No worker has run here yet.")})
	case when.now.Sub(o.Worker) >= quietWorker:
		add("Workers", bad, phrase{plain("The last sign of life is from "), when.at(o.Worker), plain(". Start a worker.")})
	default:
		add("Workers", fine, phrase{plain("The last sign of life is from "), when.at(o.Worker), plain(".")})
	}
	if sweep := o.Sweep; sweep != nil {
		kind, text := fine, "Every fact of "+count(sweep.Streams, "stream")+" was shown at the sweep of "
		if sweep.Unshown > 0 {
			kind, text = badge{"warn", "warning", "Behind"}, count(sweep.Unshown, "stream")+" of "+grouped(sweep.Streams)+" were not shown to their end at the sweep of "
		}
		add("Views", kind, phrase{plain(text), when.at(sweep.Ended), plain(".")})
	} else {
		add("Views", badge{"quiet", "minus", "Unknown"}, phrase{plain("No sweep has run yet.")})
	}
	if b := o.Budget; b != nil {
		kind := fine
		words := phrase{plain(fmt.Sprintf("%.1f of %.1f tokens for control-plane calls are left; %.2f come back in a second.", b.Left, b.Burst, b.PerSecond))}
		if !b.Throttled.IsZero() {
			words = append(words, plain(" AWS last refused a call "), when.at(b.Throttled), plain("."))
		}
		if !b.SlowUntil.IsZero() {
			kind, words = badge{"warn", "warning", "Slow"}, append(words, plain(" Calls are made at half the rate until "), when.at(b.SlowUntil), plain("."))
		}
		add("Control plane", kind, words)
	}
	switch c := o.Catalog; {
	case c == nil:
		add("Catalog", badge{"quiet", "minus", "Unknown"}, phrase{plain("No worker has read it yet.")})
	case c.Failed:
		add("Catalog", bad, phrase{plain("API Gateway could not be read at "), when.at(c.Ended), plain(". The catalog stays as it was.")}, c.First...)
	default:
		kind := fine
		if c.Errors > 0 {
			kind = bad
		}
		add("Catalog", kind, phrase{plain(count(c.Products, "product") + " and " + count(c.Plans, "plan") + ", read "), when.at(c.Ended), plain(". " + problemsText(c))}, c.First...)
	}
	return facts
}

func problemsText(c *administration.Catalog) string {
	if c.Errors+c.Warnings == 0 {
		return "Nothing is wrong in it."
	}
	var parts []string
	if c.Errors > 0 {
		parts = append(parts, count(c.Errors, "problem"))
	}
	if c.Warnings > 0 {
		parts = append(parts, count(c.Warnings, "warning"))
	}
	return "It has " + strings.Join(parts, " and ") + "."
}
