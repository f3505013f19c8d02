package app

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func newDeprecations(c clients, tables projections.Tables, views *projections.Views, notifier *notices.Notifier, now func() time.Time) *notices.Deprecations {
	holders := projections.NewHolders(c.dynamodb, tables)
	return &notices.Deprecations{
		Store: notifier.Store, Notifier: notifier, Now: now,
		Subscribers: func(ctx context.Context, plan portal.PlanID, after string, limit int) (subscribed []portal.AccountID, next string, err error) {
			page, next, err := holders.Page(ctx, plan, after, limit)
			for _, h := range page {
				if h.Until.IsZero() {
					subscribed = append(subscribed, h.Account)
				}
			}
			return subscribed, next, err
		},
		Products: func(ctx context.Context) ([]notices.Deprecated, error) {
			published, err := views.Catalog(ctx)
			return deprecated(published.Document), err
		},
	}
}

func deprecated(document catalog.Document) []notices.Deprecated {
	names := map[string]string{}
	for _, p := range document.Products {
		if p.Visibility != catalog.VisibleHidden && p.Visibility != catalog.VisibleGroups {
			names[p.ID] = p.Name // others may not be for the person
		}
	}
	var all []notices.Deprecated
	for _, p := range document.Products {
		if p.Status != catalog.StatusDeprecated {
			continue
		}
		one := notices.Deprecated{ID: p.ID, Name: p.Name, Sunset: p.Sunset, Successor: names[p.Successor]}
		for _, plan := range p.Plans {
			one.Plans = append(one.Plans, plan.ID)
		}
		all = append(all, one)
	}
	return all
}
