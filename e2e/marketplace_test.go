package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// buys makes a purchase of Seamark Pro on the local AWS Marketplace.
func (s *site) buys(t *testing.T, order marketplace.Order) marketplace.Purchase {
	t.Helper()
	order.Product = demo.ProCode
	bought, err := buyers.New(s.AWSURL).Subscribe(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	return bought
}

// arrives sends the buyer to the portal with a browser that has no session.
func (s *site) arrives(t *testing.T, bought marketplace.Purchase) {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := buyers.Arrive(t.Context(), browser, s.PortalURL+"/marketplace-confirm/"+s.Demo.API.ProPlanID, bought)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/marketplace" {
		t.Fatalf("the buyer is answered %s, %q", answer.Status, answer.Header.Get("Location"))
	}
}

func (p person) claims(s *site, bought marketplace.Purchase) answer {
	p.t.Helper()
	return p.do(http.MethodPut, "/api/v1/marketplace-subscriptions/"+s.Demo.API.ProPlanID, fmt.Sprintf(`{"token":%q}`, bought.Token)).want(http.StatusAccepted)
}

func (p person) purchases() map[string]string {
	p.t.Helper()
	states := map[string]string{}
	for _, l := range decode[items[struct{ Licence, State string }]](p.do(http.MethodGet, "/api/v1/marketplace-subscriptions", "").want(http.StatusOK)).Items {
		states[l.Licence] = l.State
	}
	return states
}

func (p person) awaitsPurchase(bought marketplace.Purchase, state string) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); p.purchases()["licence/"+bought.Licence] != state; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("the purchases are %v, and not %s", p.purchases(), state)
		}
	}
}

// Access begins once a purchase is claimed and paid, in either order, and ends with the agreement. Two
// purchases of one account have a key each, and ending one leaves the other.
func TestAPurchaseGivesAccessAsLongAsAWSSaysSo(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	ada := s.signUp(t, "ada@example.com")
	ada.succeed(ada.do(http.MethodPost, "/api/v1/register", ""))
	market := buyers.New(s.AWSURL)

	late := s.buys(t, marketplace.Order{})
	s.arrives(t, late)
	waiting := ada.claims(s, late)
	ada.awaitsPurchase(late, "waiting")
	if _, err := market.Pay(t.Context(), late.Agreement); err != nil {
		t.Fatal(err)
	}
	ada.succeed(waiting)

	early := s.buys(t, marketplace.Order{Paid: true})
	ada.succeed(ada.claims(s, early))
	ada.awaitsPurchase(early, "active")
	held := decode[items[key]](ada.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items
	if len(held) != 2 {
		t.Fatalf("two purchases have the keys %+v", held)
	}

	bob := s.signUp(t, "bob@example.com")
	bob.succeed(bob.do(http.MethodPost, "/api/v1/register", ""))
	if end := bob.finish(bob.claims(s, early)); end.Status != "rejected" || end.Reason.Code != "conflict" {
		t.Errorf("a second account's claim is %+v", end)
	}

	for _, step := range []func() error{
		func() error { _, err := market.Cancel(t.Context(), late.Agreement); return err },
		func() error { _, err := market.Deprovision(t.Context(), late.Agreement); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	ada.awaitsPurchase(late, "ended")
	if now := ada.purchases(); now["licence/"+early.Licence] != "active" {
		t.Errorf("the other purchase is now among %v", now)
	}
}
