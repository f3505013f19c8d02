// This file tests that secrets are stored, logged and sent only where they must be.

package e2e

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

// anyToken matches every JSON Web Token.
var anyToken = regexp.MustCompile(`eyJ[\w-]{10,}\.eyJ[\w-]{10,}`)

func TestNoSecretIsAnywhereItNeedNotBe(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	secrets, key, pages := s.useThePortal(t)
	letters := s.sendBadMessages(t)
	s.waitForEmptyQueues(t)
	metrics := person{t: t, base: s.OperatorsURL}.do(http.MethodGet, "/metrics", "").want(http.StatusOK)
	s.stop()

	data, logs := dataFile(t, s.dir), s.logs.String()
	raw, err := os.ReadFile(filepath.Join(s.dir, localaws.DataFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range secrets {
		// Deleted values stay in the file for a while. A secret must not even be among those.
		if bytes.Contains(raw, []byte(secret)) || len(where(data, secret)) > 0 {
			t.Errorf("%s is stored: %v", name, where(data, secret))
		}
	}
	secrets["the key"] = key
	for name, secret := range secrets {
		for place, text := range map[string]string{"the log": logs, "the metrics": string(metrics.body)} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s", place, name)
			}
		}
	}
	for place, text := range map[string][]byte{"the log": []byte(logs), "the data file": raw} {
		if anyToken.Match(text) {
			t.Errorf("%s holds a token", place)
		}
	}
	checkKeyPlaces(t, data, key)
	checkPersonPlaces(t, data, logs)
	checkLetters(t, data, logs, letters)
	checkPages(t, pages, key)
}

const personalName = "Zenobia Quux-Ftang"

// useThePortal lets one person use the pages and another the JSON API. It returns the secrets
// that must not be found anywhere, the first person's key, and all traffic of the browser.
func (s *site) useThePortal(t *testing.T) (secrets map[string]string, key string, pages []exchange) {
	t.Helper()
	free := s.Demo.API.FreePlanID
	v := s.visitor(t)
	v.open("/").follow(`header a[href*="screen=sign-up"]`).
		submit("form", "username", "by-page@example.com", "name", personalName, "password", password).
		wants(http.StatusOK, homeHeading)
	eventually(t, "the account is open", func() bool { return !v.open("/dashboard").has("#unregistered") })
	v.open("/apis").follow(`.card.product a[href="/apis/seamark"]`).follow(plansTab).submit(`form[action="/subscriptions/` + free + `"]`).reloadUntilDone()
	key = v.open("/dashboard").submit(`form[action$="/reveal"]`).text("#key-value")
	if got := s.call(t, key); got != http.StatusOK {
		t.Fatalf("with the key the API answers %d", got)
	}
	v.open("/dashboard").submit(`form[action="/subscriptions/` + free + `/leave"]`).reloadUntilDone()
	v.open("/dashboard")
	secrets = secretsSeen(t, v.record.all())
	v.open("/").submit(`form[action="/sign-out"]`)
	// Stay signed in, so that there is a session to search.
	v.open("/apis").signIn("by-page@example.com", password)
	for name, secret := range secretsSeen(t, v.record.all()) {
		secrets[name+", the second time"] = secret
	}

	signUp(t, s.cognito(), s.Demo.ClientID, "by-api@example.com")
	got := authenticate(t, s.cognito(), s.Demo.ClientID, "by-api@example.com")
	p := person{t: t, base: s.PortalURL, token: got.id}
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	p.token = got.access
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.PlusPlanID, "", "Idempotency-Key", "a-secret-of-the-client"))
	id := decode[items[struct{ ID string }]](p.do(http.MethodGet, "/api/v1/keys", "")).Items[0].ID
	p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)
	p.succeed(p.do(http.MethodDelete, "/api/v1/subscriptions/"+s.Demo.API.PlusPlanID, ""))

	for name, secret := range map[string]string{
		"the password": password, "the ID token": got.id, "the access token": got.access, "the refresh token": got.refresh,
		"the demo account's password": demo.Accounts[0].Password, "the Idempotency-Key": "a-secret-of-the-client",
	} {
		secrets[name] = secret
	}
	return secrets, key, v.record.all()
}

// ofAnyPortal matches the portal's cookie names, which end with a hash of its address.
var ofAnyPortal = regexp.MustCompile(`^(gatehouse_[a-z]+)_[0-9a-f]{8}$`)

// secretsSeen returns the secrets that a browser saw: the last of each cookie and of each
// authorization code and state.
func secretsSeen(t *testing.T, exchanges []exchange) map[string]string {
	t.Helper()
	secrets := map[string]string{}
	for _, e := range exchanges {
		for _, cookie := range e.cookies {
			if cookie.Value != "" {
				secrets["cookie "+ofAnyPortal.ReplaceAllString(cookie.Name, "$1")] = cookie.Value
			}
		}
		at, err := url.Parse(e.url)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"code", "state"} {
			if value := at.Query().Get(name); value != "" {
				secrets["the "+name+" of the sign-in"] = value
			}
		}
	}
	for _, name := range []string{"cookie gatehouse_session", "cookie gatehouse_signin", "cookie localaws_login", "the code of the sign-in", "the state of the sign-in"} {
		if len(secrets[name]) < 20 {
			t.Fatalf("%s was not seen: %q", name, secrets[name])
		}
	}
	return secrets
}

// sendBadMessages sends messages that become dead letters, and returns a text of each.
func (s *site) sendBadMessages(t *testing.T) (contents []string) {
	t.Helper()
	client := sqs.NewFromConfig(s.aws)
	queue, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &names.Commands})
	if err != nil {
		t.Fatal(err)
	}
	for id, body := range map[string]string{
		"unreadable": `{"specversion":"1.0","data":"unreadable-7c1"`,
		"incomplete": `{"specversion":"1.0","id":"incomplete","note":"incomplete-7c1"}`,
		"unknown":    `{"specversion":"1.0","id":"unknown","source":"/test","type":"gatehouse.Unknown.v1","subject":"account/nobody","time":"2026-01-01T00:00:00Z","data":{"note":"unknown-7c1"}}`,
		"invalid":    `{"specversion":"1.0","id":"invalid","source":"/test","type":"gatehouse.CatalogSyncRequested.v1","subject":"account/nobody","time":"2026-01-01T00:00:00Z","data":{"note":"invalid-7c1"}}`,
	} {
		_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: queue.QueueUrl, MessageBody: aws.String(body), MessageGroupId: aws.String(id), MessageDeduplicationId: aws.String(id),
		})
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, id+"-7c1")
	}
	return contents
}

// checkKeyPlaces checks that only API Gateway stores a key's value or a long part of it.
func checkKeyPlaces(t *testing.T, data []stored, key string) {
	t.Helper()
	if len(key) < 40 {
		t.Fatalf("the key has %d characters", len(key))
	}
	places := where(data, key[8:28])
	for _, path := range places {
		if !strings.HasPrefix(path, "apigateway/") {
			t.Errorf("the key is stored in %s", path)
		}
	}
	if len(places) == 0 {
		t.Error("the key was not found at API Gateway, so the search does not work")
	}
}

// checkPersonPlaces checks that only the identity provider, the person row and the session
// store names and e-mail addresses.
func checkPersonPlaces(t *testing.T, data []stored, logs string) {
	t.Helper()
	for _, text := range []string{"by-page@example.com", "by-api@example.com", personalName} {
		at := map[string]bool{}
		for _, path := range where(data, text) {
			allowed := ""
			for _, prefix := range []string{"cognito/users/", "cognito/emails/", "cognito/", names.Records + ": person#", names.Records + ": person-word#", "ses/mails/", names.Sessions + ": session#"} {
				if allowed == "" && strings.HasPrefix(path, prefix) {
					allowed = prefix
				}
			}
			if allowed == "" {
				t.Errorf("%s is stored in %s", text, path)
			}
			at[allowed] = true
		}
		signedIn := text != "by-api@example.com"
		if !at["cognito/users/"] || !at[names.Records+": person#"] || at[names.Sessions+": session#"] != signedIn {
			t.Errorf("%s was found in %v", text, at)
		}
		if strings.Contains(logs, text) {
			t.Errorf("the log names %s", text)
		}
	}
}

// checkLetters checks that bad messages are kept as dead letters and not logged.
func checkLetters(t *testing.T, data []stored, logs string, contents []string) {
	t.Helper()
	for _, content := range contents {
		kept := false
		for _, path := range where(data, content) {
			kept = kept || strings.HasPrefix(path, names.Records+": deadletter ")
		}
		if !kept {
			t.Errorf("%s is kept in %v, and not as a dead letter", content, where(data, content))
		}
		if strings.Contains(logs, content) {
			t.Errorf("the log repeats %s", content)
		}
	}
}

// checkPages checks that only the answer to a reveal holds the key's value.
func checkPages(t *testing.T, pages []exchange, key string) {
	t.Helper()
	shown := 0
	for _, e := range pages {
		reveals := strings.HasSuffix(e.url, "/reveal")
		if strings.Contains(e.answer, key) {
			shown++
			if !reveals {
				t.Errorf("the answer of %s holds the key", e.url)
			}
		}
		if strings.Contains(e.url, key) || strings.Contains(e.request, key) || strings.Contains(e.url, password) {
			t.Errorf("the request to %s holds a secret", e.url)
		}
		if anyToken.MatchString(e.url + e.request + e.answer) {
			t.Errorf("a token went through the browser at %s", e.url)
		}
	}
	if shown != 1 {
		t.Errorf("the key was shown %d times", shown)
	}
}
