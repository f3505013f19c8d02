package e2e

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// billed is what AWS would charge for a licence, in all hours.
func (s *site) billed(t *testing.T, bought marketplace.Purchase) (quantity int64) {
	t.Helper()
	bills, err := buyers.New(s.AWSURL).Billed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, bill := range bills {
		if bill.Double {
			t.Errorf("%s is billed twice", bill.Licence)
		}
		if bill.Licence == bought.Licence {
			quantity += bill.Quantity
		}
	}
	return quantity
}

// newKey reveals the account's key that is not among the known ones.
func (p person) newKey(known ...string) (id, value string) {
	p.t.Helper()
	for _, k := range decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items {
		if !slices.Contains(known, k.ID) {
			return k.ID, decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+k.ID+"/reveal", "").want(http.StatusOK)).Value
		}
	}
	p.t.Fatal("there is no new key")
	return "", ""
}

func (s *site) calls(t *testing.T, value string, n int) {
	t.Helper()
	for range n {
		if got := s.call(t, value); got != http.StatusOK {
			t.Fatalf("the API answers %d", got)
		}
	}
}

// waitNearHour waits unless the present hour goes on for two minutes: a test of records, of which an
// hour has one, must not cross into the next hour.
func waitNearHour(t *testing.T) {
	t.Helper()
	if next := time.Now().Truncate(time.Hour).Add(time.Hour); time.Until(next) < 2*time.Minute {
		time.Sleep(time.Until(next) + time.Second)
	}
}

// Usage is billed once an hour, and the last usage right after the end.
func TestABuyerPaysForWhatWasUsed(t *testing.T) {
	t.Parallel()
	waitNearHour(t)
	s := start(t)
	s.waitForCatalog(t)
	market, o := buyers.New(s.AWSURL), s.operator(t)
	ada := s.signUp(t, "ada@example.com")
	ada.succeed(ada.do(http.MethodPost, "/api/v1/register", ""))

	hourly := s.buys(t, marketplace.Order{Paid: true})
	ada.succeed(ada.claims(s, hourly))
	first, value := ada.newKey()
	s.calls(t, value, 7)
	s.collectUsage(t)
	eventually(t, "the calls are collected", func() bool { return len(ada.usage("")) == 1 && ada.usage("")[0].Used == 7 })
	s.demand(t, "metering")
	eventually(t, "seven calls are billed", func() bool { return s.billed(t, hourly) == 7 })
	s.calls(t, value, 2)
	s.collectUsage(t)
	eventually(t, "later calls are collected", func() bool { return ada.usage("")[0].Used == 9 })

	last := s.buys(t, marketplace.Order{Paid: true})
	ada.succeed(ada.claims(s, last))
	_, value = ada.newKey(first)
	s.calls(t, value, 4)
	for _, step := range []func() error{
		func() error { _, err := market.Cancel(t.Context(), last.Agreement); return err },
		func() error { _, err := market.Deprovision(t.Context(), last.Agreement); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	ada.awaitsPurchase(last, "ended")
	used := int64(4)
	eventually(t, "the key no longer works", func() bool {
		works := s.call(t, value) == http.StatusOK
		if works {
			used++
		}
		return !works
	})
	s.demand(t, "lastusage")
	eventually(t, "the last calls are billed", func() bool { return s.billed(t, last) == used })

	type balance struct {
		Licence                                  string
		Collected, Metered, Accepted, Difference int64
		Reasons                                  []struct{ Status string }
	}
	found := asJSON[struct {
		Agreements *struct{ Problem string }
		Licences   []balance
	}](o, "marketplace", "reconcile", "--json")
	for _, want := range []balance{
		{Licence: "licence/" + hourly.Licence, Collected: 9, Metered: 7, Accepted: 7, Difference: 2},
		{Licence: "licence/" + last.Licence, Collected: used, Metered: used, Accepted: used},
	} {
		i := slices.IndexFunc(found.Licences, func(b balance) bool { return b.Licence == want.Licence })
		if i < 0 {
			t.Fatalf("%s is not among %+v", want.Licence, found.Licences)
		}
		got := found.Licences[i]
		if want.Difference > 0 && (len(got.Reasons) != 1 || got.Reasons[0].Status != "next") {
			t.Errorf("the reasons of the difference are %+v", got.Reasons)
		}
		if got.Reasons = nil; got.Collected != want.Collected || got.Metered != want.Metered || got.Accepted != want.Accepted || got.Difference != want.Difference {
			t.Errorf("it compares %+v, want %+v", got, want)
		}
	}
	if text, _ := o.says(0, "marketplace", "ledger", hourly.Licence); !strings.Contains(text, "accepted") || !strings.Contains(text, "7 requests billed") {
		t.Errorf("the ledger says\n%s", text)
	}
}

// commandsOf reads the gatehouse commands of a section of the runbook, without their comments.
func commandsOf(t *testing.T, section string) (commands [][]string) {
	t.Helper()
	page, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n### "+section+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "gatehouse "); ok {
			commands = append(commands, strings.Fields(rest))
		}
	}
	if !found || len(commands) == 0 {
		t.Fatalf("the runbook has no section %q with commands", section)
	}
	return commands
}

// AWS writes the licence's ARN in another way, refuses the usage, and bills it once the operator has done what the
// runbook says.
func TestTheRunbookGetsRefusedUsageBilled(t *testing.T) {
	t.Parallel()
	waitNearHour(t)
	s := start(t)
	s.waitForCatalog(t)
	market, o := buyers.New(s.AWSURL), s.operator(t)
	ada := s.signUp(t, "ada@example.com")
	ada.succeed(ada.do(http.MethodPost, "/api/v1/register", ""))
	bought := s.buys(t, marketplace.Order{Paid: true})
	ada.succeed(ada.claims(s, bought))
	_, value := ada.newKey()
	s.calls(t, value, 3)
	s.collectUsage(t)
	eventually(t, "the calls are collected", func() bool { return len(ada.usage("")) == 1 && ada.usage("")[0].Used == 3 })
	renamed, err := market.Rename(t.Context(), bought.Agreement)
	if err != nil {
		t.Fatal(err)
	}
	s.demand(t, "metering")
	eventually(t, "AWS refuses the record", func() bool {
		text, _ := o.says(0, "marketplace", "ledger", bought.Licence)
		return strings.Contains(text, "InvalidLicenseException")
	})

	var said []string
	for _, args := range commandsOf(t, "Usage that AWS refuses") {
		for i, arg := range args {
			args[i] = strings.NewReplacer("LICENCE", bought.Licence, "ARN", renamed.LicenceARN).Replace(arg)
		}
		text, _ := o.says(0, args...)
		said = append(said, text)
	}
	for i, want := range []string{
		renamed.LicenceARN + "  PROVISIONED", "would correct licence/" + bought.Licence, "corrected licence/" + bought.Licence,
		"3 requests would be sent again", "3 requests will be sent again",
	} {
		if i >= len(said) || !strings.Contains(said[i], want) {
			t.Fatalf("the commands say %q, want %q at %d", said, want, i)
		}
	}
	s.demand(t, "metering")
	eventually(t, "the calls are billed", func() bool {
		bills, err := market.Billed(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(bills) == 1 && bills[0].Quantity == 3 && !bills[0].Double
	})
	if text, _ := o.says(0, "marketplace", "resend", "--yes"); !strings.Contains(text, "AWS has refused no usage.") {
		t.Errorf("a second time it says %s", text)
	}
}
