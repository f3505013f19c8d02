package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-portal/gatehouse/demo"
)

type page struct {
	name, path string
	// ready is an expression that is true once the page is complete.
	ready string
	// prepare, if not nil, does something on the page first.
	prepare func(context.Context) error
	// firstScreen names a picture of the first screen, for the README.
	firstScreen string
	// from selects the element at its top; "" is the top of the page.
	from string
	// height is in pixels; 0 means firstScreenHeight.
	height int64
}

const (
	loaded    = `document.readyState === "complete"`
	operation = "/apis/seamark/docs/seamark/operations/getHarbour"
)

var signedOut = []page{
	{name: "home", path: "/", firstScreen: "home"},
	{name: "catalog", path: "/apis"},
	{name: "catalog-list", path: "/apis?view=list"},
	{name: "catalog-nothing", path: "/apis?q=submarine"},
	{name: "product", path: "/apis/seamark"},
	{name: "product-deprecated", path: "/apis/seamark-v0"},
	{name: "product-docs-only", path: "/apis/harbour-directory"},
	{name: "plans", path: "/apis/seamark/plans"},
	{name: "changelog", path: "/apis/seamark/changelog"},
	{name: "documentation", path: "/apis/seamark/docs/seamark"},
	{name: "guide", path: "/apis/seamark/pages/first-request"},
	{name: "operation", path: operation},
	{name: "operation-python", path: "/apis/seamark/docs/seamark/operations/planPassage?language=python"},
	{name: "search", path: "/search?q=tide"},
	{name: "search-nothing", path: "/search?q=submarine"},
	{name: "getting-started", path: "/pages/getting-started"},
	{name: "not-found", path: "/nothing-is-here"},
}

var signedIn = []page{
	{name: "dashboard", path: "/dashboard", firstScreen: "dashboard"},
	{name: "activity", path: "/activity"},
	{name: "keys", path: "/keys"},
	{name: "usage", path: "/usage"},
	{name: "notices", path: "/notices"},
	{name: "webhooks", path: "/webhooks"},
	{name: "account", path: "/account"},
	{name: "feedback", path: "/feedback"},
	{name: "plans-subscribed", path: "/apis/seamark/plans"},
	{
		name: "try-it", path: operation + "?language=curl", prepare: send, firstScreen: "try-it", from: ".operation > .row", height: 1240,
		ready: loaded + ` && document.querySelector("#try-result .exchange") !== null`,
	},
	{
		name: "key", path: "/dashboard", prepare: click(`form[action$="/reveal"] button`),
		ready: loaded + ` && document.querySelector("#key-value") !== null`,
	},
}

var forAdmins = []page{
	{name: "admin", path: "/admin", firstScreen: "admin"},
	{name: "admin-accounts", path: "/admin/accounts"},
	{name: "admin-approvals", path: "/admin/approvals"},
	{name: "admin-invitations", path: "/admin/invitations"},
	{name: "admin-products", path: "/admin/products"},
	{name: "admin-usage", path: "/admin/usage"},
	{name: "admin-feedback", path: "/admin/feedback"},
	{name: "admin-licences", path: "/admin/licences"},
	{name: "admin-dead-letters", path: "/admin/dead-letters"},
	{name: "admin-drift", path: "/admin/drift"},
	{name: "admin-banners", path: "/admin/banners"},
	{name: "admin-audit", path: "/admin/audit"},
}

func send(ctx context.Context) error {
	return click("#try form .actions button")(ctx)
}

func click(selector string) func(context.Context) error {
	return func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
	}
}

func (p *photographer) takeAll(ctx context.Context, plan string) error {
	if err := p.waitForSearch(ctx); err != nil {
		return err
	}
	for _, page := range signedOut {
		if err := p.take(ctx, page); err != nil {
			return err
		}
	}
	if err := p.signIn(ctx, false); err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	if err := p.subscribe(ctx, plan); err != nil {
		return fmt.Errorf("subscribing: %w", err)
	}
	for _, page := range signedIn {
		if err := p.take(ctx, page); err != nil {
			return err
		}
	}
	if err := p.signOut(ctx); err != nil {
		return fmt.Errorf("signing out: %w", err)
	}
	if err := p.signIn(ctx, true); err != nil {
		return fmt.Errorf("signing in as an admin: %w", err)
	}
	for _, page := range forAdmins {
		if err := p.take(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

// waitForSearch waits until the portal has indexed the demo's catalog.
func (p *photographer) waitForSearch(ctx context.Context) error {
	return p.reloadUntil(ctx, "/search?q=passage", `document.querySelector(".results .method") !== null`)
}

func (p *photographer) signOut(ctx context.Context) error {
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("(window.before = true)")); err != nil {
		return err
	}
	if err := click(`form[action="/sign-out"] button`)(ctx); err != nil {
		return err
	}
	// The identity provider is asked to end its session, too, and leads back.
	return waitUntil(ctx, loaded+` && !window.before && document.querySelector("a[href^='/sign-in']") !== null`)
}

// signIn signs in as the demo's first account that is an admin's, or is not.
func (p *photographer) signIn(ctx context.Context, admin bool) error {
	if err := p.open(ctx, "/sign-in"); err != nil {
		return err
	}
	account := demo.Accounts[slices.IndexFunc(demo.Accounts, func(a demo.Account) bool { return a.Admin == admin })]
	err := chromedp.Do(ctx,
		chromedp.SendKeys(chromedp.CSS("#username"), account.Email, chromedp.NodeVisible),
		chromedp.SendKeys(chromedp.CSS("#password"), account.Password, chromedp.NodeVisible),
		chromedp.Click(chromedp.CSS("button[type=submit]"), chromedp.NodeVisible))
	if err == nil {
		err = waitUntil(ctx, loaded+` && document.querySelector("form[action='/sign-out']") !== null`)
	}
	if err != nil {
		return err
	}
	return p.reloadUntil(ctx, "/dashboard", `document.querySelector("#account") && !document.querySelector("#unregistered")`)
}

// subscribe also takes pictures of the operation's page.
func (p *photographer) subscribe(ctx context.Context, plan string) error {
	if err := p.open(ctx, "/apis/seamark/plans"); err != nil {
		return err
	}
	if err := click(`form[action="/subscriptions/` + plan + `"] button`)(ctx); err != nil {
		return err
	}
	if err := waitUntil(ctx, loaded+` && document.querySelector(".outcome.ok") !== null`); err != nil {
		return err
	}
	path, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.pathname"))
	if err != nil {
		return err
	}
	return p.take(ctx, page{name: "subscribed", path: path})
}
