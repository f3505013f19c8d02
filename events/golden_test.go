package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// -new writes the golden files of types that have none yet. A file that is there is the
// wire format of messages that are under way and is never written again.
var writeNew = flag.Bool("new", false, "write golden files for new types")

// examples has one message of each type.
func examples() []events.Event {
	var (
		wish   = events.Link{Wish: 11}
		scopes = events.Decides{Scopes: []portal.Scope{portal.PlanScope("plan01")}}
		stages = []portal.Stage{{API: "a1b2c3d4e5", Stage: "v1"}}
		later  = time.Date(2026, 12, 22, 9, 0, 0, 0, time.UTC)
		bought = events.Purchase{
			Product: "prod01", Buyer: "123456789012", Customer: "cust01", ARN: "arn:aws:license-manager::123456789012:license:l-01",
			Agreement: "agmt-01", FreeTrial: true,
		}
		noticed = events.MarketplaceNotified{
			Source: "6a7e8feb-b491-4cf7-a9f1-bf3703467718", Kind: events.NoticeLicenceUpdated, At: later, Purchase: bought,
			Offer: "offer-01", Dimension: "pro", Until: &later, Text: "{}",
		}
	)
	payloads := []events.Payload{
		events.RegisterUser{},
		events.SubscribeRequested{Plan: "plan01", Name: "Free", Stages: stages, Rivals: []portal.PlanID{"plan02"}, CatalogSequence: 7},
		events.UnsubscribeRequested{Plan: "plan01"},
		events.KeyReleaseRequested{Key: "key01", Emptied: 9},
		events.CatalogSyncRequested{},
		events.ProvisionRequested{},
		events.ShowRequested{},
		events.TellRequested{},
		events.DeliveryRequested{Channel: "mail", Notice: "001782907200005-01jzx6vq7m3b5d8t"},
		events.JobRequested{Job: "due", Cursor: "3"},
		events.UserRegistered{Decides: events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}},
		events.RequestRejected{Decides: scopes, Link: wish, Code: portal.Conflict, Message: "Leave Free first."},
		events.RequestUnchanged{Decides: scopes},
		events.RequestJoined{Decides: scopes, Link: wish, Plan: "plan01"},
		events.RequestSuperseded{Link: wish},
		events.RequestFailed{Class: "failed"},
		events.KeyWanted{Key: "key01", Ring: portal.AccountRing, Name: "Default key", Scheme: "v1", KMSKey: "mrk-1"},
		events.SubscriptionWanted{Decides: scopes, Plan: "plan01", Name: "Free", Ring: portal.AccountRing, Stages: stages},
		events.SubscriptionEnding{Decides: scopes, Plan: "plan01"},
		events.WishParked{Link: wish, Reason: events.WaitingForAWS},
		events.KeyCreated{Key: "key01", GatewayID: "abcde12345"},
		events.KeyAttached{Link: wish, Key: "key01", Plan: "plan01"},
		events.KeyDetached{Link: wish, Key: "key01", Plan: "plan01"},
		events.SubscriptionActivated{Link: wish, Plan: "plan01"},
		events.SubscriptionEnded{Link: wish, Plan: "plan01"},
		events.SubscriptionLost{Plan: "plan01", Reason: events.LostPlanGone},
		events.KeyObserved{Key: "key01", Enabled: true},
		events.KeyReleasing{Key: "key01"},
		events.KeyReleased{Link: wish, Key: "key01"},
		events.QuotaThresholdReached{Plan: "plan01", Key: "key01", PeriodStart: "2026-11-01", Period: "MONTH", Limit: 1000, Used: 803, Percent: 80},
		events.CatalogPublished{Hash: "5f2c", Products: 2},
		events.CatalogSourceFailed{Source: "api-gateway", Message: "It could not be read.", Since: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)},
		events.KeyRequested{Ring: portal.AccountRing, Name: "CI", Ends: &later},
		events.KeyRenameRequested{Key: "key01", Name: "CI"},
		events.KeyEndNoticeRequested{Key: "key01", Ends: later, At: later.AddDate(0, 0, -7)},
		events.KeyRotationRequested{Key: "key01", Overlap: 3600, Leaked: true},
		events.KeyEndRequested{Key: "key01", At: &later, Keep: true, Due: &later, Reason: events.EndRotated},
		events.PlanChangeRequested{Plan: "plan02", Replaces: "plan01", Name: "Plus", Stages: stages, Rivals: []portal.PlanID{"plan01"}, CatalogSequence: 7, Approval: events.ApprovalManual},
		events.SubscriptionReviewRequested{Plan: "plan01", Wish: 11, Approved: true, Message: "Ask sales first."},
		events.RegistrationReviewRequested{Approved: true, Message: "This portal is for partners."},
		events.AccountSuspensionRequested{Message: "Too many calls."},
		events.AccountReinstatementRequested{},
		events.AccountDeletionRequested{},
		events.AdminPromotionRequested{}, events.AdminDemotionRequested{ByGroup: true},
		events.KeyReady{Link: wish, Key: "key01"},
		events.KeyEndsSoon{Key: "key01", Ends: later},
		events.KeyRenamed{Key: "key01", Name: "CI"},
		events.KeyEndScheduled{Key: "key01", Ends: &later, Reason: events.EndExpired},
		events.KeyEnding{Key: "key01", Reason: events.EndLeaked},
		events.KeyEnded{Link: wish, Key: "key01"},
		events.KeyBlocked{Key: "key01"},
		events.KeyUnblocked{Key: "key01"},
		events.UsageCarried{Key: "key02", From: "key01", Plan: "plan01", Remaining: 40},
		events.QuotaUsed{Key: "key01", Plan: "plan01", PeriodStart: "2026-11-01", Period: "MONTH", Used: 60},
		events.QuotaNotCarried{Key: "key01", Plan: "plan01"},
		events.PlanChangeWanted{Decides: scopes, From: "plan01", Plan: "plan02", Name: "Plus", Ring: portal.AccountRing, Stages: stages},
		events.KeyMoved{Link: wish, Key: "key01", From: "plan01", Plan: "plan02"},
		events.PlanChanged{Link: wish, From: "plan01", Plan: "plan02"},
		events.PlanChangeRefused{Link: wish, Plan: "plan02", Code: portal.NotFound, Message: "Plus is no longer offered."},
		events.SubscriptionApprovalPending{Decides: scopes, Plan: "plan02", Name: "Plus", Ring: portal.AccountRing, Stages: stages, Replaces: "plan01"},
		events.SubscriptionApproved{Link: wish, Plan: "plan02"},
		events.SubscriptionDenied{Link: wish, Plan: "plan02", Message: "Ask sales first."},
		events.RegistrationPending{Decides: scopes},
		events.RegistrationDenied{Decides: scopes, Link: wish, Message: "This portal is for partners."},
		events.AccountSuspended{Decides: scopes, Message: "Too many calls."},
		events.AccountReinstated{Decides: scopes},
		events.AccountKeysSwitched{Link: wish},
		events.AccountDeleting{Decides: scopes},
		events.AccountDeleted{Link: wish},
		events.AdminPromoted{Decides: scopes}, events.AdminDemoted{Decides: scopes},
		events.MarketplaceConfirmed{Account: "acct01", Plan: "plan01", Name: "Pro", Stages: stages, Purchase: bought},
		noticed,
		events.LicenceAccessRequested{Licence: "licence/l-01", Sequence: 4, HasAccess: true, Plan: "plan01", Name: "Pro", Stages: stages},
		events.LicenceReleaseRequested{Account: "acct01"},
		events.LicenceNoticed{Link: wish, Notice: noticed, Status: events.LicenceActive},
		events.LicenceClaimed{Decides: scopes, Account: "acct01", Plan: "plan01", Name: "Pro", Stages: stages, Purchase: bought},
		events.LicenceReleased{Account: "acct01"},
		events.LicenceAccessWanted{Link: wish, Operation: "01k8fa5hq2operation00000001", Account: "acct01", Plan: "plan01", Name: "Pro", Stages: stages},
		events.LicenceAccessEnding{Account: "acct01", Plan: "plan01", Reason: events.LicenceEnding},
		events.LicenceAccessSet{Licence: "licence/l-01", Sequence: 4, HasAccess: true, Plan: "plan01", Released: true},
		events.EntitlementCheckRequested{},
		events.LicenceRenewalRequested{
			Renews: events.Renews{Licence: "licence/l-00", Ends: &later}, Account: "acct01", Plan: "plan01", Name: "Pro", Stages: stages, Purchase: bought,
		},
		events.LicenceEntitled{Dimensions: []string{"pro", "seats"}, Until: &later, Plan: "plan01"},
		events.LicenceCorrectionRequested{Purchase: events.Purchase{ARN: bought.ARN}},
		events.LicenceCorrected{Purchase: events.Purchase{ARN: bought.ARN, Product: "prod01"}},
		events.LicencePlanChanged{Account: "acct01", From: "plan01", Plan: "plan02", Name: "Max", Stages: stages, HasAccess: true},
		events.MarketplaceNoticeKept{Notice: noticed},
		events.AccountMigrationRequested{Key: &events.KeyToAdopt{
			GatewayID: "abcde12345", Name: "Default key", Disabled: true, Plans: []events.MigratedPlan{{Plan: "plan01", Name: "Free", Stages: stages}}, Waiting: "5f2c",
		}},
		events.KeyAdopted{Key: "key01", GatewayID: "abcde12345", Ring: portal.AccountRing, Name: "Default key", Disabled: true},
	}
	all := make([]events.Event, len(payloads))
	for i, payload := range payloads {
		all[i] = events.Event{
			ID: "01k8fa5hq2message000000001", Source: "/gatehouse/example", Subject: portal.AccountStream("acct01"),
			Time: time.Date(2026, 11, 22, 8, 30, 0, 123_000_000, time.UTC), Operation: "01k8fa5hq2operation00000001", Intent: 3, Actor: portal.AccountActor("acct01"),
			Causation: "01k8fa5hq2cause0000000001", Correlation: "01k8fa5hq2corre0000000001",
			TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Data: payload,
		}
		if _, fact := payload.(events.Fact); fact {
			all[i].Sequence = 12
		}
	}
	return all
}

func TestEveryTypeKeepsItsWireFormat(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, example := range examples() {
		seen[example.Type()] = true
		t.Run(events.Name(example.Type()), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("testdata", strings.TrimPrefix(example.Type(), "gatehouse.")+".json")
			encoded, err := events.Encode(example)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, encoded, "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			want, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) && *writeNew {
				want = got.Bytes()
				err = os.WriteFile(file, want, 0o644)
			}
			if err != nil {
				t.Fatalf("%v (a new type? go test ./events -new)", err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("the wire format changed (-golden +now):\n%s", diff)
			}
			decoded, err := events.Decode(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(example, decoded); diff != "" {
				t.Errorf("the golden file reads as another message (-want +got):\n%s", diff)
			}
		})
	}
	for _, name := range events.Types() {
		if !seen[name] {
			t.Errorf("%s has no example", name)
		}
	}
}

func TestATraceContextIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	want := examples()[0]
	want.TraceState = "vendor=1,other=2"
	body, err := events.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := events.Decode(body)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestATraceMakesNoMessageTooLarge(t *testing.T) {
	t.Parallel()
	large := examples()[0]
	large.TraceParent, large.Data = "", events.UnsubscribeRequested{}
	body, err := events.Encode(large)
	if err != nil {
		t.Fatal(err)
	}
	large.Data = events.UnsubscribeRequested{Plan: portal.PlanID(strings.Repeat("p", events.MaxSize-len(body)))}
	traced := large
	traced.TraceParent, traced.TraceState = examples()[0].TraceParent, "vendor=1"
	body, err = events.Encode(traced)
	if err != nil {
		t.Fatal(err)
	}
	got, err := events.Decode(body)
	if diff := cmp.Diff(large, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%.500s", err, diff)
	}
}

func TestWhatCannotBeReadIsInvalid(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing":             ``,
		"not JSON":            `<xml/>`,
		"another CloudEvent":  `{"specversion":"0.3","id":"1","source":"s","type":"gatehouse.RegisterUser.v1","subject":"account/a","time":"2026-11-22T08:30:00Z","data":{}}`,
		"no id":               `{"specversion":"1.0","source":"s","type":"gatehouse.RegisterUser.v1","subject":"account/a","time":"2026-11-22T08:30:00Z","data":{}}`,
		"an unknown type":     `{"specversion":"1.0","id":"1","source":"s","type":"gatehouse.Nonsense.v1","subject":"account/a","time":"2026-11-22T08:30:00Z","data":{}}`,
		"data of other shape": `{"specversion":"1.0","id":"1","source":"s","type":"gatehouse.UnsubscribeRequested.v1","subject":"account/a","time":"2026-11-22T08:30:00Z","data":[1]}`,
		"no data":             `{"specversion":"1.0","id":"1","source":"s","type":"gatehouse.UnsubscribeRequested.v1","subject":"account/a","time":"2026-11-22T08:30:00Z"}`,
		"a bad intent":        `{"specversion":"1.0","id":"1","source":"s","type":"gatehouse.RegisterUser.v1","subject":"account/a","time":"2026-11-22T08:30:00Z","intent":"x","data":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := events.Decode([]byte(body)); portal.CodeOf(err) != portal.Invalid {
				t.Errorf("got %v, want an error with code invalid", err)
			}
		})
	}
}

func TestMembersOfNewerMessagesArePassedOver(t *testing.T) {
	t.Parallel()
	body := `{"specversion":"1.0","id":"1","source":"s","type":"gatehouse.UnsubscribeRequested.v1","subject":"account/a","time":"2026-11-22T08:30:00Z","newer":1,"data":{"plan":"p","newer":2}}`
	got, err := events.Decode([]byte(body))
	if err != nil || got.Data != (events.UnsubscribeRequested{Plan: "p"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWhatIsIncompleteOrTooLargeIsNotEncoded(t *testing.T) {
	t.Parallel()
	complete := examples()[0]
	for name, spoil := range map[string]func(*events.Event){
		"no id":      func(e *events.Event) { e.ID = "" },
		"no subject": func(e *events.Event) { e.Subject = "" },
		"no time":    func(e *events.Event) { e.Time = time.Time{} },
		"no data":    func(e *events.Event) { e.Data = nil },
		"too large": func(e *events.Event) {
			e.Data = events.UnsubscribeRequested{Plan: portal.PlanID(strings.Repeat("p", events.MaxSize))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := complete
			spoil(&e)
			if _, err := events.Encode(e); err == nil {
				t.Error("it was encoded")
			}
		})
	}
}
