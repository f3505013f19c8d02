package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/schema/schematest"
)

// noSuchRow are the lines of docs/data.md whose rows no portal writes today, and why.
var noSuchRow = map[string]string{
	"records actor#<actor> intent":                     "no operator changes an account here; e2e/accountscommand_test.go does",
	"records actor#<actor> operation#<ms>#<operation>": "no operator changes an account here; e2e/accountscommand_test.go does",
	"records announced#<product> deprecated#<sunset>":  "no product of the demo is deprecated; those of package notices are",
	"records health health":                            "it is only read",
	"records approvals <ms>#<account>#<sequence>":      "no plan of the demo needs approval; those of package approvals do",
	"sessions deleted-session#<hash> session":          "no account is deleted here; e2e/deletedaccount_test.go has one",
	"records letter-orders <ms>-<id>":                  "no admin orders anything here; operators has orders",
	"records banners-added count":                      "no admin writes a banner here; banners has it",
	"records banners <ms>-<id>":                        "no admin writes a banner here; banners has some",
	"records account#<account> viewing":                "no admin views an account here; members has views",
	"records resend-orders <ms>-<id>":                  "no admin orders anything here; operators has orders",
	"records registrations <account>":                  "registration is open here; e2e/account_test.go has one that waits",
	"records shown-late last":                          "no fact is shown late here; app/latefacts_test.go has one that is",
	"records restore run":                              "nothing is restored here; e2e/backup_test.go restores a backup",
}

// census compares the rows of a site with docs/data.md.
type census struct {
	*site
	t    *testing.T
	page []schematest.Line
	// met are the lines of which there was a row so far.
	met map[string]bool
}

// look looks at all rows of all tables: each must be like one line of the page, and have a
// time to live if and only if the page says so.
func (c *census) look() {
	c.t.Helper()
	client := dynamodb.NewFromConfig(c.aws)
	for _, table := range names.Tables() {
		pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{
			TableName: &table, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("pk, sk, " + schema.TTL),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(c.t.Context())
			if err != nil {
				c.t.Fatal(err)
			}
			for _, item := range page.Items {
				short, key := table[strings.LastIndex(table, "-")+1:], schema.KeyOf(item)
				lines := schematest.Of(c.page, short, key)
				if len(lines) != 1 {
					c.t.Fatalf("%d lines of docs/data.md are like the row %q, %q of %s, want 1", len(lines), key.PK, key.SK, short)
				}
				if fault := lines[0].Fault(schema.NumberOf(item[schema.TTL]), time.Now()); fault != "" {
					c.t.Fatalf("the row %q, %q of %s: %s, and docs/data.md says %q", key.PK, key.SK, short, fault, lines[0].Kept)
				}
				c.met[lines[0].Name] = true
			}
		}
	}
}

// until looks until there was a row of each of those lines.
func (c *census) until(lines ...string) {
	c.t.Helper()
	for _, line := range lines {
		eventually(c.t, "there is a row like "+line, func() bool {
			c.look()
			return c.met[line]
		})
	}
}

func TestTheRowsOfAPortalAreThoseOfItsDataModel(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := &census{s, t, schematest.Page(t, "../docs/data.md"), map[string]bool{}}
	for line := range noSuchRow {
		if !slices.ContainsFunc(c.page, func(l schematest.Line) bool { return l.Name == line }) {
			t.Errorf("docs/data.md has no line %q any more", line)
		}
	}
	o := s.operator(t)
	free := "/api/v1/subscriptions/" + s.Demo.API.FreePlanID
	ada, _ := s.subscriber(t, o)
	key := decode[items[key]](ada.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].ID
	ada.do(http.MethodPost, "/api/v1/keys/"+key+"/reveal", "").want(http.StatusOK)
	account := portal.AccountID(asJSON[struct{ Accounts []account }](o, "account", "find", "ada@example.com").Accounts[0].ID)
	ada.do(http.MethodPut, "/api/v1/account/settings", `{"notices":[{"kind":"key_created","mail":false}]}`).want(http.StatusOK)
	hook := decode[struct{ ID string }](ada.do(http.MethodPost, "/api/v1/webhooks", `{"url":"http://localhost:9/hooks"}`).want(http.StatusCreated)).ID
	ada.do(http.MethodPost, "/api/v1/webhooks/"+hook+"/test", "").want(http.StatusOK)
	c.until("records account#<account> notice#<notice>", "records account#<account> delivery#<channel>#<notice>", "records account#<account> settings#told")

	e := s.earlier(t)
	e.customer("earl@example.com", anIdentity, s.Demo.API.FreePlanID)
	late, _ := e.key("of somebody who has not come", true)
	file := filepath.Join(t.TempDir(), "keys.csv")
	write(t, file, "late@example.com,"+late+"\n")
	o.says(0, "migrate", "predecessor", "--yes")
	o.says(0, "migrate", "csv", file, "--yes")
	c.until("records adopted-keys <gatewaykey>", "records waiting-keys <hash>#<gatewaykey>", "records migrated <hash>")

	s.collectUsage(t)
	c.until("usage plan#<plan> collected")

	bought := s.buys(t, marketplace.Order{Paid: true})
	s.arrives(t, bought)
	ada.succeed(ada.claims(s, bought))
	s.demand(t, "marketplace")
	c.until("records scratch#marketplace-read last#<piece>", "sessions claim#<hash> claim")

	// While AWS Marketplace does not answer, records are unsent.
	_, value := ada.newKey(key)
	s.calls(t, value, 2)
	s.collectUsage(t)
	eventually(t, "the calls are collected", func() bool {
		return slices.ContainsFunc(ada.usage(""), func(u usageItem) bool { return u.Used == 2 })
	})
	s.misbehave(t, faults.Plan{Rules: []faults.Rule{{Service: "metering", Operation: "BatchMeterUsage", Kind: faults.Down}}})
	s.demand(t, "metering")
	c.until("usage licence#<licence> head", "usage licence#<licence> record#<hour>#<dimension>", "usage unsent <product>#<licence>#<hour>#<dimension>", "usage metering region")
	s.misbehave(t, faults.Plan{})

	s.administer(t, ada)
	s.demand(t, "due")
	c.until("records admins-told <what>")

	s.admin(t).do(http.MethodGet, "/admin/usage", "").want(http.StatusOK)
	s.admin(t).do(http.MethodPost, "/api/v1/admin/accounts/"+string(account)+"/notes", `{"text":"Asked by phone."}`).want(http.StatusCreated)
	c.until("records account#<account> note#<ms>-<id>")
	c.until("records scratch#usagesum <days>#<piece>")

	s.ownDomain(t)
	s.publishMorePlans(t, 1) // a stage whose document no product folder has
	o.says(0, "sweep")
	o.says(0, "projections", "rebuild")
	c.look()

	// While keys cannot be created, converging fails, and accounts wait.
	ada.succeed(ada.do(http.MethodDelete, free, ""))
	bob := s.signUp(t, "bob@example.com")
	bob.succeed(bob.do(http.MethodPost, "/api/v1/register", ""))
	s.misbehave(t, faults.Plan{Rules: []faults.Rule{{Service: "apigateway", Operation: "CreateApiKey", Kind: faults.Down}}})
	waiting := bob.do(http.MethodPut, free, "").want(http.StatusAccepted)
	c.until("records lease account#<account>", "records due#<shard> <ms>#<hash>", "records failure#<message> failure")
	s.misbehave(t, faults.Plan{})
	bob.succeed(waiting)

	// While plans are slow to read, requests for the catalog wait.
	s.misbehave(t, faults.Plan{Rules: []faults.Rule{{
		Service: "apigateway", Operation: "GetUsagePlans", Kind: faults.Latency, Latency: faults.Range{Min: 3 * time.Second, Max: 3 * time.Second},
	}}})
	sync := command(t, o.env, "gatehouse", "catalog", "sync")
	if err := sync.Start(); err != nil {
		t.Fatal(err)
	}
	c.until("records catalog-requests <request>")
	s.misbehave(t, faults.Plan{})
	if err := sync.Wait(); err != nil {
		t.Errorf("reading the catalog ends with %v", err)
	}

	s.lengthen(t, account, portal.KeyID(key))
	ada.succeed(ada.do(http.MethodPut, free, ""))
	c.until("records snapshot#<stream> <version>")

	// A letter that is discarded, one that is settled, and one that stays open.
	s.put(t, names.Commands, "<xml/>")
	s.put(t, app.DeadLetterQueue(names.Commands), registration(t, "carol"))
	s.put(t, names.Commands, "<"+strings.Repeat("large", 180<<10)+">")
	c.until("records deadletter <message>", "records deadletter#<hash> <part>")
	type letters struct {
		Letters []struct{ ID, Class string }
	}
	var replayed, discarded string
	eventually(t, "all three are dead letters", func() bool {
		found := asJSON[letters](o, "dlq", "list").Letters
		for _, letter := range found {
			switch letter.Class {
			case "redriven":
				replayed = letter.ID
			case "unreadable":
				discarded = letter.ID
			}
		}
		return len(found) == 3
	})
	s.demand(t, "alarms")
	c.until("records alarms <alarm>")
	o.says(0, "dlq", "discard", discarded, "--reason", "a test", "--yes")
	o.says(0, "dlq", "replay", replayed, "--yes")
	eventually(t, "the replay is handled", func() bool { return len(asJSON[letters](o, "dlq", "list").Letters) == 1 })
	c.look()

	s.fill(t)
	dora := s.signUp(t, "dora@example.com")
	dora.succeed(dora.do(http.MethodPost, "/api/v1/register", ""))
	dora.do(http.MethodPut, free, "").want(http.StatusAccepted)
	c.until("records limit keys")

	for _, line := range c.page {
		if reason, none := noSuchRow[line.Name]; none && c.met[line.Name] {
			t.Errorf("there was a row like %q, though %s", line.Name, reason)
		} else if !none && !c.met[line.Name] {
			t.Errorf("there was no row like %q", line.Name)
		}
	}
}

// ownDomain gives the demo's stage a domain of its own.
func (s *site) ownDomain(t *testing.T) {
	t.Helper()
	client, domain := apigateway.NewFromConfig(s.aws), aws.String("api.example.com")
	_, err := client.CreateDomainName(t.Context(), &apigateway.CreateDomainNameInput{
		DomainName: domain, RegionalCertificateArn: aws.String("arn:aws:acm:us-east-1:000000000000:certificate/c"),
		EndpointConfiguration: &types.EndpointConfiguration{Types: []types.EndpointType{types.EndpointTypeRegional}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateBasePathMapping(t.Context(), &apigateway.CreateBasePathMappingInput{
		DomainName: domain, RestApiId: &s.Demo.API.APIID, Stage: &s.Demo.API.Stage,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lengthen adds so many facts to an account's stream that a snapshot of it pays.
func (s *site) lengthen(t *testing.T, account portal.AccountID, key portal.KeyID) {
	t.Helper()
	facts := journal.New(dynamodb.NewFromConfig(s.aws), names.Journal, names.Records)
	cause := events.Event{ID: "by-hand", Subject: portal.AccountStream(account)}
	for range 8 {
		head, err := facts.Head(t.Context(), cause.Subject)
		if err != nil {
			t.Fatal(err)
		}
		observed := slices.Repeat([]events.Fact{events.KeyObserved{Key: key, Enabled: true}}, journal.MaxFacts)
		if err := facts.Append(t.Context(), cause.Subject, head, journal.Stamp(cause, "/test", time.Now(), head, observed)); err != nil {
			t.Fatal(err)
		}
	}
}

// fill makes as many API keys by hand as API Gateway allows.
func (s *site) fill(t *testing.T) {
	t.Helper()
	const most = 10_000
	client := apigateway.NewFromConfig(s.aws)
	var rows []string
	for n := len(s.gatewayKeys(t)); n < most; n++ {
		rows = append(rows, fmt.Sprintf("by hand %d,byhand%034d", n, n))
	}
	for part := range slices.Chunk(rows, 1000) {
		out, err := client.ImportApiKeys(t.Context(), &apigateway.ImportApiKeysInput{
			Body: []byte("name,key\n" + strings.Join(part, "\n")), Format: types.ApiKeysFormatCsv,
		})
		if err != nil || len(out.Ids) != len(part) {
			t.Fatalf("of %d keys %d were imported: %v, %v", len(part), len(out.Ids), out.Warnings, err)
		}
	}
}

// put sends a message unchanged.
func (s *site) put(t *testing.T, queue, body string) {
	t.Helper()
	client := sqs.NewFromConfig(s.aws)
	found, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: found.QueueUrl, MessageBody: &body, MessageGroupId: aws.String("test"), MessageDeduplicationId: aws.String(portal.DeriveID(body)),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// registration is a request of an account of that name, each time another.
func registration(t *testing.T, account string) string {
	t.Helper()
	id := portal.DeriveID(account, time.Now().String())
	body, err := events.Encode(events.Event{
		ID: id, Source: "/test", Subject: portal.AccountStream(portal.AccountID(account)), Time: time.Now(), Operation: portal.OperationID(id),
		Intent: 1, Data: events.RegisterUser{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
