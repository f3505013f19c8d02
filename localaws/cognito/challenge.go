package cognito

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// challengeLife is the default of AuthSessionValidity.
const challengeLife = 3 * time.Minute

const newPasswordRequired = "NEW_PASSWORD_REQUIRED"

// challenge is a sign-in in which the user must replace a temporary password, by its
// session's hash.
type challenge struct {
	PoolID, ClientID string
	Username, Sub    string
	Expires          time.Time
}

func (c challenge) expired(now time.Time) bool { return !now.Before(c.Expires) }

func challengesIn(tx *store.Tx) store.Bucket { return tx.Bucket("cognito", "challenges") }

func (s *Service) startChallenge(c client, u user) (session string, err error) {
	session = newSecret()
	now := s.env.Now()
	err = s.env.DB.Update(func(tx *store.Tx) error {
		challenges := challengesIn(tx)
		if err := dropExpired[challenge](challenges, now); err != nil {
			return err
		}
		return store.PutJSON(challenges, secretKey(session), challenge{
			PoolID: c.PoolID, ClientID: c.ID, Username: u.Username, Sub: u.Sub, Expires: now.Add(challengeLife),
		})
	})
	return session, err
}

var errSession = notAuthorized("Invalid session for the user.")

// chooseNewPassword completes a challenge and returns the user. After an invalid password the
// challenge stays open. name, if not empty, must be the user's.
func (s *Service) chooseNewPassword(ctx context.Context, p pool, c client, session, name, password string, attributes map[string]string) (user, error) {
	if err := p.Policy.check(password); err != nil {
		return user{}, err
	}
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return user{}, err
	}
	var u user
	err = s.env.DB.Update(func(tx *store.Tx) error {
		if u, err = s.challenged(tx, p, c, session, name); err != nil {
			return err
		}
		u.setPassword(hash)
		for name, value := range attributes {
			u.Attributes[name] = value
		}
		u.Modified = s.env.Now()
		if err := challengesIn(tx).Delete([]byte(secretKey(session))); err != nil {
			return err
		}
		return putUser(tx, p, u)
	})
	return u, err
}

func (s *Service) challenged(tx *store.Tx, p pool, c client, session, name string) (user, error) {
	found, ok, err := store.GetJSON[challenge](challengesIn(tx), secretKey(session))
	switch {
	case err != nil:
		return user{}, err
	case !ok || found.ClientID != c.ID || found.expired(s.env.Now()):
		return user{}, errSession
	case name == "":
		name = found.Username
	}
	u, err := findUser(tx, p, name)
	switch {
	case err != nil && !wire.IsCode(err, "UserNotFoundException"):
		return user{}, err
	case err != nil, u.Sub != found.Sub, u.Status != forcePassword, u.Disabled:
		return user{}, errSession
	}
	return u, nil
}

func (u user) challengeParameters() map[string]string {
	shown := map[string]string{}
	for name, value := range u.Attributes {
		shown[name] = value
	}
	attributes, err := json.Marshal(shown)
	if err != nil {
		panic(err) // strings cannot fail
	}
	return map[string]string{
		"USER_ID_FOR_SRP": u.Username, "requiredAttributes": "[]", "userAttributes": string(attributes),
	}
}

type respondInput struct {
	ClientID           string `json:"ClientId"`
	ChallengeName      string
	ChallengeResponses map[string]string
	Session            string
	ClientMetadata     map[string]string
	AnalyticsMetadata  json.RawMessage
	UserContextData    json.RawMessage
}

const attributeResponse = "userAttributes."

func (s *Service) respondToAuthChallenge(ctx context.Context, in *respondInput) (*authOutput, error) {
	c, p, err := s.findClientPool(in.ClientID)
	if err != nil {
		return nil, err
	}
	name, password := in.ChallengeResponses["USERNAME"], in.ChallengeResponses["NEW_PASSWORD"]
	switch {
	case in.ChallengeName == "":
		return nil, invalid("Missing required parameter ChallengeName")
	case in.ChallengeName != newPasswordRequired:
		return nil, wire.NotImplemented("The challenge " + in.ChallengeName)
	case in.Session == "":
		return nil, invalid("Missing required parameter Session")
	case name == "":
		return nil, invalid("Missing required parameter USERNAME")
	case password == "":
		return nil, invalid("Missing required parameter NEW_PASSWORD")
	}
	if err := c.checkSecretHash(name, in.ChallengeResponses["SECRET_HASH"]); err != nil {
		return nil, err
	}
	attributes, err := respondedAttributes(in.ChallengeResponses)
	if err != nil {
		return nil, err
	}
	u, err := s.chooseNewPassword(ctx, p, c, in.Session, name, password, attributes)
	if err != nil {
		return nil, err
	}
	issued, err := s.issue(p, c, s.newGrant(c, u, []string{userAdminScope}), "")
	if err != nil {
		return nil, err
	}
	return issued.output(), nil
}

// respondedAttributes accepts attributes beside the new password, except email.
func respondedAttributes(responses map[string]string) (map[string]string, error) {
	var given []attribute
	for name, value := range responses {
		if name, ok := strings.CutPrefix(name, attributeResponse); ok {
			given = append(given, attribute{name, value})
		}
	}
	attributes, err := readAttributes(given, false)
	if _, has := attributes["email"]; has {
		return nil, notAuthorized("Cannot modify an already provided email")
	}
	return attributes, err
}
