package sts

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// session is who a role's credentials act as.
type session struct {
	ARN string
	// ID is the role's id and the session's name.
	ID string
}

func sessionsIn(tx *store.Tx) store.Bucket { return tx.Bucket("sts", "sessions") } // access key id -> session

type credentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

type assumedRole struct {
	Credentials     credentials
	AssumedRoleUser struct {
		ARN           string `xml:"Arn"`
		AssumedRoleID string `xml:"AssumedRoleId"`
	}
}

// AWS's limits of a session, in seconds; a role's own maximum is not imitated.
const (
	minSession     = 900
	maxSession     = 43200
	defaultSession = 3600
)

var (
	roleForm    = regexp.MustCompile(`^arn:aws:iam::(\d{12}):role/([\w+=,.@/-]+)$`)
	sessionForm = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// assumeRole ignores policies and tags of the session (STS API Reference, AssumeRole). A role of an account that this
// local AWS does not have is denied, as AWS denies one that does not trust the caller or does not exist.
func (s *Service) assumeRole(ctx context.Context, in url.Values) (any, error) {
	arn, name := in.Get("RoleArn"), in.Get("RoleSessionName")
	role := roleForm.FindStringSubmatch(arn)
	seconds := defaultSession
	var err error
	if given := in.Get("DurationSeconds"); given != "" {
		seconds, err = strconv.Atoi(given)
	}
	switch {
	case role == nil:
		return nil, invalid("Value '%s' at 'roleArn' failed to satisfy constraint: %s is invalid", arn, arn)
	case !sessionForm.MatchString(name):
		return nil, invalid("Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*", name)
	case err != nil || seconds < minSession || seconds > maxSession:
		return nil, invalid("Value '%s' at 'durationSeconds' failed to satisfy constraint: Member must have value between %d and %d", in.Get("DurationSeconds"), minSession, maxSession)
	case role[1] != s.env.Account && !slices.Contains(s.env.Others, role[1]):
		return nil, &wire.Error{
			Code: "AccessDenied", Status: http.StatusForbidden,
			Message: fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", s.caller(ctx), arn),
		}
	}
	who := session{
		ARN: fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", role[1], role[2][strings.LastIndex(role[2], "/")+1:], name),
		ID:  "AROALOCALAWSROLE00000:" + name,
	}
	out := &assumedRole{Credentials: credentials{
		AccessKeyID: wire.NewAccessKeyID("ASIA", role[1]), SecretAccessKey: rand.Text(), SessionToken: rand.Text(),
		Expiration: s.env.Now().Add(time.Duration(seconds) * time.Second).UTC().Format(time.RFC3339),
	}}
	out.AssumedRoleUser.ARN, out.AssumedRoleUser.AssumedRoleID = who.ARN, who.ID
	return out, s.env.DB.Update(func(tx *store.Tx) error {
		b := sessionsIn(tx)
		return store.PutJSON(b, out.Credentials.AccessKeyID, who)
	})
}

// sessionOf is the zero session for a caller without a role. Sessions do not end.
func (s *Service) sessionOf(ctx context.Context) (who session, err error) {
	r := wire.RequestFrom(ctx)
	if r == nil {
		return session{}, nil
	}
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		who, _, err = store.GetJSON[session](sessionsIn(tx), wire.CallerOf(r).AccessKeyID)
		return err
	})
	return who, err
}

func invalid(format string, args ...any) error {
	return wire.Errorf("ValidationError", "1 validation error detected: "+format, args...)
}
