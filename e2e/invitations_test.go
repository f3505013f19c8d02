// This file tests registration by invitation.

package e2e

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/localaws/ses"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type invitation struct {
	ID, Email, Mail string
	UsedBy          string `json:"used_by"`
}

// browse reads a page of the local AWS, or of the portal.
func browse(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %d, %v", address, response.StatusCode, err)
	}
	return string(body)
}

// mailTo waits for a mail to an address, and returns its text.
func (s *site) mailTo(t *testing.T, address, subject string) string {
	t.Helper()
	line := regexp.MustCompile(`<td>[^<]*` + regexp.QuoteMeta(address) + `[^<]*</td><td><a href="([^"]+)">` + regexp.QuoteMeta(subject) + `</a>`)
	var found []string
	eventually(t, "there is a mail to "+address, func() bool {
		found = line.FindStringSubmatch(browse(t, s.AWSURL+ses.InboxPath))
		return found != nil
	})
	return browse(t, s.AWSURL+found[1])
}

func (p person) invitations(query string) []invitation {
	p.t.Helper()
	return decode[items[invitation]](p.do(http.MethodGet, "/api/v1/admin/invitations"+query, "").want(http.StatusOK)).Items
}

func (p person) invite(email string) invitation {
	p.t.Helper()
	return decode[invitation](p.do(http.MethodPost, "/api/v1/admin/invitations", `{"email":"`+email+`"}`).want(http.StatusCreated))
}

func TestOnlyInvitedPeopleRegister(t *testing.T) {
	t.Parallel()
	s := startWith(t, settings{dir: t.TempDir(), env: []string{"GATEHOUSE_REGISTRATION=invitation"}})
	s.waitForCatalog(t)
	admin := s.admin(t)
	admin.succeed(admin.do(http.MethodPost, "/api/v1/register", "")) // admins need no invitation

	// A person who is not invited is told so.
	eve := s.signUp(t, "eve@example.com")
	refused := func(p person) {
		t.Helper()
		if got := p.do(http.MethodPost, "/api/v1/register", "").want(http.StatusForbidden); !strings.Contains(string(got.body), "has no open invitation") {
			t.Errorf("the refusal says %s", got.body)
		}
		if status := p.me().Status; status != "none" {
			t.Errorf("the account is %s", status)
		}
	}
	refused(eve)

	// An admin invites a person, who gets a mail with a link, and registers.
	invited := admin.invite("Ada@Example.com")
	if invited.Email != "ada@example.com" || invited.Mail != "pending" && invited.Mail != "delivered" {
		t.Errorf("invited is %+v", invited)
	}
	mail := s.mailTo(t, "ada@example.com", "You are invited to "+s.portalName(t))
	if !strings.Contains(mail, s.PortalURL+"/sign-up") {
		t.Errorf("the mail has no link: %s", mail)
	}
	eventually(t, "the list says that the mail was sent", func() bool {
		all := admin.invitations("")
		return len(all) == 1 && all[0].Mail == "delivered"
	})
	if page := browse(t, s.PortalURL+"/sign-up"); !strings.Contains(page, "Sign") {
		t.Errorf("the link leads to %.200s", page)
	}
	ada := s.signUp(t, "ada@example.com")
	ada.succeed(ada.do(http.MethodPost, "/api/v1/register", ""))
	ada.succeed(ada.do(http.MethodPost, "/api/v1/register", "")) // again
	value := s.keyOf(ada)
	eventually(t, "the key works", func() bool { return s.call(t, value) == http.StatusOK })

	// The invitation is used.
	if open := admin.invitations(""); len(open) != 0 {
		t.Errorf("open are %+v", open)
	}
	if all := admin.invitations("?state=all"); len(all) != 1 || all[0].UsedBy != ada.me().Account {
		t.Errorf("all are %+v", all)
	}
	admin.do(http.MethodPost, "/api/v1/admin/invitations", `{"email":"ada@example.com"}`).want(http.StatusConflict)
	admin.do(http.MethodDelete, "/api/v1/admin/invitations/"+invited.ID, "").want(http.StatusConflict)

	// One that was removed admits nobody, and neither does one that has expired.
	grace := s.signUp(t, "grace@example.com")
	admin.do(http.MethodDelete, "/api/v1/admin/invitations/"+admin.invite("grace@example.com").ID, "").want(http.StatusNoContent)
	refused(grace)
	expired := admin.invite("grace@example.com")
	s.expire(t, expired.ID)
	refused(grace)
	if open := admin.invitations(""); len(open) != 0 {
		t.Errorf("open are %+v", open)
	}
	admin.invite("grace@example.com")
	grace.succeed(grace.do(http.MethodPost, "/api/v1/register", ""))

	// People who are no admins cannot invite.
	ada.do(http.MethodPost, "/api/v1/admin/invitations", `{"email":"eve@example.com"}`).want(http.StatusForbidden)
	refused(eve)
	audit := decode[items[struct{ What string }]](admin.do(http.MethodGet, "/api/v1/admin/audit?what="+members.AuditInvited, "").want(http.StatusOK)).Items
	if len(audit) != 4 {
		t.Errorf("the audit has %d invitations, want 4", len(audit))
	}
}

// expire puts an invitation's end into the past.
func (s *site) expire(t *testing.T, id string) {
	t.Helper()
	_, err := dynamodb.NewFromConfig(s.aws).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(names.Records), Key: schema.Invitation(id).Attributes(), UpdateExpression: aws.String("SET expires = :past"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":past": schema.Time(time.Now().Add(-time.Minute).Truncate(time.Second))},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// portalName is the portal's name on its pages.
func (s *site) portalName(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`<meta property="og:site_name" content="([^"]+)">`).FindStringSubmatch(browse(t, s.PortalURL+"/"))
	if found == nil {
		t.Fatal("the home page does not name the portal")
	}
	return found[1]
}
