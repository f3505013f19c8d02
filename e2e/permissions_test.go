// This file tests that docs/configuration.md lists the permissions that the programs need.

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
)

// permissionsSection returns what a page of the documentation says about permissions.
func permissionsSection(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Permissions\n")
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

// documentedPermissions reads the permissions that docs/configuration.md lists, and those of operators in
// docs/marketplace.md. The keys are "portal", "worker", "set-up", or a command of gatehouse.
func documentedPermissions(t *testing.T) map[string]map[permitted]bool {
	t.Helper()
	_, operators, _ := strings.Cut(permissionsSection(t, "marketplace.md"), "\n**Operators**")
	section := permissionsSection(t, "configuration.md") + operators
	all := map[string]map[permitted]bool{}
	who := ""
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "**"); ok && !strings.HasPrefix(line, "**`") {
			name, _, _ = strings.Cut(name, "**")
			who = strings.ToLower(name)
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.Contains(line, "| on |") {
			continue
		}
		if len(cells) == 3 {
			if name := strings.Trim(cells[0], " `"); name != "" {
				who = name
			}
			cells = cells[1:]
		}
		if all[who] == nil {
			all[who] = map[permitted]bool{}
		}
		for action := range strings.SplitSeq(cells[0], ",") {
			for _, on := range resources(cells[1]) {
				all[who][permitted{strings.Trim(action, " `"), on}] = true
			}
		}
	}
	return all
}

// sellersPermissions reads the actions that docs/marketplace.md lists for the seller's role.
func sellersPermissions(t *testing.T) map[string]bool {
	t.Helper()
	section, _, _ := strings.Cut(permissionsSection(t, "marketplace.md"), "\n**Operators**")
	all := map[string]bool{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 3 || !strings.Contains(cells[0], "`") {
			continue
		}
		for action := range strings.SplitSeq(cells[0], ",") {
			all[strings.Trim(action, " `")] = true
		}
	}
	return all
}

func resources(cell string) []string {
	tables := []string{"journal", "records", "views", "usage", "sessions"}
	queues := []string{"commands", "provisioning", "projections", "jobs", "notices", "deliveries", "marketplace", "dead-letter queues"}
	var all []string
	for one := range strings.SplitSeq(cell, ",") {
		switch one = strings.Trim(one, " `"); one {
		case "all tables":
			all = append(all, tables...)
		case "all queues":
			all = append(all, queues...)
		case "the user pool":
			all = append(all, "*")
		default:
			all = append(all, one)
		}
	}
	return all
}

// notExercised lists documented permissions that the test need not use, and when they are used.
// The keys are prefixes.
var notExercised = map[string]string{
	"set-up iam:CreateServiceLinkedRole":                 "KMS makes this call on behalf of set-up",
	"worker ses:SendEmail":                               "used with GATEHOUSE_MAIL=ses",
	"worker sns:Publish the operators' topic":            "used with GATEHOUSE_OPERATORS_TOPIC",
	"portal sts:AssumeRole":                              "used with GATEHOUSE_MARKETPLACE_ROLE_ARN",
	"worker sts:AssumeRole":                              "used with GATEHOUSE_MARKETPLACE_ROLE_ARN",
	"portal aws-marketplace:":                            "used if plans are sold on AWS Marketplace",
	"worker aws-marketplace:":                            "used if plans are sold on AWS Marketplace",
	"worker sqs:SendMessage notices":                     "used when the sweep finds facts that were not told",
	"worker sqs:SendMessage deliveries":                  "used for mail and webhooks",
	"portal sqs:SendMessage deliveries":                  "used to test webhooks, to send again, and for invitations",
	"portal sqs:GetQueueUrl deliveries":                  "used to test webhooks, and to send again",
	"portal dynamodb:DeleteItem records":                 "used for webhooks",
	"portal dynamodb:ConditionCheckItem":                 "used for webhooks and settings",
	"worker sqs:ChangeMessageVisibility":                 "used when a worker extends or hands back a message",
	"worker sqs:DeleteMessage":                           "used for the queues that get messages in this run",
	"worker sqs:ReceiveMessage":                          "used once the worker reads that queue",
	"worker dynamodb:DeleteItem records":                 "used for due rows, failures and leases",
	"worker sqs:SendMessage jobs":                        "used for ticks, at full minutes",
	"portal dynamodb:GetItem usage":                      "used for what was metered to AWS Marketplace",
	"worker dynamodb:UpdateItem usage":                   "used for metering to AWS Marketplace",
	"worker dynamodb:DeleteItem usage":                   "used for metering to AWS Marketplace",
	"portal apigateway:GET /apikeys/*":                   "used for keys that were taken over from an earlier portal",
	"migrate dynamodb:GetItem journal":                   "used for people whom the identity provider names",
	"migrate dynamodb:PutItem journal":                   "used to open accounts",
	"migrate dynamodb:Query journal":                     "used to read accounts",
	"migrate dynamodb:DeleteItem records":                "used for people who are no longer in the admin group",
	"migrate dynamodb:ConditionCheckItem":                "used to open accounts and to move feedback",
	"alarms sns:Publish the operators' topic":            "used with GATEHOUSE_OPERATORS_TOPIC",
	"alarms dynamodb:GetItem records":                    "used with GATEHOUSE_OPERATORS_WEBHOOK",
	"alarms kms:":                                        "used with GATEHOUSE_OPERATORS_WEBHOOK",
	"migrate sqs:":                                       "used for people who have an account",
	"migrate cognito-idp:ListUsers":                      "used by migrate predecessor",
	"worker apigateway:GET /usageplans/*":                "used when a key cannot be attached",
	"worker apigateway:GET /usageplans/*/keys":           "used by sweeps and imports",
	"worker apigateway:GET /apikeys/*":                   "used by rechecks",
	"worker apigateway:GET /apikeys":                     "used for a key whose creation was not recorded",
	"worker apigateway:DELETE /apikeys/*":                "used for keys that are given back",
	"worker apigateway:PATCH /apikeys/*":                 "used for keys that end, and for those that were renamed by hand",
	"worker apigateway:GET /domainnames":                 "used if there are custom domains",
	"worker sqs:SendMessage commands":                    "used for idle keys and lost requests",
	"worker sqs:SendMessage projections":                 "used when the sweep finds a stream that is not shown",
	"worker dynamodb:Query views":                        "used for a request whose message may be lost",
	"portal dynamodb:Query journal":                      "used when an operation does not move",
	"portal sqs:SendMessage projections":                 "used when an operation does not move",
	"portal sqs:GetQueueUrl projections":                 "used when an operation does not move",
	"sweep sqs":                                          "used if something differs",
	"sweep sns:Publish":                                  "used if something is not shown",
	"sweep dynamodb:GetItem":                             "used for checkpoints and the budget",
	"dlq sqs":                                            "used for a replay, to the queue that the message came from",
	"dlq sns":                                            "used for a replay of a fact",
	"portal dynamodb:DeleteItem sessions":                "used for signing out",
	"portal dynamodb:Query sessions":                     "used for the list of sessions",
	"portal sns:Publish topic of feedback":               "used for feedback",
	"worker dynamodb:Scan journal":                       "used when an account of an older version is deleted",
	"worker dynamodb:DeleteItem journal":                 "used when an account is deleted",
	"worker dynamodb:Query sessions":                     "used when an account is deleted",
	"worker dynamodb:PutItem sessions":                   "used when an account is deleted",
	"worker dynamodb:DeleteItem sessions":                "used when an account is deleted",
	"catalog sync dynamodb:Query records":                "used for a large document",
	"marketplace doctor dynamodb:Query views":            "used for licences",
	"marketplace setup dynamodb:Query views":             "used for licences",
	"marketplace resend dynamodb:":                       "used for usage that AWS has refused",
	"doctor dynamodb:Query views":                        "used for accounts older than a minute",
	"backup s3:":                                         "used for s3://",
	"restore s3:":                                        "used for s3://",
	"marketplace resend ":                                "used for usage that AWS has refused",
	"worker apigateway:PATCH /usageplans/*/keys/*/usage": "used when a key that is in a plan with a quota is replaced",
}

// sellersUnused lists documented actions of the seller's role that the test need not use.
var sellersUnused = map[string]string{
	"aws-marketplace:BatchMeterUsage":          "used for usage",
	"aws-marketplace:GetEntitlements":          "used for contracts",
	"aws-marketplace:GetAgreementEntitlements": "used for purchases",
	"aws-marketplace:GetAgreementTerms":        "used for contracts",
	"sns:CreateTopic":                          "used if the queue is elsewhere",
	"sns:GetTopicAttributes":                   "used if the queue is elsewhere",
	"sns:SetTopicAttributes":                   "used if the queue is elsewhere",
	"sns:Publish":                              "used if the queue is elsewhere",
	"sns:SetSubscriptionAttributes":            "used for a subscription without a dead-letter queue",
	"events:EnableRule":                        "used for a rule that is disabled",
}

func excused(who string, p permitted) bool {
	full := fmt.Sprintf("%s %s %s", who, p.action, p.on)
	return slices.ContainsFunc(slices.Collect(maps.Keys(notExercised)), func(prefix string) bool { return strings.HasPrefix(full, prefix) })
}

// Set-up, the portal, a worker and every command have credentials of their own.
func TestTheDocumentedPermissionsMatchTheCallsMade(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	rec, at := startRecorder(t, c.Endpoint())
	var behind atomic.Pointer[url.URL]
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(behind.Load())
		p.Out.Host = p.In.Host
	}})
	t.Cleanup(front.Close)
	_, port, _ := net.SplitHostPort(front.Listener.Addr().String())
	base := "http://localhost:" + port
	as := func(who string, more ...string) []string {
		return slices.Concat([]string{
			"AWS_ENDPOINT_URL=" + at, "AWS_REGION=" + localaws.Region, "AWS_ACCESS_KEY_ID=" + who, "AWS_SECRET_ACCESS_KEY=secret",
			"GATEHOUSE_BASE_URL=" + base,
		}, more)
	}
	says := func(code int, env []string, args ...string) string {
		t.Helper()
		got, stdout, stderr := runToEnd(t, env, "gatehouse", args...)
		if got != code {
			t.Fatalf("%v exits with %d: %s%s", args, got, stdout, stderr)
		}
		return stdout
	}

	says(0, as("set-up"), "setup")
	s := &site{aws: c.AWSConfig(), Portal: local.Portal{AWSURL: c.Endpoint(), PortalURL: base}}
	s.breakSetup(t)
	says(0, as("set-up"), "setup", "--key-user", "arn:aws:iam::"+localaws.Account+":role/worker")
	cfg, err := app.LoadConfig([]string{"GATEHOUSE_BASE_URL=" + base})
	if err != nil {
		t.Fatal(err)
	}
	if s.Demo, err = local.SetupDemo(t.Context(), s.aws, cfg, c.Endpoint()+"/demo-api"); err != nil {
		t.Fatal(err)
	}
	oidc := []string{"GATEHOUSE_OIDC_ISSUER=" + c.Endpoint() + "/" + s.Demo.PoolID, "GATEHOUSE_OIDC_CLIENT_ID=" + s.Demo.ClientID, "GATEHOUSE_OIDC_SIGN_UP_URL=" + c.Endpoint() + "/signup"}
	says(0, as("doctor --probe-import", oidc...), "doctor", "--probe-import")

	api := startProcess(t, as("portal", oidc...), 2, "api")
	to, err := url.Parse(api.portal)
	if err != nil {
		t.Fatal(err)
	}
	behind.Store(to)
	s.putCatalog(t, fstest.MapFS{"seamark/product.yaml": {Data: []byte(
		"name: Seamark\nplans:\n  - name: Seamark Free\n  - name: Seamark Pro\n    marketplace: {product_code: seamark-older, listing: 'https://aws.amazon.com/marketplace/pp/prodview-1', meter: api-gateway, notices: sns}\n  - name: Seamark Plus\n    marketplace: {product_code: newer, listing: 'https://aws.amazon.com/marketplace/pp/prodview-2', meter: portal, meter_dimension: requests, notices: eventbridge}\napis:\n  - name: Seamark\n    stage: v1\n    sdks: [javascript]\n",
	)}})
	topics := strings.Join(notice.TopicsOf("aws", app.TopicsAccount, "seamark-older"), ",")
	market := []string{"GATEHOUSE_MARKETPLACE_TOPICS=" + topics, "GATEHOUSE_MARKETPLACE_ACCOUNTS=" + localaws.Account, "GATEHOUSE_MARKETPLACE_ROLE_ARN=arn:aws:iam::" + localaws.Account + ":role/seller"}
	worker := startProcess(t, as("worker", append(market, "GATEHOUSE_CATALOG=s3://docs/portal")...), 1, "worker")
	s.waitForCatalog(t)
	visitor := s.visitor(t)
	visitor.open("/").follow(`header a[href*="screen=sign-up"]`).
		submit("form", "username", "ada@example.com", "name", "Ada", "password", password).wants(http.StatusOK, "Find an API, get a key, make your first call.")
	p := s.signIn(t, "ada@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	op := p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	id := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].ID
	value := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value
	s.call(t, value)
	p.succeed(p.do(http.MethodDelete, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	if got := p.usage(""); len(got) != 1 {
		t.Errorf("the usage is %+v", got)
	}
	readyCloud{cloud: c, t: t}.send(names.Commands, "<xml/>")
	readyCloud{cloud: c, t: t}.send(app.DeadLetterQueue(names.Commands), registration(t, "carol"))

	says(0, as("doctor", oidc...), "doctor")
	if _, err := c.Marketplace().PutProduct(marketplace.Product{Code: "seamark-older", Kind: marketplace.SNS, Dimensions: []string{"apigateway"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Marketplace().PutProduct(marketplace.Product{Code: "newer", Kind: marketplace.EventBridge, Dimensions: []string{"requests"}}); err != nil {
		t.Fatal(err)
	}
	says(0, as("marketplace setup", market...), "marketplace", "setup", "--yes")
	says(0, as("marketplace subscribe", market...), "marketplace", "subscribe", "--product", "seamark-older", "--yes")
	says(0, as("marketplace subscribe", market...), "marketplace", "subscribe", "--product", "newer", "--notices", "eventbridge", "--yes")
	says(0, as("marketplace doctor", market...), "marketplace", "doctor", "--send")
	if _, err := c.Marketplace().PutProduct(marketplace.Product{Code: "newer", Kind: marketplace.EventBridge, Dimensions: []string{"requests"}}); err != nil {
		t.Fatal(err)
	}
	bought, err := c.Marketplace().Subscribe(marketplace.Order{Product: "newer", Paid: true})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a worker has recorded the licence", func() bool {
		return strings.Contains(says(0, as("marketplace licences"), "marketplace", "licences"), bought.Licence)
	})
	says(0, as("marketplace correct", market...), "marketplace", "correct", bought.Licence)
	says(0, as("marketplace correct", market...), "marketplace", "correct", bought.Licence, "--buyer", "999988887777", "--yes")
	says(0, as("marketplace resend", market...), "marketplace", "resend", "--yes")
	says(0, as("marketplace redeliver", market...), "marketplace", "redeliver")
	s.letNobodyIn(t)
	if _, err := c.Marketplace().Subscribe(marketplace.Order{Product: "newer", Paid: true}); err != nil {
		t.Fatal(err)
	}
	says(0, as("set-up"), "setup")
	says(0, as("marketplace redeliver", market...), "marketplace", "redeliver")
	if !strings.Contains(says(0, as("marketplace redeliver", market...), "marketplace", "redeliver", "--yes", "--json"), `"sent": true`) {
		t.Error("no notice was sent again")
	}
	says(0, as("sweep"), "sweep")
	says(0, as("projections"), "projections", "rebuild")
	says(0, as("projections"), "projections", "status")
	says(0, as("projections"), "projections", "verify")
	says(0, as("catalog sync"), "catalog", "sync")
	says(0, as("catalog status"), "catalog", "status")
	says(0, as("operation"), "operation", "show", op.ID)
	says(0, as("operation"), "operation", "follow", op.ID)
	says(0, as("account find", oidc...), "account", "find", "ada@example.com")
	says(0, as("account find", oidc...), "account", "find", s.subject(t, "ada@example.com"))
	says(1, as("account find", oidc...), "account", "find", "eve@example.com")
	var found struct{ Accounts []account }
	if err := json.Unmarshal([]byte(says(0, as("accounts"), "accounts", "search", "ada@", "--json")), &found); err != nil || len(found.Accounts) != 1 {
		t.Fatal(found, err)
	}
	ada := found.Accounts[0].ID
	says(0, as("accounts"), "accounts", "list")
	says(0, as("accounts"), "accounts", "search", "ada@")
	says(0, as("accounts"), "accounts", "search", id)
	says(0, as("accounts"), "accounts", "show", ada)
	says(0, as("accounts"), "accounts", "history", ada)
	says(0, as("accounts"), "accounts", "note", ada, "Called.", "--yes")
	says(0, as("accounts"), "accounts", "promote", ada, "--yes")
	for _, what := range []string{"LicenceCorrectionRequested", "ViewsRebuilt", "NoteAdded", "AdminPromotionRequested"} {
		if list := says(0, as("audit"), "audit", "--what", what, "--json"); strings.Count(list, what) != 1 {
			t.Errorf("the audit has of %s: %s", what, list)
		}
	}
	says(0, as("keys whose"), "keys", "whose", value)
	says(0, as("keys whose"), "keys", "whose", id)
	earlier, _ := earlier{s, t}.key("a key of the earlier portal", true)
	rows := filepath.Join(t.TempDir(), "keys.csv")
	write(t, rows, "ada@example.com,"+earlier+"\nlate@example.com,"+earlier[:9]+"x\n")
	says(1, as("migrate"), "migrate", "csv", rows, "--yes")
	write(t, rows, "late@example.com,"+earlier+"\n")
	says(0, as("migrate"), "migrate", "csv", rows, "--yes")
	var list struct{ Letters []deadLetter }
	eventually(t, "the messages are dead letters", func() bool {
		if err := json.Unmarshal([]byte(says(0, as("dlq"), "dlq", "list", "--json")), &list); err != nil {
			t.Fatal(err)
		}
		return len(list.Letters) == 2
	})
	for _, letter := range list.Letters {
		says(0, as("dlq"), "dlq", "show", letter.ID)
	}
	banner := decode[struct{ ID string }](answer{t: t, body: []byte(says(0, as("banners"), "banners", "add", "Down **tonight**.", "--json"))})
	says(0, as("banners"), "banners", "list")
	says(0, as("alarms"), "alarms", "list")
	says(0, as("banners"), "banners", "end", banner.ID)
	says(0, as("banners"), "banners", "delete", banner.ID)
	says(0, as("dlq"), "dlq", "export")
	says(0, as("dlq"), "dlq", "discard", "--cause", "unreadable", "--reason", "a test", "--yes")
	admin := s.admin(t)
	admin.do(http.MethodGet, "/api/v1/admin/overview", "").want(http.StatusOK)
	admin.do(http.MethodGet, "/api/v1/admin/licences", "").want(http.StatusOK)
	admin.do(http.MethodPost, "/api/v1/admin/drift/compare", "").want(http.StatusOK)
	admin.do(http.MethodPost, "/api/v1/admin/dead-letter-replays", `{"all":true}`).want(http.StatusOK)
	eventually(t, "the replay that the admin ordered is handled", func() bool {
		return !strings.Contains(string(admin.do(http.MethodGet, "/api/v1/admin/dead-letters", "").want(http.StatusOK).body), `"state"`)
	})
	s.differ(t, id)
	says(0, as("keys reconcile"), "keys", "reconcile", "--values", "--yes", "--even-if-many")
	worker.terminate()
	worker.waitForExit()
	file := filepath.Join(t.TempDir(), "backup.gz")
	says(0, as("backup"), "backup", file)
	says(0, as("set-up", "GATEHOUSE_PREFIX=restored"), "setup")
	says(0, as("restore", "GATEHOUSE_PREFIX=restored"), "restore", file)
	says(0, as("keys purge"), "keys", "purge", "--yes", "--confirm", "gatehouse", "--workers-may-run")

	want := documentedPermissions(t)
	for who, listed := range want {
		made := rec.of(who)
		for p := range made {
			if !listed[p] {
				t.Errorf("%s makes a call that the documentation does not list: %s on %s", who, p.action, p.on)
			}
		}
		for p := range listed {
			if !made[p] && !excused(who, p) {
				t.Errorf("the documentation lists for %s, which never calls it: %s on %s", who, p.action, p.on)
			}
		}
	}
	rec.checkTemplates(t)
	sellers := sellersPermissions(t)
	for p := range rec.of(asSeller) {
		if !sellers[p.action] {
			t.Errorf("the seller's role makes a call that the documentation does not list: %s", p.action)
		}
	}
	for action := range sellers {
		if why := sellersUnused[action]; why == "" && !rec.made(asSeller, action) {
			t.Errorf("the documentation lists for the seller's role, which never calls it: %s", action)
		}
	}
	if len(want) != 28 {
		t.Errorf("the documentation lists %v", slices.Sorted(maps.Keys(want)))
	}
}

// letNobodyIn has the queue of notices refuse all of AWS Marketplace's.
func (s *site) letNobodyIn(t *testing.T) {
	t.Helper()
	queues := sqs.NewFromConfig(s.aws)
	at, err := queues.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(names.Marketplace)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queues.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: at.QueueUrl, Attributes: map[string]string{"Policy": ""}}); err != nil {
		t.Fatal(err)
	}
}

// breakSetup breaks one thing of each kind that set-up repairs.
func (s *site) breakSetup(t *testing.T) {
	t.Helper()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tables, queues, topics := dynamodb.NewFromConfig(s.aws), sqs.NewFromConfig(s.aws), sns.NewFromConfig(s.aws)
	for _, table := range []string{names.Journal, names.Records, names.Usage} {
		_, err := tables.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &table, DeletionProtectionEnabled: aws.Bool(false)})
		ok(err)
		_, err = tables.UpdateContinuousBackups(t.Context(), &dynamodb.UpdateContinuousBackupsInput{
			TableName: &table, PointInTimeRecoverySpecification: &ddbtypes.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(false)},
		})
		ok(err)
	}
	for _, base := range names.Queues() {
		for _, queue := range []string{base, app.DeadLetterQueue(base)} {
			at, err := queues.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
			ok(err)
			_, err = queues.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: at.QueueUrl, Attributes: map[string]string{"VisibilityTimeout": "1"}})
			ok(err)
		}
	}
	found, err := topics.ListSubscriptions(t.Context(), &sns.ListSubscriptionsInput{})
	ok(err)
	_, err = topics.SetSubscriptionAttributes(t.Context(), &sns.SetSubscriptionAttributesInput{
		SubscriptionArn: found.Subscriptions[0].SubscriptionArn, AttributeName: aws.String("RawMessageDelivery"), AttributeValue: aws.String("false"),
	})
	ok(err)
	_, err = topics.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: found.Subscriptions[0].TopicArn, AttributeName: aws.String("ContentBasedDeduplication"), AttributeValue: aws.String("true"),
	})
	ok(err)
}
