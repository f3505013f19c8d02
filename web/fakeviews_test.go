package web_test

import (
	"context"
	"net/http"
	"time"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/web"
)

// watch is the view of an account that the admin has, nil for none.
type watch struct {
	view *members.Viewing
	// began are the accounts whose view was begun, and by whom; ended counts the ends.
	began    []string
	ended    int
	watchErr error
}

func (w *watch) viewers() web.Viewers {
	return web.Viewers{
		Keep: w, Session: func(*http.Request) string { return "s-1" },
		Groups: func(context.Context, portal.AccountID) ([]string, error) { return []string{"partners"}, w.watchErr },
	}
}

func (w *watch) View(_ context.Context, by members.ViewingAdmin, account portal.AccountID) (members.Viewing, error) {
	w.began = append(w.began, string(account)+" by "+string(by.Admin)+" in "+by.Session)
	return members.Viewing{Account: account}, w.watchErr
}

func (w *watch) Viewed(_ context.Context, by members.ViewingAdmin) (members.Viewing, bool, error) {
	if w.view == nil || by.Session != "s-1" {
		return members.Viewing{}, false, w.watchErr
	}
	return *w.view, true, w.watchErr
}

func (w *watch) EndViewing(_ context.Context, _, account portal.AccountID) (members.Viewing, bool, error) {
	w.ended++
	return members.Viewing{Account: account}, true, w.watchErr
}

// watching is the site of an admin who views the account of Bob.
func watching() site {
	s := known(projections.StatusRegistered)
	s.office.view = &members.Viewing{ID: "v-1", Account: "account-bob", Session: "s-1", Began: now.Add(-28 * time.Minute), Ends: now.Add(32 * time.Minute)}
	bobs := about("plan-max", "SubscribeRequested", projections.Succeeded, "")
	bobs.ID, bobs.Actor, bobs.Subject = "op-bob", portal.AccountActor("account-bob"), portal.AccountStream("account-bob")
	s.operations = map[portal.OperationID]operations.Operation{"op-bob": bobs, "op-ada": about("plan-max", "SubscribeRequested", projections.Succeeded, "")}
	return s
}

func viewedPages() map[string]shown {
	long := watching()
	long.office.persons["account-bob"] = identity.Person{Name: longWord}
	return map[string]shown{
		"viewed dashboard":  {site: watching(), path: "/dashboard"},
		"viewed keys":       {site: watching(), path: "/keys"},
		"viewed key":        {site: watching(), path: "/keys/key-1"},
		"viewed usage":      {site: watching(), path: "/usage"},
		"viewed activity":   {site: watching(), path: "/activity"},
		"viewed operation":  {site: watching(), path: "/operations/op-bob"},
		"not viewed":        {site: long, path: "/admin/accounts/account-eve"},
		"refused in a view": {site: watching(), path: "/subscriptions/plan-free/change"},
	}
}
