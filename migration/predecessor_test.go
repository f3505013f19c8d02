package migration_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/migration"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	adasIdentity = "us-east-1:128d0a74-c82f-4553-916d-90053e4a8b0f"
	beasIdentity = "us-east-1:8f0bd6a7-0f0e-4b8e-9d6c-2f5f6a1c3e77"
)

// given is an earlier portal with Ada, and API Gateway with two plans.
func given(change func(*migration.Predecessor)) migration.Predecessor {
	p := migration.Predecessor{
		Customers: []migration.Customer{{Identity: adasIdentity, Subject: "sub-ada", Email: "ada@example.com", Key: "adaskey001", Status: "registered"}},
		Users:     map[string]migration.User{"sub-ada": {Email: "ada@example.com", Verified: true}, "sub-bea": {Email: "Bea@example.com"}},
		Gateway: migration.Gateway{
			Keys: []gateway.Listed{{ID: "adaskey001", Name: adasIdentity + "/sub-ada"}, {ID: "gateway001", Name: "gatehouse/acct/key"}},
			Plans: []gateway.UsagePlan{
				{ID: "free", Name: "Free", Stages: []portal.Stage{{API: "api1", Stage: "prod"}}}, {ID: "plus", Name: "Plus"}, {ID: "sold", Name: "Sold", ProductCode: "abc"},
			},
			InPlan: map[portal.GatewayKeyID][]portal.PlanID{"adaskey001": {"free"}},
		},
	}
	change(&p)
	return p
}

func bea(p *migration.Predecessor, key portal.GatewayKeyID) {
	p.Customers = append(p.Customers, migration.Customer{Identity: beasIdentity, Subject: "sub-bea", Email: "Bea@example.com", Key: key, Status: "registered"})
}

// in words, a plan is its people with their keys and plans, and what it leaves with the first words of why.
func inWords(list migration.Worklist) []string {
	var lines []string
	for _, p := range list.People {
		line := fmt.Sprintf("%s (%s, %t):", p.Email, p.Subject, p.Verified)
		for _, key := range p.Keys {
			line += " " + string(key.GatewayID)
			if key.Disabled {
				line += " disabled"
			}
			for _, in := range key.Plans {
				line += " in " + in.Name
			}
		}
		lines = append(lines, line)
	}
	for _, said := range list.Feedback {
		lines = append(lines, fmt.Sprintf("%s said at %s: %s", said.Subject, said.At.Format(time.RFC3339), said.Text))
	}
	for _, left := range list.Unmatched {
		why := left.Why
		if words := strings.Fields(why); len(words) > 8 {
			why = strings.Join(words[:8], " ")
		}
		lines = append(lines, "- "+left.What+": "+why)
	}
	return lines
}

const ada = "ada@example.com (sub-ada, true): adaskey001 in Free"

func TestThePredecessorsDataBecomesAPlan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*migration.Predecessor)
		want   []string
	}{
		"a customer with a key": {func(*migration.Predecessor) {}, []string{ada}},
		"the layout of 2018, with the subject given": {func(p *migration.Predecessor) {
			p.Customers = []migration.Customer{{Identity: adasIdentity, Key: "adaskey001"}}
			p.Keys[0].Name, p.Identities = adasIdentity, map[string]string{adasIdentity: "sub-ada"}
		}, []string{ada}},
		"the layout of 2018, with the e-mail address given": {func(p *migration.Predecessor) {
			p.Customers = []migration.Customer{{Identity: adasIdentity}}
			p.Keys[0].Name, p.Identities = adasIdentity, map[string]string{adasIdentity: "ADA@example.com"}
		}, []string{ada}},
		"the layout of 2018, with nothing given": {func(p *migration.Predecessor) {
			p.Customers = []migration.Customer{{Identity: adasIdentity, Key: "adaskey001"}}
			p.Keys[0].Name = adasIdentity
		}, []string{
			"- customer " + adasIdentity + ": The row names no user: this is the",
			"- key adaskey001 (" + adasIdentity + "): Its name is an identity id, and no",
		}},
		"a row of 2018 whose key was named since":      {func(p *migration.Predecessor) { p.Customers[0].Key = "NO_API_KEY" }, []string{ada}},
		"a key with another name that the row records": {func(p *migration.Predecessor) { p.Keys[0].Name = "Ada's key" }, []string{ada}},
		"a customer without a key":                     {func(p *migration.Predecessor) { p.Keys, p.Customers[0].Key = nil, "NO_API_KEY" }, []string{"ada@example.com (sub-ada, true):"}},
		"a key that somebody deleted": {func(p *migration.Predecessor) { p.Keys = nil }, []string{
			"ada@example.com (sub-ada, true):", "- key adaskey001 of customer ada@example.com: API Gateway has no such key. Somebody may"}},
		"a disabled key": {func(p *migration.Predecessor) { p.Keys[0].Disabled = true }, []string{"ada@example.com (sub-ada, true): adaskey001 disabled in Free"}},
		"a key in two rows": {func(p *migration.Predecessor) { bea(p, "adaskey001") }, []string{
			"ada@example.com (sub-ada, true):", "Bea@example.com (sub-bea, false):",
			"- key adaskey001 (" + adasIdentity + "/sub-ada): It is in the names of several people:"}},
		"a key in one person's row and another's name": {func(p *migration.Predecessor) {
			bea(p, "")
			p.Keys[0].Name = beasIdentity + "/sub-bea"
		}, []string{"ada@example.com (sub-ada, true):", "Bea@example.com (sub-bea, false):",
			"- key adaskey001 (" + beasIdentity + "/sub-bea): It is in the names of several people:"}},
		"a name with another person's subject": {func(p *migration.Predecessor) {
			bea(p, "")
			p.Keys[0].Name = adasIdentity + "/sub-bea"
		}, []string{"ada@example.com (sub-ada, true):", "Bea@example.com (sub-bea, false):",
			"- key adaskey001 (" + adasIdentity + "/sub-bea): It is in the names of several people:"}},
		"an identity id in two rows, as after an import": {func(p *migration.Predecessor) {
			p.Customers = append(p.Customers, migration.Customer{Identity: adasIdentity, Subject: "sub-bea", Email: "bea@example.com"})
		}, []string{ada, "- customer bea@example.com: Two rows give this identity id to different"}},
		"several keys of a person, of which one is used": {func(p *migration.Predecessor) {
			p.Keys = append(p.Keys, gateway.Listed{ID: "adaskey000", Name: adasIdentity + "/sub-ada"}, gateway.Listed{ID: "adaskey002", Name: adasIdentity + "/sub-ada"})
			p.InPlan["adaskey002"] = []portal.PlanID{"plus"}
		}, []string{ada + " adaskey002 in Plus", "- key adaskey000 (" + adasIdentity + "/sub-ada): It is in no plan, and ada@example.com has"}},
		"several keys of a person, of which none is used": {func(p *migration.Predecessor) {
			p.Keys, p.InPlan = append(p.Keys, gateway.Listed{ID: "adaskey000", Name: adasIdentity + "/sub-ada"}), nil
		}, []string{"ada@example.com (sub-ada, true): adaskey001", "- key adaskey000 (" + adasIdentity + "/sub-ada): It is in no plan, and ada@example.com has"}},
		"a key that is metered for a buyer": {func(p *migration.Predecessor) { p.Keys[0].Customer = "cust-1" }, []string{
			"ada@example.com (sub-ada, true):", "- key adaskey001 (" + adasIdentity + "/sub-ada): It is metered for the customer cust-1 of"}},
		"a key in a plan that is sold": {func(p *migration.Predecessor) { p.InPlan["adaskey001"] = []portal.PlanID{"sold"} }, []string{
			"ada@example.com (sub-ada, true):", "- key adaskey001 (" + adasIdentity + "/sub-ada): It is in Sold (sold), a plan that"}},
		"a plan that is gone from the list meanwhile": {func(p *migration.Predecessor) { p.Plans = p.Plans[1:] }, []string{"ada@example.com (sub-ada, true): adaskey001 in free"}},
		"a user who was deleted": {func(p *migration.Predecessor) { delete(p.Users, "sub-ada") }, []string{
			"- customer ada@example.com: The user pool has no user with the", "- key adaskey001 (" + adasIdentity + "/sub-ada): Its owner is not taken over. The key"}},
		"people before their first sign-in": {func(p *migration.Predecessor) {
			p.PreLogin = []migration.Customer{{Subject: "sub-bea", Email: "bea@example.com", Status: "registered"}, {Subject: "sub-cid", Email: "cid@example.com", Status: "pendingInvite"}}
			p.Users["sub-cid"] = migration.User{}
		}, []string{ada, "Bea@example.com (sub-bea, false):", "- person cid@example.com before the first sign-in: The person was invited and never came. Invite"}},
		"a table of customers that was lost": {func(p *migration.Predecessor) { p.Customers = nil }, []string{ada}},
		"a hostile name": {func(p *migration.Predecessor) {
			p.Customers[0].Email, p.Customers[0].Subject = "\x1b[31m\u202e"+strings.Repeat("x", 500), "sub-gone\n"
			p.Keys = append(p.Keys, gateway.Listed{ID: "hostile001", Name: beasIdentity + "/\x1b]0;" + strings.Repeat("y", 1000)})
			p.Keys, p.InPlan = p.Keys[1:], nil
		}, []string{
			`- customer \x1b[31m\u202e` + strings.Repeat("x", 106) + "…: The user pool has no user with the",
			"- key hostile001 (" + beasIdentity + `/\x1b]0;` + strings.Repeat("y", 66) + "…): Its owner is not taken over. The key",
		}},
		"feedback": {func(p *migration.Predecessor) {
			at := "Sat, 01 Apr 2023 08:00:00 GMT"
			p.Feedback = []migration.TableFeedback{
				{ID: adasIdentity + "-" + at, Identity: adasIdentity, Text: " More harbours. ", Time: at}, {ID: "f2", Identity: beasIdentity, Text: "No.", Time: at},
				{ID: "f3", Identity: adasIdentity, Text: "When?", Time: "yesterday"}, {ID: "f4", Identity: adasIdentity, Text: " ", Time: at},
			}
		}, []string{ada, "sub-ada said at 2023-04-01T08:00:00Z: More harbours.",
			"- feedback f2: Its author is not taken over.", "- feedback f3: Its time yesterday cannot be read.", "- feedback f4: It is empty."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, inWords(given(c.change).Worklist())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
